"""SCIM 2.0: what directories provision, and their tokens."""

"""SCIM 2.0: below /scim/v2."""

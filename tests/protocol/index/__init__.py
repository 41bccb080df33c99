"""The sparse index."""

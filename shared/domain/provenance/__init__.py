"""Provenance: what the registry vouches for about a release, and how that is signed."""

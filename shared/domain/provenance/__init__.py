"""Provenance: who vouches for where a release was built, and how that is signed."""

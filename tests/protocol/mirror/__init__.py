"""Mirroring of an upstream registry, over HTTP."""

"""Snapshots of a registry, and restoring it from them."""

"""Attacks that happened to registries, each a test here; docs/reference/security.md lists them."""

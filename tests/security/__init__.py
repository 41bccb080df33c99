"""Attacks that happened to registries, each a test here; docs/security.md lists them."""

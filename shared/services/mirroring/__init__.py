"""Mirroring of an upstream registry: its packages behind the same address as ours."""

"""The registry's own API, /api/v1."""

"""The registry's own JSON API: below /api/v1."""

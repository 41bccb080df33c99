"""The sparse index: below /index."""

"""Signing in, sessions and access tokens of identity providers."""

"""Provenance of releases: statements of the registry, Sigstore bundles, and their trusted roots."""

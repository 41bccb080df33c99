"""Trusted roots of Sigstore, by which its bundles are verified."""

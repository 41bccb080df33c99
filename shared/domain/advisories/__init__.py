"""Advisories: the model, its form as OSV, and which versions they affect."""

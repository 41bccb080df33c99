"""Advisories: writing, importing and matching them."""

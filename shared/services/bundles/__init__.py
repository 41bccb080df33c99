"""Bundles: releases in one signed file, for registries that no network reaches."""

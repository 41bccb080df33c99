"""Trusted publishing: jobs of CI systems that publish without a stored secret."""

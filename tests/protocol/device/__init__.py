"""Device login."""

"""Real clients against a registry that is served on a port of its own."""

"""Organizations, their members, names and domains."""

"""Organizations, their members and names."""

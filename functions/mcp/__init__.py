"""The Model Context Protocol, by which agents read the registry."""

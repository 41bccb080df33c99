"""Pages of a real registry in a real Chromium."""

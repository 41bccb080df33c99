"""How releases are published, and withheld."""

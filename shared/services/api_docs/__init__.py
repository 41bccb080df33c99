"""The documentation of sources: how it is made, stored and read."""

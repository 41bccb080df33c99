"""Which software this is."""

VERSION = "0.1.0"  # As pyproject.toml has it, which is not there where the registry runs.

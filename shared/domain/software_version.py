"""The version of this software."""

SOFTWARE_VERSION = "0.3.0"  # As in pyproject.toml, which is not deployed.

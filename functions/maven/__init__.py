"""The Maven repository: below /2.0/maven."""

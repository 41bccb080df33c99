"""The pages of a package and of its releases."""

"""The one line that stands for a package."""

"""The Maven face."""

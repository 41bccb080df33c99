"""The ports kept, once for each world."""

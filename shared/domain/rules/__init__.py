"""Rules about what is published: a pure module for each, which says what it finds."""

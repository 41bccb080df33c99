"""The search index: words and texts of one row per package, in an SQLite file of its own."""

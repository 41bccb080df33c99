"""The search index: words and texts of one row per package, in an SQLite file of its own.

In the cloud it is built once, and every instance searches its own copy (`cloud_index.py`).
"""

"""Declarations for documents and evidence: the data about people, how long everything is kept, and
all connections. They name tables, containers, files and logs of the adapters.
"""

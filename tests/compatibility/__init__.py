"""Stores that an earlier commit wrote, read by the code of today."""

"""Verification of a log by strangers; what writes the log uses nothing of it."""

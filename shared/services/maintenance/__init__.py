"""Maintenance tasks: a module for each, named after it; `tasks.py` says what a task is."""

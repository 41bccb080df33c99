"""Maintenance tasks: a module for each, named as its task, and the list of all."""

"""Metrics of the registry, recorded by functions of `shared/log.py`."""

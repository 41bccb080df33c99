"""The tests, one folder a suite; `tests/run.py` runs them all."""

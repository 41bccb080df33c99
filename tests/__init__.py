"""The tests, one folder a suite; `python -m tests.run` runs them all."""

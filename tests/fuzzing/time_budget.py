"""How long the suite `fuzzing` takes, and which part of that each of its tests gets.

MINUTES is the budget of the whole suite, whose tests run one after the other.
"""

import os

DEFAULT_MINUTES = 40.0  # With all that is not fuzzing less than `DEADLINE_OF_ALL` of tests/run.py.
SUITE_SECONDS = 60 * float(os.environ.get("MINUTES", DEFAULT_MINUTES))
PARSERS_SECONDS = 0.6 * SUITE_SECONDS  # Divided over all parsers.
SOURCES_SECONDS = 0.2 * SUITE_SECONDS
REQUESTS_SECONDS = 0.2 * SUITE_SECONDS

"""The runner of the suites: what fits into a night, and what a part runs."""

from tests.fuzzing.time_budget import DEFAULT_MINUTES
from tests.run import DEADLINE_OF_ALL


def test_the_fuzzing_ends_before_the_deadline_of_a_suite() -> None:
    assert 60 * DEFAULT_MINUTES < DEADLINE_OF_ALL / 2

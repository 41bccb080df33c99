"""Samples of tables of tests keep every value of each feature, and mark the other rows."""

from itertools import product

from _pytest.mark import ParameterSet

from tests.run import QUICK
from tests.sampling import with_repeats

ROWS = [*product(("central", "api"), ("conflict", "not found", "too many"), range(20))]


def test_a_table_keeps_all_rows_and_marks_those_that_add_no_feature() -> None:
    table = with_repeats(ROWS, lambda row: row[:2])
    repeated = [each.values for each in table if isinstance(each, ParameterSet)]
    sample = [each for each in table if not isinstance(each, ParameterSet)]
    assert {*repeated, *sample} == set(ROWS)
    assert sorted(each[:2] for each in sample) == sorted({each[:2] for each in ROWS})


def test_make_test_runs_no_row_that_is_marked() -> None:
    _, row = with_repeats(("one", "two"), lambda _: "same")
    [mark] = row.marks
    assert f"not {mark.name}" in QUICK[1]

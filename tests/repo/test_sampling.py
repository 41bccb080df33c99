"""Samples of tables of tests keep every value of each feature, and mark the other rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from _pytest.mark import ParameterSet

from tests.run import QUICK
from tests.sampling import MARKS_LEFT_OUT, not_in_sample, with_repeats

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


@dataclass(frozen=True)
class Collected:
    """A test as pytest has collected it."""

    nodeid: str
    marks: Sequence[str] = ()

    def get_closest_marker(self, name: str) -> str | None:
        return next((mark for mark in self.marks if mark == name), None)


def left_out(items: Sequence[Any], most: int) -> set[str]:
    return {item.nodeid for item in not_in_sample(items, most)}


def test_rows_that_make_test_does_not_run_take_no_place_of_a_row_that_it_runs() -> None:
    rows = [Collected(f"test_x.py::test_a[{number}]") for number in range(3)]
    marked = [
        Collected(f"test_x.py::test_a[{mark} {number}]", (mark,))
        for mark in MARKS_LEFT_OUT
        for number in range(20)
    ]
    assert left_out([*rows, *marked], 3) == set()
    assert len(left_out([*rows, *marked], 2)) == 1


def test_a_table_of_rules_of_their_own_is_left_whole() -> None:
    rows = [Collected(f"test_x.py::test_a[{number}]", ("each_row",)) for number in range(9)]
    assert left_out(rows, 2) == set()


def test_other_tables_do_not_count() -> None:
    rows = [Collected(f"test_x.py::test_{name}[{number}]") for name in "ab" for number in range(2)]
    assert left_out(rows, 2) == set()

"""Samples of large tables of tests: every value of each feature at least once, the same every time.

`BALLROOM_TEST_TABLES=full` gives whole tables; `make test-all TABLES=1` sets it. Of a table by
`with_repeats` all rows are there, and `make test` runs the sample.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from functools import cache
from typing import Any, TypeVar
from zlib import crc32

import pytest
from hypothesis import settings

Row = TypeVar("Row", bound=Hashable)
Key = TypeVar("Key", bound=Hashable)
Features = tuple[Callable[[str, Row], Hashable], ...]

TABLES = "BALLROOM_TEST_TABLES"  # "full" for whole tables.
FULL = os.environ.get(TABLES) == "full"
ROWS = "BALLROOM_TEST_ROWS"  # How many rows of a table are run, of suites whose rows take long.
MARKS_LEFT_OUT = ("nightly", "slow", "repeated")  # Marks of tests that `make test` leaves out.

FEW_EXAMPLES = 10  # Of each property, in `make test` and on other Pythons.


def examples(usual: int, full: int) -> int:
    """Return how many examples a property tries that needs another number than most; `full` is for
    `make test-all TABLES=1`. `make test` tries as few of it as of all others."""
    if settings().max_examples == FEW_EXAMPLES:
        return FEW_EXAMPLES
    return full if FULL else usual


def covering(
    rows: Iterable[Row], *features: Callable[[Row], Hashable], seed: str = "", full: bool = FULL
) -> list[Row]:
    """Return rows, in their order, that have every value of each feature which any row has.

    Where several rows would do, the seed decides, so tables of other seeds try other ones.
    """
    table = list(rows)
    if full or not table:
        return table
    values = [{(at, feature(row)) for at, feature in enumerate(features)} for row in table]
    start = crc32(seed.encode()) % len(table)
    order = [*range(start, len(table)), *range(start)]
    chosen = set(greedy_cover({at: values[at] for at in order}))
    return [row for at, row in enumerate(table) if at in chosen]


def greedy_cover(sets: Mapping[Key, Set[Hashable]]) -> list[Key]:
    """Return a few keys whose sets have every value of all: each time the first of those whose set
    has the most values that are missing."""
    wanted = set[Hashable]().union(*sets.values())
    chosen = list[Key]()
    while wanted:
        chosen.append(max(sets, key=lambda key: len(sets[key] & wanted)))
        wanted -= sets[chosen[-1]]
    return chosen


def with_repeats(
    rows: Iterable[Row], *features: Callable[[Row], Hashable], seed: str = ""
) -> list[Any]:
    """Return the rows as parameters of a test. Those that `covering` leaves out are marked as
    `repeated`: the same code decides about them as about a row of the sample."""
    table = list(rows)
    sample = set(covering(table, *features, seed=seed, full=False))
    return [row if row in sample else _repeated(row) for row in table]


def _repeated(row: object) -> Any:
    values = row if isinstance(row, tuple) else (row,)
    return pytest.param(*values, marks=pytest.mark.repeated)


def not_in_sample(items: Iterable[pytest.Item], most: int) -> set[pytest.Item]:
    """Return the rows of tables after the first few, in an order that is the same every time.

    Rows with a mark that `make test` leaves out take no place of another row.
    """
    tables = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        if all(item.get_closest_marker(mark) is None for mark in ("each_row", *MARKS_LEFT_OUT)):
            tables[item.nodeid.partition("[")[0]].append(item)
    return {item for rows in tables.values() for item in sorted(rows, key=_order)[most:]}


def _order(item: pytest.Item) -> int:
    return crc32(item.nodeid.encode())


def covering_part(
    name: str, tables: Mapping[str, Iterable[Row]], features: Features[Row]
) -> list[Row]:
    """Return the rows of one table in a sample of all tables, which is taken as of one.

    A feature takes the name of the table and the row. `features` is a constant, so that the sample
    is taken once for all names.
    """
    table = tuple((each, row) for each, rows in tables.items() for row in rows)
    return [row for each, row in _sample(table, features) if each == name]


@cache
def _sample(
    table: tuple[tuple[str, Any], ...], features: tuple[Callable[[str, Any], Hashable], ...]
) -> list[tuple[str, Any]]:
    return covering(table, *(lambda row, feature=each: feature(*row) for each in features))

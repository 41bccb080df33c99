"""Samples of large tables of tests: every value of each feature at least once, the same every time.

`BALLROOM_TEST_TABLES=full` gives whole tables; `make test-all` sets it.
"""

import os
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar
from zlib import crc32

Row = TypeVar("Row")

FULL = os.environ.get("BALLROOM_TEST_TABLES") == "full"


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
    wanted, chosen = set[tuple[int, Hashable]]().union(*values), set[int]()
    start = crc32(seed.encode()) % len(table)
    order = [*range(start, len(table)), *range(start)]
    while wanted:
        best = max(order, key=lambda at: len(values[at] & wanted))
        chosen.add(best)
        wanted -= values[best]
    return [row for at, row in enumerate(table) if at in chosen]

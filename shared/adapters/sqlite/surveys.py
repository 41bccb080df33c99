"""Packages with all their entries, kept decoded and brought up to date row by row."""

import asyncio
import sqlite3
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pydantic import TypeAdapter

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.records import read_head
from shared.domain.package import Entry, Head, Survey
from shared.domain.version import Precedence

CACHED_ENTRIES = 20_000  # 3 to 7 KB each; the whole public index has about 7,000.
PACKAGES_ON_THE_LOOP = 100  # Reading their heads takes half a millisecond.
ROWS_ON_THE_LOOP = 32  # Decoding them takes half a millisecond.
ROWS_AT_ONCE = 100  # Nothing else runs while they are decoded, not even on another thread.

_ENTRIES = TypeAdapter(list[Entry])  # One call for a whole list is faster than one for each.


@dataclass(frozen=True, slots=True)
class _Known:
    """A survey, and the stamp of its newest entry."""

    stamp: int
    survey: Survey


_Recalled = dict[str, tuple[_Known, int]]  # With the stamp that the package has now.


class Surveys:
    """The surveys of one process; what others write is seen by the next call."""

    def __init__(self, database: Database, capacity: int = CACHED_ENTRIES) -> None:
        """Keep `capacity` entries at most, of the packages that were asked for last."""
        self._database = database
        self._capacity = capacity
        self._count = 0
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._turn = asyncio.Lock()

    async def read(self, keys: Sequence[str]) -> list[Survey | None]:
        """Return the survey of each package by its key; None where it does not exist."""
        heads = await self._heads(set(keys))
        fresh = await self._caught_up(heads)
        return [fresh[key].survey if key in fresh else None for key in keys]

    async def _heads(self, keys: set[str]) -> dict[str, tuple[Head, int]]:
        work = partial(_read_heads, keys)
        if len(keys) <= PACKAGES_ON_THE_LOOP:
            return self._database.read(work)
        return await self._database.scan(work)

    async def _caught_up(self, heads: dict[str, tuple[Head, int]]) -> dict[str, _Known]:
        recalled = self._recall(heads)
        missing = sum(max(0, stamp - known.stamp) for known, stamp in recalled.values())
        if missing <= ROWS_ON_THE_LOOP:
            return self._keep(self._database.read(partial(_catch_up, recalled)))
        async with self._turn:  # What many wait for is read once; the rest find it in memory.
            work = partial(_catch_up, self._recall(heads))
            return self._keep(await self._database.scan(work))

    def _recall(self, heads: dict[str, tuple[Head, int]]) -> _Recalled:
        return {key: (self._remembered(key, head), stamp) for key, (head, stamp) in heads.items()}

    def _remembered(self, key: str, head: Head) -> _Known:
        known = self._known.get(key)
        if known is None:
            return _Known(0, Survey(head, ()))
        if known.survey.head is head:
            return known
        return replace(known, survey=replace(known.survey, head=head))

    def _keep(self, fresh: dict[str, _Known]) -> dict[str, _Known]:
        for key, known in fresh.items():
            before = self._known.pop(key, None)
            self._count -= len(before.survey.entries) if before else 0
            self._known[key] = known
            self._count += len(known.survey.entries)
        while self._count > self._capacity and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            self._count -= len(oldest.survey.entries)
        return fresh


def _read_heads(keys: set[str], connection: sqlite3.Connection) -> dict[str, tuple[Head, int]]:
    statement = "SELECT body, stamp FROM heads WHERE pk = ?"
    rows = ((key, connection.execute(statement, (key,)).fetchone()) for key in keys)
    return {key: (read_head(row[0]), row[1]) for key, row in rows if row is not None}


def _catch_up(recalled: _Recalled, connection: sqlite3.Connection) -> dict[str, _Known]:
    return {
        key: known if known.stamp >= stamp else _with_changes(key, known, connection)
        for key, (known, stamp) in recalled.items()
    }


def _with_changes(key: str, known: _Known, connection: sqlite3.Connection) -> _Known:
    rows = connection.execute(
        "SELECT stamp, body FROM entries WHERE pk = ? AND stamp > ? ORDER BY stamp",
        (key, known.stamp),
    ).fetchall()
    # The rows may be newer than the stamp that was asked for: others write between two reads.
    stamp = rows[-1][0] if rows else known.stamp
    entries = _merged(known.survey.entries, list(_decoded([body for _, body in rows])))
    return _Known(stamp, Survey(known.survey.head, entries))


def _decoded(bodies: list[str]) -> Iterator[Entry]:
    for start in range(0, len(bodies), ROWS_AT_ONCE):
        yield from _ENTRIES.validate_json(f"[{','.join(bodies[start : start + ROWS_AT_ONCE])}]")


def _merged(entries: tuple[Entry, ...], changed: list[Entry]) -> tuple[Entry, ...]:
    """Return the entries, newest version first, with those that changed put in or exchanged."""
    if len(changed) > ROWS_ON_THE_LOOP:
        both = {each.version: each for each in (*entries, *changed)}
        return tuple(sorted(both.values(), key=_precedence, reverse=True))
    rising = list(reversed(entries))
    for each in changed:
        place = bisect_left(rising, _precedence(each), key=_precedence)
        exchanged = place < len(rising) and rising[place].version == each.version
        rising[place : place + exchanged] = [each]
    return tuple(reversed(rising))


def _precedence(entry: Entry) -> Precedence:
    return entry.parsed.precedence

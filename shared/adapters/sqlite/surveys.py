"""Packages with all their entries, kept decoded and brought up to date row by row."""

import sqlite3
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pydantic import TypeAdapter

from shared.adapters.sqlite.database import Database, T, Work
from shared.adapters.sqlite.records import read_head
from shared.domain.package import Entry, Head, Survey
from shared.domain.version import Precedence

CACHED_ENTRIES = 20_000  # 3 to 7 KB each; the whole public index has about 7,000.
ROWS_ON_THE_LOOP = 32  # Decoding them takes half a millisecond.
PACKAGES_ON_THE_LOOP = 100  # Reading their heads takes half a millisecond.

_ENTRIES = TypeAdapter(list[Entry])  # One call for a whole list decodes faster than one for each.


@dataclass(frozen=True, slots=True)
class _Known:
    """A survey and the stamp of the newest entry in it."""

    stamp: int
    survey: Survey


class Surveys:
    """The surveys of one process; what others write is seen by the next call."""

    def __init__(self, database: Database, capacity: int = CACHED_ENTRIES) -> None:
        """Keep `capacity` entries at most, of the packages that were asked for last."""
        self._database = database
        self._capacity = capacity
        self._count = 0
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def read(self, keys: Sequence[str]) -> list[Survey | None]:
        """Return the survey of each package by its key; None where it does not exist."""
        size = len(keys) * ROWS_ON_THE_LOOP // PACKAGES_ON_THE_LOOP
        heads = await self._run(size, partial(_read_heads, set(keys)))
        fresh = {key: self._remembered(key, head) for key, (head, _) in heads.items()}
        behind = {key: fresh[key] for key, (_, stamp) in heads.items() if stamp > fresh[key].stamp}
        if behind:
            rows = sum(heads[key][1] - known.stamp for key, known in behind.items())
            fresh |= await self._run(rows, partial(_catch_up, behind))
        for key, known in fresh.items():
            self._keep(key, known)
        return [fresh[key].survey if key in fresh else None for key in keys]

    async def _run(self, rows: int, work: Work[T]) -> T:
        if rows <= ROWS_ON_THE_LOOP:
            return self._database.read(work)
        return await self._database.scan(work)

    def _remembered(self, key: str, head: Head) -> _Known:
        known = self._known.get(key)
        if known is None:
            return _Known(0, Survey(head, ()))
        if known.survey.head is head:
            return known
        return replace(known, survey=replace(known.survey, head=head))

    def _keep(self, key: str, known: _Known) -> None:
        before = self._known.pop(key, None)
        if before is not None:
            self._count -= len(before.survey.entries)
        self._known[key] = known
        self._count += len(known.survey.entries)
        while self._count > self._capacity and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            self._count -= len(oldest.survey.entries)


def _read_heads(keys: Iterable[str], connection: sqlite3.Connection) -> dict[str, tuple[Head, int]]:
    statement = "SELECT body, stamp FROM heads WHERE pk = ?"
    rows = ((key, connection.execute(statement, (key,)).fetchone()) for key in keys)
    return {key: (read_head(row[0]), row[1]) for key, row in rows if row is not None}


def _catch_up(behind: dict[str, _Known], connection: sqlite3.Connection) -> dict[str, _Known]:
    statement = "SELECT stamp, body FROM entries WHERE pk = ? AND stamp > ? ORDER BY stamp"
    return {
        key: _merged(known, connection.execute(statement, (key, known.stamp)).fetchall())
        for key, known in behind.items()
    }


def _merged(known: _Known, rows: list[tuple[int, str]]) -> _Known:
    changed = _ENTRIES.validate_json(f"[{','.join(body for _, body in rows)}]")
    # Entries may be newer than the head's row: another process wrote between the two reads.
    stamp = max(known.stamp, rows[-1][0]) if rows else known.stamp
    entries = _with(known.survey.entries, changed)
    return _Known(stamp, Survey(known.survey.head, entries))


def _with(entries: tuple[Entry, ...], changed: list[Entry]) -> tuple[Entry, ...]:
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

"""The surveys of packages in SQLite, which a process keeps decoded."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import partial

import orjson
from msgspec import Struct
from pydantic import TypeAdapter

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.package_records import read_head_or_none
from shared.domain.coordinates import Package
from shared.domain.packages import Head, ReleaseEntry, Survey
from shared.ports.metadata import ReadCheck
from shared.runtime.decoded_records import SURVEYS_CACHED_BYTES, merge_entries, share_field_names
from shared.runtime.lru_cache import LruCache

PACKAGES_ON_THE_LOOP = 100  # Reading their heads takes half a millisecond.
# Rows that are decoded at once, during which nothing else runs, not even on another thread. Up to
# this number the loop decodes them.
ROWS_PER_STEP = 100

_ENTRIES = TypeAdapter(list[ReleaseEntry])  # One call for a whole list is faster than one for each.


class _KnownEntries(Struct, frozen=True):
    """The entries of a package, the stamp of the newest of them, and the memory that they take."""

    stamp: int = 0
    entries: tuple[ReleaseEntry, ...] = ()
    memory_bytes: int = 0


_Known = dict[str, _KnownEntries]  # By the keys of packages.
_NO_ENTRIES = _KnownEntries()


class SqliteSurveys:
    """The surveys of packages, whose entries a process keeps; each call reads what other processes
    changed."""

    def __init__(self, database: Database, capacity_bytes: int = SURVEYS_CACHED_BYTES) -> None:
        self._database = database
        self._cache = LruCache[str, _KnownEntries](
            capacity_bytes, weigh=lambda _, known: known.memory_bytes
        )
        self._lock = asyncio.Lock()

    async def read(
        self, packages: Sequence[Package], check: ReadCheck | None = None
    ) -> list[Survey | None]:
        """Return the survey of each package; None where it does not exist."""
        asked = {package.key: package for package in packages}
        few = len(asked) <= PACKAGES_ON_THE_LOOP
        work = partial(_read_heads, list(asked))
        heads = self._database.read(work) if few else await self._database.scan(work)
        readable: Collection[str] = asked
        if check is not None:
            readable = await check([(each, heads[key][0]) for key, each in asked.items()])
        stamps = {key: stamp for key, (_, stamp) in heads.items() if key in readable}
        known = await self._entries(stamps)
        surveys = [
            Survey(head, known[key].entries) if head and key in known else None
            for key, (head, _) in heads.items()
        ]
        if len(asked) == len(packages):
            return surveys
        by_key = dict(zip(asked, surveys, strict=True))
        return [by_key[package.key] for package in packages]

    async def _entries(self, stamps: dict[str, int]) -> _Known:
        """Return the entries of packages that have these stamps now."""
        known = {key: self._cache.get(key) or _NO_ENTRIES for key in stamps}
        behind = {key: each for key, each in known.items() if each.stamp < stamps[key]}
        missing = sum(stamps[key] - each.stamp for key, each in behind.items())
        if missing <= ROWS_PER_STEP:
            return known | self._keep(self._database.read(partial(_catch_up, behind)))
        async with self._lock:  # The first of several callers reads; the others find that.
            behind = {key: self._cache.get(key) or _NO_ENTRIES for key in behind}
            fresh = await self._database.scan(partial(_catch_up, behind))
            return known | behind | self._keep(fresh)

    def _keep(self, fresh: _Known) -> _Known:
        for key, known in fresh.items():
            self._cache.put(key, known)
        return fresh


# One statement for several packages takes a third of the time that one for each takes, since each
# locks the file. For a single package it takes twice as long.
_HEAD = "SELECT pk, body, stamp FROM heads WHERE pk = ?"

_HEADS = "SELECT pk, body, stamp FROM heads WHERE pk IN (SELECT value FROM json_each(?))"

_CHANGED = "SELECT pk, stamp, body FROM entries WHERE pk = ? AND stamp > ?"

_CHANGED_OF_SEVERAL = (
    "SELECT pk, stamp, body FROM json_each(?) AS known"
    " CROSS JOIN entries ON pk = known.key AND stamp > known.value"
)


def _read_heads(
    keys: Sequence[str], connection: sqlite3.Connection
) -> dict[str, tuple[Head | None, int]]:
    """Return the head of each package with its stamp, in the order of the keys; None where it does
    not exist."""
    if len(keys) == 1:
        rows = connection.execute(_HEAD, keys)
    else:
        rows = connection.execute(_HEADS, (orjson.dumps(keys).decode(),))
    stored: dict[str, tuple[str | None, int]] = {pk: (body, stamp) for pk, body, stamp in rows}
    found = [stored.get(key, _NO_HEAD) for key in keys]
    return {
        key: (read_head_or_none(text), stamp)
        for key, (text, stamp) in zip(keys, found, strict=True)
    }


_NO_HEAD = (None, 0)


def _catch_up(behind: _Known, connection: sqlite3.Connection) -> _Known:
    """Return the entries of the packages of which some changed since their stamp."""
    if not behind:
        return {}
    since = {key: known.stamp for key, known in behind.items()}
    if len(since) == 1:
        rows = connection.execute(_CHANGED, *since.items()).fetchall()
    else:
        rows = connection.execute(_CHANGED_OF_SEVERAL, (orjson.dumps(since).decode(),)).fetchall()
    changed: defaultdict[str, list[ReleaseEntry]] = defaultdict(list)
    stamps: dict[str, int] = {}
    for (pk, stamp, _), entry in zip(rows, _decoded([row[2] for row in rows]), strict=True):
        changed[pk].append(entry)
        # The rows may be newer than the stamp that was asked for: others write between two reads.
        stamps[pk] = max(stamp, stamps.get(pk, 0))
    return {key: _with_changes(behind[key], stamps[key], each) for key, each in changed.items()}


def _with_changes(
    known: _KnownEntries, stamp: int, changed: Sequence[ReleaseEntry]
) -> _KnownEntries:
    entries, more_bytes = merge_entries(known.entries, changed)
    return _KnownEntries(stamp, entries, known.memory_bytes + more_bytes)


def _decoded(bodies: list[str]) -> Iterator[ReleaseEntry]:
    for start in range(0, len(bodies), ROWS_PER_STEP):
        step = ",".join(bodies[start : start + ROWS_PER_STEP])
        yield from map(share_field_names, _ENTRIES.validate_json(f"[{step}]"))

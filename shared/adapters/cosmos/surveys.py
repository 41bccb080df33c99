"""Packages with all their entries, kept decoded; a call reads what changed since the last one."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from shared.adapters.cosmos.connecting import Container, Item
from shared.adapters.cosmos.records import HEAD, read
from shared.domain.package import Entry, Head, Survey
from shared.domain.version import Precedence

CACHED_ENTRIES = 20_000  # 3 to 7 KB each.
OVERLAP_SECONDS = 5  # The service dates items by whole seconds, on more than one machine.


@dataclass(frozen=True, slots=True)
class _Known:
    """The entries of a package by version, and the second of the newest change among them."""

    changed: int
    entries: dict[str, Entry]


class Surveys:
    """The surveys of one process; what others write is seen by the next call."""

    def __init__(self, container: Container, capacity: int = CACHED_ENTRIES) -> None:
        """Keep `capacity` entries at most, of the packages that were asked for last."""
        self._container = container
        self._capacity = capacity
        self._count = 0
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def read(self, keys: Sequence[str]) -> list[Survey | None]:
        """Return the survey of each package by its key; None where it does not exist."""
        found = await asyncio.gather(*(self._read(key) for key in dict.fromkeys(keys)))
        surveys = dict(zip(dict.fromkeys(keys), found, strict=True))
        return [surveys[key] for key in keys]

    async def _read(self, key: str) -> Survey | None:
        known = self._known.get(key) or _Known(0, {})
        head, changed = await asyncio.gather(
            self._container.read(key, HEAD), self._changed(key, known)
        )
        if head is None:
            return None
        entries = self._keep(key, known, changed).entries
        newest_first = sorted(entries.values(), key=_precedence, reverse=True)
        return Survey(read(Head, head), tuple(newest_first))

    async def _changed(self, key: str, known: _Known) -> list[Item]:
        return await self._container.query(
            "SELECT * FROM c WHERE c.kind = 'entry' AND c._ts >= @since",
            key,
            since=known.changed - OVERLAP_SECONDS,
        )

    def _keep(self, key: str, known: _Known, changed: list[Item]) -> _Known:
        newer = {item["body"]["version"]: Entry.model_validate(item["body"]) for item in changed}
        entries = {**known.entries, **_that_are_newer(known.entries, newer)}
        fresh = _Known(max([known.changed, *(item["_ts"] for item in changed)]), entries)
        before = self._known.pop(key, None)
        self._count += len(entries) - (len(before.entries) if before else 0)
        self._known[key] = fresh
        while self._count > self._capacity and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            self._count -= len(oldest.entries)
        return fresh


def _that_are_newer(known: dict[str, Entry], found: dict[str, Entry]) -> dict[str, Entry]:
    return {
        version: entry
        for version, entry in found.items()
        if version not in known or entry.revision >= known[version].revision
    }


def _precedence(entry: Entry) -> Precedence:
    return entry.parsed.precedence

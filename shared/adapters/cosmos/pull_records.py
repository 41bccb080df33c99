"""The record of pulls in Cosmos DB: an item for what a process recorded of one organization.

An organization has a partition for each month. One item has all pulls of a batch, so a build that
pulls a hundred packages takes one write; a search reads four partitions at most, and of these
only the items that name what it looks for. Items end by themselves.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from msgspec import Struct

from shared.adapters.cosmos.client import CosmosDatabase, Item
from shared.adapters.cosmos.pull_ledger import packed, unpacked
from shared.domain.pull_records import (
    KEPT_FOR,
    PULL_WINDOW,
    FoundPulls,
    PullQuery,
    PullRecordBatch,
    RecordedPull,
    number_in_cursor,
)
from shared.domain.times import MS
from shared.ports.conflicts import Stale
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale

RECORD = "pull-record"
PULLS_AN_ITEM = 500  # With the longest names they take some 100 KB.
WRITES_AT_ONCE = 8
ITEMS_AT_ONCE = 20
MAX_ITEMS_READ = 200  # For one call; what is further back is for the next page.

_ITEMS = (
    "SELECT c.id, c.content FROM c WHERE c.id <= @before AND c.id >= @since"
    " ORDER BY c.id DESC OFFSET 0 LIMIT @count"
)
_ITEMS_NAMING = (
    "SELECT c.id, c.content FROM c WHERE c.id <= @before AND c.id >= @since"
    " AND ARRAY_CONTAINS(c.terms, @term) ORDER BY c.id DESC OFFSET 0 LIMIT @count"
)
_NAMING = "SELECT c.content FROM c WHERE ARRAY_CONTAINS(c.terms, @term)"
_KEYS_NAMING = "SELECT c.id, c.pk FROM c WHERE ARRAY_CONTAINS(c.terms, @term)"

_LAST = "~"  # Above every character of an id.
_WHOLE = 2**31  # More pulls than an item has.


class CosmosPullRecords:
    """The PullRecordStore of a registry in the cloud."""

    def __init__(self, cosmos: CosmosDatabase, clock: Clock) -> None:
        self._container = cosmos.container("stats")
        self._clock = clock

    async def record(self, batch: PullRecordBatch) -> None:
        items = [self._item(*each) for each in _parts(batch)]
        for start in range(0, len(items), WRITES_AT_ONCE):
            some = items[start : start + WRITES_AT_ONCE]
            await asyncio.gather(*map(self._container.put, some))

    async def find(self, query: PullQuery) -> FoundPulls:
        found = list[RecordedPull]()
        position = _Position.parse(query.before)
        budget = MAX_ITEMS_READ
        async for item in self._items(query, position):
            skipped = position.skipped if item["id"] == position.id else 0
            for place, pull in enumerate(_pulls(item)):
                if place < skipped or not query.matches(pull):
                    continue
                if len(found) == query.count:
                    return FoundPulls(tuple(found), f"{item['id']}.{place}")
                found.append(pull)
            budget -= 1
            if not budget:
                return FoundPulls(tuple(found), f"{item['id']}.{_WHOLE}")
        return FoundPulls(tuple(found))

    async def of_principal(self, principal: str, count: int) -> list[RecordedPull]:
        found = list[RecordedPull]()
        async for items in self._container.pages(_NAMING, term=_who(principal)):
            pulls = (each for item in items for each in _pulls(item))
            found += [each for each in pulls if each.principal == principal]
            if len(found) >= count:
                break
        return found[:count]

    async def forget_principal(self, principal: str) -> int:
        items = await self._container.query_all(_KEYS_NAMING, term=_who(principal))
        forget = partial(self._forget, principal)
        return sum([await forget(each["pk"], each["id"]) for each in items])

    async def remove_before(self, before_ms: int, count: int) -> int:  # noqa: ARG002 - items end.
        return 0

    async def _items(self, query: PullQuery, position: "_Position") -> AsyncIterator[Item]:
        """Yield the items that may have pulls of the query, newest first."""
        term = _term(query)
        newest = position.id
        if query.until_ms is not None:  # An item has the time of its last pull.
            newest = min(newest, f"{query.until_ms + PULL_WINDOW // MS:015}")
        of_term: dict[str, Any] = {"term": term} if term else {}
        for month in self._months(query, position):
            before = newest
            while True:
                found = await self._container.query(
                    _ITEMS_NAMING if term else _ITEMS,
                    _partition(query.org, month),
                    before=before,
                    since=f"{query.since_ms:015}",
                    count=ITEMS_AT_ONCE,
                    **of_term,
                )
                for item in found:
                    if item["id"] != before or before == newest:
                        yield item
                if len(found) < ITEMS_AT_ONCE:
                    break
                before = found[-1]["id"]

    def _months(self, query: PullQuery, position: "_Position") -> Iterator[str]:
        """Yield the months of a query, newest first."""
        now_ms = self._clock.now_ms()
        oldest_ms = max(query.since_ms, now_ms - KEPT_FOR // MS)
        # Clocks of instances differ.
        latest_ms = min(now_ms, query.until_ms or now_ms) + PULL_WINDOW // MS
        if position.at_ms is not None:
            latest_ms = min(latest_ms, position.at_ms)
        year, month = _year_and_month(latest_ms)
        while (year, month) >= _year_and_month(oldest_ms):
            yield _label(year, month)
            year, month = (year, month - 1) if month > 1 else (year - 1, 12)

    def _item(self, id_: str, pulls: Sequence[RecordedPull]) -> Item:
        last_ms = pulls[0].at_ms
        left_s = (last_ms + KEPT_FOR // MS - self._clock.now_ms()) // 1_000
        return {
            "id": id_,
            "pk": _partition(pulls[0].org, _label(*_year_and_month(last_ms))),
            "schema": 1,
            "kind": RECORD,
            "terms": sorted({term for each in pulls for term in _terms(each)}),
            "content": packed([_row(each) for each in pulls]),
            "ttl": max(1, left_s),
        }

    @retried_when_stale
    async def _forget(self, principal: str, pk: str, id_: str) -> int:
        item = await self._container.read(pk, id_)
        if item is None:
            return 0
        pulls = _pulls(item)
        left = [each for each in pulls if each.principal != principal]
        if len(left) == len(pulls):
            return 0
        if left:
            rest = self._item(id_, left) | {"pk": pk}
            done = await self._container.replace(rest, item["_etag"])
        else:
            done = await self._container.delete(pk, id_, item["_etag"])
        if not done:
            raise Stale
        return len(pulls) - len(left)


class _Position(Struct, frozen=True):
    """Where a search goes on: after some pulls of an item."""

    id: str = _LAST
    skipped: int = 0
    at_ms: int | None = None

    @classmethod
    def parse(cls, cursor: str) -> "_Position":
        if not cursor:
            return cls()
        id_, _, skipped = cursor.rpartition(".")
        at_ms = number_in_cursor(id_.partition(":")[0], cursor)
        return cls(id_, number_in_cursor(skipped, cursor), at_ms)


def _parts(batch: PullRecordBatch) -> Iterator[tuple[str, list[RecordedPull]]]:
    """Yield the items of a batch: their ids, which are the same when it is recorded again, and
    their pulls, newest first. The pulls of an item are of one organization and window."""
    groups = defaultdict[tuple[str, int], list[RecordedPull]](list)
    for pull in batch.pulls:
        groups[pull.org.lower(), pull.window].append(pull)
    for group in groups.values():
        group.sort(key=lambda pull: pull.at_ms, reverse=True)
        for start in range(0, len(group), PULLS_AN_ITEM):
            pulls = group[start : start + PULLS_AN_ITEM]
            yield f"{pulls[0].at_ms:015}:{batch.process}:{batch.number}:{start}", pulls


def _terms(pull: RecordedPull) -> Iterator[str]:
    """Yield what a search finds the item of a pull by."""
    name = pull.name.lower()
    yield name
    yield f"{name}:{pull.version}"
    yield from (_who(each) for each in (pull.principal, pull.credential, pull.job) if each)


def _who(text: str) -> str:
    return f"@{text}"


def _term(query: PullQuery) -> str:
    """Return what the items of a query name; empty if it asks for all."""
    if query.package:
        name = query.package.lower()
        return f"{name}:{query.version}" if query.version else name
    return _who(query.principal) if query.principal else ""


def _row(pull: RecordedPull) -> list[Any]:
    return [getattr(pull, name) for name in pull.__struct_fields__]


def _pulls(item: Item) -> list[RecordedPull]:
    rows: Iterable[list[Any]] = unpacked(item["content"])
    return [RecordedPull(*row) for row in rows]


def _partition(org: str, month: str) -> str:
    return f"{RECORD}:{org.lower()}:{month}"


def _year_and_month(at_ms: int) -> tuple[int, int]:
    at = datetime.fromtimestamp(at_ms / 1_000, UTC)
    return at.year, at.month


def _label(year: int, month: int) -> str:
    return f"{year}-{month:02}"

"""The event feed in Cosmos DB, divided into months."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from shared.adapters.cosmos.client import (
    BatchWrite,
    CosmosContainer,
    CosmosDatabase,
    Item,
)
from shared.adapters.cosmos.directory import CosmosDirectory
from shared.adapters.cosmos.metadata import CosmosMetadata
from shared.domain.packages import Head, Release
from shared.domain.records import Event, PendingEvents
from shared.ports import Clock, Stale
from shared.retries import back_off, retry_when_stale

# A month of the feed is one partition. Its head has the next number, and one batch changes the head
# and creates events under their ids, so numbers have no gaps and no event is stored twice. Every
# event is copied to the partitions of its logs before its outbox is cleared.

PUBLISH_ATTEMPTS = 30  # Each attempt that fails is another publisher that succeeded.
EVENTS_PER_BATCH = 90  # With the head; a batch has at most 100 steps.


@dataclass(frozen=True)
class _Numbered:
    """An event with its position in the feed."""

    month: str
    number: int
    event: Event


class CosmosEvents:
    """The EventStore of a registry in the cloud."""

    def __init__(
        self,
        cosmos: CosmosDatabase,
        clock: Clock,
        metadata: CosmosMetadata,
        directory: CosmosDirectory,
    ) -> None:
        self._container = cosmos.container("events")
        self._months = EventMonths(self._container, clock)
        self._metadata = metadata
        self._directory = directory
        self._append_lock = asyncio.Lock()

    async def publish(self, source: Head | Release | PendingEvents) -> None:
        if not source.outbox:
            return
        await self.append(source.outbox)
        if isinstance(source, PendingEvents):
            await self._directory.clear(source)
        else:
            await self._metadata.clear(source)

    async def append(self, events: Sequence[Event]) -> None:
        each_once = list({event.id: event for event in events}.values())
        for start in range(0, len(each_once), EVENTS_PER_BATCH):
            async with (
                self._append_lock
            ):  # Otherwise calls of one process would compete for the head.
                batch = each_once[start : start + EVENTS_PER_BATCH]
                numbered = await retry_when_stale(
                    partial(self._append, batch), PUBLISH_ATTEMPTS, back_off
                )
            for each in numbered:
                await self._copy(each)

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        found: list[tuple[int, Event]] = []
        for month in await self._months.after(number):
            items = await self._container.query(
                "SELECT * FROM c WHERE c.number > @after ORDER BY c.number OFFSET 0 LIMIT @count",
                month_partition(month),
                after=number,
                count=count - len(found),
            )
            found += [_event(item) for item in items]
            if len(found) == count:
                break
        return found

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        found: list[tuple[int, Event]] = []
        for month in reversed(await self._months.until(before)):
            items = await self._container.query(
                "SELECT * FROM c WHERE c.number < @before ORDER BY c.number DESC"
                " OFFSET 0 LIMIT @count",
                _log_of(name, month),
                before=before or 2**53,
                count=count - len(found),
            )
            found += [_event(item) for item in items]
            if len(found) == count:
                break
        return found

    async def forget_origins(self, before_ms: int, count: int) -> int:
        items = await self._container.query(
            "SELECT * FROM c WHERE c.origin = true AND c.at_ms < @before AND c.feed = true",
            before=before_ms,
        )
        oldest = sorted(items, key=_number)[:count]
        for item in oldest:
            number, event = _event(item)
            copies = [(_log_of(name, item["month"]), _copy_id(number)) for name in event.streams]
            # The item of the feed last: while it has its origin, a repeat finds the copies again.
            for pk, id_ in (*copies, (item["pk"], item["id"])):
                await _forget(self._container, pk, id_)
        return len(oldest)

    async def _append(self, events: Sequence[Event]) -> list[_Numbered]:
        """Append the events that are not in the feed; raise `Stale` if another writer did."""
        month, head = await self._months.current()
        there = await asyncio.gather(*(self._find(event, month) for event in events))
        new = [event for event, place in zip(events, there, strict=True) if place is None]
        known = [place for place in there if place is not None]
        if not new:
            return known
        numbered = [
            _Numbered(month, head["next"] + place, event) for place, event in enumerate(new)
        ]
        moved = {**head, "next": head["next"] + len(new)}
        steps = [
            BatchWrite(moved, head["_etag"]),
            *(BatchWrite(_item(each)) for each in numbered),
        ]
        if not await self._container.batch(month_partition(month), steps):
            raise Stale
        return [*known, *numbered]

    async def _find(self, event: Event, month: str) -> _Numbered | None:
        # An outbox is cleared right after it is published, so a repeat comes soon or never.
        for each in (month, self._months.before(month)):
            item = await self._container.read(month_partition(each), _id(event)) if each else None
            if item is not None:
                return _Numbered(each, item["number"], event)
        return None

    async def _copy(self, numbered: _Numbered) -> None:
        for name in numbered.event.streams:
            pk = _log_of(name, numbered.month)
            copy = {**_item(numbered), "id": _copy_id(numbered.number), "pk": pk, "feed": False}
            await self._container.create(copy)


def _item(numbered: _Numbered) -> Item:
    event = numbered.event
    return {
        "id": _id(event),
        "pk": month_partition(numbered.month),
        "schema": 1,
        "feed": True,
        "month": numbered.month,
        "number": numbered.number,
        "at_ms": event.at_ms,
        "origin": bool(event.address or event.credential),
        "body": event.model_dump(mode="json"),
    }


def _event(item: Item) -> tuple[int, Event]:
    return item["number"], Event.model_validate(item["body"])


def _id(event: Event) -> str:
    return f"event:{hashlib.sha256(event.id.encode()).hexdigest()}"


def _copy_id(number: int) -> str:
    return f"number:{number:015}"


def _log_of(name: str, month: str) -> str:
    return f"{name}:{month}"


def _number(item: Item) -> int:
    return item["number"]


async def _forget(container: CosmosContainer, pk: str, id_: str) -> None:
    nothing = {"origin": False, "body/address": "", "body/credential": ""}
    await container.change(pk, id_, nothing, where="c.origin = true")


MONTH_ATTEMPTS = 20

_PK, _ID = "feed", "months"


class EventMonths:
    """The months of the feed. A new month begins when the previous one is sealed."""

    def __init__(self, container: CosmosContainer, clock: Clock) -> None:
        self._container = container
        self._clock = clock
        self._firsts: dict[str, int] = {}  # Each month's first number; only ever added to.

    async def current(self) -> tuple[str, Item]:
        """Return the current month and its head."""
        return await retry_when_stale(self._current, MONTH_ATTEMPTS)

    async def after(self, number: int) -> list[str]:
        """Return the months with numbers above this one, oldest first."""
        await self._load()
        months = sorted(self._firsts)
        begun = [month for month in months if self._firsts[month] <= number + 1]
        return months[len(begun) - 1 :] if begun else months

    async def until(self, before: int | None) -> list[str]:
        """Return the months with numbers below this one, oldest first."""
        await self._load()
        months = sorted(self._firsts)
        return [month for month in months if before is None or self._firsts[month] < before]

    def before(self, month: str) -> str:
        """Return the previous month of the feed, or an empty text."""
        return max((each for each in self._firsts if each < month), default="")

    async def _current(self) -> tuple[str, Item]:
        # The clock of another instance may be ahead: never return to a sealed month.
        wanted = max([_month(self._clock.now_ms()), *self._firsts])
        head = await self._container.read(month_partition(wanted), "head")
        if head is None or head["sealed"]:
            await self._begin(wanted)
            raise Stale
        if wanted not in self._firsts:
            await self._list(wanted, head["first"])
        return wanted, head

    async def _load(self) -> Item | None:
        listed = await self._container.read(_PK, _ID)
        if listed is not None:
            self._firsts |= listed["firsts"]
        return listed

    async def _begin(self, wanted: str) -> None:
        """Seal the last listed month, and create the head of the wanted one."""
        await self._load()
        last = max(self._firsts, default="")
        if last >= wanted:
            return  # It exists, or another instance is ahead; the caller reads again.
        first = 1
        if last:
            pk = month_partition(last)
            await self._container.change(pk, "head", {"sealed": True}, where="c.sealed = false")
            head = await self._container.read(pk, "head")
            first = head["next"] if head else 1
        await self._container.create(
            {
                "id": "head",
                "pk": month_partition(wanted),
                "schema": 1,
                "first": first,
                "next": first,
                "sealed": False,
            }
        )

    async def _list(self, month: str, first: int) -> None:
        """List the month before any event is written to it."""
        listed = await self._load()
        if listed is None:
            item = {"id": _ID, "pk": _PK, "schema": 1, "firsts": {month: first}}
            if not await self._container.create(item):
                return
        elif month not in listed["firsts"]:
            more = {**listed, "firsts": {**listed["firsts"], month: first}}
            if not await self._container.replace(more, listed["_etag"]):
                return
        self._firsts[month] = first


def month_partition(month: str) -> str:
    return f"feed:{month}"


def _month(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m")

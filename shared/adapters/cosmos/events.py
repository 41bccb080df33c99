"""The feed of all changes in Cosmos DB.

A month of the feed is one partition. Its head says which number comes next, and one batch moves the
head and creates events under their ids: so numbers have no gaps, and no event is there twice. Every
event is copied to the partitions of its logs before the outbox that it came from is cleared.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from shared.adapters.cosmos.connecting import Container, Cosmos, Item, Step, stand_back
from shared.adapters.cosmos.directory import CosmosDirectory
from shared.adapters.cosmos.metadata import CosmosMetadata
from shared.adapters.cosmos.months import Months, feed_of
from shared.domain.entity import Waiting
from shared.domain.errors import Busy
from shared.domain.package import Event, Head, Release
from shared.ports import Clock

ATTEMPTS = 30  # Each attempt that fails is another publisher that succeeded.
A_BATCH = 90  # And the head; a batch takes a hundred.


@dataclass(frozen=True)
class _Numbered:
    """An event with its place in the feed."""

    month: str
    number: int
    event: Event


class CosmosEvents:
    """The EventStore of a registry in the cloud."""

    def __init__(
        self, cosmos: Cosmos, clock: Clock, metadata: CosmosMetadata, directory: CosmosDirectory
    ) -> None:
        """Keep the feed in the container `events`; clear outboxes where they are."""
        self._container = cosmos.container("events")
        self._months = Months(self._container, clock)
        self._metadata = metadata
        self._directory = directory
        self._turn = asyncio.Lock()

    async def publish(self, source: Head | Release | Waiting) -> None:
        """Append the record's waiting events that are not in the feed, then clear its outbox."""
        if not source.outbox:
            return
        await self.append(source.outbox)
        if isinstance(source, Waiting):
            await self._directory.clear(source)
        else:
            await self._metadata.clear(source)

    async def append(self, events: Sequence[Event]) -> None:
        """Append events; those that are there already are left alone."""
        each_once = list({event.id: event for event in events}.values())
        for start in range(0, len(each_once), A_BATCH):
            async with self._turn:  # Those of one process need not race each other for the head.
                numbered = await self._append(each_once[start : start + A_BATCH])
            for each in numbered:
                await self._copy(each)

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events with their numbers, from the first after `number`."""
        found: list[tuple[int, Event]] = []
        for month in await self._months.after(number):
            items = await self._container.query(
                "SELECT * FROM c WHERE c.number > @after ORDER BY c.number OFFSET 0 LIMIT @count",
                feed_of(month),
                after=number,
                count=count - len(found),
            )
            found += [_event(item) for item in items]
            if len(found) == count:
                break
        return found

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events of one log below a number, newest first."""
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
        """Remove address and credential from up to `count` events before that time."""
        items = await self._container.query(
            "SELECT * FROM c WHERE c.origin = true AND c.at_ms < @before AND c.feed = true",
            before=before_ms,
        )
        oldest = sorted(items, key=_number)[:count]
        for item in oldest:
            number, event = _event(item)
            copies = [(_log_of(name, item["month"]), _copy_id(number)) for name in event.streams]
            # The feed's own item last: while it has its origin, the rest is found again.
            for pk, id_ in (*copies, (item["pk"], item["id"])):
                await _forget(self._container, pk, id_)
        return len(oldest)

    async def _append(self, events: Sequence[Event]) -> list[_Numbered]:
        for attempt in range(ATTEMPTS):
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
            steps = [Step(moved, head["_etag"]), *(Step(_item(each)) for each in numbered)]
            if await self._container.batch(feed_of(month), steps):
                return [*known, *numbered]
            await stand_back(attempt)
        raise Busy

    async def _find(self, event: Event, month: str) -> _Numbered | None:
        # An outbox is cleared right after it was published: a repeat comes soon, or never.
        for each in (month, self._months.before(month)):
            item = await self._container.read(feed_of(each), _id(event)) if each else None
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
        "pk": feed_of(numbered.month),
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


async def _forget(container: Container, pk: str, id_: str) -> None:
    nothing = {"origin": False, "body/address": "", "body/credential": ""}
    await container.change(pk, id_, nothing, where="c.origin = true")

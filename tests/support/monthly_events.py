"""How the version before wrote the event feed, with a partition a month: it writes beside today's
during an update.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from shared.adapters.cosmos.client import BatchWrite, CosmosContainer, CosmosDatabase, Item
from shared.adapters.cosmos.events import PUBLISH_ATTEMPTS
from shared.domain.records import Event
from shared.ports import Clock, Stale
from shared.runtime.retries import back_off, retry_when_stale


class MonthlyEvents:
    """Appends events as the version before did."""

    def __init__(self, cosmos: CosmosDatabase, clock: Clock) -> None:
        self._container = cosmos.container("events")
        self._months = EventMonths(self._container, clock)

    async def append(self, events: Sequence[Event]) -> None:
        """Append the events that are not in the feed."""
        await retry_when_stale(partial(self._append, events), PUBLISH_ATTEMPTS, back_off)

    async def _append(self, events: Sequence[Event]) -> None:
        month, head = await self._months.current()
        there = await asyncio.gather(*(self._is_there(event, month) for event in events))
        new = [event for event, is_there in zip(events, there, strict=True) if not is_there]
        if not new:
            return
        items = [_item(month, head["next"] + place, event) for place, event in enumerate(new)]
        moved = {**head, "next": head["next"] + len(new)}
        steps = [BatchWrite(moved, head["_etag"]), *map(BatchWrite, items)]
        if not await self._container.batch(month_partition(month), steps):
            raise Stale

    async def _is_there(self, event: Event, month: str) -> bool:
        for each in (month, self._months.before(month)):
            if each and await self._container.read(month_partition(each), _id(event)):
                return True
        return False


def _item(month: str, number: int, event: Event) -> Item:
    return {
        "id": _id(event),
        "pk": month_partition(month),
        "schema": 1,
        "feed": True,
        "month": month,
        "number": number,
        "at_ms": event.at_ms,
        "origin": bool(event.address or event.credential),
        "body": event.model_dump(mode="json"),
    }


def _id(event: Event) -> str:
    return f"event:{hashlib.sha256(event.id.encode()).hexdigest()}"


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

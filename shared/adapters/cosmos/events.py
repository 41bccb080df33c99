"""The event feed in Cosmos DB, divided into weeks.

A week of the feed is one partition. Its head has the next number, and one batch changes the head
and creates events under their ids, so numbers have no gaps and no event is stored twice. Every
event is copied to the partitions of its logs before its outbox is cleared. A log is one partition,
or is divided into weeks as well: then a page of a log with few events is a query for every 200
weeks, beside those of the newest weeks.
"""

import asyncio
import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, repeat, takewhile
from operator import itemgetter

from msgspec import Struct
from msgspec.structs import replace

from shared.adapters.cosmos.client import (
    KEYS_OF_A_QUERY,
    BatchWrite,
    CosmosContainer,
    CosmosDatabase,
    Item,
)
from shared.adapters.cosmos.directory import CosmosDirectory
from shared.adapters.cosmos.metadata import CosmosMetadata
from shared.domain.entities import PendingEvents
from shared.domain.events import (
    Event,
    account_stream,
    anonymized,
    is_personal,
    package_stream,
    publishing_stream,
    without_account,
)
from shared.domain.packages import Head, Release
from shared.domain.times import MS
from shared.domain.transparency.leaves import SALT_BYTES, FrozenLeaf, LoggedEvent, frozen
from shared.ports.conflicts import Stale
from shared.ports.system import Clock
from shared.runtime.retries import back_off, retried

APPEND_ATTEMPTS = 30  # Each attempt that fails is another writer that succeeded.
EVENTS_PER_BATCH = 90  # With the head; a batch has at most 100 steps.
PARTITIONS_AT_ONCE = 5  # Partitions that are read at once, each by a query of its own.
LAST_MS = 2**53  # Later than any event.
LAST_NUMBER = 2**53  # No event has a higher number.
# The logs that are one partition each. Its limit is 20 GB, which is some ten million events, more
# than a package or the roles of an organization ever have.
WHOLE_LOGS = (package_stream(""), publishing_stream(""))


class _Numbered(Struct, frozen=True):
    """An event with its position in the feed, and its leaf if it is read or written with it."""

    label: str  # The label of its partition.
    number: int
    event: Event
    leaf: FrozenLeaf | None = None


_Freeze = Callable[[Event, int], FrozenLeaf | None]  # Makes the leaf of an event and its number.


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
        self._randomness = cosmos.randomness
        self._partitions = FeedPartitions(self._container, clock)
        self._metadata = metadata
        self._directory = directory
        self._append_lock = asyncio.Lock()
        self._anonymized = set[str]()  # Partitions that have nothing to anonymize any more.

    async def append_outbox(self, source: Head | Release | PendingEvents) -> None:
        if not source.outbox:
            return
        await self.append(source.outbox)
        if isinstance(source, PendingEvents):
            await self._directory.clear(source)
        else:
            await self._metadata.clear(source)

    async def append(self, events: Sequence[Event]) -> None:
        await self._append_all(events, self._frozen)

    async def restore(self, events: Sequence[LoggedEvent]) -> None:
        # An event is in a backup twice if it was in the feed, and still in its outbox.
        # The first of them has the leaf.
        fed = {each.event.id: each for each in reversed(events)}
        await self._append_all(
            [each.event for each in events], lambda event, _number: fed[event.id].leaf
        )

    def _frozen(self, event: Event, number: int) -> FrozenLeaf:
        return frozen(event, number, salt=self._randomness.token_bytes(SALT_BYTES))

    async def _append_all(self, events: Sequence[Event], freeze: _Freeze) -> None:
        each_once = list({event.id: event for event in events}.values())
        for start in range(0, len(each_once), EVENTS_PER_BATCH):
            # Without the lock, calls of one process would compete for the head.
            async with self._append_lock:
                batch = each_once[start : start + EVENTS_PER_BATCH]
                numbered = await self._append(batch, freeze)
            for each in numbered:
                await self._copy_to_logs(each)

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        return [(each.number, each.event) for each in await self._since(number, count)]

    async def find(self, event_id: str, at_ms: int) -> LoggedEvent | None:
        known = self._partitions.known_since(at_ms)
        item = await self._first_item(known, event_id)
        if item is None:
            listed = await self._partitions.since(at_ms)
            item = await self._first_item([each for each in listed if each not in known], event_id)
        return LoggedEvent(*_event(item), _leaf(item)) if item else None

    async def _first_item(self, labels: Sequence[str], event_id: str) -> Item | None:
        # Oldest first: most events are appended right after they happened.
        for label in labels:
            item = await self._container.read(feed_partition(label), _id_of(event_id))
            if item is not None:
                return item
        return None

    async def logged(self, after: int, count: int) -> list[LoggedEvent]:
        return [
            LoggedEvent(each.number, each.event, each.leaf)
            for each in await self._since(after, count)
        ]

    async def leaves(self, after: int, count: int) -> list[bytes]:
        found: list[str] = []
        for label in await self._partitions.after(after):
            items = await self._container.query(
                "SELECT c.leaf FROM c WHERE c.number > @after ORDER BY c.number"
                " OFFSET 0 LIMIT @count",
                feed_partition(label),
                after=after,
                count=count - len(found),
            )
            found += [item.get("leaf", "") for item in items]
            if len(found) == count:
                break
        return [text.encode() for text in takewhile(bool, found)]

    async def without_leaf(self, after: int, count: int) -> list[tuple[int, Event]]:
        found: list[tuple[int, Event]] = []
        for label in await self._partitions.after(after):
            items = await self._container.query(
                "SELECT * FROM c WHERE c.number > @after AND NOT IS_DEFINED(c.leaf)"
                " ORDER BY c.number OFFSET 0 LIMIT @count",
                feed_partition(label),
                after=after,
                count=count - len(found),
            )
            found += [_event(item) for item in items]
            if len(found) == count:
                break
        return found

    async def is_complete(self) -> bool:
        return not await self.without_leaf(0, 1)

    async def freeze(self, number: int, leaf: FrozenLeaf) -> None:
        for each in await self._since(number - 1, 1):
            await self._container.change(
                feed_partition(each.label),
                _id(each.event),
                _leaf_fields(leaf),
                where=f"c.number = {number} AND NOT IS_DEFINED(c.leaf)",
            )

    async def complete_logs(self, after: int, count: int) -> int:
        for each in await self._since(after, count):
            await self._copy_to_logs(each)
            after = each.number
        return after

    async def newest(self, before: int | None, count: int) -> list[tuple[int, Event]]:
        found: list[tuple[int, Event]] = []
        for label in await self._partitions.until(before):
            found += await self._log(feed_partition(label), before, count - len(found))
            if len(found) >= count:
                break
        return found

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        if name.startswith(WHOLE_LOGS):
            return await self._log(name, before, count)
        found: list[tuple[int, Event]] = []
        for labels in _newest_first(await self._partitions.until(before)):
            found += await self._logs(name, labels, before, count - len(found))
            if len(found) >= count:
                break
        return found[:count]

    async def _logs(
        self, name: str, labels: Sequence[str], before: int | None, count: int
    ) -> list[tuple[int, Event]]:
        """Return the newest events of some weeks of a log, newest first: `count` or more, or all.

        One query finds all events of a log with few events in many weeks. It has no order, so if
        it may have left out events, the weeks are read one by one."""
        pks = [_log_of(name, label) for label in labels]
        if len(pks) > PARTITIONS_AT_ONCE:
            text = "SELECT * FROM c WHERE c.number < @before"
            items = await self._container.query_keys(
                text, pks, most=count, before=LAST_NUMBER if before is None else before
            )
            if len(items) < count:
                return sorted(map(_event, items), key=itemgetter(0), reverse=True)
        found: list[tuple[int, Event]] = []
        for start in range(0, len(pks), PARTITIONS_AT_ONCE):
            some = pks[start : start + PARTITIONS_AT_ONCE]
            logs = await asyncio.gather(*(self._log(pk, before, count) for pk in some))
            found += [event for log in logs for event in log]
            if len(found) >= count:
                break
        return found

    async def forget_origins(self, before_ms: int, count: int) -> int:
        found: list[Item] = []
        labels = sorted(await self._partitions.until(None))
        for label in labels:
            if label in self._anonymized:
                continue
            items = await self._personal(label, before_ms, count - len(found))
            found += items
            if len(found) == count:
                break
            # Only the last partition gets more events, of whatever time.
            if not items and label != labels[-1] and not await self._personal(label, LAST_MS, 1):
                self._anonymized.add(label)
        for item in found:
            await self._rewrite(item["month"], *_event(item), anonymized)
        return len(found)

    async def _personal(self, label: str, before_ms: int, count: int) -> list[Item]:
        # Items of earlier versions do not say whether they are personal.
        return await self._container.query(
            "SELECT * FROM c WHERE c.at_ms < @before"
            " AND (c.personal = true OR NOT IS_DEFINED(c.personal))"
            " ORDER BY c.number OFFSET 0 LIMIT @count",
            feed_partition(label),
            before=before_ms,
            count=count,
        )

    async def forget_account(self, account_id: str) -> int:
        own = [
            item
            for label in await self._partitions.until(None)
            for item in await self._container.query(
                "SELECT * FROM c ORDER BY c.number", _log_of(account_stream(account_id), label)
            )
        ]
        caused = await self._container.query_all(
            "SELECT * FROM c WHERE c.origin = true AND c.feed = true AND c.body.actor = @actor",
            actor=account_id,
        )
        forgotten = 0
        for item in {each["number"]: each for each in (*own, *caused)}.values():
            number, event = _event(item)
            if without_account(event, account_id) != event:
                rest = partial(without_account, account_id=account_id)
                await self._rewrite(item["month"], number, event, rest)
                forgotten += 1
        return forgotten

    async def overwrite_forgotten(self) -> None:
        """Cosmos DB keeps no bytes of deleted items beside its backups."""

    async def _rewrite(
        self, label: str, number: int, event: Event, forget: Callable[[Event], Event]
    ) -> None:
        rest = forget(event)
        values = {
            "origin": bool(rest.address or rest.credential),
            "personal": is_personal(rest),
            "body/address": rest.address,
            "body/credential": rest.credential,
            "body/subject": rest.subject,
            "body/details": rest.details,
        }
        copies = [(_log_of(name, label), _copy_id(number)) for name in event.streams]
        # The first that a repeat looks at is changed last: until then it finds the others again.
        for pk, id_ in (*copies[::-1], (feed_partition(label), _id(event))):
            await self._container.change(pk, id_, values, where=f"c.number = {number}")

    @retried(APPEND_ATTEMPTS, back_off)
    async def _append(self, events: Sequence[Event], freeze: _Freeze) -> list[_Numbered]:
        """Append the events that are not in the feed; raise `Stale` if another writer did."""
        label, head = await self._partitions.current()
        there = await asyncio.gather(*(self._find(event, label) for event in events))
        new = [event for event, place in zip(events, there, strict=True) if place is None]
        known = [place for place in there if place is not None]
        if not new:
            return known
        numbered = [
            _Numbered(label, number, event, freeze(event, number))
            for number, event in enumerate(new, head["next"])
        ]
        moved = {**head, "next": head["next"] + len(new)}
        steps = [BatchWrite(moved, head["_etag"]), *(BatchWrite(_item(each)) for each in numbered)]
        if not await self._container.batch(feed_partition(label), steps):
            raise Stale
        return [*known, *numbered]

    async def _since(self, number: int, count: int) -> list[_Numbered]:
        found: list[_Numbered] = []
        for label in await self._partitions.after(number):
            items = await self._container.query(
                "SELECT * FROM c WHERE c.number > @after ORDER BY c.number OFFSET 0 LIMIT @count",
                feed_partition(label),
                after=number,
                count=count - len(found),
            )
            found += [_Numbered(label, *_event(item), _leaf(item)) for item in items]
            if len(found) == count:
                break
        return found

    async def _copy_to_logs(self, numbered: _Numbered) -> None:
        """Copy the event to those of its logs that lack it."""
        logs = [_log_of(name, numbered.label) for name in numbered.event.streams]
        # Only the feed has the leaf.
        plain = replace(numbered, leaf=None)
        copy = {**_item(plain), "id": _copy_id(numbered.number), "feed": False}
        await asyncio.gather(*(self._container.create({**copy, "pk": pk}) for pk in logs))

    async def _find(self, event: Event, current: str) -> _Numbered | None:
        labels = self._partitions.holding(event.at_ms, current)
        reads = (self._container.read(feed_partition(each), _id(event)) for each in labels)
        found = zip(labels, await asyncio.gather(*reads), strict=True)
        return next((_Numbered(each, it["number"], event) for each, it in found if it), None)

    async def _log(self, pk: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        items = await self._container.query(
            "SELECT * FROM c WHERE c.number < @before ORDER BY c.number DESC OFFSET 0 LIMIT @count",
            pk,
            before=LAST_NUMBER if before is None else before,
            count=count,
        )
        return [_event(item) for item in items]


def _item(numbered: _Numbered) -> Item:
    event = numbered.event
    return {
        "id": _id(event),
        "pk": feed_partition(numbered.label),
        "schema": 1,
        "feed": True,
        "month": numbered.label,  # The field that earlier versions read.
        "number": numbered.number,
        "at_ms": event.at_ms,
        "origin": bool(event.address or event.credential),
        "personal": is_personal(event),
        "body": event.model_dump(mode="json"),
        **(_leaf_fields(numbered.leaf) if numbered.leaf else {}),
    }


def _event(item: Item) -> tuple[int, Event]:
    return item["number"], Event.model_validate(item["body"])


def _leaf_fields(leaf: FrozenLeaf) -> dict[str, str]:
    """Return the fields of an item; a leaf and its opening are ASCII."""
    fields = {"leaf": leaf.leaf.decode()}
    if leaf.salt:
        salt = base64.b64encode(leaf.salt).decode()
        fields |= {"salt": salt, "opening": leaf.opening.decode()}
    return fields


def _leaf(item: Item) -> FrozenLeaf | None:
    if "leaf" not in item:
        return None
    salt = base64.b64decode(item.get("salt", ""))
    return FrozenLeaf(item["leaf"].encode(), salt, item.get("opening", "").encode())


def _id(event: Event) -> str:
    return _id_of(event.id)


def _id_of(event_id: str) -> str:
    return f"event:{hashlib.sha256(event_id.encode()).hexdigest()}"


def _copy_id(number: int) -> str:
    return f"number:{number:015}"


def _log_of(name: str, label: str) -> str:
    """Return the partition of the log that has the copies of events of the feed's partition."""
    return name if name.startswith(WHOLE_LOGS) else f"{name}:{label}"


def _newest_first(labels: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the newest label by itself, which is enough for a busy log, then several, and then as
    many at once as one query takes."""
    start = 0
    for count in chain((1, PARTITIONS_AT_ONCE), repeat(KEYS_OF_A_QUERY)):
        if start >= len(labels):
            return
        yield labels[start : start + count]
        start += count


PARTITION_ATTEMPTS = 20

_PK = "feed"
_ID = "months"

# Until 0.2.0 a partition was a month, with a label such as `2026-09`. On the day of that update a
# week followed the month that it is in, so a partition may have an event that happened so long
# after the time of the following label.
LABEL_IS_OLDER = timedelta(days=7, hours=1)  # Clocks differ.


class FeedPartitions:
    """The partitions of the feed, by their labels. A new one begins when the last one is sealed."""

    def __init__(self, container: CosmosContainer, clock: Clock) -> None:
        self._container = container
        self._clock = clock
        self._firsts: dict[str, int] = {}  # Each label's first number; only ever added to.

    @retried(PARTITION_ATTEMPTS)
    async def current(self) -> tuple[str, Item]:
        """Return the label of the current partition, and its head."""
        if not self._firsts:
            await self._load()
        wanted = self._wanted()
        head = await self._container.read(feed_partition(wanted), "head")
        if wanted not in self._firsts or head is None or head["sealed"]:
            await self._begin(wanted)
            raise Stale
        return wanted, head

    async def after(self, number: int) -> list[str]:
        """Return the partitions with numbers above this one, oldest first."""
        await self._load()
        labels = sorted(self._firsts)
        begun = [label for label in labels if self._firsts[label] <= number + 1]
        return labels[len(begun) - 1 :] if begun else labels

    async def until(self, before: int | None) -> list[str]:
        """Return the partitions with numbers below this one, newest first."""
        await self._load()
        labels = sorted(self._firsts, reverse=True)
        return [label for label in labels if before is None or self._firsts[label] < before]

    async def since(self, at_ms: int) -> list[str]:
        """Return the partitions that may have an event of that time, oldest first."""
        await self._load()
        return self.known_since(at_ms)

    def known_since(self, at_ms: int) -> list[str]:
        """Return those that this process has read of, which may lack the newest."""
        return self.holding(at_ms, max(self._firsts, default=""))[::-1]

    def holding(self, at_ms: int, current: str) -> list[str]:
        """Return the partitions that may have an event of that time, newest first: the current
        one, the one before, and all that had not ended when it happened."""
        labels = sorted((each for each in self._firsts if each <= current), reverse=True)
        since = _label(at_ms - LABEL_IS_OLDER // MS)
        before = (place for place, label in enumerate(labels) if place and label <= since)
        return labels[: next(before, len(labels)) + 1]

    def _wanted(self) -> str:
        """Return the label of now. The clock of another instance may be ahead: never return to a
        sealed partition."""
        return max([_label(self._clock.now_ms()), *self._firsts])

    async def _load(self) -> Item | None:
        listed = await self._container.read(_PK, _ID)
        if listed is not None:
            self._firsts |= listed["firsts"]
        return listed

    async def _begin(self, wanted: str) -> None:
        """List the wanted partition after the last one, which is sealed, and create its head."""
        listed = await self._load()
        last = max(self._firsts, default="")
        if last >= wanted:
            # The partition exists, or the process that listed it ended before it created the head.
            await self._create_head(last, self._firsts[last])
            return
        first = await self._sealed(last) if last else 1
        if await self._list(listed, wanted, first):
            await self._create_head(wanted, first)

    async def _sealed(self, label: str) -> int:
        """Seal a partition, and return the number after its last one."""
        pk = feed_partition(label)
        await self._container.change(pk, "head", {"sealed": True}, where="c.sealed = false")
        head = await self._container.read(pk, "head")
        if head is None:
            await self._create_head(label, self._firsts[label])
            raise Stale
        return head["next"]

    async def _list(self, listed: Item | None, label: str, first: int) -> bool:
        """Add a label to the list as it was read; return whether it was not changed since then."""
        if listed is None:
            item = {"id": _ID, "pk": _PK, "schema": 1, "firsts": {label: first}}
            return await self._container.create(item)
        more = {**listed, "firsts": {**listed["firsts"], label: first}}
        return await self._container.replace(more, listed["_etag"])

    async def _create_head(self, label: str, first: int) -> bool:
        numbers = {"first": first, "next": first, "sealed": False}
        return await self._container.create(
            {"id": "head", "pk": feed_partition(label), "schema": 1, **numbers}
        )


def feed_partition(label: str) -> str:
    return f"feed:{label}"


def _label(at_ms: int) -> str:
    """Return the label of the partition of a time: the first day of its week in its month."""
    day = datetime.fromtimestamp(at_ms / 1000, UTC).date()
    return str(max(day - timedelta(days=day.weekday()), day.replace(day=1)))

"""Caching: a bounded cache, a value that is renewed before it expires, single flight, and records
that are kept decoded.
"""

import asyncio
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Hashable,
    Iterable,
    Sequence,
)
from datetime import timedelta
from functools import partial
from sys import getsizeof
from typing import Generic, Protocol, TypeVar, cast

from pydantic import BaseModel

from shared.domain.names import Precedence
from shared.domain.packages import Dependency, Release, ReleaseEntry
from shared.domain.records import Record
from shared.domain.times import MS
from shared.ports import Clock, Unanswered, repeated

# How old a change may be that an edition does not know of. An exact version is there for everybody
# once its push has been answered: what is missing is always asked for.
CHANGES_KNOWN_WITHIN = timedelta(seconds=1)

# In place of the key of a package: also what belongs to no single package, such as a list of
# packages.
EVERYTHING = "*"

# In place of the key of a package: every account, organization, membership and token. Where an
# edition does not follow them one by one, this changes with each that this process writes.
RECORDS = "@"


def records_of(owner: str) -> str:
    """Return the key of the account or organization of this id or name, in lower case, with its
    memberships and tokens; no package has such a key."""
    return f"{RECORDS}{owner}"


class Edition(Protocol):
    """The changes of packages that a process knows. For one thread."""

    @property
    def follows_records(self) -> bool:
        """Whether every change is known of what `records_of` names; else whoever keeps any of it
        bounds its age."""
        ...

    @property
    def number(self) -> int:
        """The number to keep with what is read from now on."""
        ...

    def is_confirmed(self) -> bool:
        """Check whether every change is known that was made up to a second ago; ask no store."""
        ...

    def ask(self) -> None:
        """Begin to ask for changes if that is due, and do not wait."""
        ...

    async def confirm(self) -> bool:
        """Ask for changes if that is due, wait for half a second at most, and return what
        `is_confirmed` returns then."""
        ...

    def holds(self, number: int, packages: Collection[str]) -> bool:
        """Check whether nothing is known to have changed in these packages, given by their keys,
        or in these `records_of`, since the edition had this number."""
        ...

    def wrote(self, package: str) -> None:
        """Note that this process wrote, or tried to write, records of a package."""
        ...


MOST_CHANGED = 100_000  # Keys whose last change is known; about 15 MB.


class Changes:
    """What editions know: their number, and the numbers that changes led to."""

    def __init__(self) -> None:
        self.number = 0
        self._floor = 0  # What was read at lower numbers does not stand, whatever it is of.
        self._changed: dict[str, int] = {}  # By key.

    def note(self, keys: Iterable[str]) -> None:
        """Note that packages or records changed."""
        self.number += 1
        self._changed.update(dict.fromkeys(keys, self.number))
        if len(self._changed) > MOST_CHANGED:
            self.forget()

    def forget(self) -> None:
        """Let nothing stand that was read before."""
        self.number += 1
        self._floor = self.number
        self._changed.clear()

    def hold(self, number: int, keys: Collection[str]) -> bool:
        if number == self.number:
            return True
        changed = self._changed
        for key in keys:  # A loop takes half as long as `all`, and this is asked thrice a request.
            if changed.get(key, 0) > number:
                return False
        return number >= self._floor


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def _one(_key: object, _value: object) -> int:
    return 1


class LruCache(Generic[Key, Value]):
    """A cache that evicts what was used least recently when it is full. For one thread.

    `capacity` counts entries, or bounds the sum of what `weigh` returns for them, such as bytes;
    `weigh` must return the same whenever it is called for the same entry. The entry that was put
    last stays, whatever its weight.
    """

    def __init__(self, capacity: int, weigh: Callable[[Key, Value], int] = _one) -> None:
        self._capacity = capacity
        self._weigh = weigh
        self._weight = 0
        self._entries: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return the entry and mark it as used, or return None."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def peek(self, key: Key) -> Value | None:
        """Return the entry without marking it as used, or return None."""
        return self._entries.get(key)

    def put(self, key: Key, value: Value) -> None:
        self.drop(key)
        self._entries[key] = value
        self._weight += self._weigh(key, value)
        while self._weight > self._capacity and len(self._entries) > 1:
            self._evict()

    def drop(self, key: Key) -> None:
        """Remove the entry, if it is there."""
        value = self._entries.pop(key, None)
        if value is not None:
            self._weight -= self._weigh(key, value)

    def _evict(self) -> None:
        key, value = self._entries.popitem(last=False)
        self._weight -= self._weigh(key, value)

    def __len__(self) -> int:
        return len(self._entries)


class VersionedCache(Generic[Key, Value]):
    """An LRU cache of what was read at a version of a store. For one thread.

    An entry is returned for the version that it was put with. Read the version before the value, so
    that no value is kept for longer than it holds.
    """

    def __init__(self, capacity: int, weigh: Callable[[Value], int]) -> None:
        self._entries = LruCache[Key, tuple[Hashable, Value]](
            capacity, weigh=lambda _, entry: weigh(entry[1])
        )

    def get(self, key: Key, version: Hashable) -> Value | None:
        """Return the value that was read at this version, or None."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] == version else None

    def put(self, key: Key, version: Hashable, value: Value) -> None:
        self._entries.put(key, (version, value))


# Sign-in and publishing must not fail because an identity provider is down for an hour.

FRESH_FOR = timedelta(hours=1)  # Providers publish a new key days before they sign with it.
USABLE_FOR = timedelta(
    hours=24
)  # During an outage; after that a withdrawn key is no longer trusted.
RENEWED_AT_MOST_EVERY = timedelta(minutes=1)  # However many tokens with unknown keys are sent.
RETRIED_EVERY = timedelta(seconds=10)  # While there is no usable value.


ReportFailure = Callable[[str, str], None]  # Called with the name of the value and the reason.


def ignore_failure(_document: str, _reason: str) -> None:
    """Do nothing."""


class Refreshed(Generic[Value]):
    """A value of another server, renewed when it is an hour old and used for a day if that fails.

    `fetch` raises `Unanswered`; `failed` is called with `name` and the reason.
    """

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Awaitable[Value]],
        clock: Clock,
        failed: ReportFailure = ignore_failure,
    ) -> None:
        self._name = name
        self._fetch = fetch
        self._clock = clock
        self._failed = failed
        self._lock = asyncio.Lock()
        self._held: tuple[Value, int] | None = None
        self._tried_ms: int | None = None
        self._failure = Unanswered(name)  # Of the last try.

    async def value(self) -> Value:
        """Return the value, renewed if it is older than an hour; raise `Unanswered`."""
        async with self._lock:
            return await self._younger_than(FRESH_FOR)

    async def renew(self) -> Value:
        """Return the value, renewed if it is older than a minute.

        For callers that look for something newer than the value: raises `Unanswered` if the last
        try to renew it failed, because a newer value may exist.
        """
        async with self._lock:
            value = await self._younger_than(RENEWED_AT_MOST_EVERY)
            if self._failed_since_held():
                raise repeated(self._failure, str(self._failure))
            return value

    async def _younger_than(self, age: timedelta) -> Value:
        if self._held is not None and self._is_within(self._held[1], age):
            return self._held[0]
        interval = RENEWED_AT_MOST_EVERY if self._usable() else RETRIED_EVERY
        if not self._is_within(self._tried_ms, interval):
            await self._renew()
        if self._held is not None and self._usable():
            return self._held[0]
        raise repeated(self._failure, str(self._failure))

    async def _renew(self) -> None:
        # The time before the request counts: the value may change while it is on its way.
        self._tried_ms = now_ms = self._clock.monotonic_ms()
        try:
            self._held = await self._fetch(), now_ms
        except Unanswered as error:
            self._failure = error
            self._failed(self._name, str(error))

    def _usable(self) -> bool:
        return self._held is not None and self._is_within(self._held[1], USABLE_FOR)

    def _failed_since_held(self) -> bool:
        return self._held is not None and self._held[1] != self._tried_ms

    def _is_within(self, since_ms: int | None, age: timedelta) -> bool:
        return since_ms is not None and self._clock.monotonic_ms() - since_ms < age // MS


class SingleFlight(Generic[Value]):
    """Lets calls for the same key at the same time share one result."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Value]] = {}

    async def answer(
        self, key: Hashable, make: Callable[[], Coroutine[object, object, Value]]
    ) -> Value:
        """Return the result of `make`, or of the running call for the same key."""
        task = self.start(key, make)
        # A caller that is cancelled does not cancel the call that others wait for.
        await asyncio.wait((task,))
        try:
            return task.result()
        finally:
            # The traceback of an exception names this frame: with the task in it, they are a cycle,
            # and all frames of the traceback live until a full collection.
            del task

    def start(
        self, key: Hashable, make: Callable[[], Coroutine[object, object, Value]]
    ) -> asyncio.Task[Value]:
        """Return the running call for the key, started now if there is none."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(make())
            task.add_done_callback(partial(self._end, key))
        return task

    def _end(self, key: Hashable, task: asyncio.Task[Value]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # Nobody may be left to hear of it.

    async def close(self) -> None:
        """Cancel the running calls, and wait until they have ended."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


# --- Records that are kept decoded ---------------------------------------------------------------

R = TypeVar("R", bound=Record)

SURVEYS_CACHED_BYTES = 16 * 1024 * 1024  # All 6,785 versions of Ballerina Central take 11 MB.

# Measured with tracemalloc over the index of Ballerina Central.
_ENTRY_BYTES = 800
_DEPENDENCY_BYTES = 300
_TEXT_BYTES = 60  # Of a text, besides its characters.
_RECORD_BYTES = 300  # Of any record.
_FIELD_BYTES = 60  # Of each field, with its name in the set of names.


def share_field_names(record: R) -> R:
    """Share the sets of field names between decoded records and their dependencies.

    Pydantic creates a set for each model, of the fields that were in the JSON. An entry with eight
    dependencies takes 5,530 bytes with these sets, and 2,930 with shared ones.
    """
    _share(record)
    for each in record.dependencies if isinstance(record, Release | ReleaseEntry) else ():
        _share(each)
    return record


def _share(record: Record) -> None:
    own = record.__pydantic_fields_set__
    names = _field_names.setdefault((type(record), len(own)), own)  # Older code stored fewer.
    if names is not own and names == own:
        # Pydantic documents the attribute, but not that it may be set. Its own way to set it,
        # `model_construct`, takes twice as long as decoding; sets that are emptied by
        # `model_fields_set.clear()` save a quarter as much.
        object.__setattr__(record, "__pydantic_fields_set__", names)


_field_names: dict[tuple[type[Record], int], set[str]] = {}


def merge_entries(
    entries: tuple[ReleaseEntry, ...], changed: Sequence[ReleaseEntry]
) -> tuple[tuple[ReleaseEntry, ...], int]:
    """Return the entries with the changed ones, newest version first, and about how many more bytes
    of memory they take."""
    replaced = list[ReleaseEntry]()
    if len(changed) > _INSERTED:
        newer = {each.version: each for each in changed}
        replaced = [each for each in entries if each.version in newer]
        merged = {each.version: each for each in entries} | newer
        rising = sorted(merged.values(), key=_precedence)
    else:
        rising = list(reversed(entries))
        for each in changed:
            place = bisect_left(rising, _precedence(each), key=_precedence)
            is_known = place < len(rising) and rising[place].version == each.version
            replaced += rising[place : place + is_known]
            rising[place : place + is_known] = [each]
    return tuple(reversed(rising)), memory_of_entries(changed) - memory_of_entries(replaced)


_INSERTED = 32  # Changed entries; with more of them all are sorted.


def _precedence(entry: ReleaseEntry) -> Precedence:
    return entry.parsed.precedence


def memory_of_entries(entries: Iterable[ReleaseEntry]) -> int:
    """Return about how many bytes of memory decoded entries take."""
    return sum(map(_memory_of, entries))


def _memory_of(entry: ReleaseEntry) -> int:
    texts = (*entry.modules, *entry.tools, entry.deprecation or "")
    return (
        _ENTRY_BYTES
        + _DEPENDENCY_BYTES * len(entry.dependencies)
        + sum(_TEXT_BYTES + len(each) for each in texts)
    )


def memory_of(value: object) -> int:
    """Return about how many bytes of memory a text, a decoded record or a tuple of these takes."""
    if isinstance(value, str):  # One emoji makes each character of its text take four bytes.
        return getsizeof(value)
    if isinstance(value, tuple):
        parts = cast("tuple[object, ...]", value)
        return getsizeof(parts) + sum(map(memory_of, parts))
    if isinstance(value, Dependency):
        return _DEPENDENCY_BYTES
    if not isinstance(value, BaseModel):
        return 0
    fields = value.__dict__.values()
    return _RECORD_BYTES + _FIELD_BYTES * len(fields) + sum(map(memory_of, fields))

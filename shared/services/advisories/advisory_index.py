"""The advisories that are published, in the memory of a process, by the packages they are about."""

import asyncio
import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from math import inf

from msgspec import Struct, field
from msgspec.structs import replace

from shared.auth.secrets import random_text
from shared.domain.advisories.advisories import (
    Advisory,
    AdvisoryState,
    Affected,
    PackageVersion,
    package_key,
)
from shared.domain.advisories.matching import matches
from shared.domain.advisories.records import (
    ADVISORY_CHANGE,
    OWNER,
    AdvisoryChange,
    AdvisorySet,
    StoredAdvisory,
    decoded,
    encoded,
)
from shared.domain.errors.base import Unavailable
from shared.domain.times import MS
from shared.ports.advisories import AdvisoryFiles
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.editions import Edition, records_of
from shared.runtime.lru_cache import LruCache
from shared.runtime.single_flight import SingleFlight
from shared.telemetry.log import log

CHECKED_EVERY = timedelta(seconds=2)
# A writer that is killed after its write and before it says so leaves the others with what they
# have until then.
READ_EVERY = timedelta(minutes=1)
_CHANGE_LENGTH = 20  # Base62.
_RECORDS = (records_of(OWNER),)
_DECODED = 2_000  # Advisories; about 10 MB.
_LEVEL = 1  # The level of zlib: 6,000 records of Maven take 8 MB instead of 30 MB.


class IndexedAdvisory(Struct, frozen=True, gc=False):
    """What matching needs of an advisory; the rest is packed."""

    id: str
    modified_ms: int
    is_live: bool
    is_in_set: bool
    is_malware: bool
    affected: tuple[Affected, ...]
    packed: bytes

    @classmethod
    def of(cls, advisory: Advisory, *, is_in_set: bool) -> "IndexedAdvisory":
        return cls(
            id=advisory.id,
            modified_ms=advisory.modified_ms,
            is_live=advisory.is_live,
            is_in_set=is_in_set,
            is_malware=advisory.is_malware,
            affected=tuple(map(_matched, advisory.affected)),
            packed=zlib.compress(encoded(advisory).encode(), _LEVEL),
        )

    def names_of(self, ecosystem: str) -> Iterator[str]:
        """Yield the names of an ecosystem that it is about."""
        return (each.name for each in self.affected if each.ecosystem == ecosystem)


class PublishedAdvisories:
    """An index of advisories at one time. If two have the same id, that of this registry counts,
    or else the one that was modified last."""

    def __init__(self, listed: Iterable[IndexedAdvisory]) -> None:
        self.by_id = dict[str, IndexedAdvisory]()
        for each in listed:
            known = self.by_id.get(each.id)
            if known is None or (known.is_in_set and known.modified_ms < each.modified_ms):
                self.by_id[each.id] = each
        self._by_package = dict[tuple[str, str], list[IndexedAdvisory]]()
        self._by_digest = dict[str, list[IndexedAdvisory]]()
        for each in self.by_id.values():
            if each.is_live:
                self._add(each)
        self._ecosystems = {ecosystem for ecosystem, _ in self._by_package}

    def _add(self, indexed: IndexedAdvisory) -> None:
        # An advisory that only names commits has no package, so no question finds it.
        for key in {affected.key for affected in indexed.affected if affected.name}:
            self._by_package.setdefault(key, []).append(indexed)
        for digest in {digest for affected in indexed.affected for digest in affected.sha256}:
            self._by_digest.setdefault(digest, []).append(indexed)

    def is_about(self, ecosystem: str) -> bool:
        """Whether anything could match a package of the ecosystem, or a file by its digest."""
        return ecosystem in self._ecosystems or bool(self._by_digest)

    def matching(self, asked: PackageVersion) -> list[IndexedAdvisory]:
        """Return the advisories that are about what is asked, each once."""
        of_package = self._by_package.get(package_key(asked.ecosystem, asked.name), ())
        of_digest = self._by_digest.get(asked.sha256, ()) if asked.sha256 else ()
        if not of_package and not of_digest:
            return []
        found = {each.id: each for each in (*of_package, *of_digest)}
        return [
            each
            for each in found.values()
            if any(matches(affected, asked) for affected in each.affected)
        ]


class _IndexedSet(Struct, frozen=True):
    file: str
    records: tuple[IndexedAdvisory, ...]


class _Held:
    """The index, the sets that it is made of, and when it was compared with the store."""

    def __init__(self) -> None:
        self.index: PublishedAdvisories | None = None
        self.sets = dict[str, _IndexedSet]()
        self.change = ""
        self.checked_ms: int | None = None
        self.read_ms: int | None = None
        self.edition_number = -1  # That of the edition when the records were read.
        self.decoded = LruCache[bytes, Advisory](_DECODED)
        self.flights = SingleFlight[PublishedAdvisories]()


class AdvisoryIndex(Struct, frozen=True):
    """Keeps the index of a process, and says to all others that something changed.

    A change is known everywhere after two seconds, and at once in the process that made it. Where
    the edition follows records it is known at once to all, and costs no read until then.
    """

    directory: DirectoryStore
    files: AdvisoryFiles
    clock: Clock
    randomness: Randomness
    edition: Edition
    _held: _Held = field(default_factory=_Held)

    async def current(self) -> PublishedAdvisories:
        """Return what is published now. One read every two seconds, and more after a change."""
        held = self._held
        if held.index is not None and self._is_valid():
            return held.index
        return await held.flights.answer("index", self._check)

    @property
    def cacheable_until_ms(self) -> float:
        """Until when of the monotonic clock what follows from the index may be cached; without an
        end if the edition follows records, because it then tells of changes."""
        if self.edition.follows_records:
            return inf
        return self.clock.monotonic_ms() + CHECKED_EVERY // MS

    def advisory(self, indexed: IndexedAdvisory) -> Advisory:
        """Return the whole advisory."""
        known = self._held.decoded.get(indexed.packed)
        if known is None:
            known = decoded(zlib.decompress(indexed.packed))
            self._held.decoded.put(indexed.packed, known)
        return known

    async def say_changed(self) -> None:
        """Say that an advisory or a set was written; called after each write."""
        self._held.checked_ms = self._held.read_ms = None
        text = random_text(self.randomness, _CHANGE_LENGTH)
        await self.directory.put(AdvisoryChange(text=text))

    async def close(self) -> None:
        await self._held.flights.close()

    def _is_valid(self) -> bool:
        held = self._held
        if self.edition.follows_records and self.edition.is_current():
            return self.edition.is_unchanged_since(held.edition_number, _RECORDS)
        return self._is_within(held.checked_ms, CHECKED_EVERY)

    async def _check(self) -> PublishedAdvisories:
        """Read what changed; where the store does not answer, what was read before stays."""
        held = self._held
        now_ms = self.clock.monotonic_ms()
        # The number from before the read, so that a change during the read causes another one.
        edition_number = self.edition.number
        try:
            index = await self._read_changes(now_ms)
        except Unavailable as failure:
            if held.index is None:
                raise
            log.warning("advisories.unread", reason=str(failure))
            held.checked_ms = now_ms
            return held.index
        held.checked_ms = now_ms
        held.edition_number = edition_number
        return index

    async def _read_changes(self, now_ms: int) -> PublishedAdvisories:
        held = self._held
        # An edition that follows records says by itself that something changed, whether its writer
        # said so or not.
        text = "" if self.edition.follows_records else await self._last_change()
        is_same = text == held.change and self._is_within(held.read_ms, READ_EVERY)
        if held.index is None or not is_same or self.edition.follows_records:
            held.index = await self._read_again()
            held.change = text
            held.read_ms = now_ms
        return held.index

    async def _last_change(self) -> str:
        change = await self.directory.get(AdvisoryChange, ADVISORY_CHANGE)
        return change.text if change else ""

    async def _read_again(self) -> PublishedAdvisories:
        held = self._held
        listed, sets = await asyncio.gather(
            self.directory.list_by_owner(StoredAdvisory, OWNER),
            self.directory.list_by_owner(AdvisorySet, OWNER),
        )
        for each in sets:
            await self._read_set(each)
        own = await asyncio.to_thread(_indexed, [each for each in listed if _is_shown(each)])
        names = {each.name for each in sets}
        held.sets = {name: indexed for name, indexed in held.sets.items() if name in names}
        of_sets = [each for indexed in held.sets.values() for each in indexed.records]
        return await asyncio.to_thread(PublishedAdvisories, [*own, *of_sets])

    async def _read_set(self, stored: AdvisorySet) -> None:
        """Read the file of a set, unless it is the one that was read before."""
        known = self._held.sets.get(stored.name)
        if known is not None and known.file == stored.file:
            return
        content = await self.files.get(stored.file)
        if content is None:  # The set was replaced after its record was read: that is a change.
            log.warning("advisories.file-missing", set=stored.name)
            return
        records = await asyncio.to_thread(_records_of_file, content)
        self._held.sets[stored.name] = _IndexedSet(stored.file, records)

    def _is_within(self, since_ms: int | None, age: timedelta) -> bool:
        return since_ms is not None and self.clock.monotonic_ms() - since_ms < age // MS


def set_file(advisories: Sequence[bytes]) -> bytes:
    """Return the file of a set: its advisories as JSON, one a line."""
    return gzip.compress(b"\n".join(advisories), mtime=0)


def lines_of_set_file(content: bytes) -> list[bytes]:
    """Return the advisories of the file of a set, as JSON."""
    return gzip.decompress(content).splitlines()


def _records_of_file(content: bytes) -> tuple[IndexedAdvisory, ...]:
    lines = lines_of_set_file(content)
    return tuple(IndexedAdvisory.of(decoded(line), is_in_set=True) for line in lines)


def _indexed(stored: Sequence[StoredAdvisory]) -> list[IndexedAdvisory]:
    return [IndexedAdvisory.of(each.advisory, is_in_set=False) for each in stored]


def _is_shown(stored: StoredAdvisory) -> bool:
    return stored.state is not AdvisoryState.DRAFT


def _matched(affected: Affected) -> Affected:
    """Return what matching needs of the versions of a package."""
    digests: dict[str, object] = {"sha256": list(affected.sha256)} if affected.sha256 else {}
    return replace(affected, severity=(), ecosystem_specific={}, database_specific=digests)

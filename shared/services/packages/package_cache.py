"""The package cache: records that a process has read, used while the edition says that they stand.

For services that answer readers. Whoever decides on a write, or derives data from records, reads
the store itself.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from shared.domain.archives.names import Digest
from shared.domain.names import Coordinate, Package
from shared.domain.packages import FoundRelease, Head, Survey, Visibility
from shared.ports import MetadataStore
from shared.runtime.caching import LruCache, memory_of, memory_of_entries
from shared.runtime.edition import Edition, note_private, note_read, unnoted

CAPACITY_BYTES = 48 * 1024 * 1024  # All surveys and releases of Ballerina Central take 35 MB.
STALE_EVICTIONS_PER_READ = 4  # So that what no longer stands does not fill the capacity.
TOOLS_CACHED = 10_000  # A tool id is never given to another package.

T = TypeVar("T", FoundRelease, Survey)


@dataclass(frozen=True, slots=True)
class _Cached:
    """A record, its package, and the number of the edition from before it was read."""

    value: FoundRelease | Survey
    package: str
    number: int
    memory_bytes: int


class PackageCache:
    """The `PackageReader` of readers.

    What is missing is never answered from memory: the store is asked again, so that a release is
    there for everybody once its push has been answered. Nor is a private package: the answer to
    somebody who may not see it would come faster than that for a missing one, and so tell that it
    exists.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        edition: Edition,
        *,
        capacity_bytes: int = CAPACITY_BYTES,
    ) -> None:
        self._metadata = metadata
        self._edition = edition
        self._cached = LruCache[str, _Cached](
            capacity_bytes, weigh=lambda _, cached: cached.memory_bytes
        )
        self._owners = LruCache[str, Package](TOOLS_CACHED)

    async def find(self, coordinate: Coordinate) -> FoundRelease:
        note_read(coordinate.package.key)
        return await self._release(f"={coordinate.key}", lambda: self._metadata.find(coordinate))

    async def by_digest(self, digest: Digest) -> FoundRelease:
        found = await self._release(f"#{digest.hex}", lambda: self._metadata.by_digest(digest))
        if found.head is not None:
            note_read(found.head.package.key)
        return found

    async def survey(
        self, packages: Sequence[Package], versions: Collection[Coordinate] = (), /
    ) -> list[Survey | None]:
        keys = [each.key for each in packages]
        for key in keys:
            note_read(key)
        surveys = {key: cast("Survey | None", await self._standing(key)) for key in keys}
        for version in versions:
            known = surveys[version.package.key]
            if known is not None and not known.has(version.version):
                surveys[version.package.key] = None  # It may have been published just now.
        asked = zip(keys, packages, strict=True)
        unknown = {key: package for key, package in asked if surveys[key] is None}
        if unknown:
            number = self._edition.number
            with unnoted():
                read = await self._metadata.survey(list(unknown.values()))
            for key, survey in zip(unknown, read, strict=True):
                surveys[key] = survey
                _note_private(survey and survey.head)
                if survey is not None:
                    self._keep(key, survey.head, survey, number)
            self._cached.evict(self._is_stale, STALE_EVICTIONS_PER_READ)
        return [surveys[key] for key in keys]

    async def tool_owners(self, tools: Sequence[str]) -> list[Package | None]:
        owners = {tool: await self._owner(tool) for tool in tools}
        unknown = [tool for tool, owner in owners.items() if owner is None]
        if unknown:
            with unnoted():
                read = await self._metadata.tool_owners(unknown)
            for tool, owner in zip(unknown, read, strict=True):
                owners[tool] = owner
                if owner is not None:
                    self._owners.put(tool.lower(), owner)
        return [owners[tool] for tool in tools]

    async def _owner(self, tool: str) -> Package | None:
        """Return the owner of a tool, if it is known and its package is in memory: so it is public,
        and a hidden owner is asked for like that of a free tool."""
        owner = self._owners.get(tool.lower())
        return owner if owner and await self._standing(owner.key) else None

    async def _release(
        self, place: str, read: Callable[[], Awaitable[FoundRelease]]
    ) -> FoundRelease:
        standing = await self._standing(place)
        if standing is not None:
            return cast("FoundRelease", standing)
        number = self._edition.number
        with unnoted():
            found = await read()
        _note_private(found.head)
        if found.head is not None and found.release is not None:
            self._keep(place, found.head, found, number)
            self._cached.evict(self._is_stale, STALE_EVICTIONS_PER_READ)
        return found

    async def _standing(self, place: str) -> FoundRelease | Survey | None:
        """Return the cached record, if it stands."""
        cached = self._cached.get(place)
        if cached is None:
            self._edition.ask()  # So that what is read now can stand soon.
            return None
        is_confirmed = self._edition.is_confirmed() or await self._edition.confirm()
        if not self._edition.holds(cached.number, (cached.package,)):
            # Else a package that is private now would wait for the edition each time, and a missing
            # one would not.
            self._cached.drop(place)
            return None
        return cached.value if is_confirmed else None

    def _keep(self, place: str, head: Head, value: FoundRelease | Survey, number: int) -> None:
        if head.visibility is Visibility.PUBLIC:
            memory_bytes = _memory_of_read(value)
            self._cached.put(place, _Cached(value, head.package.key, number, memory_bytes))

    def _is_stale(self, cached: _Cached) -> bool:
        return not self._edition.holds(cached.number, (cached.package,))


def _note_private(head: Head | None) -> None:
    if head is not None and head.visibility is not Visibility.PUBLIC:
        note_private(head.readers)


def _memory_of_read(value: FoundRelease | Survey) -> int:
    """Return about how many bytes of memory decoded records take."""
    if isinstance(value, Survey):
        return memory_of(value.head) + memory_of_entries(value.entries)
    return memory_of((value.head, value.release))

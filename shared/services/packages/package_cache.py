"""The package cache: records that a process has read, and uses again until the edition says that
their package changed.
"""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Protocol, cast

from msgspec import Struct

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.packages import FoundRelease, Head, Survey
from shared.domain.visibility import Visibility
from shared.ports.metadata import MetadataStore, ReadCheck
from shared.runtime.decoded_records import memory_of, memory_of_entries
from shared.runtime.editions import Edition
from shared.runtime.lru_cache import LruCache

# The cache is for services that answer readers. A service that decides on a write, or derives data
# from records, reads the store itself.
CAPACITY_BYTES = 48 * 1024 * 1024  # All surveys and releases of Ballerina Central take 35 MB.
TOOLS_CACHED = 10_000  # A tool id is never given to another package.


class _Cached(Struct, frozen=True):
    """A record, its package, and the number of the edition from before it was read."""

    value: FoundRelease | Survey
    package_key: str
    edition_number: int
    memory_bytes: int


class PackageCache:
    """The `PackageReader` of readers.

    What is missing is never answered from memory: the store is asked again, so that a release is
    there for everybody once its push has been answered. A private package is not answered from
    memory either: somebody who may not see it would get the answer faster than for a missing
    package, and so learn that it exists. What is in memory is public, so no check is asked about
    it.
    """

    def __init__(
        self, metadata: MetadataStore, edition: Edition, *, capacity_bytes: int = CAPACITY_BYTES
    ) -> None:
        self._metadata = metadata
        self._edition = edition
        self._cached = LruCache[str, _Cached](
            capacity_bytes, weigh=lambda _, cached: cached.memory_bytes
        )
        self._owners = LruCache[str, Package](TOOLS_CACHED)

    async def find(
        self, coordinate: Coordinate, /, *, check: ReadCheck | None = None
    ) -> FoundRelease:
        read = partial(self._metadata.find, coordinate)
        return await self._release(f"={coordinate.key}", read, check)

    async def by_digest(self, digest: Digest, /, *, check: ReadCheck | None = None) -> FoundRelease:
        read = partial(self._metadata.by_digest, digest)
        return await self._release(f"#{digest.hex}", read, check)

    async def survey(
        self,
        packages: Sequence[Package],
        versions: Collection[Coordinate] = (),
        /,
        *,
        check: ReadCheck | None = None,
    ) -> list[Survey | None]:
        keys = [each.key for each in packages]
        surveys = cast("dict[str, Survey | None]", await self._current(keys))
        for version in versions if surveys else ():
            survey = surveys.get(version.package.key)
            if survey is not None and not survey.has(version.version):
                surveys[version.package.key] = None  # It may have been published just now.
        asked = zip(keys, packages, strict=True)
        unknown = {key: package for key, package in asked if surveys.get(key) is None}
        if unknown:
            edition_number = self._edition.number
            read = await self._metadata.survey(
                list(unknown.values()), versions, check=check or _checked_before
            )
            for key, survey in zip(unknown, read, strict=True):
                surveys[key] = survey
                if survey is not None:
                    self._put(key, key, survey.head, survey, edition_number)
        return [surveys[key] for key in keys]

    async def tool_owners(self, tools: Sequence[str]) -> list[Package | None]:
        owners = {tool: await self._owner(tool) for tool in tools}
        unknown = [tool for tool, owner in owners.items() if owner is None]
        if unknown:
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
        return owner if owner and await self._current([owner.key]) else None

    async def _release(
        self, key: str, read: "_ReadRelease", check: ReadCheck | None
    ) -> FoundRelease:
        current = await self._current([key])
        if current:
            return cast("FoundRelease", current[key])
        edition_number = self._edition.number
        found = await read(check=check or _checked_before)
        if found.head is not None and found.release is not None:
            self._put(key, found.head.key, found.head, found, edition_number)
        return found

    async def _current(self, keys: Sequence[str]) -> dict[str, FoundRelease | Survey]:
        """Return the cached records whose packages have not changed since they were read."""
        cached = [(key, self._cached.get(key)) for key in keys]
        found = [(key, each) for key, each in cached if each is not None]
        if not found:
            self._edition.start_poll()  # So that the cache can soon use what is read now.
            return {}
        is_current = self._edition.is_current() or await self._edition.poll()
        current = dict[str, FoundRelease | Survey]()
        for key, each in found:
            if self._edition.is_unchanged_since(each.edition_number, (each.package_key,)):
                current[key] = each.value
            else:
                # Otherwise a request for a package that is now private would wait for the edition
                # each time, and one for a missing package would not, so that the time would reveal
                # it.
                self._cached.drop(key)
        return current if is_current else {}

    def _put(
        self,
        key: str,
        package_key: str,
        head: Head,
        value: FoundRelease | Survey,
        edition_number: int,
    ) -> None:
        if head.visibility is Visibility.PUBLIC:
            self._cached.put(
                key, _Cached(value, package_key, edition_number, _memory_of_read(value))
            )


async def _checked_before(requested: Sequence[tuple[Package, Head | None]], /) -> set[str]:
    """The check of callers that know already that the packages may be read."""
    return {package.key for package, _ in requested}


class _ReadRelease(Protocol):
    async def __call__(self, *, check: ReadCheck | None) -> FoundRelease: ...


def _memory_of_read(value: FoundRelease | Survey) -> int:
    """Return about how many bytes of memory decoded records take."""
    if isinstance(value, Survey):
        return _HEAD_BYTES + memory_of_entries(value.entries)
    return _HEAD_BYTES + memory_of(value.release)


_HEAD_BYTES = 2_000  # Approximate memory of a decoded head, in bytes; heads differ little.

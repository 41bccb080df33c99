"""The pack: records of the packages that are pulled most, which an instance in the cloud loads when
it starts.

Whoever loads it reads which packages changed since, and leaves those out: loading the pack is a
read of all its records at that moment (docs/decisions/0025).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from shared.domain.names import Package
from shared.domain.packages import FoundRelease, Listing, Survey, Visibility
from shared.domain.search import ANYONE, Query, ResultPage, Sort
from shared.domain.selection import latest
from shared.domain.versions import ANY_CLIENT, Range
from shared.ports import (
    Clock,
    MetadataStore,
    PackageChangeFeed,
    PackagePack,
    PackedPackage,
    PackStore,
    PullLedger,
    SearchIndex,
)
from shared.services.package_cache import ReadRecords, memory_of
from shared.services.pulls import utc_day
from shared.services.upkeep import TaskReport

# Of memory, as the package cache counts it: two thirds of what that holds.
PACK_BYTES = 32 * 1024 * 1024
VERSIONS_PACKED = 8  # Of a package: its latest, and those that were pulled most lately.
LARGEST_SHARE = 1 / 8  # Of the memory for one package, so that none takes the place of many.
LATELY = timedelta(days=30)
PACKAGES_AT_ONCE = 16

_ALL = Query(include_deprecated=True)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class PackTask:
    """pack: writes the records of the public packages that are pulled most into one blob."""

    metadata: MetadataStore
    pulls: PullLedger
    search: SearchIndex
    changes: PackageChangeFeed
    store: PackStore
    clock: Clock
    capacity_bytes: int = PACK_BYTES

    async def run(self) -> TaskReport:
        # Before the records: what changes meanwhile is left out by whoever loads the pack.
        positions = await self.changes.positions()
        packages = [package async for package in self._that_fit()]
        await self.store.write(PackagePack(positions, tuple(packages)))
        return TaskReport("pack", len(packages), len(packages))

    async def _that_fit(self) -> AsyncIterator[PackedPackage]:
        left_bytes = self.capacity_bytes
        async for package in self._most_pulled():
            memory_bytes = memory_of_packed(package)
            if memory_bytes > self.capacity_bytes * LARGEST_SHARE:
                continue
            left_bytes -= memory_bytes
            if left_bytes < 0:
                return
            yield package

    async def _most_pulled(self) -> AsyncIterator[PackedPackage]:
        page = ResultPage(limit=PACKAGES_AT_ONCE, sort=Sort.PULLS)
        while hits := (await self.search.search(_ALL, page, ANYONE)).hits:
            for package in await self._packed([hit.listing for hit in hits]):
                yield package
            page = ResultPage(page.offset + page.limit, page.limit, page.sort)

    async def _packed(self, listings: Sequence[Listing]) -> list[PackedPackage]:
        """Return those that are still public, as they are now."""
        surveys = await self.metadata.survey([each.head.package for each in listings])
        public = [each for each in surveys if each and each.head.visibility is Visibility.PUBLIC]
        return list(await asyncio.gather(*map(self._package, public)))

    async def _package(self, survey: Survey) -> PackedPackage:
        pulled = await self._pulled(survey.head.package) if survey.head.pulls else []
        entry = latest(survey, Range(), ANY_CLIENT)
        versions = dict.fromkeys([*([entry.version] if entry else ()), *pulled])
        live = {each.version: survey.head.package.at(each.parsed) for each in survey.live}
        chosen = islice((live[each] for each in versions if each in live), VERSIONS_PACKED)
        found = await asyncio.gather(*map(self.metadata.find, chosen))
        return PackedPackage(survey, tuple(each.release for each in found if each.release))

    async def _pulled(self, package: Package) -> list[str]:
        """Return the versions that were pulled lately, the most pulled first."""
        since = utc_day(self.clock.now_ms() - LATELY // _MS)
        pulls = Counter[str]()
        for versions in (await self.pulls.history(package, since)).days.values():
            pulls.update(versions)
        return [version for version, _ in pulls.most_common()]


def memory_of_packed(package: PackedPackage) -> int:
    """Return at most how many bytes of memory a package cache needs for the package."""
    return memory_of(package.survey) + sum(map(memory_of, _found(package)))


def _found(package: PackedPackage) -> Iterator[FoundRelease]:
    return (FoundRelease(package.survey.head, each) for each in package.releases)


class PackLoading:
    """Reads the pack for a package cache: what did not change since it was written.

    Calls `loaded` with the number of packages, and of those that changed, or `failed` with the
    reason why the pack cannot be used.
    """

    def __init__(
        self,
        store: PackStore,
        changes: PackageChangeFeed,
        *,
        loaded: Callable[[int, int], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._store = store
        self._changes = changes
        self._loaded = loaded
        self._failed = failed

    async def read(self) -> ReadRecords | None:
        """Return the records, or None if there are none that can be used; raise nothing."""
        try:
            pack = await self._store.read()
            return await self._current(pack) if pack else None
        except Exception as error:  # A position may have become unusable, as that of an edition.
            self._failed(error)
            return None

    async def _current(self, pack: PackagePack) -> ReadRecords:
        changed = await self._changes.since(pack.positions)
        current = [each for each in pack.packages if _key(each) not in changed.keys]
        self._loaded(len(pack.packages), len(pack.packages) - len(current))
        surveys = [each.survey for each in current]
        releases = [found for each in current for found in _found(each)]
        return ReadRecords(changed.number, surveys, releases)


def _key(package: PackedPackage) -> str:
    return package.survey.head.package.key

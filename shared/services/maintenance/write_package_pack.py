"""Writes the records of the public packages that are pulled most into one blob, which new instances
load; in the cloud alone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from shared.domain.listings import Listing
from shared.domain.names import Package
from shared.domain.packages import Survey, Visibility
from shared.domain.resolution import latest
from shared.domain.search import ANYONE, Query, ResultPage, Sort
from shared.domain.task_runs import TaskReport
from shared.domain.times import MS
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
from shared.services.maintenance.task import Task
from shared.services.packages.package_pack import memory_of_packed
from shared.services.packages.pulls import utc_day

# Of memory, as the package cache counts it: two thirds of what that holds.
PACK_BYTES = 32 * 1024 * 1024
VERSIONS_PACKED = 8  # Of a package: its latest, and those that were pulled most lately.
LARGEST_SHARE = 1 / 8  # Of the memory for one package, so that none takes the place of many.
LATELY = timedelta(days=30)
PACKAGES_AT_ONCE = 16

_ALL = Query(include_deprecated=True, stored_only=True)


@dataclass(frozen=True)
class WritePackagePack(Task):
    id = "write-package-pack"
    title = "Write the package pack"
    sentence = "Writes the records of the packages that are pulled most, which new instances load."
    schedule = "0 10 1-23/6 * * *"  # After the roll-up of a day.
    runs_in_read_only_mode = True

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
        return TaskReport(len(packages), len(packages))

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
        since = utc_day(self.clock.now_ms() - LATELY // MS)
        pulls = Counter[str]()
        for versions in (await self.pulls.history(package, since)).days.values():
            pulls.update(versions)
        return [version for version, _ in pulls.most_common()]

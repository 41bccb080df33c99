"""Task `generate-api-docs`, every 10 minutes: makes the API documentation of releases that have
none, or one by an older version of the registry."""

from datetime import timedelta

from msgspec import Struct

from shared.confined.jobs import ConfinedUnavailable
from shared.domain.api_docs.records import GENERATOR_VERSION
from shared.domain.change_feed import ChangeKind, package_change
from shared.domain.packages import Head, Release
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.versions import Version
from shared.ports.events import EventReader
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.api_docs.api_docs_generation import ApiDocsGeneration
from shared.services.api_docs.api_docs_queue import oldest_first
from shared.services.maintenance.tasks import Checkpoints, Task

SCHEDULE = "35 */10 * * * *"

FEED_BATCH = 200  # Events.
# All releases are visited, for what was lost, and for versions between two that were documented.
DOCUMENTED_AGAIN_AFTER = timedelta(days=1)
DOCUMENTING_TIME = timedelta(minutes=5)  # The time of one run for the releases in the feed.
_KIND = "api-docs"
_POSITION = "position"
_ALL = f"all-{GENERATOR_VERSION}"


class GenerateApiDocs(Task, frozen=True):
    id = "generate-api-docs"
    title = "Generate API documentation"
    sentence = (
        "Makes the API documentation of releases that have none, or one by an older version of "
        "the registry."
    )
    schedule = SCHEDULE

    generation: ApiDocsGeneration
    metadata: MetadataStore
    events: EventReader
    work: WorkStore
    checkpoints: Checkpoints
    clock: Clock

    async def run(self) -> TaskReport:
        counts = _Counts()
        finished = await self._follow_feed(counts) and await self._visit_all(counts)
        if counts.has_left:  # The next run visits all releases, and so these as well.
            await self.work.take(_KIND, _ALL, self.clock.now_ms())
        return TaskReport(counts.seen, counts.made, unfinished=not finished)

    async def _follow_feed(self, counts: "_Counts") -> bool:
        """Document what was published since the last run; return whether that was all."""
        until_ms = self.clock.now_ms() + DOCUMENTING_TIME // MS
        position = int(await self._peek(_POSITION) or 0)
        while batch := await self.events.since(position, FEED_BATCH):
            for number, event in batch:
                change = package_change(number, event)
                if change is not None and change.change is ChangeKind.PUBLISHED:
                    at = change.package.at(Version.parse(change.version))
                    release = (await self.metadata.find(at)).release
                    if release is not None:
                        await self._update(release, counts)
                position = number
                if self.clock.now_ms() >= until_ms:
                    break
            await self._put(_POSITION, str(position))
            if self.clock.now_ms() >= until_ms:
                return False
        return True

    async def _visit_all(self, counts: "_Counts") -> bool:
        """Document all releases, once for each version of the generator, and each day; return
        whether nothing is left to do."""
        if await self._peek(_ALL) is not None:
            return True

        async def visit(head: Head) -> None:
            for release in await oldest_first(self.metadata, head.package):
                await self._update(release, counts)

        finished = await self.checkpoints.visit_packages(self, visit)
        if finished:
            await self._put(_ALL, "done")
        return finished

    async def _update(self, release: Release, counts: "_Counts") -> None:
        counts.seen += 1
        try:
            counts.made += await self.generation.update(release) is not None
        except ConfinedUnavailable:
            counts.has_left = True

    async def _peek(self, key: str) -> str | None:
        return await self.work.peek(_KIND, key, self.clock.now_ms())

    async def _put(self, key: str, value: str) -> None:
        ends_ms = self.clock.now_ms() + DOCUMENTED_AGAIN_AFTER // MS
        await self.work.put(_KIND, key, value, ends_ms)


class _Counts(Struct):
    seen: int = 0
    made: int = 0
    has_left: bool = False

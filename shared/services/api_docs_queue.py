"""The queue of releases to document, and the task `document`, which does what a crash left out.

The event feed is what is durable: the process that took a push documents it after its answer.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.caching import LruCache
from shared.confined.limits import ConfinedUnavailable
from shared.domain.api_docs.records import GENERATOR_VERSION, ApiDocsRecord
from shared.domain.errors.base import Refusal
from shared.domain.events import ChangeKind, package_change
from shared.domain.names import Coordinate, Package
from shared.domain.packages import Head, Release, State
from shared.domain.versions import Version
from shared.ports import Clock, EventStore, MetadataStore, WorkStore
from shared.services.api_docs_generation import ApiDocsGeneration, GenerationFailure
from shared.services.records import package_batches
from shared.services.upkeep import UPKEEP_BATCH, Checkpoints, TaskReport

QUEUE_LENGTH = 1_000  # Releases; the task documents what does not fit.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)


class ApiDocsQueue:
    """Documents releases one after another: those that a reader asks for first, then in turns of
    their organizations.

    Nothing is lost if the process ends: the task `document` does what is left.
    """

    def __init__(
        self,
        generation: ApiDocsGeneration,
        metadata: MetadataStore,
        *,
        failed: GenerationFailure,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`failed` is called with an error that the task may have, too."""
        self._generation = generation
        self._metadata = metadata
        self._failed = failed
        self._sleep = sleep
        self._wanted = OrderedDict[str, Coordinate]()
        self._pushed = OrderedDict[str, deque[Coordinate]]()  # By organization.
        self._repeated = OrderedDict[str, Coordinate]()  # After all others: they may fail again.
        self._renewed = LruCache[str, bool](QUEUE_LENGTH)  # False as long as it is waiting.
        self._is_enabled = False
        self._working: asyncio.Task[None] | None = None

    def enable(self) -> None:
        """Document releases as they are added, as a process that serves clients does."""
        self._is_enabled = True

    def add(self, coordinate: Coordinate) -> None:
        """Document a release that was just pushed; never waits."""
        if sum(map(len, self._pushed.values())) < QUEUE_LENGTH:
            self._pushed.setdefault(coordinate.package.org.lower(), deque()).append(coordinate)
        self._start()

    def want(self, coordinate: Coordinate) -> None:
        """Document a release that a reader waits for; never waits itself."""
        if coordinate.key not in self._repeated and len(self._wanted) < QUEUE_LENGTH:
            self._wanted[coordinate.key] = coordinate
        self._start()

    def renew(self, coordinate: Coordinate) -> None:
        """Document a release again, at most once in a process: what it refers to is there now."""
        if self._renewed.peek(coordinate.key) is None:
            self._renewed.put(coordinate.key, False)
            self.want(coordinate)

    async def drain(self) -> int:
        """Document what was added; stop if that has to be repeated later. Returns of how many
        releases that was."""
        count = 0
        while (coordinate := self._next()) is not None:
            try:
                await self._document(coordinate)
            except ConfinedUnavailable:
                self._repeated[coordinate.key] = coordinate
                break
            count += 1
        return count

    async def close(self) -> None:
        """Stop; what was added and not documented waits for the task."""
        if self._working is not None:
            self._working.cancel()
            with suppress(asyncio.CancelledError):
                await self._working

    def _start(self) -> None:
        if self._is_enabled and self._working is None:
            self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        """Document what is added until nothing is left; repeat with longer and longer pauses, as
        long as nothing can be documented."""
        pause = FIRST_PAUSE
        try:
            while self._wanted or self._pushed or self._repeated:
                if await self.drain():
                    pause = FIRST_PAUSE
                if self._repeated:
                    await self._sleep(pause.total_seconds())
                    pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            self._working = None

    def _next(self) -> Coordinate | None:
        if self._wanted:
            return self._wanted.popitem(last=False)[1]
        if not self._pushed:
            return self._repeated.popitem(last=False)[1] if self._repeated else None
        org, waiting = self._pushed.popitem(last=False)
        coordinate = waiting.popleft()
        if waiting:
            self._pushed[org] = waiting  # Behind all other organizations.
        return coordinate

    async def _document(self, coordinate: Coordinate) -> None:
        try:
            found = await self._metadata.find(coordinate)
            if found.release is None:
                return
            if self._renewed.peek(coordinate.key) is False:
                await self._generation.make(found.release)
                self._renewed.put(coordinate.key, True)
            else:
                await self._generation.update(found.release)
        except (Refusal, OSError) as error:  # Of a store, or of the folder of the job.
            self._failed(coordinate, str(error))


FEED_BATCH = 200  # Events.
DOCUMENTED_AGAIN_AFTER = timedelta(days=30)  # All releases are visited, for what was lost.
DOCUMENTING_TIME = timedelta(minutes=5)  # Of one run, for the feed.


@dataclass(frozen=True, slots=True)
class DocumentedRelease:
    """A release that was just documented."""

    release: Release
    record: ApiDocsRecord


_KIND = "api-docs"
_POSITION = "position"
_ALL = f"all-{GENERATOR_VERSION}"
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class ApiDocsTask:
    """document: documents new releases that the process of their push did not, and all others that
    have no documentation or one by an older generator."""

    generation: ApiDocsGeneration
    metadata: MetadataStore
    events: EventStore
    work: WorkStore
    checkpoints: Checkpoints
    clock: Clock

    async def run(self) -> TaskReport:
        counts = _Counts()
        finished = await self._follow_feed(counts) and await self._visit_all(counts)
        if counts.left:  # The next run visits all releases, and so these as well.
            await self.work.put(_KIND, _ALL, "again", self.clock.now_ms())
        return TaskReport("document", counts.seen, counts.made, unfinished=not finished)

    async def document_package(self, package: Package) -> list[DocumentedRelease]:
        """Document every release of a package, again if it is documented already."""
        releases = [
            each for each in await self._oldest_first(package) if each.state is not State.REMOVED
        ]
        return [DocumentedRelease(each, await self.generation.make(each)) for each in releases]

    async def document_missing(self) -> list[DocumentedRelease]:
        """Document every release that is not documented, or by an older generator."""
        found = list[DocumentedRelease]()
        async for heads in package_batches(self.metadata, UPKEEP_BATCH):
            for head in heads:
                for release in await self._oldest_first(head.package):
                    if record := await self.generation.update(release):
                        found.append(DocumentedRelease(release, record))
        return found

    async def _oldest_first(self, package: Package) -> list[Release]:
        """Return the releases in the order of versions: each is compared with the one before."""
        releases = await self.metadata.releases(package)
        return sorted(releases, key=lambda each: each.coordinate.version.precedence)

    async def _follow_feed(self, counts: "_Counts") -> bool:
        """Document what was published since the last run; return whether that was all."""
        until_ms = self.clock.now_ms() + DOCUMENTING_TIME // _MS
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
        """Document all releases, once for each version of the generator, and each month; return
        whether nothing is left to do."""
        if await self._peek(_ALL) is not None:
            return True

        async def visit(head: Head) -> None:
            for release in await self._oldest_first(head.package):
                await self._update(release, counts)

        finished = await self.checkpoints.visit_packages("document", visit)
        if finished:
            await self._put(_ALL, "done")
        return finished

    async def _update(self, release: Release, counts: "_Counts") -> None:
        counts.seen += 1
        try:
            counts.made += await self.generation.update(release) is not None
        except ConfinedUnavailable:
            counts.left += 1

    async def _peek(self, key: str) -> str | None:
        return await self.work.peek(_KIND, key, self.clock.now_ms())

    async def _put(self, key: str, value: str) -> None:
        ends_ms = self.clock.now_ms() + DOCUMENTED_AGAIN_AFTER // _MS
        await self.work.put(_KIND, key, value, ends_ms)


class _Counts:
    def __init__(self) -> None:
        self.seen = 0
        self.made = 0
        self.left = 0

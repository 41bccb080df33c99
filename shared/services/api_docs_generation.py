"""Making API documentation: after a push, on request, and for releases that have none.

The event feed is the queue. The process that took a push documents it after its answer; the task
`document` reads the feed, and documents what a crash left out.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import thread_time

from shared.caching import SingleFlight
from shared.domain.api_docs.records import GENERATOR_VERSION, NO_API, ApiDocsRecord
from shared.domain.api_docs.sources import (
    ReleaseDocs,
    ReleaseFiles,
    SourceName,
    failed_docs,
    select_sources,
    source_names,
)
from shared.domain.errors.archives import BadArchive
from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import ArchiveNotFound, ReleaseNotFound
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.events import ChangeKind, package_change
from shared.domain.names import Coordinate, Package
from shared.domain.packages import Graph, Head, Release, State, read_graph
from shared.domain.selection import latest
from shared.domain.versions import ANY_CLIENT, Range, Version
from shared.ports import Clock, DocumentStore, EventStore, MetadataStore, WorkStore
from shared.services.api_history import ApiHistory
from shared.services.archive_files import ArchiveFiles
from shared.services.derived_data import DerivedData
from shared.services.records import package_batches
from shared.services.upkeep import UPKEEP_BATCH, Checkpoints, TaskReport

REQUEST_WAITS = timedelta(seconds=8)  # Clients give up after ten seconds or more.

GenerationFailure = Callable[[Coordinate, Exception], None]


class ApiDocsGeneration:
    """Makes the documentation of releases, one at a time in a process, and stores it."""

    def __init__(
        self,
        metadata: MetadataStore,
        documents: DocumentStore,
        files: ArchiveFiles,
        history: ApiHistory,
        derived_data: DerivedData,
        *,
        failed: GenerationFailure,
    ) -> None:
        """`failed` is called with an error of the generator, which is ours to correct."""
        self._metadata = metadata
        self._documents = documents
        self._files = files
        self._history = history
        self._derived_data = derived_data
        self._failed = failed
        self._single_flight = SingleFlight[ApiDocsRecord]()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="api-docs")

    async def require(self, coordinate: Coordinate) -> ApiDocsRecord:
        """Return the state of a release's documentation, which is made if there is none.

        Raises `ApiDocsPending` if that takes too long for a request, and `ReleaseNotFound`.
        """
        making = self._single_flight.start(coordinate.key, partial(self._require, coordinate))
        done, _ = await asyncio.wait({making}, timeout=REQUEST_WAITS.total_seconds())
        if not done:
            raise ApiDocsPending(coordinate)
        return making.result()

    async def update(self, release: Release) -> bool:
        """Document the release unless it is documented already; say whether it was not."""
        if release.state is State.REMOVED:
            return False
        before = await self._documents.api_docs_record(release.content)
        if before is not None and before.generator >= GENERATOR_VERSION:
            return False
        await self._make(release, before)
        return True

    async def make(self, release: Release) -> ApiDocsRecord:
        """Document the release, again if it is documented already."""
        return await self._make(release, await self._documents.api_docs_record(release.content))

    async def close(self) -> None:
        """Stop the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _make(self, release: Release, before: ApiDocsRecord | None) -> ApiDocsRecord:
        made = await self._with_history(release, await self._made(release))
        await self._documents.put_api_docs(release.content, made.record, made.documents)
        if _is_searched(made.record) or (before and _is_searched(before)):
            await self._update_search(release)
        return made.record

    async def _require(self, coordinate: Coordinate) -> ApiDocsRecord:
        found = await self._metadata.find(coordinate)
        release = found.release
        if release is None or release.state is State.REMOVED:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        record = await self._documents.api_docs_record(release.content)
        return record or await self._make(release, None)

    async def _made(self, release: Release) -> ReleaseDocs:
        try:
            files = await self._release_files(release)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, _document, files)
        except (BadArchive, ArchiveNotFound) as refusal:
            return failed_docs(str(refusal))
        except Refusal:
            raise
        except Exception as error:  # Sources are hostile, and the worker goes on.
            self._failed(release.coordinate, error)
            return failed_docs("the sources cannot be documented")

    async def _with_history(self, release: Release, made: ReleaseDocs) -> ReleaseDocs:
        try:
            return await self._history.add(release, made)
        except Refusal:
            raise
        except Exception as error:  # The documentation is complete without it.
            self._failed(release.coordinate, error)
            return made

    async def _release_files(self, release: Release) -> ReleaseFiles:
        digest = release.content
        texts, [graph], contents = await asyncio.gather(
            self._documents.texts(digest),
            self._documents.graphs([digest]),
            self._sources(release),
        )
        nodes = Graph(nodes=read_graph(graph))
        return ReleaseFiles(release.coordinate, release.modules, texts, nodes, contents)

    async def _sources(self, release: Release) -> Mapping[SourceName, bytes | str]:
        directory = await self._files.list(release)
        sources = source_names(directory.files, release.name)
        sizes = {each: directory.entries[each.entry].unpacked_bytes for each in sources}
        refused = select_sources(sizes)
        wanted = [each.entry for each in sources if each not in refused]
        contents = await self._files.read_all(release, wanted)
        return {each: refused.get(each) or contents[each.entry] for each in sources}

    async def _update_search(self, release: Release) -> None:
        """Let people find the symbols of the package and editors its connectors, if this is its
        latest release."""
        package = release.coordinate.package
        [survey] = await self._metadata.survey([package])
        entry = latest(survey, Range(), ANY_CLIENT) if survey else None
        if entry and entry.digest == release.digest:
            await self._derived_data.update_search(package)


def _is_searched(record: ApiDocsRecord) -> bool:
    return record.api != NO_API or bool(record.symbols)


def _document(files: ReleaseFiles) -> ReleaseDocs:
    # The reader and the generator take long to import, and few processes need them.
    from shared.domain.api_docs.release import document_release  # noqa: PLC0415

    return document_release(files, thread_time)


QUEUE_LENGTH = 1_000  # Pushes; the task documents what does not fit.


class ApiDocsQueue:
    """Documents releases after the answer to their push, one after another.

    Nothing is lost if the process ends: the task `document` does what is left.
    """

    def __init__(
        self,
        generation: ApiDocsGeneration,
        metadata: MetadataStore,
        *,
        failed: GenerationFailure,
    ) -> None:
        """`failed` is called with an error that the task may have, too."""
        self._generation = generation
        self._metadata = metadata
        self._failed = failed
        self._waiting = deque[Coordinate](maxlen=QUEUE_LENGTH)
        self._is_enabled = False
        self._working: asyncio.Task[None] | None = None

    def enable(self) -> None:
        """Document releases as they are added, as a process that serves clients does."""
        self._is_enabled = True

    def add(self, coordinate: Coordinate) -> None:
        """Document a release soon; never waits."""
        self._waiting.append(coordinate)
        if self._is_enabled and self._working is None:
            self._working = asyncio.create_task(self.drain())

    async def drain(self) -> None:
        """Document what was added."""
        try:
            while self._waiting:
                await self._document(self._waiting.popleft())
        finally:
            self._working = None

    async def close(self) -> None:
        """Stop; what was added and not documented waits for the task."""
        if self._working is not None:
            self._working.cancel()
            with suppress(asyncio.CancelledError):
                await self._working

    async def _document(self, coordinate: Coordinate) -> None:
        try:
            found = await self._metadata.find(coordinate)
            if found.release is not None:
                await self._generation.update(found.release)
        except Refusal as refusal:
            self._failed(coordinate, refusal)


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
                    if await self.generation.update(release):
                        record = await self.generation.require(release.coordinate)
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
        key = f"all-{GENERATOR_VERSION}"
        if await self._peek(key) is not None:
            return True

        async def visit(head: Head) -> None:
            for release in await self._oldest_first(head.package):
                await self._update(release, counts)

        finished = await self.checkpoints.visit_packages("document", visit)
        if finished:
            await self._put(key, "done")
        return finished

    async def _update(self, release: Release, counts: "_Counts") -> None:
        counts.seen += 1
        counts.made += await self.generation.update(release)

    async def _peek(self, key: str) -> str | None:
        return await self.work.peek(_KIND, key, self.clock.now_ms())

    async def _put(self, key: str, value: str) -> None:
        ends_ms = self.clock.now_ms() + DOCUMENTED_AGAIN_AFTER // _MS
        await self.work.put(_KIND, key, value, ends_ms)


class _Counts:
    def __init__(self) -> None:
        self.seen = 0
        self.made = 0

"""Tasks about packages: their archives, derived data, documentation and mirror."""

from dataclasses import dataclass
from datetime import timedelta

from msgspec import Struct

from shared.confined.budget import ConfinedUnavailable
from shared.domain.api_docs.records import GENERATOR_VERSION
from shared.domain.archives.bala import Bala
from shared.domain.archives.names import Digest
from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import ArchiveLost
from shared.domain.events import ChangeKind, package_change
from shared.domain.names import Version
from shared.domain.packages import (
    ArchiveFacts,
    Head,
    Readers,
    Release,
    State,
    Texts,
    archive_container,
)
from shared.domain.principals import ANONYMOUS
from shared.domain.releases import new_release
from shared.domain.status import TaskReport
from shared.domain.times import MS
from shared.ports import (
    ArchiveStore,
    Clock,
    DocumentStore,
    EventStore,
    MetadataStore,
    SearchFeed,
    StoredArchive,
    WorkStore,
)
from shared.services.api_docs.api_docs_generation import ApiDocsGeneration, ApiHistory
from shared.services.api_docs.api_docs_queue import oldest_first
from shared.services.maintenance.tasks import LONGEST_CALL, Checkpoints, Task
from shared.services.mirroring.catalogue import UpstreamCatalogue
from shared.services.mirroring.mirror_rules import RuleApplication
from shared.services.packages.archive_reader import ArchiveReader
from shared.services.packages.archives import ArchiveRelocation
from shared.services.packages.derived_data import DerivedData
from shared.services.records import RECORDS_AT_ONCE, package_batches

FACTS = sorted(ArchiveFacts.model_fields)


@dataclass(frozen=True)
class AuditArchives(Task):
    id = "audit-archives"
    title = "Audit archives"
    sentence = "Reads every archive and reports releases whose record does not match."
    schedule = "0 40 3 * * *"

    metadata: MetadataStore
    archives: ArchiveStore
    archive_reader: ArchiveReader
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Audit as many releases as fit in one run; each problem is a sentence."""
        seen, problems = 0, list[str]()

        async def visit(head: Head) -> None:
            nonlocal seen
            for release in await self.metadata.releases(head.package):
                seen += 1
                problems.extend(await self._problems(release))

        finished = await self.checkpoints.visit_packages(self, visit)
        return TaskReport(seen, 0, tuple(problems), unfinished=not finished)

    async def _problems(self, release: Release) -> list[str]:
        if release.state is State.REMOVED:
            return []
        remedy = f"Bring it back: ballroom restore --release {release.coordinate} --from BACKUP"
        try:
            content = await self.archives.read(release.archive)
            if Digest.of(content) != release.content:
                return [f"{release.coordinate}: the stored archive has another digest. {remedy}."]
            return _differences(release, await self.archive_reader.of(release).read(content))
        except ArchiveLost:
            if release.upstream is None:
                remedy = f"{remedy}, or push the same archive again"
            return [f"{release.coordinate}: its archive is missing. {remedy}."]
        except Refusal as refusal:
            return [f"{release.coordinate}: its archive cannot be read: {refusal}"]


def _differences(release: Release, bala: Bala) -> list[str]:
    """Return the differences between a record and its archive, a sentence each."""
    again = new_release(bala, by=ANONYMOUS, now_ms=release.created_ms)
    if release.upstream is not None:
        tools = tuple(each for each in again.tools if each not in release.upstream.without_tools)
        again = again.model_copy(update={"tools": tools})
    return [
        f"{release.coordinate}: {field} is recorded as {getattr(release, field)!r}, "
        f"but the archive says {getattr(again, field)!r}."
        for field in FACTS
        if getattr(release, field) != getattr(again, field)
    ]


@dataclass(frozen=True)
class DeleteOrphanedArchives(Task):
    id = "delete-orphaned-archives"
    title = "Delete orphaned archives"
    sentence = (
        "Deletes archives of interrupted pushes after a grace period, and moves archives that "
        "are in the wrong container."
    )
    schedule = "0 20 3 * * *"

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    api_history: ApiHistory
    checkpoints: Checkpoints
    sweep_grace_hours: int
    readers: Readers

    async def run(self) -> TaskReport:
        """Look at every archive; those that a push may still need are within the grace period."""
        now_ms = self.checkpoints.clock.now_ms()
        grace = timedelta(hours=self.sweep_grace_hours)
        before_ms = now_ms - grace // MS
        seen = changed = 0

        async def visit(archive: StoredArchive) -> None:
            nonlocal seen, changed
            seen += 1
            changed += await self._sweep(archive, before_ms)

        finished = await self.checkpoints.visit(self, self.archives.list(now_ms), visit)
        return TaskReport(seen, changed, unfinished=not finished)

    async def _sweep(self, archive: StoredArchive, before_ms: int) -> bool:
        """Delete, move or complete an archive if it needs that; return whether it did."""
        found = await self.metadata.by_digest(archive.digest)
        if found.head and found.release and found.release.state is not State.REMOVED:
            return await self._correct(archive, found.head, found.release)
        if archive.stored_ms >= before_ms:
            return False
        if not await self.archives.delete(archive.digest, before_ms):
            return False
        await self.documents.delete(archive.digest)
        if found.release:
            await self.api_history.put(found.release.coordinate, None)
        return True

    async def _correct(self, archive: StoredArchive, head: Head, release: Release) -> bool:
        container = archive_container(head, release, self.readers)
        if archive.container in (None, container):
            return False
        await self.archives.move(release.archive, container)
        return True


_PLACED_FOR_KEPT = timedelta(days=400)
_PLACED_FOR = "placed-for"


@dataclass(frozen=True)
class PlaceArchives(Task):
    id = "place-archives"
    title = "Place archives"
    sentence = (
        "Moves archives to the container for who may read the registry, and purges copies at the "
        "edge, after BALLROOM_READERS was changed."
    )
    schedule = "20 */5 * * * *"

    relocation: ArchiveRelocation
    metadata: MetadataStore
    work: WorkStore
    checkpoints: Checkpoints
    clock: Clock
    readers: Readers

    async def run(self) -> TaskReport:
        """Move the archives of all packages that were placed for other readers."""
        if await self._placed_for() is self.readers:
            return TaskReport(0, 0)
        seen = moved = 0

        async def visit(head: Head) -> None:
            nonlocal seen, moved
            seen += 1
            if head.placed_for is not self.readers:
                await self.relocation.place(head, self.clock.now_ms())
                moved += 1

        finished = await self.checkpoints.visit_packages(self, visit)
        if finished:
            ends_ms = self.clock.now_ms() + _PLACED_FOR_KEPT // MS
            await self.work.put(_PLACED_FOR, _PLACED_FOR, self.readers.value, ends_ms)
        return TaskReport(seen, moved, unfinished=not finished)

    async def packages_left(self) -> int:
        """Return how many packages wait for this task; reads all of them after a change."""
        if await self._placed_for() is self.readers:
            return 0
        batches = package_batches(self.metadata, RECORDS_AT_ONCE)
        return sum(
            [each.placed_for is not self.readers async for batch in batches for each in batch]
        )

    async def _placed_for(self) -> Readers:
        """Return the readers that the last completed visit of all packages was for."""
        found = await self.work.peek(_PLACED_FOR, _PLACED_FOR, self.clock.now_ms())
        return Readers(found) if found else Readers.EVERYBODY


NO_GRAPH = b"[]"


@dataclass(frozen=True)
class RepairDerivedData(Task):
    id = "repair-derived-data"
    title = "Repair derived data"
    sentence = "Computes lists and documents again that do not match the releases."
    schedule = "0 30 4 * * *"

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    derived_data: DerivedData
    archive_reader: ArchiveReader
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Repair packages; one with a release that cannot be read is a problem."""
        seen, repaired, problems = 0, 0, list[str]()

        async def visit(head: Head) -> None:
            nonlocal seen, repaired
            seen += 1
            try:
                repaired += await self._repair(head)
            except Refusal as refusal:
                problems.append(f"{head.package}: {refusal}")

        finished = await self.checkpoints.visit_packages(self, visit)
        return TaskReport(seen, repaired, tuple(problems), unfinished=not finished)

    async def _repair(self, head: Head) -> bool:
        """Derive the package again if anything of it is stale; say whether it was."""
        releases = await self.metadata.releases(head.package)
        restored = [await self._restore_documents(each) for each in releases]
        return await self.derived_data.rebuild(head.package) or any(restored)

    async def _restore_documents(self, release: Release) -> bool:
        """Store lost documents again; say whether there were any."""
        if release.state is State.REMOVED:
            return False
        if not await self._lacks_documents(release):
            return False
        content = await self.archives.read(release.archive)
        bala = await self.archive_reader.of(release).read(content)
        await self.documents.put(bala.content, bala.texts, bala.graph)
        return bala.texts != Texts() or bool(bala.graph.nodes)

    async def _lacks_documents(self, release: Release) -> bool:
        """Check whether no documents of the release are stored; some releases have none."""
        digest = Digest(release.digest)
        if await self.documents.texts(digest) != Texts():
            return False
        return await self.documents.graphs([digest]) == [NO_GRAPH]


@dataclass(frozen=True)
class RebuildDerivedData(RepairDerivedData):
    """Does what the nightly repair does, which continues at a checkpoint of its own."""

    id = "rebuild-derived-data"
    title = "Rebuild derived data"
    sentence = (
        "Computes lists, search entries and documents of all packages again from their releases."
    )
    schedule = None


@dataclass(frozen=True)
class UpdateSearchIndex(Task):
    id = "update-search-index"
    title = "Update the search index"
    sentence = (
        "Builds a new search index if the current one is an hour old, or many packages changed."
    )
    schedule = "45 */5 * * * *"
    longest_run = LONGEST_CALL
    runs_in_read_only_mode = True

    feed: SearchFeed

    async def run(self) -> TaskReport:
        changed = await self.feed.catch_up()
        return TaskReport(changed, changed)


@dataclass(frozen=True)
class RebuildSearchIndex(Task):
    id = "rebuild-search-index"
    title = "Rebuild the search index"
    sentence = "Creates the search index again from the listings of all packages."
    schedule = None
    longest_run = LONGEST_CALL
    runs_in_read_only_mode = True

    feed: SearchFeed

    async def run(self) -> TaskReport:
        packages = await self.feed.rebuild()
        return TaskReport(packages, packages)


FEED_BATCH = 200  # Events.
# All releases are visited, for what was lost, and for versions between two that were documented.
DOCUMENTED_AGAIN_AFTER = timedelta(days=1)
DOCUMENTING_TIME = timedelta(minutes=5)  # Of one run, for the feed.

_KIND = "api-docs"
_POSITION = "position"
_ALL = f"all-{GENERATOR_VERSION}"


@dataclass(frozen=True)
class GenerateApiDocs(Task):
    id = "generate-api-docs"
    title = "Generate API documentation"
    sentence = (
        "Makes the API documentation of releases that have none, or one by an older version of "
        "the registry."
    )
    schedule = "35 */10 * * * *"

    generation: ApiDocsGeneration
    metadata: MetadataStore
    events: EventStore
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


@dataclass(frozen=True)
class ApplyMirrorRules(Task):
    id = "apply-mirror-rules"
    title = "Apply the rules of the mirror"
    sentence = (
        "Withholds stored releases that the rules of the mirror do not allow or whose name moved "
        "to another registry, and serves them again when both allow it."
    )
    schedule = "0 35 * * * *"

    rule_application: RuleApplication

    async def run(self) -> TaskReport:
        return await self.rule_application.apply()


@dataclass(frozen=True)
class UpdateUpstreamCatalogue(Task):
    id = "update-upstream-catalogue"
    title = "Update the catalogue of the upstream"
    sentence = "Reads which packages the upstream registry has, so that search knows all of them."
    schedule = "25 */5 * * * *"
    runs_first = True

    updates: UpstreamCatalogue

    async def run(self) -> TaskReport:
        return await self.updates.run()

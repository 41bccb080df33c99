"""Tasks about packages: their archives, derived data, documentation and mirror."""

from dataclasses import dataclass
from datetime import timedelta

import msgspec
from msgspec import Struct

from shared.confined.budget import ConfinedUnavailable
from shared.domain.api_docs.records import GENERATOR_VERSION
from shared.domain.archives.bala import Bala
from shared.domain.archives.names import Digest
from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import ArchiveLost
from shared.domain.events import ChangeKind, package_change
from shared.domain.packages import (
    ArchiveFacts,
    Head,
    Readers,
    Release,
    State,
    Texts,
    archive_container,
)
from shared.domain.principals import ANONYMOUS, UPKEEP
from shared.domain.releases import WithheldNote, new_release
from shared.domain.status import TaskReport
from shared.domain.times import MS
from shared.domain.versions import Version
from shared.ports import (
    ArchiveStore,
    Clock,
    DirectoryStore,
    DocumentStore,
    EventStore,
    MetadataStore,
    SearchFeed,
    StoredArchive,
    WorkStore,
)
from shared.services.api_docs.api_docs_generation import ApiDocsGeneration
from shared.services.api_docs.api_docs_queue import oldest_first
from shared.services.maintenance.database_age import DatabaseAge
from shared.services.maintenance.erased_releases import ErasedReleases
from shared.services.maintenance.tasks import (
    CHECKPOINT_KEPT_FOR,
    LONGEST_CALL,
    RUN_TIME,
    Checkpoints,
    Guarded,
    Task,
)
from shared.services.mirroring.catalogue import UpstreamCatalogue
from shared.services.mirroring.mirror_rules import RuleApplication
from shared.services.mirroring.withdrawals import UpstreamFeeds
from shared.services.packages.archive_reader import ArchiveReader
from shared.services.packages.archive_relocation import ArchiveRelocation
from shared.services.packages.archive_sweep import SWEEP_SCHEDULE
from shared.services.packages.dependency_notices import DependencyNotices
from shared.services.packages.derived_data import DerivedData
from shared.services.records import RECORDS_AT_ONCE, entity_batches, package_batches

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
        seen = 0
        problems = list[str]()

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
    """Return the differences between a record and its archive, a sentence each.

    Facts that the record does not know, as earlier versions wrote it without them, are passed over.
    """
    again = new_release(bala, by=ANONYMOUS, now_ms=release.created_ms)
    if release.upstream is not None:
        tools = tuple(each for each in again.tools if each not in release.upstream.without_tools)
        again = again.model_copy(update={"tools": tools})
    return [
        f"{release.coordinate}: {field} is recorded as {getattr(release, field)!r}, "
        f"but the archive says {getattr(again, field)!r}."
        for field in FACTS
        if field in release.model_fields_set and getattr(release, field) is not None
        if getattr(release, field) != getattr(again, field)
    ]


FEW_ORPHANS = 5  # So many may go in any case: interrupted pushes leave one each.
ORPHANS_OF = 20  # And of so many archives one.
FOREVER = 2**62
_SWEEP_KIND = "sweep-count"


class _SweepCount(Struct):
    """What the runs of one sweep have counted; with `allowed`, how many archives may still go."""

    seen: int = 0
    orphans: int = 0
    changed: int = 0
    oldest_ms: int = FOREVER
    allowed: int | None = None


@dataclass(frozen=True)
class DeleteOrphanedArchives(Task, Guarded):
    id = "delete-orphaned-archives"
    title = "Delete orphaned archives"
    sentence = (
        "Deletes archives of interrupted pushes after a grace period, unless they are too many, "
        "and moves archives that are in the wrong container."
    )
    schedule = SWEEP_SCHEDULE

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    directory: DirectoryStore
    erased_releases: ErasedReleases
    checkpoints: Checkpoints
    database_age: DatabaseAge
    work: WorkStore
    sweep_grace_hours: int
    readers: Readers

    async def run(self) -> TaskReport:
        """Look at every archive, and delete those without a release when all were counted; those
        that a push may still need are within the grace period.

        Deletes nothing, and reports a problem, if too many would go or if the database is younger
        than the archives: it may be one that took the place of a lost one.
        """
        count = await self._load_count()
        if count.allowed is not None:
            return await self._delete_counted(count)
        found = list[StoredArchive]()
        is_first = not count.seen

        async def visit(archive: StoredArchive) -> None:
            count.seen += 1
            count.oldest_ms = min(count.oldest_ms, archive.stored_ms)
            if await self._is_orphan(archive, count):
                count.orphans += 1
                found.append(archive)

        finished = await self.checkpoints.visit(self, self.archives.list(self._now_ms()), visit)
        seen = count.seen
        problem = await self._problem(count) if finished else ""
        if problem or not finished:
            await self._save_count(_SweepCount() if problem else count)
            problems = (problem,) if problem else ()
            return TaskReport(seen, count.changed, problems, unfinished=not finished)
        if not is_first:  # Those of earlier runs are not in memory: the next runs find them again.
            count.allowed = max(FEW_ORPHANS, count.seen // ORPHANS_OF)
            await self._save_count(count)
            return TaskReport(seen, count.changed, unfinished=True)
        for archive in found:
            count.changed += await self._delete(archive)
        await self._note_erased()
        await self._save_count(_SweepCount())
        return TaskReport(seen, count.changed)

    async def run_forced(self) -> TaskReport:
        """Delete every archive without a release, however many there are."""
        return await self._delete_counted(_SweepCount(allowed=FOREVER))

    async def _delete_counted(self, count: "_SweepCount") -> TaskReport:
        """Delete archives without a release, as many as the count allows."""
        seen = 0
        allowed = count.allowed or 0
        is_forced = allowed == FOREVER
        count.changed = 0

        async def visit(archive: StoredArchive) -> None:
            nonlocal seen, allowed
            seen += 1
            if allowed and await self._is_orphan(archive, count) and await self._delete(archive):
                count.changed += 1
                allowed -= 1
                count.allowed = allowed

        finished = await self.checkpoints.visit(self, self.archives.list(self._now_ms()), visit)
        if finished:
            await self._note_erased()
        if finished or not is_forced:
            await self._save_count(_SweepCount() if finished else count)
        return TaskReport(seen, count.changed, unfinished=not finished)

    async def _problem(self, count: "_SweepCount") -> str:
        """Return why nothing may be deleted; empty if all orphans may."""
        if not count.orphans:
            return ""
        if count.orphans > max(FEW_ORPHANS, count.seen / ORPHANS_OF):
            reason = (
                f"{count.orphans:,} of {count.seen:,} archives have no release, which is more than "
                "a twentieth"
            )
        elif await self.database_age.is_younger_than(count.oldest_ms):
            reason = (
                f"{count.orphans:,} of {count.seen:,} archives have no release, and the oldest "
                "record of the database is younger than the archives"
            )
        else:
            return ""
        return (
            f"{reason}, so none was deleted. If the database was lost, restore a backup or a "
            f"snapshot. If they may go, run: ballroom upkeep run {self.id} --force"
        )

    async def _is_orphan(self, archive: StoredArchive, count: "_SweepCount") -> bool:
        """Check whether an archive may go; one that stays is moved where its records want it."""
        found = await self.metadata.by_digest(archive.digest)
        if found.head and found.release and found.release.state is not State.REMOVED:
            count.changed += await self._correct(archive, found.head, found.release)
            return False
        return archive.stored_ms < self._before_ms()

    async def _delete(self, archive: StoredArchive) -> bool:
        """Delete an archive unless it was stored again or published meanwhile; return whether it
        is gone."""
        if await self.erased_releases.needed_by(archive.digest, None):
            return False
        if not await self.archives.delete(archive.digest, self._before_ms()):
            return False
        release = (await self.metadata.by_digest(archive.digest)).release
        if release is None:
            await self.documents.delete(archive.digest)
        else:
            await self._note(release)
        return True

    async def _note_erased(self) -> None:
        """Note the archives of removed releases that are gone, and not noted as such: a run was
        killed after it had deleted them, or an earlier version did."""
        async for notes in entity_batches(self.directory, WithheldNote, RECORDS_AT_ONCE):
            for each in notes:
                if each.state is not State.REMOVED or each.is_erased:
                    continue
                release = (await self.metadata.find(each.coordinate)).release
                if release is None or release.state is not State.REMOVED or release.erased:
                    continue
                if await self.archives.stat(release.archive) is None:
                    await self._note(release)

    async def _note(self, release: Release) -> None:
        erased = self.erased_releases
        await erased.delete_documents(release)
        until_ms = erased.kept_until_ms()
        await erased.note(release.coordinate, copies_until_ms=until_ms, by=UPKEEP)

    def _now_ms(self) -> int:
        return self.checkpoints.clock.now_ms()

    def _before_ms(self) -> int:
        return self._now_ms() - timedelta(hours=self.sweep_grace_hours) // MS

    async def _load_count(self) -> "_SweepCount":
        stored = await self.work.peek(_SWEEP_KIND, self.id, self._now_ms())
        return msgspec.json.decode(stored, type=_SweepCount) if stored else _SweepCount()

    async def _save_count(self, count: "_SweepCount") -> None:
        ends_ms = self._now_ms() + CHECKPOINT_KEPT_FOR // MS
        value = msgspec.json.encode(count).decode()
        await self.work.put(_SWEEP_KIND, self.id, value, ends_ms)

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
        seen = 0
        repaired = 0
        problems = list[str]()

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


@dataclass(frozen=True)
class NotifyDependents(Task):
    id = "notify-dependents"
    title = "Notify dependents of withdrawals"
    sentence = (
        "Tells the owners of packages, by mail and webhooks, when a release that a package was "
        "built with is withdrawn."
    )
    schedule = "55 */5 * * * *"

    notices: DependencyNotices
    clock: Clock

    async def run(self) -> TaskReport:
        return await self.notices.run(self.clock.now_ms() + RUN_TIME // MS)


@dataclass(frozen=True)
class FollowUpstreamWithdrawals(Task):
    id = "follow-upstream-withdrawals"
    title = "Follow withdrawals of the upstream"
    sentence = (
        "Reads which releases upstream registries withdrew, quarantines those with a reason that "
        "is followed, and sends mail to administrators."
    )
    schedule = "50 */5 * * * *"

    feeds: UpstreamFeeds
    clock: Clock

    async def run(self) -> TaskReport:
        return await self.feeds.run(self.clock.now_ms() + RUN_TIME // MS)

"""The maintenance tasks that have no other module: settle, sweep, roll-up, expire, forget, refresh,
audit and mend. Each is safe to repeat and to stop halfway.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.archives.bala import Bala
from shared.domain.archives.delivery import archive_container
from shared.domain.archives.names import Digest
from shared.domain.errors.archives import BadArchive
from shared.domain.errors.base import NotFound, Refusal
from shared.domain.errors.packages import ArchiveNotFound
from shared.domain.identity import ANONYMOUS
from shared.domain.packages import Head, Release, ReleaseEntry, State, Texts
from shared.domain.records import PendingEvents
from shared.domain.releases import new_release
from shared.ports import (
    ArchiveStore,
    Clock,
    DirectoryStore,
    DocumentStore,
    EventStore,
    MetadataStore,
    PullLedger,
    Stale,
    StoredArchive,
    WorkStore,
)
from shared.services.archives import ArchiveReader
from shared.services.derived_data import DerivedData
from shared.services.statistics import pull_window
from shared.services.token_records import TokenLineage
from shared.services.upkeep import UPKEEP_BATCH, Checkpoints, TaskReport


@dataclass(frozen=True)
class OutboxProcessing:
    """Finishes what a crash left: derives again from every record whose outbox is not empty."""

    metadata: MetadataStore
    derived_data: DerivedData
    directory: DirectoryStore
    events: EventStore

    async def run(self) -> TaskReport:
        """Settle every such record; one that cannot be settled now keeps no other one waiting."""
        seen, problems = 0, list[str]()
        while waiting := await self._waiting():
            refused = [each for record in waiting if (each := await self._settle(record))]
            seen, problems = seen + len(waiting), problems + refused
            if refused:
                break  # The same records would come again; the next run is a minute away.
        return TaskReport("settle", seen, seen - len(problems), tuple(problems))

    async def _waiting(self) -> list[Head | Release | PendingEvents]:
        return [
            *await self.metadata.unpublished_events(UPKEEP_BATCH),
            *await self.directory.unpublished(UPKEEP_BATCH),
        ]

    async def _settle(self, record: Head | Release | PendingEvents) -> str | None:
        """Settle one record, or return why that has to wait."""
        try:
            await self._finish(record)
        except Refusal as refusal:
            return str(refusal)
        return None

    async def _finish(self, record: Head | Release | PendingEvents) -> None:
        if isinstance(record, PendingEvents):
            await self.events.publish(record)
        else:
            await self.derived_data.update(record)


@dataclass(frozen=True)
class ArchiveSweep:
    """Removes archives that no release refers to, which a crash or a refused race left behind, and
    puts those that lie on the wrong side where they belong."""

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    checkpoints: Checkpoints
    sweep_grace_hours: int

    async def run(self) -> TaskReport:
        """Sweep what is older than the grace period, which no push under way can be."""
        now_ms = self.checkpoints.clock.now_ms()
        grace = timedelta(hours=self.sweep_grace_hours)
        before_ms = now_ms - grace // timedelta(milliseconds=1)
        seen = swept = 0

        async def visit(archive: StoredArchive) -> None:
            nonlocal seen, swept
            seen += 1
            swept += await self._sweep(archive, before_ms)

        finished = await self.checkpoints.visit("sweep", self.archives.list(now_ms), visit)
        return TaskReport("sweep", seen, swept, unfinished=not finished)

    async def _sweep(self, archive: StoredArchive, before_ms: int) -> bool:
        """Say whether anything had to be done about the archive."""
        found = await self.metadata.by_digest(archive.digest)
        if found.head and found.release and found.release.state is not State.REMOVED:
            return await self._put_right(archive, found.head, found.release)
        if archive.stored_ms >= before_ms:
            return False
        if not await self.archives.delete(archive.digest, before_ms):
            return False
        await self.documents.delete(archive.digest)
        return True

    async def _put_right(self, archive: StoredArchive, head: Head, release: Release) -> bool:
        side = archive_container(head, release)
        if archive.side in (None, side):
            return False
        await self.archives.move(release.archive, side)
        return True


@dataclass(frozen=True)
class PullRollUp:
    """Adds counted pulls to the packages, and lets the search rank by them."""

    ledger: PullLedger
    derived_data: DerivedData
    clock: Clock

    async def run(self) -> TaskReport:
        """Roll up all counts; callers of the current window and the one before are remembered."""
        packages = await self.ledger.roll_up(pull_window(self.clock.now_ms()) - 1)
        for package in packages:
            await self.derived_data.update_search(package)
        return TaskReport("roll-up", len(packages), len(packages))


@dataclass(frozen=True)
class ExpiredRecordDeletion:
    """Deletes tokens, invitations and short-lived state whose time is over, and finishes what a
    crash broke off while a stolen token was revoked."""

    directory: DirectoryStore
    work: WorkStore
    clock: Clock
    lineage: TokenLineage
    grace: timedelta = timedelta(days=7)  # Until then an owner reads "expired", not "unknown".

    async def run(self) -> TaskReport:
        """Delete what has expired, and what was made with tokens that were stolen."""
        await self.lineage.finish_revocations()
        now_ms = self.clock.now_ms()
        grace_ms = self.grace // timedelta(milliseconds=1)
        removed = await self.directory.remove_ended(now_ms - grace_ms)
        removed += await self.work.remove_expired(now_ms)
        return TaskReport("expire", removed, removed)


@dataclass(frozen=True)
class EventAnonymization:
    """Lets old events forget where they came from: logs are kept, and people's traces are not."""

    events: EventStore
    clock: Clock
    audit_days: int

    async def run(self) -> TaskReport:
        """Forget, batch by batch, so that no write is long."""
        before_ms = self.clock.now_ms() - timedelta(days=self.audit_days) // timedelta(
            milliseconds=1
        )
        forgotten = 0
        while count := await self.events.forget_origins(before_ms, UPKEEP_BATCH):
            forgotten += count
        return TaskReport("forget", forgotten, forgotten)


@dataclass(frozen=True)
class DerivedDataRebuild:
    """Derives everything again from the releases: for a lost or damaged search or entry."""

    derived_data: DerivedData
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Rebuild packages, in order of name."""
        seen = 0

        async def visit(head: Head) -> None:
            nonlocal seen
            seen += 1
            await self.derived_data.rebuild(head.package)

        finished = await self.checkpoints.visit_packages("refresh", visit)
        return TaskReport("refresh", seen, seen, unfinished=not finished)


# What happened to a release since it was read from its archive; all other fields are facts of it.
HISTORY = {
    "created_ms", "changed_ms", "origin", "state", "state_reason", "awaits_owner", "deprecation",
    "revision", "outbox",
}  # fmt: skip
FACTS = sorted(set(Release.model_fields) - HISTORY)
FACTS_BEFORE = sorted({*FACTS} - {"modules", "internal_modules"})  # Until `mend` told them apart.


@dataclass(frozen=True)
class ArchiveAudit:
    """Reads archives again and compares them with their records."""

    metadata: MetadataStore
    archives: ArchiveStore
    archive_reader: ArchiveReader
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Audit releases, as many as one night takes; each problem is a sentence."""
        seen, problems = 0, list[str]()

        async def visit(head: Head) -> None:
            nonlocal seen
            for release in await self.metadata.releases(head.package):
                seen += 1
                problems.extend(await self._problems(release))

        finished = await self.checkpoints.visit_packages("audit", visit)
        return TaskReport("audit", seen, 0, tuple(problems), unfinished=not finished)

    async def _problems(self, release: Release) -> list[str]:
        if release.state is State.REMOVED:
            return []
        try:
            content = await self.archives.read(release.archive)
            if Digest.of(content) != release.content:
                return [f"{release.coordinate}: the stored archive has another digest."]
            return _differences(release, await self.archive_reader.read(content))
        except NotFound:
            return [f"{release.coordinate}: its archive is missing."]
        except Refusal as refusal:
            return [f"{release.coordinate}: its archive cannot be read: {refusal}"]


def _differences(release: Release, bala: Bala) -> list[str]:
    """Name the facts of the record that the archive does not say."""
    again = new_release(bala, by=ANONYMOUS, now_ms=release.created_ms)
    facts = FACTS if release.internal_modules is not None else FACTS_BEFORE
    return [
        f"{release.coordinate}: {field} is recorded as {getattr(release, field)!r}, "
        f"but the archive says {getattr(again, field)!r}."
        for field in facts
        if getattr(release, field) != getattr(again, field)
    ]


NO_GRAPH = b"[]"


@dataclass(frozen=True)
class DerivedDataRepair:
    """Compares lists and documents with releases; `settle` does the same for what just changed."""

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    derived_data: DerivedData
    archive_reader: ArchiveReader
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Look at packages, and mend what is stale; a release that cannot be read is a problem."""
        seen, mended, problems = 0, 0, list[str]()

        async def visit(head: Head) -> None:
            nonlocal seen, mended
            seen += 1
            try:
                mended += await self._mend(head)
            except Refusal as refusal:
                problems.append(f"{head.package}: {refusal}")

        finished = await self.checkpoints.visit_packages("mend", visit)
        return TaskReport("mend", seen, mended, tuple(problems), unfinished=not finished)

    async def _mend(self, head: Head) -> bool:
        """Say whether anything of the package had to be derived again."""
        stored = await self.metadata.releases(head.package)
        releases = [await self._with_modules_told_apart(each) for each in stored]
        found = [await self._find_documents(each) for each in releases]
        stale = any(found) or await self._is_stale(head, releases)
        if stale:
            await self.derived_data.rebuild(head.package)
        return stale

    async def _is_stale(self, head: Head, releases: list[Release]) -> bool:
        [survey] = await self.metadata.survey([head.package])
        listed = {entry.version: entry for entry in survey.entries} if survey else {}
        if listed != {each.version: ReleaseEntry.of(each) for each in releases}:
            return True
        return await self.derived_data.withheld_releases.is_stale(head.package, releases)

    async def _with_modules_told_apart(self, release: Release) -> Release:
        """Return the release with the modules that its archive exports, and the others apart.

        Older records list both together, and what was derived from such a record is stale.
        """
        if release.internal_modules is not None or release.state is State.REMOVED:
            return release
        try:
            bala = await self.archive_reader.read(await self.archives.read(release.archive))
            told = {"modules": bala.modules, "internal_modules": bala.internal_modules}
            return await self.metadata.replace_release(release.model_copy(update=told))
        except (BadArchive, ArchiveNotFound, Stale):
            return release  # The audit names the archive; what somebody else changed waits a night.

    async def _find_documents(self, release: Release) -> bool:
        """Make documents again that were lost; say whether any were."""
        if release.state is State.REMOVED or not await self._lacks_documents(release):
            return False
        bala = await self.archive_reader.read(await self.archives.read(release.archive))
        await self.documents.put(bala.digest, bala.texts, bala.graph)
        return bala.texts != Texts() or bool(bala.graph.nodes)

    async def _lacks_documents(self, release: Release) -> bool:
        """Tell whether nothing is stored of the release; some releases have nothing to store."""
        digest = Digest(release.digest)
        if await self.documents.texts(digest) != Texts():
            return False
        return await self.documents.graphs([digest]) == [NO_GRAPH]

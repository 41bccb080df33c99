"""The maintenance tasks that have no other module: settle, sweep, roll-up, expire, forget, refresh,
audit and mend. Each is safe to repeat and to stop halfway.
"""

import asyncio
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
    RollUp,
    Stale,
    StoredArchive,
    WorkStore,
)
from shared.services.api_history import ApiHistory
from shared.services.archives import ArchiveReader
from shared.services.derived_data import DerivedData
from shared.services.pulls import FLUSH_AFTER, pull_window, utc_day
from shared.services.token_records import TokenLineage
from shared.services.upkeep import UPKEEP_BATCH, Checkpoints, Sleep, TaskReport

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class OutboxProcessing:
    """settle: derives again from every record whose outbox is not empty, which a crash left."""

    metadata: MetadataStore
    derived_data: DerivedData
    directory: DirectoryStore
    events: EventStore

    async def run(self) -> TaskReport:
        """Process all outboxes; a record that cannot be processed now delays no other one."""
        seen, problems = 0, list[str]()
        while batch := await self._read_batch():
            refused = [each for record in batch if (each := await self._process(record))]
            seen, problems = seen + len(batch), problems + refused
            if refused:
                break  # The same records would come again; the next run is a minute away.
        return TaskReport("settle", seen, seen - len(problems), tuple(problems))

    async def _read_batch(self) -> list[Head | Release | PendingEvents]:
        return [
            *await self.metadata.unpublished_events(UPKEEP_BATCH),
            *await self.directory.unpublished(UPKEEP_BATCH),
        ]

    async def _process(self, record: Head | Release | PendingEvents) -> str | None:
        """Process the outbox of a record, or return the reason why that has to wait."""
        try:
            if isinstance(record, PendingEvents):
                await self.events.publish(record)
            else:
                await self.derived_data.update(record)
        except Refusal as refusal:
            return str(refusal)
        return None


@dataclass(frozen=True)
class ArchiveSweep:
    """sweep: deletes archives that no release names, which a crash or a lost race left, moves
    archives that are in the wrong container, and completes the headers of those that older versions
    stored."""

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    api_history: ApiHistory
    checkpoints: Checkpoints
    sweep_grace_hours: int

    async def run(self) -> TaskReport:
        """Sweep archives older than the grace period, so that no push needs them."""
        now_ms = self.checkpoints.clock.now_ms()
        grace = timedelta(hours=self.sweep_grace_hours)
        before_ms = now_ms - grace // _MS
        seen = swept = 0

        async def visit(archive: StoredArchive) -> None:
            nonlocal seen, swept
            seen += 1
            swept += await self._sweep(archive, before_ms)

        finished = await self.checkpoints.visit("sweep", self.archives.list(now_ms), visit)
        return TaskReport("sweep", seen, swept, unfinished=not finished)

    async def _sweep(self, archive: StoredArchive, before_ms: int) -> bool:
        """Delete, move or complete an archive if necessary; say whether it was."""
        found = await self.metadata.by_digest(archive.digest)
        if found.head and found.release and found.release.state is not State.REMOVED:
            return await self._put_right(archive, found.head, found.release)
        if archive.stored_ms >= before_ms:
            return False
        if not await self.archives.delete(archive.digest, before_ms):
            return False
        await self.documents.delete(archive.digest)
        if found.release:
            await self.api_history.remove(found.release.coordinate)
        return True

    async def _put_right(self, archive: StoredArchive, head: Head, release: Release) -> bool:
        container = archive_container(head, release)
        if archive.container not in (None, container):
            await self.archives.move(release.archive, container)
            return True
        if archive.has_headers:
            return False
        await self.archives.set_headers(release.archive, container)
        return True


ROLL_UP_PAUSE = timedelta(minutes=1)
ROLL_UP_TIME = timedelta(minutes=13)  # Its last roll-up ends before the task is due again.


@dataclass(frozen=True)
class PullRollUp:
    """roll-up: adds counted pulls to the packages, and updates their rank in the search."""

    ledger: PullLedger
    derived_data: DerivedData
    clock: Clock
    sleep: Sleep = asyncio.sleep

    async def run(self) -> TaskReport:
        """Roll up all counts, and again each minute while many instances write them: they would be
        too many for a run at its next time."""
        until_ms = self.clock.now_ms() + ROLL_UP_TIME // _MS
        rolled_up = await self._roll_up()
        packages = len(rolled_up.changed)
        while rolled_up.is_behind and self.clock.now_ms() < until_ms:
            await self.sleep(ROLL_UP_PAUSE.total_seconds())
            rolled_up = await self._roll_up()
            packages += len(rolled_up.changed)
        return TaskReport("roll-up", packages, packages)

    async def _roll_up(self) -> RollUp:
        """Roll up once; keep the callers of the current and the previous window."""
        now_ms = self.clock.now_ms()
        # A day is over when the processes have written the last pulls of it.
        today = utc_day(now_ms - 2 * FLUSH_AFTER // _MS)
        rolled_up = await self.ledger.roll_up(pull_window(now_ms) - 1, today)
        for package in rolled_up.changed:
            await self.derived_data.update_search(package)
        return rolled_up


@dataclass(frozen=True)
class ExpiredRecordDeletion:
    """expire: deletes expired tokens, invitations and short-lived state, and finishes revoking
    stolen tokens after a crash."""

    directory: DirectoryStore
    work: WorkStore
    clock: Clock
    lineage: TokenLineage
    grace: timedelta = timedelta(days=7)  # So long a caller reads "expired", not "unknown".

    async def run(self) -> TaskReport:
        await self.lineage.finish_revocations()
        now_ms = self.clock.now_ms()
        grace_ms = self.grace // _MS
        removed = await self.directory.remove_expired(now_ms - grace_ms)
        removed += await self.work.remove_expired(now_ms)
        return TaskReport("expire", removed, removed)


@dataclass(frozen=True)
class EventAnonymization:
    """forget: deletes addresses from old events; the events themselves stay."""

    events: EventStore
    clock: Clock
    audit_days: int

    async def run(self) -> TaskReport:
        """Anonymize in batches, so that no write is long."""
        age = timedelta(days=self.audit_days)
        before_ms = self.clock.now_ms() - age // _MS
        forgotten = 0
        while count := await self.events.forget_origins(before_ms, UPKEEP_BATCH):
            forgotten += count
        return TaskReport("forget", forgotten, forgotten)


@dataclass(frozen=True)
class DerivedDataRebuild:
    """refresh: derives everything again from the releases, after a search or list was lost."""

    derived_data: DerivedData
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        seen = 0

        async def visit(head: Head) -> None:
            nonlocal seen
            seen += 1
            await self.derived_data.rebuild(head.package)

        finished = await self.checkpoints.visit_packages("refresh", visit)
        return TaskReport("refresh", seen, seen, unfinished=not finished)


# Fields of a release that are not read from its archive; all others are.
HISTORY = {
    "created_ms", "changed_ms", "origin", "state", "state_reason", "public_reason", "awaits_owner",
    "deprecation", "revision", "outbox",
}  # fmt: skip
FACTS = sorted(set(Release.model_fields) - HISTORY)
# Of an older record, which `mend` has not updated yet.
FACTS_BEFORE = sorted({*FACTS} - {"modules", "internal_modules"})


@dataclass(frozen=True)
class ArchiveAudit:
    """audit: reads archives again and compares them with their records."""

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
    """Return the differences between a record and its archive, a sentence each."""
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
    """mend: compares lists and documents of all packages with their releases, and repairs them."""

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

        finished = await self.checkpoints.visit_packages("mend", visit)
        return TaskReport("mend", seen, repaired, tuple(problems), unfinished=not finished)

    async def _repair(self, head: Head) -> bool:
        """Derive the package again if anything of it is stale; say whether it was."""
        stored = await self.metadata.releases(head.package)
        releases = [await self._with_internal_modules(each) for each in stored]
        restored = [await self._restore_documents(each) for each in releases]
        stale = any(restored) or await self._is_stale(head, releases)
        if stale:
            await self.derived_data.rebuild(head.package)
        return stale

    async def _is_stale(self, head: Head, releases: list[Release]) -> bool:
        [survey] = await self.metadata.survey([head.package])
        listed = {entry.version: entry for entry in survey.entries} if survey else {}
        if listed != {each.version: ReleaseEntry.of(each) for each in releases}:
            return True
        return await self.derived_data.withheld_releases.is_stale(head.package, releases)

    async def _with_internal_modules(self, release: Release) -> Release:
        """Return the release with internal modules apart from the exported ones.

        Older records list both together, and data that was derived from such a record is stale.
        """
        if release.internal_modules is not None or release.state is State.REMOVED:
            return release
        try:
            bala = await self.archive_reader.read(await self.archives.read(release.archive))
            modules = {"modules": bala.modules, "internal_modules": bala.internal_modules}
            return await self.metadata.replace_release(release.model_copy(update=modules))
        except (BadArchive, ArchiveNotFound, Stale):
            return release  # The audit reports the archive; a concurrent change waits for a night.

    async def _restore_documents(self, release: Release) -> bool:
        """Store lost documents again; say whether there were any."""
        if release.state is State.REMOVED or not await self._lacks_documents(release):
            return False
        bala = await self.archive_reader.read(await self.archives.read(release.archive))
        await self.documents.put(bala.digest, bala.texts, bala.graph)
        return bala.texts != Texts() or bool(bala.graph.nodes)

    async def _lacks_documents(self, release: Release) -> bool:
        """Check whether no documents of the release are stored; some releases have none."""
        digest = Digest(release.digest)
        if await self.documents.texts(digest) != Texts():
            return False
        return await self.documents.graphs([digest]) == [NO_GRAPH]

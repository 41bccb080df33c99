"""Upkeep: tasks that keep a registry clean and true, each safe to repeat and to stop halfway."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.entity import Waiting
from shared.domain.errors import Refusal, Unavailable
from shared.domain.package import Head, Release, State
from shared.domain.runs import Standing
from shared.domain.sides import side_of
from shared.ports import (
    ArchiveStore,
    Clock,
    DirectoryStore,
    DocumentStore,
    EventStore,
    MetadataStore,
    PullLedger,
    Randomness,
    StoredArchive,
    WorkStore,
)
from shared.services.counting import window_of
from shared.services.deriving import Deriving
from shared.services.pausing import Pausing
from shared.services.reporting import BATCH, Report
from shared.services.runs import Runs
from shared.services.token_lineage import TokenLineage
from shared.services.walking import Walking

LEASE = timedelta(minutes=10)  # Longer than most tasks take; what died is taken over then.
LEASES: dict[str, timedelta] = dict.fromkeys(
    ("snapshot", "search", "search-rebuild"),
    timedelta(minutes=30),  # The host lets no Function run for longer.
)

# What a registry that takes no changes may do as well: a copy of its records, and its search.
KEEPS_RECORDS = {"snapshot", "search", "search-rebuild"}


@dataclass(frozen=True)
class Upkeep:
    """Runs the tasks by name, one at a time over all processes."""

    work: WorkStore
    clock: Clock
    randomness: Randomness
    pausing: Pausing
    runs: Runs
    tasks: Mapping[str, Callable[[], Awaitable[Report]]]

    async def run(self, name: str) -> Report | None:
        """Run the task, unless another process is at it: then return None.

        Raises `TakesNoChanges` while the registry is read-only, for what changes records.
        """
        if name not in KEEPS_RECORDS:
            await self.pausing.admit()
        owner = self.randomness.token_bytes(8).hex()
        if not await self._lease(name, owner, LEASES.get(name, LEASE)):
            return None
        started_ms, report = self.clock.now_ms(), None
        try:
            report = await self.tasks[name]()
            return report
        finally:
            # What is done is done, noted or not; and the lease ends by itself.
            with suppress(Unavailable):
                await self.runs.note(name, started_ms, report)
            with suppress(Unavailable):
                await self._lease(name, owner, timedelta(0))

    async def standings(self) -> list[Standing]:
        """Return how each task stands: its last run, and when the next is due."""
        return await self.runs.of(self.tasks)

    async def standings_lately(self) -> list[Standing]:
        """Return how each task stood a few seconds ago: at no cost, however often it is asked."""
        return await self.runs.lately(self.tasks)

    async def _lease(self, name: str, owner: str, lifetime: timedelta) -> bool:
        now_ms = self.clock.now_ms()
        until_ms = now_ms + lifetime // timedelta(milliseconds=1)
        return await self.work.lease(f"upkeep:{name}", owner, now_ms, until_ms)


@dataclass(frozen=True)
class Settling:
    """Finishes what a crash left: derives again from every record whose outbox is not empty."""

    metadata: MetadataStore
    deriving: Deriving
    directory: DirectoryStore
    events: EventStore

    async def run(self) -> Report:
        """Settle every such record; one that cannot be settled now keeps no other one waiting."""
        seen, problems = 0, list[str]()
        while waiting := await self._waiting():
            refused = [each for record in waiting if (each := await self._settle(record))]
            seen, problems = seen + len(waiting), problems + refused
            if refused:
                break  # The same records would come again; the next run is a minute away.
        return Report("settle", seen, seen - len(problems), tuple(problems))

    async def _waiting(self) -> list[Head | Release | Waiting]:
        return [
            *await self.metadata.unpublished_events(BATCH),
            *await self.directory.unpublished(BATCH),
        ]

    async def _settle(self, record: Head | Release | Waiting) -> str | None:
        """Settle one record, or return why that has to wait."""
        try:
            await self._finish(record)
        except Refusal as refusal:
            return str(refusal)
        return None

    async def _finish(self, record: Head | Release | Waiting) -> None:
        if isinstance(record, Waiting):
            await self.events.publish(record)
        else:
            await self.deriving.changed(record)


@dataclass(frozen=True)
class Sweeping:
    """Removes archives that no release refers to, which a crash or a refused race left behind, and
    puts those that lie on the wrong side where they belong."""

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    walking: Walking
    grace: timedelta

    async def run(self) -> Report:
        """Sweep what is older than the grace period, which no push under way can be."""
        now_ms = self.walking.clock.now_ms()
        before_ms = now_ms - self.grace // timedelta(milliseconds=1)
        seen = swept = 0

        async def visit(archive: StoredArchive) -> None:
            nonlocal seen, swept
            seen += 1
            swept += await self._sweep(archive, before_ms)

        finished = await self.walking.over("sweep", self.archives.list(now_ms), visit)
        return Report("sweep", seen, swept, unfinished=not finished)

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
        side = side_of(head, release)
        if archive.side in (None, side):
            return False
        await self.archives.move(release.archive, side)
        return True


@dataclass(frozen=True)
class RollingUp:
    """Adds counted pulls to the packages, and lets the search rank by them."""

    ledger: PullLedger
    deriving: Deriving
    clock: Clock

    async def run(self) -> Report:
        """Roll up all counts; callers of the current window and the one before are remembered."""
        packages = await self.ledger.roll_up(window_of(self.clock.now_ms()) - 1)
        for package in packages:
            await self.deriving.show_newest(package)
        return Report("roll-up", len(packages), len(packages))


@dataclass(frozen=True)
class Expiring:
    """Deletes tokens, invitations and short-lived state whose time is over, and finishes what a
    crash broke off while a stolen token was revoked."""

    directory: DirectoryStore
    work: WorkStore
    clock: Clock
    lineage: TokenLineage
    grace: timedelta = timedelta(days=7)  # Until then an owner reads "expired", not "unknown".

    async def run(self) -> Report:
        """Delete what has expired, and what was made with tokens that were stolen."""
        await self.lineage.finish()
        now_ms = self.clock.now_ms()
        grace_ms = self.grace // timedelta(milliseconds=1)
        removed = await self.directory.remove_ended(now_ms - grace_ms)
        removed += await self.work.remove_expired(now_ms)
        return Report("expire", removed, removed)


@dataclass(frozen=True)
class Forgetting:
    """Lets old events forget where they came from: logs are kept, and people's traces are not."""

    events: EventStore
    clock: Clock
    days: int

    async def run(self) -> Report:
        """Forget, batch by batch, so that no write is long."""
        before_ms = self.clock.now_ms() - timedelta(days=self.days) // timedelta(milliseconds=1)
        forgotten = 0
        while count := await self.events.forget_origins(before_ms, BATCH):
            forgotten += count
        return Report("forget", forgotten, forgotten)


@dataclass(frozen=True)
class Refreshing:
    """Derives everything again from the releases: for a lost or damaged search or entry."""

    deriving: Deriving
    walking: Walking

    async def run(self) -> Report:
        """Rebuild packages, in order of name."""
        seen = 0

        async def visit(head: Head) -> None:
            nonlocal seen
            seen += 1
            await self.deriving.rebuild(head.package)

        finished = await self.walking.over_packages("refresh", visit)
        return Report("refresh", seen, seen, unfinished=not finished)

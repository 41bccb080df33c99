"""One choice of adapter for every port."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from pathlib import Path

from shared.auth.keys import Keys
from shared.domain.archive_name import ArchiveName
from shared.domain.oversight import Room
from shared.ports import (
    ArchiveLinks,
    ArchiveStore,
    ChangeSource,
    Clock,
    DirectoryStore,
    DocumentStore,
    DomainRecords,
    Edge,
    EventStore,
    Fetcher,
    Mailer,
    MetadataStore,
    PullLedger,
    Randomness,
    SearchFeed,
    SearchIndex,
    SnapshotStore,
    WorkStore,
)


@dataclass(frozen=True)
class World:
    """One choice of adapter for every port, and the keys."""

    clock: Clock
    randomness: Randomness
    keys: Keys
    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    directory: DirectoryStore
    events: EventStore
    work: WorkStore
    pulls: PullLedger
    search: SearchIndex
    snapshots: SnapshotStore
    mailer: Mailer
    domain_records: DomainRecords
    fetcher: Fetcher
    archive_path: Callable[[ArchiveName], Path] | None
    close: Callable[[], Awaitable[None]]
    # Tells what the stores hold by a value that is another one after each write, where that can be
    # told at a fraction of what reading costs.
    edition: Callable[[], Hashable] | None = None
    links: ArchiveLinks | None = None  # Past the registry, where archives are not files of ours.
    feed: SearchFeed | None = None  # None: what is written is searched at once.
    changes: ChangeSource | None = None  # For a host that calls Functions with them.
    edge: Edge | None = None  # Where copies are kept that can be withdrawn.
    writable: Callable[[], Awaitable[None]] | None = None  # Raises where that disk is full.
    room: Callable[[], Room | None] | None = None  # On the disk that everything lies on, if on one.

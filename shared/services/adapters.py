"""An adapter for every port, and the keys of the registry."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from shared.auth.log_keys import LogKeys
from shared.auth.release_keys import ReleaseSigner
from shared.auth.signing_keys import SigningKeys
from shared.domain.archives.names import ArchiveName
from shared.domain.evidence import InstalledDistribution
from shared.domain.mirror_rules import UpstreamAddress
from shared.domain.status import DiskSpace
from shared.ports.advisories import AdvisoryDumps, AdvisoryFiles
from shared.ports.archive_delivery import ArchiveLinks, EdgeCache
from shared.ports.archive_store import ArchiveStore
from shared.ports.confined_tasks import ConfinedTasks
from shared.ports.deleted_copies import DeletedCopies
from shared.ports.directory import DirectoryStore
from shared.ports.documents import DocumentStore
from shared.ports.events import EventStore
from shared.ports.http_client import HttpClient
from shared.ports.mail import Mailer
from shared.ports.metadata import MetadataStore
from shared.ports.pull_ledger import CallerScope, PullLedger
from shared.ports.pull_records import PullRecordStore
from shared.ports.revocations import RevocationStore
from shared.ports.search import SearchFeed, SearchIndex
from shared.ports.snapshots import SnapshotStore
from shared.ports.system import Clock, Randomness
from shared.ports.transparency import LogFiles
from shared.ports.upstream import Upstream
from shared.ports.work import WorkStore
from shared.runtime.editions import Edition


class Adapters(Struct, frozen=True):
    """What one registry reads, writes and calls, by port."""

    clock: Clock
    randomness: Randomness
    keys: SigningKeys
    release_signer: ReleaseSigner
    log_keys: LogKeys
    witness_keys: LogKeys  # The keys of the witness that cosigns other logs.
    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    directory: DirectoryStore
    events: EventStore
    work: WorkStore
    pulls: PullLedger
    pull_records: PullRecordStore
    search: SearchIndex
    snapshots: SnapshotStore
    revocations: RevocationStore
    log_files: LogFiles
    advisory_files: AdvisoryFiles
    advisory_dumps: AdvisoryDumps
    mailer: Mailer
    fetcher: HttpClient
    scanner: HttpClient  # With the deadline of the scanner.
    confined: ConfinedTasks
    archive_path: Callable[[ArchiveName], Path] | None
    edition: Edition
    close: Callable[[], Awaitable[None]]
    copies: DeletedCopies | None = None  # None where nothing is kept of deleted files.
    links: ArchiveLinks | None = None  # Signed links to archives that are not files of ours.
    feed: SearchFeed | None = None  # None: a write is searched at once.
    # The scope in which `pulls` recognizes callers.
    caller_scope: CallerScope = CallerScope.REGISTRY
    edge: EdgeCache | None = None  # A CDN whose copies can be purged.
    require_disk_space: Callable[[], Awaitable[None]] | None = None  # Raises if the disk is full.
    disk_space: Callable[[], DiskSpace | None] | None = None  # Space on the disk that has all data.
    # Other registries, whose packages are served here, too; None if nothing is mirrored.
    connect_upstream: Callable[[UpstreamAddress], Upstream] | None = None
    # Connects to the server of an address and sends nothing; raises `Unanswered`.
    connect: Callable[[str], Awaitable[None]] | None = None
    connect_scanner: Callable[[str], Awaitable[None]] | None = None
    # What is installed, with licenses.
    components: Callable[[], Sequence[InstalledDistribution]] = tuple
    # Versions of the registry and of the software that it runs on.
    versions: Callable[[], Mapping[str, str]] = dict
    # When the certificate of the local host was issued; None where it serves no HTTPS.
    certificate_made_ms: Callable[[], int | None] | None = None
    # Whether the log is written soon after each event; otherwise only the task writes it.
    writes_log: bool = True

"""The registry: every service, put together once for the faces.

A service is one line of `Registry`; `Container` says how its parameters are found.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from shared.auth.authentication import Authentication, CanaryTokens
from shared.auth.authorization import Administration, Authorization
from shared.auth.cookies import Browsers, Cookie, KnownBrowsers
from shared.auth.entra import (
    EntraAccess,
)
from shared.auth.identity_providers import IdentityProvider
from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.secret_scanning import LeakReports
from shared.auth.sessions import SessionAuthentication, SessionLifetimes, SignInProof
from shared.auth.sign_in_links import SignInLinks
from shared.auth.signed_tokens import IdTokenValidator
from shared.auth.signing_keys import ArchiveLinkSigner, SigningKeys
from shared.auth.trusted_publishing import (
    JobTokenVerifier,
)
from shared.configuration import (
    IdentityProviders,
    archive_limits,
    entra_access,
    leak_reports,
    session_lifetimes,
    trusted_issuers,
)
from shared.dependency_injection import Container, Service
from shared.domain.archives.delivery import Cdn
from shared.domain.archives.names import ArchiveName
from shared.domain.archives.unpacking import ArchiveLimits
from shared.domain.errors.base import Refusal
from shared.domain.index import index_file
from shared.domain.names import Coordinate
from shared.domain.packages import Release
from shared.domain.rate_limits import RateLimitClass
from shared.domain.status import DiskSpace
from shared.domain.trusted_publishing.jobs import Provider
from shared.log import log
from shared.ports import (
    ArchiveLinks,
    ArchiveStore,
    CallerScope,
    ChangeSource,
    Clock,
    ConfinedTasks,
    DirectoryStore,
    DocumentStore,
    DomainRecords,
    EdgeCache,
    EventStore,
    HttpClient,
    Mailer,
    MetadataStore,
    PackageChangeFeed,
    PackageReader,
    PackStore,
    PublicCopyStore,
    PullLedger,
    Randomness,
    SearchFeed,
    SearchIndex,
    SnapshotStore,
    WorkStore,
)
from shared.runtime.background_tasks import BackgroundTasks
from shared.runtime.edition import Edition
from shared.services.administration.account_deletion import AccountDeletion
from shared.services.administration.administration import (
    AccountAdministration,
    Administrators,
    OrganizationAdministration,
)
from shared.services.administration.audit_log import AuditLog
from shared.services.administration.status import RegistryStatus
from shared.services.api_docs.api_docs import ApiDocs
from shared.services.api_docs.api_docs_generation import ApiDocsGeneration, JobInputs
from shared.services.api_docs.api_docs_queue import ApiDocsBackfill, ApiDocsQueue
from shared.services.api_docs.api_history import ApiHistory
from shared.services.api_docs.editor_catalog import EditorCatalog
from shared.services.api_docs.on_demand import ApiComparisons, FileHighlighting, OnDemandJobs
from shared.services.api_docs.pieces import PieceReader
from shared.services.identity.accounts import Accounts
from shared.services.identity.identities import Identities
from shared.services.identity.mail import (
    AccountMail,
    MailDelivery,
    ReleaseMail,
    TokenMail,
)
from shared.services.identity.sessions import Sessions
from shared.services.identity.sign_in import SignInFlow, SignUp
from shared.services.limits.burst_detection import BurstDetection
from shared.services.limits.notices import NoticeCache, Notices, ReadOnlyMode
from shared.services.limits.rate_limits import RateLimiter, RateLimitRules
from shared.services.maintenance.checkpoints import Checkpoints
from shared.services.maintenance.snapshots import (
    ArchiveSources,
    SnapshotCreation,
    SnapshotRestore,
    StoredSnapshots,
)
from shared.services.maintenance.task import MaintenanceTasks
from shared.services.maintenance.tasks import TASKS
from shared.services.maintenance.upkeep import (
    TaskRequests,
    TaskRuns,
    Upkeep,
)
from shared.services.organizations.domain_verification import DomainVerification
from shared.services.organizations.invitations import Invitations
from shared.services.organizations.members import OrganizationMembers, OrganizationTransfer
from shared.services.organizations.organization_deletion import OrganizationDeletion
from shared.services.organizations.organizations import OrganizationCreators, Organizations
from shared.services.organizations.release_trains import ReleaseTrains
from shared.services.organizations.reserved_names import ReservedNames
from shared.services.packages.archive_files import ArchiveFiles
from shared.services.packages.archives import (
    ArchiveDelivery,
    ArchiveReader,
    ArchiveRelocation,
    DeliveryRoutes,
)
from shared.services.packages.derived_data import (
    DerivedData,
    DocumentCache,
    PackageRecordWriter,
    WithheldReleases,
)
from shared.services.packages.index import PackageIndex
from shared.services.packages.package_cache import FirstRecords, PackageCache
from shared.services.packages.package_details import PackageDetails
from shared.services.packages.package_pack import PackLoading
from shared.services.packages.packages import (
    Deprecation,
    OrganizationPackages,
    PackageLookup,
    PackageVisibility,
)
from shared.services.packages.public_copies import PublicCopies
from shared.services.packages.pulls import PullCounter
from shared.services.packages.resolution import Resolver
from shared.services.packages.search import PackageSearch
from shared.services.packages.statistics import LastRegistryCounts, RecentPulls, RegistryStatistics
from shared.services.publishing.held_releases import HeldReleases
from shared.services.publishing.maven import MavenPackages, MavenPublishing
from shared.services.publishing.moderation import Moderation
from shared.services.publishing.publishing import DependencyCheck, Publishing
from shared.services.records import Leases, RecordWriter
from shared.services.tokens.device_login import DeviceLogin
from shared.services.tokens.repository_ids import RepositoryIds
from shared.services.tokens.secret_scanning import SecretScanning
from shared.services.tokens.token_records import TokenLineage, TokenRecords
from shared.services.tokens.tokens import OrganizationTokens, Tokens
from shared.services.tokens.trusted_publishing import TrustedPublishers, TrustedPublishing
from shared.settings import Settings
from shared.telemetry import recording
from shared.telemetry.metrics import PUSHES


@dataclass(frozen=True)
class Adapters:
    """An adapter for every port, and the signing keys."""

    clock: Clock
    randomness: Randomness
    keys: SigningKeys
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
    fetcher: HttpClient
    confined: ConfinedTasks
    archive_path: Callable[[ArchiveName], Path] | None
    edition: Edition
    close: Callable[[], Awaitable[None]]
    links: ArchiveLinks | None = None  # Signed links to archives that are not files of ours.
    feed: SearchFeed | None = None  # None: a write is searched at once.
    changes: ChangeSource | None = None  # For a host that calls Functions with changes.
    package_changes: PackageChangeFeed | None = None  # Of all instances, which keep a pack.
    package_pack: PackStore | None = None
    copies: PublicCopyStore | None = None  # Read by a CDN while the registry does not answer.
    caller_scope: CallerScope = CallerScope.REGISTRY  # Of `pulls`.
    edge: EdgeCache | None = None  # A CDN whose copies can be purged.
    writable: Callable[[], Awaitable[None]] | None = None  # Raises if the disk is full.
    room: Callable[[], DiskSpace | None] | None = None  # Of the disk that holds everything.


def _log_silent_issuer(document: str, reason: str) -> None:
    log.warning("issuer.unanswered", document=document, reason=reason)


def _log_refused_sign_in(provider: str, reason: str) -> None:
    log.warning("sign_in.refused", provider=provider, reason=reason)


def _log_delayed_secret(refusal: Refusal) -> None:
    log.warning("session.not_renewed", reason=type(refusal).__name__)


def _log_delayed_event(refusal: Refusal) -> None:
    log.warning("event.delayed", reason=type(refusal).__name__)


def _log_undelivered_mail(reason: str, count: int) -> None:
    log.warning("mail.undelivered", reason=reason, count=count)


def _log_delayed_pulls(refusal: Refusal) -> None:
    log.warning("pulls.delayed", reason=type(refusal).__name__)


def _log_loaded_pack(packages: int, changed: int) -> None:
    log.info("pack.loaded", packages=packages, changed=changed)


def _log_unused_pack(error: Exception) -> None:
    log.warning("pack.unused", reason=f"{type(error).__name__}: {error}")


def _log_failed_api_docs(coordinate: Coordinate, reason: str) -> None:
    log.error("api_docs.failed", coordinate=str(coordinate), reason=reason)


def _count_push(release: Release) -> None:
    recording.record_metric(PUSHES, 1, {"state": release.state.value})


_TASKS = [Service(each) for each in TASKS]


class Registry(Container[Settings, Adapters]):
    """Every service of the registry, created with it, and the settings that it is created with."""

    # Rights, records, mail and limits
    authorization = Service(Authorization)
    administration = Service(Administration)
    record_writer = Service(RecordWriter, delayed=_log_delayed_event)
    leases = Service(Leases)
    mail_delivery = Service(MailDelivery, failed=_log_undelivered_mail)
    background_tasks = Service(BackgroundTasks)
    account_mail = Service(AccountMail)
    token_mail = Service(TokenMail)
    release_mail = Service(ReleaseMail)
    audit_log = Service(AuditLog)
    notice_cache = Service(NoticeCache)
    read_only_mode = Service(ReadOnlyMode)
    notices = Service(Notices)
    burst_detection = Service(BurstDetection)
    rate_limiter = Service(RateLimiter)

    # Sign-in
    issuer_discovery = Service(IssuerDiscovery, failed=_log_silent_issuer)
    issuer_keys = Service(IssuerKeys, failed=_log_silent_issuer)
    id_token_validator = Service(IdTokenValidator)
    canary_tokens = Service(CanaryTokens)
    authentication = Service(Authentication)
    sessions = Service(Sessions)
    sign_in_links = Service(SignInLinks)
    browsers = Service(Browsers)
    known_browsers = Service(KnownBrowsers)
    identities = Service(Identities)
    sign_in_flow = Service(SignInFlow, refused=_log_refused_sign_in)

    # Accounts and tokens
    accounts = Service(Accounts)
    account_deletion = Service(AccountDeletion)
    token_lineage = Service(TokenLineage)
    token_records = Service(TokenRecords)
    tokens = Service(Tokens)
    organization_tokens = Service(OrganizationTokens)
    device_login = Service(DeviceLogin)
    secret_scanning = Service(SecretScanning)

    # Organizations
    organization_members = Service(OrganizationMembers)
    organizations = Service(Organizations)
    organization_deletion = Service(OrganizationDeletion)
    organization_transfer = Service(OrganizationTransfer)
    invitations = Service(Invitations)
    domain_verification = Service(DomainVerification)
    release_trains = Service(ReleaseTrains)

    # Administration
    administrators = Service(Administrators)
    account_administration = Service(AccountAdministration)
    organization_administration = Service(OrganizationAdministration)
    reserved_names = Service(ReservedNames)

    # Packages
    package_cache = Service(PackageCache)
    packages = Service(PackageLookup)
    search = Service(PackageSearch)
    package_details = Service(PackageDetails)
    resolver = Service(Resolver)
    index_files = Service(DocumentCache, make=index_file)
    index = Service(PackageIndex)
    maven_packages = Service(MavenPackages)
    archive_link_signer = Service(ArchiveLinkSigner)
    archive_delivery = Service(ArchiveDelivery)
    archive_files = Service(ArchiveFiles)
    api_history = Service(ApiHistory)
    pieces = Service(PieceReader)
    job_inputs = Service(JobInputs)
    api_docs_generation = Service(ApiDocsGeneration)
    api_docs_queue = Service(ApiDocsQueue, failed=_log_failed_api_docs)
    api_docs_backfill = Service(ApiDocsBackfill)
    api_docs = Service(ApiDocs)
    on_demand_jobs = Service(OnDemandJobs)
    file_highlighting = Service(FileHighlighting)
    api_comparisons = Service(ApiComparisons)
    editor_catalog = Service(EditorCatalog)

    # Publishing and moderation
    archive_reader = Service(ArchiveReader)
    withheld_releases = Service(WithheldReleases)
    derived_data = Service(DerivedData)
    package_record_writer = Service(PackageRecordWriter)
    dependency_check = Service(DependencyCheck)
    repository_ids = Service(RepositoryIds)
    trusted_publishers = Service(TrustedPublishers)
    trusted_publishing = Service(TrustedPublishing)
    publishing = Service(Publishing, admitted=_count_push)
    maven_publishing = Service(MavenPublishing)
    organization_packages = Service(OrganizationPackages)
    package_visibility = Service(PackageVisibility)
    deprecation = Service(Deprecation)
    moderation = Service(Moderation)
    held_releases = Service(HeldReleases)

    # Statistics, maintenance tasks and snapshots
    pull_counter = Service(PullCounter, delayed=_log_delayed_pulls)
    last_counts = Service(LastRegistryCounts)
    recent_pulls = Service(RecentPulls)
    statistics = Service(RegistryStatistics)
    task_runs = Service(TaskRuns)
    checkpoints = Service(Checkpoints)
    upkeep = Service(Upkeep)
    task_requests = Service(TaskRequests)
    status = Service(RegistryStatus)
    stored_snapshots = Service(StoredSnapshots)
    archive_sources = Service(ArchiveSources)
    snapshot_creation = Service(SnapshotCreation)
    snapshot_restore = Service(SnapshotRestore)

    @property
    def clock(self) -> Clock:
        return self.adapters.clock

    @property
    def search_feed(self) -> SearchFeed | None:
        """Brings changes to the search index; None where writes are searched at once."""
        return self.adapters.feed

    @cached_property
    def package_reader(self) -> PackageReader:
        return self.package_cache

    @cached_property
    def first_records(self) -> FirstRecords | None:
        """The records that a new instance loads; None on one machine, which reads a file."""
        store, changes = self.adapters.package_pack, self.adapters.package_changes
        if store is None or changes is None:
            return None
        return PackLoading(store, changes, loaded=_log_loaded_pack, failed=_log_unused_pack)

    @cached_property
    def rate_limits(self) -> RateLimitRules:
        return {operation: self.settings.limits_of(operation) for operation in RateLimitClass}

    @cached_property
    def session_authentication(self) -> SessionAuthentication:
        return SessionAuthentication(
            self.adapters.directory,
            keys=self.adapters.keys,
            clock=self.clock,
            randomness=self.adapters.randomness,
            cookie=Cookie.named("ballroom", self.settings.base_url),
            proof=SignInProof.STRONG if self.settings.require_strong else SignInProof.ANY,
            copied=self.sessions.end_copied,
            delayed=_log_delayed_secret,
        )

    @cached_property
    def identity_providers(self) -> Mapping[str, IdentityProvider]:
        configured = IdentityProviders(
            settings=self.settings,
            fetcher=self.adapters.fetcher,
            discovery=self.issuer_discovery,
            id_tokens=self.id_token_validator,
            clock=self.clock,
            randomness=self.adapters.randomness,
        )
        return dict(configured.by_name())

    @cached_property
    def session_lifetimes(self) -> SessionLifetimes:
        return session_lifetimes(self.settings)

    @cached_property
    def sign_up(self) -> SignUp:
        return SignUp(self.settings.sign_up)

    @cached_property
    def organization_creators(self) -> OrganizationCreators:
        return OrganizationCreators(self.settings.founding)

    @cached_property
    def entra_access(self) -> EntraAccess | None:
        return entra_access(self.settings, self.adapters.directory, self.issuer_keys, self.clock)

    @cached_property
    def job_tokens(self) -> JobTokenVerifier:
        return JobTokenVerifier(trusted_issuers(self.settings), self.issuer_keys, self.clock)

    @cached_property
    def publisher_servers(self) -> Mapping[Provider, frozenset[str]]:
        return self.job_tokens.servers

    @cached_property
    def leak_reports(self) -> LeakReports:
        return leak_reports(self.settings, self.adapters.fetcher, self.clock)

    @cached_property
    def archive_limits(self) -> ArchiveLimits:
        return archive_limits(self.settings)

    @cached_property
    def archive_relocation(self) -> ArchiveRelocation | None:
        """Moves archives where a link or a copy could outlive a change; None elsewhere."""
        adapters = self.adapters
        if adapters.links is None and adapters.edge is None:
            return None
        withdraw = self.public_copies.withdraw if self.public_copies else None
        return ArchiveRelocation(adapters.metadata, adapters.archives, adapters.edge, withdraw)

    @cached_property
    def public_copies(self) -> PublicCopies | None:
        """Copies public documents for a CDN that reads blobs; None elsewhere."""
        store, settings = self.adapters.copies, self.settings
        if store is None or settings.archive_cdn is not Cdn.READING_BLOBS:
            return None
        return PublicCopies(
            self.adapters.metadata,
            self.adapters.documents,
            store,
            settings.copied_distributions,
            settings.base_url,
        )

    @cached_property
    def delivery_routes(self) -> DeliveryRoutes:
        return DeliveryRoutes(
            cdn_url=self.settings.archive_cdn_url,
            cdn=self.settings.archive_cdn,
            links=self.adapters.links if self.settings.archive_links == "store" else None,
        )

    @cached_property
    def maintenance_tasks(self) -> MaintenanceTasks:
        """The tasks by id, without those that need what this registry does not have."""
        tasks = (each.create_if_possible(self) for each in _TASKS)
        return {task.id: task for task in tasks if task is not None}

    async def probe(self) -> None:
        """Raise unless the stores answer and there is a key to sign with."""
        await self.adapters.metadata.packages("", 1)
        await self.adapters.keys.ready()

    async def require_writable(self) -> None:
        """Raise if the disk that holds the data is full."""
        if self.adapters.writable is not None:
            await self.adapters.writable()

"""The registry: every service and adapter, put together once for the faces."""

from collections.abc import Awaitable, Callable, Hashable, Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from shared.auth.authentication import Authentication, CanaryTokens
from shared.auth.authorization import Administration, Authorization
from shared.auth.cookies import Browsers, Cookie, KnownBrowsers, SameSite
from shared.auth.entra import (
    EntraAccess,
    EntraApplication,
    EntraProvider,
    EntraRoles,
    EntraTenant,
    audiences,
    managed_identity,
)
from shared.auth.identity_providers import IdentityProvider, StrongClaims
from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.openid_connect import GitHubProvider, OAuthClient, OidcProvider
from shared.auth.secret_scanning import ConfiguredScannerKeys, FetchedScannerKeys, LeakReports
from shared.auth.secrets import Secret
from shared.auth.sessions import SessionLifetimes, Sessions, SignInLinks, SignInProof
from shared.auth.signed_tokens import IdTokenValidator
from shared.auth.signing_keys import ArchiveLinkSigner, SigningKeys
from shared.auth.trusted_publishing import (
    AZURE_DEVOPS_AUDIENCE,
    JobTokenVerifier,
    TrustedIssuer,
    trusted_entra,
)
from shared.background_tasks import BackgroundTasks
from shared.domain.archives.names import ArchiveName
from shared.domain.archives.unpacking import ArchiveLimits, Documentation
from shared.domain.errors.base import Refusal
from shared.domain.index import index_file
from shared.domain.packages import Release
from shared.domain.rate_limits import RateLimitClass
from shared.domain.status import DiskSpace
from shared.domain.trusted_publishing.jobs import Provider
from shared.log import log
from shared.ports import (
    ArchiveLinks,
    ArchiveStore,
    ChangeSource,
    Clock,
    DirectoryStore,
    DocumentStore,
    DomainRecords,
    EdgeCache,
    EventStore,
    HttpClient,
    Mailer,
    MetadataStore,
    PullLedger,
    Randomness,
    SearchFeed,
    SearchIndex,
    SnapshotStore,
    WorkStore,
)
from shared.services.account_deletion import AccountDeletion
from shared.services.accounts import Accounts
from shared.services.administration import (
    AccountAdministration,
    AccountRestrictions,
    AdministratorAppointments,
    Administrators,
    OrganizationAdministration,
)
from shared.services.archive_files import ArchiveFiles, RenderedTexts
from shared.services.archives import (
    ArchiveChecksums,
    ArchiveDelivery,
    ArchiveReader,
    ArchiveRelocation,
    DeliveryRoutes,
)
from shared.services.audit_log import AuditLog
from shared.services.burst_detection import BurstDetection
from shared.services.derived_data import DerivedData, DocumentCache, WithheldReleases
from shared.services.device_login import DeviceLogin
from shared.services.domain_verification import DomainVerification
from shared.services.index import PackageIndex
from shared.services.invitations import InvitationLimits, Invitations, OpenedInvitations
from shared.services.mail import (
    AccountMail,
    HeldReleaseMail,
    MailDelivery,
    ModerationMail,
    TokenExpiryReminders,
    TokenMail,
)
from shared.services.maven import MavenPackages, MavenPublishing, MavenVersionLists
from shared.services.members import MemberChanges, OrganizationMembers, OrganizationTransfer
from shared.services.moderation import HeldReleases, Moderation, ReleaseInspection
from shared.services.notices import NoticeCache, Notices, ReadOnlyMode
from shared.services.organization_deletion import OrganizationDeletion
from shared.services.organizations import OrganizationCreation, OrganizationCreators, Organizations
from shared.services.package_details import PackageDetails, PackageHistory
from shared.services.packages import (
    Deprecation,
    OrganizationPackages,
    PackageLookup,
    PackageVisibility,
)
from shared.services.publishing import DependencyCheck, Publishing
from shared.services.rate_limits import RateLimiter
from shared.services.records import Leases, RecordWriter
from shared.services.reserved_names import ReservedNames
from shared.services.resolution import Resolver
from shared.services.search import PackageSearch, SearchIndexUpdates
from shared.services.secret_scanning import SecretScanning
from shared.services.sessions import AccountSessions
from shared.services.sign_in import Identities, SignInFlow, SignUp
from shared.services.snapshots import (
    ArchiveSources,
    SnapshotCreation,
    SnapshotRestore,
    StoredSnapshots,
)
from shared.services.statistics import LastRegistryCounts, PullCounter, RegistryStatistics
from shared.services.status import RegistryStatus
from shared.services.token_records import TokenLineage, TokenRecords
from shared.services.tokens import OrganizationTokens, Tokens
from shared.services.trusted_publishing import TrustedPublishers, TrustedPublishing
from shared.services.upkeep import Checkpoints, TaskRequests, TaskRuns, Upkeep
from shared.services.upkeep_tasks import (
    ArchiveAudit,
    ArchiveSweep,
    DerivedDataRebuild,
    DerivedDataRepair,
    EventAnonymization,
    ExpiredRecordDeletion,
    OutboxProcessing,
    PullRollUp,
)
from shared.settings import Settings, listed
from shared.telemetry import recording
from shared.telemetry.metrics import PUSHES


@dataclass(frozen=True, slots=True)
class SignInServices:
    """Everything about who is signed in, by what, and how that ends."""

    sessions: Sessions
    links: SignInLinks
    browsers: Browsers
    known_browsers: KnownBrowsers
    flow: SignInFlow
    account_sessions: AccountSessions
    identities: Identities
    account_mail: AccountMail


@dataclass(frozen=True)
class Registry:
    """What the faces may ask for."""

    settings: Settings
    clock: Clock
    authentication: Authentication
    sign_in: SignInServices
    accounts: Accounts
    organizations: Organizations
    organization_deletion: OrganizationDeletion
    organization_transfer: OrganizationTransfer
    invitations: Invitations
    opened_invitations: OpenedInvitations
    domain_verification: DomainVerification
    tokens: Tokens
    audit_log: AuditLog
    trusted_publishers: TrustedPublishers
    trusted_publishing: TrustedPublishing
    organization_tokens: OrganizationTokens
    secret_scanning: SecretScanning
    device_login: DeviceLogin
    account_deletion: AccountDeletion
    account_administration: AccountAdministration
    account_restrictions: AccountRestrictions
    administrator_appointments: AdministratorAppointments
    organization_administration: OrganizationAdministration
    reserved_names: ReservedNames
    publishing: Publishing
    maven_publishing: MavenPublishing
    packages: PackageLookup
    maven_packages: MavenPackages
    package_details: PackageDetails
    package_history: PackageHistory
    archive_files: ArchiveFiles
    rendered_texts: RenderedTexts
    archive_checksums: ArchiveChecksums
    maven_version_lists: MavenVersionLists
    resolver: Resolver
    search: PackageSearch
    statistics: RegistryStatistics
    index: PackageIndex
    rate_limiter: RateLimiter
    notice_cache: NoticeCache
    notices: Notices
    deprecation: Deprecation
    moderation: Moderation
    release_inspection: ReleaseInspection
    held_releases: HeldReleases
    organization_packages: OrganizationPackages
    package_visibility: PackageVisibility
    archive_delivery: ArchiveDelivery
    archives: ArchiveStore
    pull_counter: PullCounter
    upkeep: Upkeep
    status: RegistryStatus
    task_requests: TaskRequests
    snapshot_creation: SnapshotCreation
    snapshot_restore: SnapshotRestore
    search_index_updates: SearchIndexUpdates | None
    changes: ChangeSource | None
    archive_path: Callable[[ArchiveName], Path] | None
    edition: Callable[[], Hashable] | None
    probe: Callable[[], Awaitable[None]]
    require_writable: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]

    @property
    def sessions(self) -> Sessions:
        """Return what recognizes signed-in browsers."""
        return self.sign_in.sessions

    @property
    def sign_in_links(self) -> SignInLinks:
        return self.sign_in.links


@dataclass(frozen=True)
class Adapters:
    """One choice of adapter for every port, and the keys."""

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
    archive_path: Callable[[ArchiveName], Path] | None
    close: Callable[[], Awaitable[None]]
    # Tells what the stores hold by a value that is another one after each write, where that can be
    # told at a fraction of what reading costs.
    edition: Callable[[], Hashable] | None = None
    links: ArchiveLinks | None = None  # Past the registry, where archives are not files of ours.
    feed: SearchFeed | None = None  # None: what is written is searched at once.
    changes: ChangeSource | None = None  # For a host that calls Functions with them.
    edge: EdgeCache | None = None  # Where copies are kept that can be withdrawn.
    writable: Callable[[], Awaitable[None]] | None = None  # Raises where that disk is full.
    room: Callable[[], DiskSpace | None] | None = (
        None  # On the disk that everything lies on, if on one.
    )


def compose(settings: Settings, world: Adapters) -> Registry:
    """Return the registry with these settings over this choice of adapters."""
    return AllServices(settings, world).registry()


@dataclass(frozen=True)
class CoreServices:
    """Rights, records, letters, limits, and the keys of others."""

    settings: Settings
    world: Adapters

    @cached_property
    def authorization(self) -> Authorization:
        """Return what says who may do what."""
        return Authorization(self.world.directory, self.world.clock)

    @cached_property
    def administration(self) -> Administration:
        """Return what says who runs the registry."""
        return Administration(self.world.directory, self.world.clock)

    @cached_property
    def record_writer(self) -> RecordWriter:
        """Return what writes entities with their events."""
        world = self.world
        return RecordWriter(
            directory=world.directory,
            events=world.events,
            clock=world.clock,
            randomness=world.randomness,
            delayed=_log_delayed_event,
        )

    @cached_property
    def mail_delivery(self) -> MailDelivery:
        """Return what writes to people."""
        return MailDelivery(self.world.mailer, failed=_log_undelivered)

    @cached_property
    def rate_limiter(self) -> RateLimiter:
        """Return what says how much is too much."""
        work, clock, settings = self.world.work, self.world.clock, self.settings
        rules = {operation: settings.limits_of(operation) for operation in RateLimitClass}
        braking = BurstDetection(work, clock, settings.brake_packages, settings.brake_releases)
        return RateLimiter(work, clock, rules, braking, self.read_only_mode)

    @cached_property
    def notice_cache(self) -> NoticeCache:
        """Return what knows the bulletin."""
        return NoticeCache(self.world.directory, self.world.clock)

    @cached_property
    def read_only_mode(self) -> ReadOnlyMode:
        """Return what says whether changes are taken."""
        return ReadOnlyMode(self.notice_cache)

    @cached_property
    def notices(self) -> Notices:
        """Return what writes the bulletin."""
        return Notices(
            administration=self.administration,
            directory=self.world.directory,
            record_writer=self.record_writer,
            notice_cache=self.notice_cache,
            clock=self.world.clock,
            randomness=self.world.randomness,
        )

    @cached_property
    def issuer_discovery(self) -> IssuerDiscovery:
        """Return what finds the documents of issuers."""
        return IssuerDiscovery(self.world.fetcher, self.world.clock, _log_unread_issuer)

    @cached_property
    def issuer_keys(self) -> IssuerKeys:
        """Return what keeps the keys of issuers."""
        return IssuerKeys(
            self.world.fetcher, self.issuer_discovery, self.world.clock, _log_unread_issuer
        )


@dataclass(frozen=True)
class AccountServices(CoreServices):
    """The services of people."""

    @cached_property
    def authentication(self) -> Authentication:
        """Return what says who makes a request."""
        world = self.world
        return Authentication(
            world.directory,
            world.clock,
            self.settings.environment,
            canaries=CanaryTokens(world.events, world.clock),
            entra=entra_access_of(self.settings, world.directory, self.issuer_keys, world.clock),
        )

    @cached_property
    def sign_in(self) -> SignInServices:
        """Return what signs people in and out."""
        world = self.world
        stores = SignInStores(
            clock=world.clock,
            randomness=world.randomness,
            keys=world.keys,
            directory=world.directory,
            work=world.work,
            fetcher=world.fetcher,
        )
        parts = SignInParts(
            accounts=self.accounts,
            record_writer=self.record_writer,
            mail_delivery=self.mail_delivery,
            issuer_discovery=self.issuer_discovery,
            issuer_keys=self.issuer_keys,
            read_only_mode=self.read_only_mode,
        )
        return sign_in_of(self.settings, stores, parts)

    @cached_property
    def accounts(self) -> Accounts:
        """Return what keeps accounts."""
        world = self.world
        return Accounts(world.directory, self.record_writer, world.clock, world.randomness)

    @cached_property
    def organizations(self) -> Organizations:
        """Return what keeps organizations."""
        world = self.world
        return Organizations(
            directory=world.directory,
            authorization=self.authorization,
            record_writer=self.record_writer,
            creation=self._creation(),
            organization_members=self.organization_members,
            changes=self.member_changes,
            lineage=self.token_lineage,
            clock=world.clock,
        )

    @cached_property
    def organization_deletion(self) -> OrganizationDeletion:
        """Return what deletes organizations."""
        return OrganizationDeletion(
            authorization=self.authorization,
            directory=self.world.directory,
            metadata=self.world.metadata,
            organization_members=self.organization_members,
            record_writer=self.record_writer,
            changes=self.member_changes,
        )

    @cached_property
    def organization_transfer(self) -> OrganizationTransfer:
        """Return what gives organizations to other owners."""
        return OrganizationTransfer(
            self.authorization, self.organization_members, self.member_changes
        )

    @cached_property
    def invitations(self) -> Invitations:
        """Return what invites people."""
        world = self.world
        return Invitations(
            directory=world.directory,
            authorization=self.authorization,
            record_writer=self.record_writer,
            organization_members=self.organization_members,
            changes=self.member_changes,
            lineage=self.token_lineage,
            limits=InvitationLimits(
                world.work,
                world.clock,
                self.rate_limiter,
                timedelta(minutes=self.settings.invitation_mail_minutes),
            ),
            randomness=world.randomness,
            base_url=self.settings.base_url,
        )

    @cached_property
    def opened_invitations(self) -> OpenedInvitations:
        """Return what keeps invitations for whoever has opened them."""
        return OpenedInvitations(self.world.directory, self.invitations, self.read_only_mode)

    @cached_property
    def domain_verification(self) -> DomainVerification:
        """Return what proves domains."""
        world = self.world
        return DomainVerification(
            directory=world.directory,
            authorization=self.authorization,
            record_writer=self.record_writer,
            organization_members=self.organization_members,
            changes=self.member_changes,
            records=world.domain_records,
            randomness=world.randomness,
        )

    @cached_property
    def organization_members(self) -> OrganizationMembers:
        """Return what reads and writes who is a member."""
        world = self.world
        return OrganizationMembers(world.directory, world.work, world.clock, world.randomness)

    @cached_property
    def member_changes(self) -> MemberChanges:
        """Return what tells of changes of members."""
        base_url = self.settings.base_url
        return MemberChanges(self.world.directory, self.record_writer, self.mail_delivery, base_url)

    @cached_property
    def tokens(self) -> Tokens:
        """Return what keeps the tokens of accounts."""
        return Tokens(self.token_records, self.world.clock, self.settings.token_days)

    @cached_property
    def organization_tokens(self) -> OrganizationTokens:
        """Return what keeps the tokens of organizations."""
        return OrganizationTokens(
            records=self.token_records,
            authorization=self.authorization,
            directory=self.world.directory,
            clock=self.world.clock,
            default_days=self.settings.token_days,
        )

    @cached_property
    def secret_scanning(self) -> SecretScanning:
        """Return what ends tokens that leaked."""
        world = self.world
        return SecretScanning(
            reports=self._reports(),
            records=self.token_records,
            directory=world.directory,
            work=world.work,
            clock=world.clock,
            token_mail=self.token_mail,
        )

    @cached_property
    def token_mail(self) -> TokenMail:
        """Return what tells people of their tokens."""
        world, base_url = self.world, self.settings.base_url
        return TokenMail(world.directory, self.mail_delivery, world.clock, base_url)

    @cached_property
    def token_records(self) -> TokenRecords:
        """Return what writes tokens."""
        return TokenRecords(
            directory=self.world.directory,
            record_writer=self.record_writer,
            lineage=self.token_lineage,
            clock=self.world.clock,
            randomness=self.world.randomness,
            environment=self.settings.environment,
        )

    @cached_property
    def token_lineage(self) -> TokenLineage:
        """Return what knows what was made with tokens."""
        return TokenLineage(self.world.directory, self.record_writer, self.world.clock)

    @cached_property
    def device_login(self) -> DeviceLogin:
        """Return what gives tokens to machines that a person approves."""
        world = self.world
        return DeviceLogin(
            work=world.work,
            directory=world.directory,
            events=world.events,
            record_writer=self.record_writer,
            tokens=self.tokens,
            rate_limiter=self.rate_limiter,
            signer=world.keys.signer("device"),
            clock=world.clock,
            randomness=world.randomness,
            base_url=self.settings.base_url,
        )

    @cached_property
    def audit_log(self) -> AuditLog:
        """Return what reads the logs."""
        world = self.world
        return AuditLog(world.events, world.directory, self.authorization, self.administration)

    @cached_property
    def account_deletion(self) -> AccountDeletion:
        """Return what lets people take their data and go."""
        world = self.world
        return AccountDeletion(
            directory=world.directory,
            organizations=self.organizations,
            tokens=self.tokens,
            lineage=self.token_lineage,
            account_sessions=self.sign_in.account_sessions,
            identities=self.sign_in.identities,
            audit_log=self.audit_log,
            record_writer=self.record_writer,
            clock=world.clock,
        )

    @cached_property
    def administrators(self) -> Administrators:
        """Return what knows who administers the registry."""
        world = self.world
        leasing = Leases(world.work, world.clock, world.randomness)
        return Administrators(world.directory, self.administration, leasing)

    @cached_property
    def account_administration(self) -> AccountAdministration:
        """Return what shows accounts to administrators."""
        return AccountAdministration(
            directory=self.world.directory,
            administration=self.administration,
            administrators=self.administrators,
            organizations=self.organizations,
            tokens=self.token_records,
            audit_log=self.audit_log,
        )

    @cached_property
    def administrator_appointments(self) -> AdministratorAppointments:
        base_url = self.settings.base_url
        return AdministratorAppointments(
            self.administrators, self.record_writer, self.mail_delivery, base_url
        )

    @cached_property
    def account_restrictions(self) -> AccountRestrictions:
        """Return what locks accounts, and ends what they are used by."""
        return AccountRestrictions(
            administrators=self.administrators,
            record_writer=self.record_writer,
            account_sessions=self.sign_in.account_sessions,
            tokens=self.token_records,
            mail_delivery=self.mail_delivery,
            base_url=self.settings.base_url,
        )

    @cached_property
    def organization_administration(self) -> OrganizationAdministration:
        """Return what shows every organization to administrators."""
        return OrganizationAdministration(
            self.world.directory, self.administration, self.organizations
        )

    @cached_property
    def reserved_names(self) -> ReservedNames:
        """Return what keeps names back."""
        return ReservedNames(
            directory=self.world.directory,
            administration=self.administration,
            record_writer=self.record_writer,
            configured=self.settings.reserved_patterns,
        )

    def _creation(self) -> OrganizationCreation:
        world, settings = self.world, self.settings
        return OrganizationCreation(
            directory=world.directory,
            record_writer=self.record_writer,
            clock=world.clock,
            randomness=world.randomness,
            rate_limiter=self.rate_limiter,
            founders=OrganizationCreators(settings.founding),
            kept_back=settings.reserved_patterns,
        )

    def _reports(self) -> LeakReports:
        world, url = self.world, self.settings.report_keys_url
        configured = ConfiguredScannerKeys.of_setting(self.settings.report_keys)
        if not url:
            return LeakReports((configured,))
        published = FetchedScannerKeys(world.fetcher, url, world.clock, failed=_log_unread_keys)
        return LeakReports((configured, published))


@dataclass(frozen=True)
class PackageServices(AccountServices):
    """The services of packages."""

    @cached_property
    def derived_data(self) -> DerivedData:
        """Return what keeps lists, search and feed true."""
        world = self.world
        return DerivedData(
            metadata=world.metadata,
            documents=world.documents,
            search=world.search,
            events=world.events,
            withheld_releases=WithheldReleases(world.directory, world.metadata),
            archive_relocation=self._archive_relocation(),
        )

    @cached_property
    def archive_reader(self) -> ArchiveReader:
        settings = self.settings
        return ArchiveReader(
            limits=archive_limits(settings),
            max_archive_bytes=settings.max_archive_bytes,
            max_in_hand=settings.max_archives_in_hand,
        )

    @cached_property
    def trusted_publishers(self) -> TrustedPublishers:
        """Return what keeps who publishes from CI."""
        world = self.world
        return TrustedPublishers(
            authorization=self.authorization,
            directory=world.directory,
            record_writer=self.record_writer,
            metadata=world.metadata,
            derived_data=self.derived_data,
            clock=world.clock,
            randomness=world.randomness,
            servers=self.job_tokens.servers,
        )

    @cached_property
    def trusted_publishing(self) -> TrustedPublishing:
        """Return what gives tokens to jobs."""
        world = self.world
        return TrustedPublishing(
            jobs=self.job_tokens,
            directory=world.directory,
            record_writer=self.record_writer,
            events=world.events,
            metadata=world.metadata,
            tokens=self.token_records,
            work=world.work,
            clock=world.clock,
        )

    @cached_property
    def job_tokens(self) -> JobTokenVerifier:
        """Return what reads the id tokens of jobs."""
        issuers = trusted_issuers(self.settings)
        return JobTokenVerifier(issuers, self.issuer_keys, self.world.clock)

    @cached_property
    def publishing(self) -> Publishing:
        """Return what admits releases."""
        return Publishing(
            authorization=self.authorization,
            organizations=self.organizations,
            archive_reader=self.archive_reader,
            metadata=self.world.metadata,
            documents=self.world.documents,
            archives=self.world.archives,
            derived_data=self.derived_data,
            clock=self.world.clock,
            dependency_check=self._dependency_check(),
            publishers=self.trusted_publishers,
            rate_limiter=self.rate_limiter,
            mail=self._mail(),
            admitted=_tell_of_push,
        )

    @cached_property
    def packages(self) -> PackageLookup:
        """Return what finds releases."""
        return PackageLookup(self.authorization, self.world.metadata, self.world.documents)

    @cached_property
    def maven_packages(self) -> MavenPackages:
        """Return what shows packages."""
        return MavenPackages(self.packages, self.world.documents, self.world.search)

    @cached_property
    def package_details(self) -> PackageDetails:
        """Return what shows packages to people."""
        world = self.world
        return PackageDetails(
            packages=self.packages,
            search=PackageSearch(world.search, self.authorization),
            metadata=world.metadata,
            documents=world.documents,
            directory=world.directory,
            pulls=world.pulls,
            clock=world.clock,
        )

    @cached_property
    def package_history(self) -> PackageHistory:
        """Return what tells what became of packages."""
        return PackageHistory(self.world.events, self.world.metadata)

    @cached_property
    def archive_files(self) -> ArchiveFiles:
        """Return what reads the files of archives."""
        return ArchiveFiles(self.world.archives)

    @cached_property
    def rendered_texts(self) -> RenderedTexts:
        return RenderedTexts(self.world.documents)

    @cached_property
    def archive_checksums(self) -> ArchiveChecksums:
        """Return what compares checksums."""
        return ArchiveChecksums(self.world.archives)

    @cached_property
    def maven_publishing(self) -> MavenPublishing:
        """Return what takes files of a Maven repository."""
        world = self.world
        return MavenPublishing(
            self.publishing, world.metadata, world.documents, self.archive_checksums
        )

    @cached_property
    def resolver(self) -> Resolver:
        """Return what chooses versions."""
        world = self.world
        return Resolver(
            metadata=world.metadata,
            documents=world.documents,
            authorization=self.authorization,
            max_requests=self.settings.max_resolve,
        )

    @cached_property
    def index(self) -> PackageIndex:
        """Return what makes the files of the index."""
        world = self.world
        return PackageIndex(
            packages=self.packages,
            authorization=self.authorization,
            metadata=world.metadata,
            events=world.events,
            files=DocumentCache(index_file, world.clock),
        )

    @cached_property
    def moderation(self) -> Moderation:
        """Return what holds and withdraws releases."""
        world, base_url = self.world, self.settings.base_url
        return Moderation(
            authorization=self.authorization,
            administration=self.administration,
            metadata=world.metadata,
            derived_data=self.derived_data,
            mail=ModerationMail(world.directory, self.mail_delivery, world.clock, base_url),
            clock=world.clock,
        )

    @cached_property
    def release_inspection(self) -> ReleaseInspection:
        """Return what shows administrators releases, whatever their state."""
        world = self.world
        return ReleaseInspection(
            administration=self.administration,
            metadata=world.metadata,
            directory=world.directory,
            pulls=world.pulls,
            audit_log=self.audit_log,
            search=PackageSearch(world.search, self.authorization),
        )

    @cached_property
    def held_releases(self) -> HeldReleases:
        """Return what shows owners the releases that wait for them."""
        world = self.world
        return HeldReleases(self.authorization, world.metadata, world.directory)

    @cached_property
    def organization_packages(self) -> OrganizationPackages:
        """Return what shows an organization its packages."""
        return OrganizationPackages(self.authorization, self.world.metadata)

    @cached_property
    def deprecation(self) -> Deprecation:
        world = self.world
        return Deprecation(self.authorization, world.metadata, self.derived_data, world.clock)

    @cached_property
    def package_visibility(self) -> PackageVisibility:
        """Return what changes who sees a package."""
        world = self.world
        return PackageVisibility(self.authorization, world.metadata, self.derived_data, world.clock)

    @cached_property
    def archive_delivery(self) -> ArchiveDelivery:
        """Return what hands out bytes."""
        return ArchiveDelivery(
            authorization=self.authorization,
            metadata=self.world.metadata,
            signer=ArchiveLinkSigner(self.world.keys),
            clock=self.world.clock,
            base_url=self.settings.base_url,
            edges=DeliveryRoutes(
                cdn_url=self.settings.archive_cdn_url,
                cdn=self.settings.archive_cdn,
                links=self.world.links if self.settings.archive_links == "store" else None,
            ),
        )

    @cached_property
    def pull_counter(self) -> PullCounter:
        world = self.world
        signer = world.keys.signer("callers")
        return PullCounter(
            world.pulls,
            world.clock,
            signer,
            admit=self.read_only_mode.require_changes_allowed,
            delayed=_log_delayed_pulls,
        )

    def _archive_relocation(self) -> ArchiveRelocation | None:
        """Return what moves archives, where a link or a copy could outlive a change."""
        world = self.world
        if world.links is None and world.edge is None:
            return None
        return ArchiveRelocation(world.metadata, world.archives, world.edge)

    def _mail(self) -> HeldReleaseMail:
        world = self.world
        return HeldReleaseMail(
            directory=world.directory,
            mail_delivery=self.mail_delivery,
            work=world.work,
            clock=world.clock,
            base_url=self.settings.base_url,
        )

    def _dependency_check(self) -> DependencyCheck:
        required = self.settings.require_dependencies
        return DependencyCheck(self.authorization, self.world.metadata, required)


@dataclass(frozen=True)
class AllServices(PackageServices):
    """Every service once, made when the first other one needs it."""

    def registry(self) -> Registry:
        """Return everything that the faces may ask for: each field by the service of its name."""
        return Registry(**{field.name: getattr(self, field.name) for field in fields(Registry)})

    @property
    def clock(self) -> Clock:
        """Return the source of time."""
        return self.world.clock

    @property
    def archives(self) -> ArchiveStore:
        """Return the balas."""
        return self.world.archives

    @property
    def archive_path(self) -> Callable[[ArchiveName], Path] | None:
        """Return what names the file of an archive, where archives are files."""
        return self.world.archive_path

    @property
    def edition(self) -> Callable[[], Hashable] | None:
        """Return what changes with every write, where stores can tell."""
        return self.world.edition

    @property
    def maven_version_lists(self) -> MavenVersionLists:
        """Return what lists packages."""
        return MavenVersionLists(self.maven_packages, self.world.clock)

    @property
    def statistics(self) -> RegistryStatistics:
        return RegistryStatistics(self.world.search, self._last_counts, self.world.clock)

    @property
    def search(self) -> PackageSearch:
        """Return what finds packages."""
        return PackageSearch(self.world.search, self.authorization)

    @property
    def search_index_updates(self) -> SearchIndexUpdates | None:
        """Return what brings changes to the searches, where that takes somebody."""
        return None if self.world.feed is None else SearchIndexUpdates(self.world.feed)

    @property
    def changes(self) -> ChangeSource | None:
        """Return the changes of what is stored, where a host can read them."""
        return self.world.changes

    async def probe(self) -> None:
        """Raise unless the stores answer and there is a key to sign with."""
        await self.world.metadata.packages("", 1)
        await self.world.keys.ready()

    async def require_writable(self) -> None:
        """Raise if the disk that everything lies on takes no more data."""
        if self.world.writable is not None:
            await self.world.writable()

    async def close(self) -> None:
        """Write what is only in memory, and let go of the stores."""
        await self.pull_counter.close()
        await self.authentication.close()
        await self.sign_in.account_mail.close()
        await self.notice_cache.close()
        self.archive_reader.close()
        self.rendered_texts.close()
        await self.world.close()

    @cached_property
    def upkeep(self) -> Upkeep:
        """Return the tasks that keep a registry clean and true."""
        world, walking = self.world, self._checkpoints
        tasks = {
            "settle": OutboxProcessing(
                world.metadata, self.derived_data, world.directory, world.events
            ).run,
            "sweep": self._sweeping().run,
            "roll-up": PullRollUp(world.pulls, self.derived_data, world.clock).run,
            "expire": ExpiredRecordDeletion(
                world.directory, world.work, world.clock, self.token_lineage
            ).run,
            "audit": ArchiveAudit(world.metadata, world.archives, self.archive_reader, walking).run,
            "forget": EventAnonymization(world.events, world.clock, self.settings.audit_days).run,
            "prove": self.domain_verification.run,
            "keep": self.organization_deletion.run,
            "remind": TokenExpiryReminders(
                world.directory, world.work, world.clock, self.token_mail
            ).run,
            "mend": self._mending().run,
            "snapshot": self.snapshot_creation.run,
            "refresh": DerivedDataRebuild(self.derived_data, walking).run,
        }
        if self.search_index_updates is not None:
            tasks |= {
                "search": self.search_index_updates.catch_up,
                "search-rebuild": self.search_index_updates.rebuild,
            }
        runs = TaskRuns(world.work, world.clock)
        return Upkeep(world.work, world.clock, world.randomness, self.read_only_mode, runs, tasks)

    @cached_property
    def task_requests(self) -> TaskRequests:
        """Return what runs tasks that somebody asked for."""
        return TaskRequests(
            administration=self.administration,
            tasks=self.upkeep.tasks,
            directory=self.world.directory,
            record_writer=self.record_writer,
            read_only_mode=self.read_only_mode,
            clock=self.world.clock,
        )

    @property
    def status(self) -> RegistryStatus:
        world = self.world
        return RegistryStatus(
            administration=self.administration,
            upkeep=self.upkeep,
            task_requests=self.task_requests,
            rate_limiter=self.rate_limiter,
            metadata=world.metadata,
            directory=world.directory,
            last_counts=self._last_counts,
            notice_cache=self.notice_cache,
            room=world.room,
            clock=world.clock,
        )

    @property
    def snapshot_creation(self) -> SnapshotCreation:
        """Return what writes all records down."""
        world = self.world
        return SnapshotCreation(
            metadata=world.metadata,
            directory=world.directory,
            events=world.events,
            pulls=world.pulls,
            snapshots=StoredSnapshots(world.snapshots),
            last_counts=self._last_counts,
            clock=world.clock,
            kept=timedelta(days=self.settings.snapshot_days),
        )

    @property
    def snapshot_restore(self) -> SnapshotRestore:
        """Return what reads a snapshot again."""
        world = self.world
        return SnapshotRestore(
            metadata=world.metadata,
            directory=world.directory,
            events=world.events,
            pulls=world.pulls,
            work=world.work,
            clock=world.clock,
            here=ArchiveSources(world.archives, world.documents),
            derived_data=self.derived_data,
        )

    @cached_property
    def _last_counts(self) -> LastRegistryCounts:
        return LastRegistryCounts(self.world.work, self.world.clock)

    @property
    def _checkpoints(self) -> Checkpoints:
        return Checkpoints(self.world.metadata, self.world.work, self.world.clock)

    def _mending(self) -> DerivedDataRepair:
        return DerivedDataRepair(
            metadata=self.world.metadata,
            documents=self.world.documents,
            archives=self.world.archives,
            derived_data=self.derived_data,
            archive_reader=self.archive_reader,
            checkpoints=self._checkpoints,
        )

    def _sweeping(self) -> ArchiveSweep:
        return ArchiveSweep(
            metadata=self.world.metadata,
            documents=self.world.documents,
            archives=self.world.archives,
            checkpoints=self._checkpoints,
            grace=timedelta(hours=self.settings.sweep_grace_hours),
        )


def _log_unread_issuer(document: str, reason: str) -> None:
    log.warning("issuer.unanswered", document=document, reason=reason)


def _log_delayed_event(refusal: Refusal) -> None:
    log.warning("event.delayed", reason=type(refusal).__name__)


def _log_undelivered(reason: str, count: int) -> None:
    log.warning("mail.undelivered", reason=reason, count=count)


def _log_unread_keys(reason: str) -> None:
    log.warning("reports.keys_not_read", reason=reason)


def _tell_of_push(release: Release) -> None:
    recording.record_metric(PUSHES, 1, {"state": release.state.value})


def _log_delayed_pulls(refusal: Refusal) -> None:
    log.warning("pulls.delayed", reason=type(refusal).__name__)


def trusted_issuers(settings: Settings) -> list[TrustedIssuer]:
    """Return who may sign for jobs that publish, as the operator has set it."""
    registry, anybody = (settings.base_url,), (AZURE_DEVOPS_AUDIENCE,)
    signers = (
        (Provider.GITHUB, settings.publish_from_github, registry),
        (Provider.GITLAB, settings.publish_from_gitlab, registry),
        (Provider.AZURE_DEVOPS, settings.publish_from_azure_devops, anybody),
    )
    found = [
        TrustedIssuer(provider, issuer, audiences)
        for provider, issuers, audiences in signers
        for issuer in listed(issuers)
    ]
    audience = settings.publish_from_entra_audience or settings.base_url
    for tenant in listed(settings.publish_from_entra):
        found += trusted_entra(tenant, audience)
    return found


def archive_limits(settings: Settings) -> ArchiveLimits:
    """Return the limits that the operator has set for archives."""
    documentation = (
        Documentation.REQUIRED if settings.require_documentation else Documentation.OPTIONAL
    )
    return ArchiveLimits(
        entries=settings.max_entries,
        unpacked_bytes=settings.max_unpacked_bytes,
        ratio=settings.max_entry_ratio,
        manifest_bytes=settings.max_manifest_bytes,
        documentation=documentation,
    )


@dataclass(frozen=True, slots=True)
class SignInStores:
    """What signing in needs of the outside."""

    clock: Clock
    randomness: Randomness
    keys: SigningKeys
    directory: DirectoryStore
    work: WorkStore
    fetcher: HttpClient


@dataclass(frozen=True, slots=True)
class SignInParts:
    """What signing in needs of the other services."""

    accounts: Accounts
    record_writer: RecordWriter
    mail_delivery: MailDelivery
    issuer_discovery: IssuerDiscovery
    issuer_keys: IssuerKeys
    read_only_mode: ReadOnlyMode


def sign_in_of(settings: Settings, stores: SignInStores, parts: SignInParts) -> SignInServices:
    """Return what signs people in, by these settings."""
    noticing = _noticing(settings, stores, parts)
    signing_out = AccountSessions(stores.directory, parts.record_writer, stores.clock, noticing)
    sessions = _sessions(settings, stores, signing_out)
    browsers, devices = _browsers(settings, stores), _devices(settings, stores)
    links = SignInLinks(stores.work, stores.clock, stores.randomness, base_url=settings.base_url)
    identities = Identities(
        directory=stores.directory,
        accounts=parts.accounts,
        record_writer=parts.record_writer,
        clock=stores.clock,
        randomness=stores.randomness,
        account_mail=noticing,
        read_only_mode=parts.read_only_mode,
    )
    signing_in = SignInFlow(
        providers=dict(_providers(settings, stores, parts)),
        links=links,
        sessions=sessions,
        identities=identities,
        known_browsers=devices,
        work=stores.work,
        directory=stores.directory,
        record_writer=parts.record_writer,
        clock=stores.clock,
        randomness=stores.randomness,
        account_mail=noticing,
        base_url=settings.base_url,
        lifetimes=session_lifetimes(settings),
        sign_up=SignUp(settings.sign_up),
        refused=_log_refused,
    )
    return SignInServices(
        sessions, links, browsers, devices, signing_in, signing_out, identities, noticing
    )


def entra_access_of(
    settings: Settings, directory: DirectoryStore, keys: IssuerKeys, clock: Clock
) -> EntraAccess | None:
    """Return what accepts access tokens of the tenant; None where the operator maps no roles."""
    if not (settings.entra_tenant and settings.entra_roles):
        return None
    for_us = audiences(settings.entra_client_id, listed(settings.entra_audience))
    tenant = EntraTenant(settings.entra_authority, settings.entra_tenant, for_us)
    roles = EntraRoles.parse(settings.entra_roles)
    return EntraAccess(tenant, roles, keys, directory, clock)


def session_lifetimes(settings: Settings) -> SessionLifetimes:
    """Return how long sessions last."""
    return SessionLifetimes(
        idle=timedelta(hours=settings.session_idle_hours),
        whole=timedelta(days=settings.session_days),
    )


def _noticing(settings: Settings, stores: SignInStores, parts: SignInParts) -> AccountMail:
    return AccountMail(stores.directory, parts.mail_delivery, settings.base_url, BackgroundTasks())


def _sessions(settings: Settings, stores: SignInStores, signing_out: AccountSessions) -> Sessions:
    return Sessions(
        stores.directory,
        keys=stores.keys,
        clock=stores.clock,
        randomness=stores.randomness,
        cookie=Cookie.named("ballroom", settings.base_url),
        proof=SignInProof.STRONG if settings.require_strong else SignInProof.ANY,
        copied=signing_out.end_copied,
        delayed=_log_delayed_secret,
    )


def _browsers(settings: Settings, stores: SignInStores) -> Browsers:
    cookie = Cookie.named("ballroom-browser", settings.base_url, SameSite.FORMS)
    return Browsers(stores.keys, stores.randomness, cookie=cookie)


def _devices(settings: Settings, stores: SignInStores) -> KnownBrowsers:
    # With forms of other sites as well: the answer of a provider is where it is asked for.
    cookie = Cookie.named("ballroom-device", settings.base_url, SameSite.FORMS)
    return KnownBrowsers(stores.keys, stores.randomness, cookie=cookie)


def _providers(
    settings: Settings, stores: SignInStores, parts: SignInParts
) -> Iterator[tuple[str, IdentityProvider]]:
    """Yield what is configured, by the name that stands in addresses."""
    if settings.entra_tenant:
        yield "entra", _entra(settings, stores, parts)
    if settings.oidc_issuer:
        yield "oidc", _oidc(settings, stores, parts)
    if settings.github_client_id:
        yield "github", _github(settings, stores)


def _entra(settings: Settings, stores: SignInStores, parts: SignInParts) -> IdentityProvider:
    secret = settings.entra_client_secret
    application = EntraApplication(
        authority=settings.entra_authority,
        tenant=settings.entra_tenant,
        client_id=settings.entra_client_id,
        credential=Secret(secret.get_secret_value())
        if secret
        else managed_identity(settings.entra_managed_identity),
        by_form_post=settings.base_url.startswith("https:"),
    )
    return EntraProvider(
        application,
        fetcher=stores.fetcher,
        id_tokens=IdTokenValidator(parts.issuer_keys, stores.clock),
        strong=StrongClaims.parse(settings.strong_claims),
        clock=stores.clock,
    )


def _oidc(settings: Settings, stores: SignInStores, parts: SignInParts) -> IdentityProvider:
    secret = settings.oidc_client_secret
    client = OAuthClient(
        settings.oidc_client_id, Secret(secret.get_secret_value() if secret else "")
    )
    return OidcProvider(
        settings.oidc_issuer,
        settings.oidc_name,
        client,
        discovery=parts.issuer_discovery,
        fetcher=stores.fetcher,
        id_tokens=IdTokenValidator(parts.issuer_keys, stores.clock),
        strong=StrongClaims.parse(settings.strong_claims),
        clock=stores.clock,
        randomness=stores.randomness,
    )


def _github(settings: Settings, stores: SignInStores) -> IdentityProvider:
    secret = settings.github_client_secret
    client = OAuthClient(
        settings.github_client_id, Secret(secret.get_secret_value() if secret else "")
    )
    return GitHubProvider(
        settings.github_url,
        client,
        fetcher=stores.fetcher,
        clock=stores.clock,
        randomness=stores.randomness,
    )


def _log_refused(provider: str, reason: str) -> None:
    log.warning("sign_in.refused", provider=provider, reason=reason)


def _log_delayed_secret(refusal: Refusal) -> None:
    log.warning("session.not_renewed", reason=type(refusal).__name__)

"""The registry: its settings, its adapters, and the services that faces and commands use.

`construction.py` creates every service, and two in five of them are only there for other services.
This module passes on the rest, in a group for each folder of `shared/services/`. That saves three
things. A face cannot reach a service that is there for others, such as one whose callers check the
rights. A constructor may change without a change of any face. And every service is created at the
start, so that a mistake in a setting ends the start, and not the first request that needs it.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack

from msgspec import Struct

from shared.auth.authentication import Authentication
from shared.auth.authorization import Authorization
from shared.auth.browsers import Browsers, KnownBrowsers
from shared.auth.registry_authorization import RegistryAuthorization
from shared.auth.release_keys import ReleaseKey
from shared.auth.sessions import SessionAuthentication
from shared.construction import Services
from shared.domain.client_settings import TOKEN_PLACEHOLDER, Reading, client_settings
from shared.domain.errors.base import Invalid
from shared.domain.mirroring import CatalogueRound
from shared.domain.principals import Principal
from shared.ports.system import Clock
from shared.services.administration.account_administration import AccountAdministration
from shared.services.administration.account_deletion import AccountDeletion
from shared.services.administration.account_erasure import AccountErasures
from shared.services.administration.account_rights import AccountRights
from shared.services.administration.administrators import Administrators
from shared.services.administration.audit_log import AuditLog
from shared.services.administration.auditors import Auditors
from shared.services.administration.directory_locks import DirectoryLocks
from shared.services.administration.evidence import Evidence
from shared.services.administration.group_roles import GroupRuleChanges
from shared.services.administration.key_ages import KeyAges
from shared.services.administration.leaving import Leaving
from shared.services.administration.name_disputes import NameDisputes
from shared.services.administration.organization_administration import OrganizationAdministration
from shared.services.administration.policies import Policies
from shared.services.administration.reachability import Reachability
from shared.services.administration.recovery_drills import RecoveryDrills
from shared.services.administration.revocations import RevocationApplication
from shared.services.administration.rights_export import RightsExport
from shared.services.administration.second_administrator import SecondAdministrator
from shared.services.administration.status import RegistryStatus
from shared.services.advisories.advisories import Advisories
from shared.services.advisories.advisory_export import AdvisoryExport
from shared.services.advisories.advisory_import import AdvisoryImport
from shared.services.advisories.advisory_notices import AdvisoryNotices
from shared.services.advisories.advisory_texts import AdvisoryTexts
from shared.services.advisories.advisory_updates import AdvisoryUpdates
from shared.services.advisories.affected_packages import AffectedPackages
from shared.services.advisories.affected_versions import AffectedVersions
from shared.services.advisories.assessments import Assessments
from shared.services.advisories.authoring import AdvisoryAuthoring
from shared.services.advisories.malware import MalwareQuarantine
from shared.services.api_docs.api_docs import ApiDocs
from shared.services.api_docs.api_docs_generation import ApiDocsGeneration, ApiHistory
from shared.services.api_docs.api_docs_queue import ApiDocsBackfill, ApiDocsQueue
from shared.services.api_docs.dependency_updates import DependencyUpdates
from shared.services.api_docs.editor_catalog import EditorCatalog
from shared.services.api_docs.on_demand import ApiComparisons, FileHighlighting, OnDemandJobs
from shared.services.api_docs.pieces import PieceReader
from shared.services.api_docs.sboms import Sboms
from shared.services.bundles.bundle_export import BundleExport
from shared.services.bundles.bundle_import import BundleImport
from shared.services.common import Adapters
from shared.services.following.following import Following
from shared.services.identity.accounts import Accounts
from shared.services.identity.mail import AccountMail
from shared.services.identity.sessions import Identities, Sessions
from shared.services.identity.sign_in import SignInFlow
from shared.services.identity.sign_in_links import SignInLinks
from shared.services.limits.notices import NoticeCache, Notices
from shared.services.limits.rate_limits import RateLimiter
from shared.services.maintenance.archive_recovery import ArchiveRecovery
from shared.services.maintenance.product_releases import ProductReleases
from shared.services.maintenance.restored_audit import RestoredAudit
from shared.services.maintenance.snapshots import SnapshotCreation, SnapshotRestore
from shared.services.maintenance.tasks import MaintenanceTasks, TaskRunner
from shared.services.mirroring.approved_packages import ApprovalRules, Curation
from shared.services.mirroring.approved_source import ApprovedSource
from shared.services.mirroring.archive_admission import Admission, Refreshing
from shared.services.mirroring.catalogue import UpstreamCatalogue
from shared.services.mirroring.mirror_rules import MirrorRuleApplication, MirrorRuleChanges
from shared.services.mirroring.package_chain import PackageChain
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import UpstreamSource
from shared.services.mirroring.version_lists import VersionLists
from shared.services.organizations.continuation import Continuation
from shared.services.organizations.freezes import Freezes
from shared.services.organizations.invitations import Invitations
from shared.services.organizations.made_by_accounts import MadeByAccounts
from shared.services.organizations.memberships import Memberships
from shared.services.organizations.name_moves import NameMoves
from shared.services.organizations.organizations import OrganizationDeletion, Organizations
from shared.services.organizations.ownership import OwnerlessOrganizations, OwnershipRequests
from shared.services.organizations.reserved_names import ReservedNames
from shared.services.organizations.retention import PrereleaseRetention
from shared.services.organizations.webhook_secrets import WebhookSecrets
from shared.services.organizations.webhooks import Webhooks
from shared.services.packages.archive_delivery import ArchiveDelivery
from shared.services.packages.archive_reader import ArchiveFiles, ArchiveReader
from shared.services.packages.dependents import Dependents
from shared.services.packages.deprecation import Deprecation
from shared.services.packages.derived_data import DerivedData, PackageRecordWriter
from shared.services.packages.feeds import ChangeFeeds
from shared.services.packages.history import PackageHistory
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.organization_packages import OrganizationPackages
from shared.services.packages.package_details import PackageDetails
from shared.services.packages.pull_counter import PullCounter
from shared.services.packages.pull_records import PullRecorder, PullRecords
from shared.services.packages.pull_redirects import PullRedirects
from shared.services.packages.pullers import PullerRecords
from shared.services.packages.search import PackageSearch
from shared.services.packages.sparse_index import PackageIndex
from shared.services.packages.statistics import RecentPulls, RegistryStatistics
from shared.services.packages.successors import Successors
from shared.services.packages.visibility_changes import PackageVisibility
from shared.services.provenance.attestations import ReleaseProvenance
from shared.services.provenance.trusted_root_renewal import TrustedRootRenewal
from shared.services.publishing.dry_runs import DryRuns
from shared.services.publishing.erasure import ReleaseErasure
from shared.services.publishing.gone_releases import GoneReleases
from shared.services.publishing.held_releases import HeldReleases
from shared.services.publishing.maven import MavenPackages, MavenPublishing
from shared.services.publishing.moderation import Moderation
from shared.services.publishing.own_releases import OwnReleases
from shared.services.publishing.package_holds import PackageHolds
from shared.services.publishing.proposals import Proposals
from shared.services.publishing.publishing import Publishing
from shared.services.publishing.publishing_rules import PublishingRules
from shared.services.publishing.release_selection import ReleaseSelections
from shared.services.publishing.release_warnings import ReleaseWarnings
from shared.services.publishing.reports import Reports
from shared.services.publishing.rule_changes import PublishingRuleChanges
from shared.services.publishing.staged_releases import StagedReleases
from shared.services.quality.checklists import Checklists
from shared.services.quality.package_comparison import PackageComparison
from shared.services.registry_files.registry_files import RegistryFiles
from shared.services.scim.groups import ScimGroups
from shared.services.scim.records import ScimRecords
from shared.services.scim.tokens import ScimTokens
from shared.services.scim.users import ScimUsers, Takeovers
from shared.services.tokens.device_login import DeviceLogin
from shared.services.tokens.makers import MakerReview, Makers
from shared.services.tokens.pasted_id_tokens import PastedIdTokens
from shared.services.tokens.secret_scanning import SecretScanning
from shared.services.tokens.tokens import TokenRecords, Tokens
from shared.services.tokens.trusted_publishers import TrustedPublishers
from shared.services.tokens.trusted_publishing import TrustedPublishing
from shared.services.transparency.log_mending import LogMending
from shared.services.transparency.log_reader import LogReader
from shared.services.transparency.openings import Openings
from shared.services.transparency.publication import LogPublication
from shared.services.transparency.release_proofs import ReleaseProofs
from shared.services.transparency.witness import Witness
from shared.settings import Settings


class Common(Struct, frozen=True):
    """Rights checks and shutdown, shared by all groups."""

    closing: AsyncExitStack  # Closes services, the last created first, and then the adapters.
    authorization: Authorization
    registry_authorization: RegistryAuthorization


class LimitServices(Struct, frozen=True):
    """Rate limits and notices, which say whether the registry is read-only."""

    rate_limiter: RateLimiter
    notices: Notices
    notice_cache: NoticeCache


class PackageServices(Struct, frozen=True):
    """The services that read packages and keep their derived data."""

    hosted: HostedPackages
    search: PackageSearch
    details: PackageDetails
    dependents: Dependents
    index: PackageIndex
    feeds: ChangeFeeds
    history: PackageHistory
    openings: Openings
    provenance: ReleaseProvenance
    archive_delivery: ArchiveDelivery
    pull_redirects: PullRedirects
    archive_files: ArchiveFiles
    archive_reader: ArchiveReader
    derived_data: DerivedData
    records: PackageRecordWriter
    of_organization: OrganizationPackages
    visibility: PackageVisibility
    deprecation: Deprecation
    successors: Successors
    sboms: Sboms
    pullers: PullerRecords
    pull_counter: PullCounter
    pull_recorder: PullRecorder
    pull_records: PullRecords
    recent_pulls: RecentPulls
    statistics: RegistryStatistics
    approvals: ApprovalRules
    curation: Curation
    following: Following


class MirroringServices(Struct, frozen=True):
    """The services that serve the packages of upstreams beside ours."""

    hosted: HostedPackages
    reader: UpstreamReader
    admission: Admission
    refreshing: Refreshing
    lists: VersionLists
    catalogue: UpstreamCatalogue
    rule_application: MirrorRuleApplication
    rules: MirrorRuleChanges
    gone: GoneReleases
    moves: NameMoves
    approvals: ApprovalRules

    def source(self, by: Principal, via: Callable[[], str] = lambda: "") -> ApprovedSource:
        """Return what the caller of a request may take, whose header `Via` is read when it
        matters."""
        return ApprovedSource(self.source_of_readers(by, via), self.approvals)

    def source_of_readers(self, by: Principal, via: Callable[[], str] = lambda: "") -> PackageChain:
        """Return the packages for somebody who reads about them on pages, approved or not."""
        return PackageChain(
            self.hosted,
            self.reader,
            self.admission,
            self.refreshing,
            self.lists,
            Asker(by, via, {}),
        )

    async def states(self) -> list[tuple[UpstreamSource, CatalogueRound]]:
        """Return each upstream in its order, with how far its catalogue is read; asks nobody."""
        sources = await self.reader.upstreams.sources()
        return [(each, await self.catalogue.state(each.name)) for each in sources]


class ApiDocsServices(Struct, frozen=True):
    """The services that make and read API documentation and other files of the confined process."""

    documentation: ApiDocs
    pieces: PieceReader
    history: ApiHistory
    dependency_updates: DependencyUpdates
    generation: ApiDocsGeneration
    queue: ApiDocsQueue
    backfill: ApiDocsBackfill
    on_demand_jobs: OnDemandJobs
    file_highlighting: FileHighlighting
    comparisons: ApiComparisons
    editor_catalog: EditorCatalog


class IdentityServices(Struct, frozen=True):
    """Who somebody is: accounts, identities, sessions; and mail to accounts."""

    accounts: Accounts
    identities: Identities
    sessions: Sessions
    authentication: Authentication
    session_authentication: SessionAuthentication
    sign_in_flow: SignInFlow
    sign_in_links: SignInLinks
    browsers: Browsers
    known_browsers: KnownBrowsers
    account_mail: AccountMail
    group_rules: GroupRuleChanges


class TokenServices(Struct, frozen=True):
    """Access tokens, and what creates and ends them."""

    access_tokens: Tokens
    records: TokenRecords
    device_login: DeviceLogin
    secret_scanning: SecretScanning
    trusted_publishers: TrustedPublishers
    trusted_publishing: TrustedPublishing
    pasted_id_tokens: PastedIdTokens
    makers: Makers
    maker_review: MakerReview


class OrganizationServices(Struct, frozen=True):
    """Organizations, their members, the names that they may have, and webhooks."""

    organizations: Organizations
    memberships: Memberships
    invitations: Invitations
    made_by_accounts: MadeByAccounts
    deletion: OrganizationDeletion
    ownerless: OwnerlessOrganizations
    ownership_requests: OwnershipRequests
    continuation: Continuation
    freezes: Freezes
    reserved_names: ReservedNames
    webhooks: Webhooks
    webhook_secrets: WebhookSecrets


class MaintenanceServices(Struct, frozen=True):
    """Maintenance tasks and snapshots."""

    tasks: MaintenanceTasks
    task_runner: TaskRunner
    snapshot_creation: SnapshotCreation
    snapshot_restore: SnapshotRestore
    archive_recovery: ArchiveRecovery
    restored_audit: RestoredAudit


class AdministrationServices(Struct, frozen=True):
    """The services of administrators, of the audit log, and of the deletion of accounts."""

    administrators: Administrators
    auditors: Auditors
    accounts: AccountAdministration
    account_rights: AccountRights
    rights_export: RightsExport
    second_administrator: SecondAdministrator
    leaving: Leaving
    organizations: OrganizationAdministration
    account_deletion: AccountDeletion
    account_erasures: AccountErasures
    audit_log: AuditLog
    directory_locks: DirectoryLocks
    name_disputes: NameDisputes
    policies: Policies
    product_releases: ProductReleases
    status: RegistryStatus
    reachability: Reachability
    key_ages: KeyAges
    evidence: Evidence
    registry_files: RegistryFiles
    revocations: RevocationApplication
    recovery_drills: RecoveryDrills


class ScimServices(Struct, frozen=True):
    """What directories provision by SCIM, and their tokens."""

    tokens: ScimTokens
    records: ScimRecords
    users: ScimUsers
    groups: ScimGroups
    takeovers: Takeovers


class PublishingServices(Struct, frozen=True):
    """The services that publish and withhold releases."""

    releases: Publishing
    dry_runs: DryRuns
    maven: MavenPublishing
    maven_packages: MavenPackages
    moderation: Moderation
    erasure: ReleaseErasure
    selections: ReleaseSelections
    package_holds: PackageHolds
    proposals: Proposals
    held_releases: HeldReleases
    own_releases: OwnReleases
    reports: Reports
    rules: PublishingRules
    rule_changes: PublishingRuleChanges
    retention: PrereleaseRetention
    staged_releases: StagedReleases
    warnings: ReleaseWarnings
    trusted_root_renewal: TrustedRootRenewal


class AdvisoryServices(Struct, frozen=True):
    """Advisories, what they match, and what people write of both."""

    advisories: Advisories
    affected_versions: AffectedVersions
    importing: AdvisoryImport
    exporting: AdvisoryExport
    authoring: AdvisoryAuthoring
    assessments: Assessments
    texts: AdvisoryTexts
    affected_packages: AffectedPackages
    notices: AdvisoryNotices
    malware: MalwareQuarantine
    updates: AdvisoryUpdates


class BundleServices(Struct, frozen=True):
    """The services that write releases into bundles, and import them."""

    exporting: BundleExport
    importing: BundleImport


class QualityServices(Struct, frozen=True):
    """What helps to choose a package, and to make one better."""

    checklists: Checklists
    comparison: PackageComparison


class TransparencyServices(Struct, frozen=True):
    """The transparency log as it is published, and the witness of other logs."""

    reader: LogReader
    publication: LogPublication
    proofs: ReleaseProofs
    mending: LogMending
    witness: Witness


class Registry(Struct, frozen=True):
    """The services that faces and commands use: a group for each folder of `shared/services/`."""

    settings: Settings
    adapters: Adapters
    clock: Clock
    common: Common
    limits: LimitServices
    packages: PackageServices
    identity: IdentityServices
    tokens: TokenServices
    organizations: OrganizationServices
    api_docs: ApiDocsServices
    maintenance: MaintenanceServices
    administration: AdministrationServices
    scim: ScimServices
    publishing: PublishingServices
    mirroring: MirroringServices | None  # None without an upstream.
    bundles: BundleServices
    advisories: AdvisoryServices
    quality: QualityServices
    transparency: TransparencyServices

    def client_settings(self, username: str, token: str = TOKEN_PLACEHOLDER) -> str:
        """Return the Settings.toml of a user: with an upstream this registry has every package."""
        reading = Reading.EVERYTHING if self.mirroring else Reading.NAMED
        return client_settings(self.settings.base_url, username, token, reading)

    def require_mirroring(self) -> MirroringServices:
        """Return the services of the mirror, or raise `nothing-mirrored`."""
        if self.mirroring is None:
            raise Invalid(
                "nothing-mirrored",
                "No registry is mirrored: BALLROOM_UPSTREAM is empty. Set it to central or to the "
                "address of another registry, and restart this one.",
            )
        return self.mirroring

    async def probe(self) -> None:
        """Raise unless the stores answer and there is a key to sign with."""
        await self.adapters.metadata.packages("", 1)
        await self.adapters.keys.ready()

    async def release_keys(self) -> tuple[ReleaseKey, ...]:
        """Return the keys that sign releases and those that did, newest first; raise
        `SigningKeyUnavailable`."""
        return await self.adapters.release_signer.keys()

    async def require_writable(self) -> None:
        """Raise if the disk that holds the data is full."""
        if self.adapters.require_disk_space is not None:
            await self.adapters.require_disk_space()

    async def close(self) -> None:
        """Close the services, the last created first, and then the adapters."""
        await self.common.closing.aclose()


def create_registry(settings: Settings, adapters: Adapters) -> Registry:
    """Create all services, each by its constructor (`shared/construction.py`)."""
    services = Services(settings, adapters)
    return Registry(
        settings=settings,
        adapters=services.adapters,
        clock=adapters.clock,
        common=_common(services),
        limits=_limits(services),
        packages=_packages(services),
        identity=_identity(services),
        tokens=_tokens(services),
        organizations=_organizations(services),
        api_docs=_api_docs(services),
        maintenance=_maintenance(services),
        administration=_administration(services),
        scim=_scim(services),
        publishing=_publishing(services),
        mirroring=_mirroring(services) if services.upstreams is not None else None,
        bundles=_bundles(services),
        advisories=_advisories(services),
        quality=_quality(services),
        transparency=_transparency(services),
    )


def _common(services: Services) -> Common:
    return Common(
        closing=services.closing,
        authorization=services.authorization,
        registry_authorization=services.registry_authorization,
    )


def _limits(services: Services) -> LimitServices:
    return LimitServices(
        rate_limiter=services.rate_limiter,
        notices=services.notices,
        notice_cache=services.notice_cache,
    )


def _packages(services: Services) -> PackageServices:
    return PackageServices(
        hosted=services.hosted_packages,
        search=services.package_search,
        details=services.package_details,
        dependents=services.dependents,
        index=services.package_index,
        feeds=services.change_feeds,
        history=services.package_history,
        openings=services.openings,
        provenance=services.release_provenance,
        archive_delivery=services.archive_delivery,
        pull_redirects=services.pull_redirects,
        archive_files=services.archive_files,
        archive_reader=services.archive_reader,
        derived_data=services.derived_data,
        records=services.package_record_writer,
        of_organization=services.organization_packages,
        visibility=services.package_visibility,
        deprecation=services.deprecation,
        successors=services.successors,
        sboms=services.sboms,
        pullers=services.puller_records,
        pull_counter=services.pull_counter,
        pull_recorder=services.pull_recorder,
        pull_records=services.pull_records,
        recent_pulls=services.recent_pulls,
        approvals=services.approval_rules,
        curation=services.curation,
        statistics=services.registry_statistics,
        following=services.following,
    )


def _identity(services: Services) -> IdentityServices:
    return IdentityServices(
        accounts=services.accounts,
        identities=services.identities,
        sessions=services.sessions,
        authentication=services.authentication,
        session_authentication=services.session_authentication,
        sign_in_flow=services.sign_in_flow,
        sign_in_links=services.sign_in_links,
        browsers=services.browsers,
        known_browsers=services.known_browsers,
        account_mail=services.account_mail,
        group_rules=services.group_rule_changes,
    )


def _tokens(services: Services) -> TokenServices:
    return TokenServices(
        access_tokens=services.tokens,
        records=services.token_records,
        device_login=services.device_login,
        secret_scanning=services.secret_scanning,
        trusted_publishers=services.trusted_publishers,
        trusted_publishing=services.trusted_publishing,
        pasted_id_tokens=services.pasted_id_tokens,
        makers=services.makers,
        maker_review=services.maker_review,
    )


def _organizations(services: Services) -> OrganizationServices:
    return OrganizationServices(
        organizations=services.organizations,
        memberships=services.memberships,
        invitations=services.invitations,
        made_by_accounts=services.made_by_accounts,
        deletion=services.organization_deletion,
        ownerless=services.ownerless_organizations,
        ownership_requests=services.ownership_requests,
        continuation=services.continuation,
        freezes=services.freezes,
        reserved_names=services.reserved_names,
        webhooks=services.webhooks,
        webhook_secrets=services.webhook_secrets,
    )


def _api_docs(services: Services) -> ApiDocsServices:
    return ApiDocsServices(
        documentation=services.api_docs,
        pieces=services.piece_reader,
        history=services.api_history,
        dependency_updates=services.dependency_updates,
        generation=services.api_docs_generation,
        queue=services.api_docs_queue,
        backfill=services.api_docs_backfill,
        on_demand_jobs=services.on_demand_jobs,
        file_highlighting=services.file_highlighting,
        comparisons=services.api_comparisons,
        editor_catalog=services.editor_catalog,
    )


def _maintenance(services: Services) -> MaintenanceServices:
    return MaintenanceServices(
        tasks=services.tasks,
        task_runner=services.task_runner,
        snapshot_creation=services.snapshot_creation,
        snapshot_restore=services.snapshot_restore,
        archive_recovery=services.archive_recovery,
        restored_audit=services.restored_audit,
    )


def _administration(services: Services) -> AdministrationServices:
    return AdministrationServices(
        administrators=services.administrators,
        auditors=services.auditors,
        accounts=services.account_administration,
        account_rights=services.account_rights,
        rights_export=services.rights_export,
        second_administrator=services.second_administrator,
        leaving=services.leaving,
        organizations=services.organization_administration,
        account_deletion=services.account_deletion,
        account_erasures=services.account_erasures,
        audit_log=services.audit_log,
        directory_locks=services.directory_locks,
        name_disputes=services.name_disputes,
        policies=services.policies,
        product_releases=services.product_releases,
        status=services.registry_status,
        reachability=services.reachability,
        key_ages=services.key_ages,
        evidence=services.evidence,
        registry_files=services.registry_files,
        revocations=services.revocation_application,
        recovery_drills=services.recovery_drills,
    )


def _scim(services: Services) -> ScimServices:
    return ScimServices(
        tokens=services.scim_tokens,
        records=services.scim_records,
        users=services.scim_users,
        groups=services.scim_groups,
        takeovers=services.takeovers,
    )


def _publishing(services: Services) -> PublishingServices:
    return PublishingServices(
        releases=services.publishing,
        dry_runs=services.dry_runs,
        maven=services.maven_publishing,
        maven_packages=services.maven_packages,
        moderation=services.moderation,
        erasure=services.release_erasure,
        selections=services.release_selections,
        package_holds=services.package_holds,
        proposals=services.proposals,
        held_releases=services.held_releases,
        own_releases=services.own_releases,
        reports=services.reports,
        rules=services.publishing_rules,
        rule_changes=services.publishing_rule_changes,
        retention=services.prerelease_retention,
        staged_releases=services.staged_releases,
        warnings=services.release_warnings,
        trusted_root_renewal=services.trusted_root_renewal,
    )


def _mirroring(services: Services) -> MirroringServices:
    return MirroringServices(
        hosted=services.hosted_packages,
        reader=services.upstream_reader,
        admission=services.admission,
        refreshing=services.refreshing,
        lists=services.version_lists,
        catalogue=services.upstream_catalogue,
        rule_application=services.mirror_rule_application,
        rules=services.mirror_rule_changes,
        gone=services.gone_releases,
        moves=services.name_moves,
        approvals=services.approval_rules,
    )


def _bundles(services: Services) -> BundleServices:
    return BundleServices(exporting=services.bundle_export, importing=services.bundle_import)


def _advisories(services: Services) -> AdvisoryServices:
    return AdvisoryServices(
        advisories=services.advisories,
        affected_versions=services.affected_versions,
        importing=services.advisory_import,
        exporting=services.advisory_export,
        authoring=services.advisory_authoring,
        assessments=services.assessments,
        texts=services.advisory_texts,
        affected_packages=services.affected_packages,
        notices=services.advisory_notices,
        malware=services.malware_quarantine,
        updates=services.advisory_updates,
    )


def _quality(services: Services) -> QualityServices:
    return QualityServices(checklists=services.checklists, comparison=services.package_comparison)


def _transparency(services: Services) -> TransparencyServices:
    return TransparencyServices(
        reader=services.log_reader,
        publication=services.log_publication,
        proofs=services.release_proofs,
        mending=services.log_mending,
        witness=services.witness,
    )

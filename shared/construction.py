"""Calls the constructor of every service, by name: where a service is created, and with what.

Each property creates its service when it is first read, and once. A service that some registries
do not have is None there.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec.structs import replace

from shared.auth.authentication import Authentication
from shared.auth.authorization import Authorization
from shared.auth.browsers import Browsers, KnownBrowsers
from shared.auth.cookies import Cookie
from shared.auth.entra_sign_in import EntraProvider
from shared.auth.id_tokens import IdTokenValidator
from shared.auth.identity_providers import IdentityProvider
from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.known_readers import KnownReaders
from shared.auth.leak_reports import LeakReports
from shared.auth.registry_authorization import RegistryAuthorization
from shared.auth.sessions import SessionAuthentication, SessionLifetimes
from shared.auth.signing_keys import ArchiveLinkSigner
from shared.declarations.evidence_files import declared_files
from shared.domain.advisories.advisories import ballerina_ecosystem
from shared.domain.rate_limits import RateLimitClass
from shared.domain.software_version import SOFTWARE_VERSION
from shared.domain.sparse_index import index_file
from shared.domain.staff import Staff, parse_staff_sources
from shared.domain.webhooks import ReceiverHosts
from shared.ports.events import EventStore
from shared.providers import (
    archive_reader,
    archive_relocation,
    delivery_routes,
    entra_provider,
    identity_issuers,
    identity_providers,
    key_places,
    leak_reports,
    logged,
    pseudonym_of,
    redirect_cache,
    secret,
    trusted_issuers,
)
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.administration.account_administration import AccountAdministration
from shared.services.administration.account_deletion import AccountDeletion
from shared.services.administration.account_erasure import AccountErasures
from shared.services.administration.account_rights import AccountRights
from shared.services.administration.administrators import Administrators
from shared.services.administration.audit_log import AuditLog
from shared.services.administration.auditors import Auditors
from shared.services.administration.directory_locks import DirectoryLocks
from shared.services.administration.evidence import Evidence
from shared.services.administration.group_roles import GroupRuleChanges, RolesByGroups
from shared.services.administration.key_ages import KeyAges
from shared.services.administration.leaving import Leaving
from shared.services.administration.maker_locks import MakerLocks
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
from shared.services.advisories.advisory_index import AdvisoryIndex
from shared.services.advisories.advisory_mail import AdvisoryMail
from shared.services.advisories.advisory_notices import AdvisoryNotices
from shared.services.advisories.advisory_texts import AdvisoryTexts
from shared.services.advisories.advisory_updates import AdvisoryUpdates
from shared.services.advisories.affected_packages import AffectedPackages
from shared.services.advisories.affected_versions import AffectedVersions
from shared.services.advisories.assessments import Assessments
from shared.services.advisories.authoring import AdvisoryAuthoring
from shared.services.advisories.malicious_libraries import MaliciousLibraries
from shared.services.advisories.malware import MalwareQuarantine
from shared.services.api_docs.api_docs import ApiDocs
from shared.services.api_docs.api_docs_generation import ApiDocsGeneration, ApiHistory, JobInputs
from shared.services.api_docs.api_docs_queue import ApiDocsBackfill, ApiDocsQueue
from shared.services.api_docs.dependency_updates import DependencyUpdates
from shared.services.api_docs.editor_catalog import EditorCatalog
from shared.services.api_docs.on_demand import ApiComparisons, FileHighlighting, OnDemandJobs
from shared.services.api_docs.pieces import PieceReader
from shared.services.api_docs.sboms import Sboms
from shared.services.api_docs.version_checks import VersionChecks
from shared.services.bundles.bundle_documents import DocumentImport, ReleaseDocuments
from shared.services.bundles.bundle_export import BundleExport
from shared.services.bundles.bundle_import import BundleImport
from shared.services.bundles.bundle_withdrawals import BundleWithdrawals
from shared.services.common import Adapters
from shared.services.following.follower_mail import FollowerMail
from shared.services.following.following import Following
from shared.services.identity.accounts import Accounts, RetiredNames
from shared.services.identity.mail import AccountMail, DecisionMail
from shared.services.identity.mail_domains import MailDomains
from shared.services.identity.sessions import Identities, Sessions
from shared.services.identity.sign_in import SignInFlow
from shared.services.identity.sign_in_links import SignInLinks
from shared.services.leases import Leases
from shared.services.limits.notices import NoticeCache, Notices, ReadOnlyMode
from shared.services.limits.rate_limits import BurstDetection, RateLimiter
from shared.services.mail_delivery import Appeal, MailDelivery
from shared.services.maintenance.anonymize_events import AnonymizeEvents
from shared.services.maintenance.apply_group_rules import ApplyGroupRules
from shared.services.maintenance.apply_mirror_rules import ApplyMirrorRules
from shared.services.maintenance.archive_recovery import ArchiveRecovery
from shared.services.maintenance.audit_archives import AuditArchives
from shared.services.maintenance.check_mail_domains import CheckMailDomains
from shared.services.maintenance.complete_event_logs import CompleteEventLogs
from shared.services.maintenance.count_usage import CountUsage
from shared.services.maintenance.create_snapshot import CreateSnapshot
from shared.services.maintenance.database_age import DatabaseAge
from shared.services.maintenance.delete_expired_records import DeleteExpiredRecords
from shared.services.maintenance.delete_orphaned_archives import DeleteOrphanedArchives
from shared.services.maintenance.deliver_webhooks import DeliverWebhooks
from shared.services.maintenance.erase_accounts import EraseAccounts
from shared.services.maintenance.erased_releases import ErasedReleases
from shared.services.maintenance.find_ownerless_organizations import FindOwnerlessOrganizations
from shared.services.maintenance.finish_deletions import FinishDeletions
from shared.services.maintenance.follow_advisories import FollowAdvisories
from shared.services.maintenance.follow_releases import FollowReleases
from shared.services.maintenance.follow_upstream_withdrawals import FollowUpstreamWithdrawals
from shared.services.maintenance.freeze_leaves import FreezeLeaves
from shared.services.maintenance.generate_api_docs import GenerateApiDocs
from shared.services.maintenance.lock_disabled_accounts import LockDisabledAccounts
from shared.services.maintenance.notify_dependents import NotifyDependents
from shared.services.maintenance.place_archives import PlaceArchives
from shared.services.maintenance.process_outboxes import ProcessOutboxes
from shared.services.maintenance.product_releases import ProductReleases
from shared.services.maintenance.rebuild_derived_data import RebuildDerivedData
from shared.services.maintenance.rebuild_search_index import RebuildSearchIndex
from shared.services.maintenance.remove_prereleases import RemovePrereleases
from shared.services.maintenance.renew_sigstore_root import RenewSigstoreRoot
from shared.services.maintenance.repair_derived_data import RepairDerivedData
from shared.services.maintenance.restored_audit import RestoredAudit
from shared.services.maintenance.roll_up_pulls import RollUpPulls
from shared.services.maintenance.send_digests import SendDigests
from shared.services.maintenance.send_expiry_reminders import SendExpiryReminders
from shared.services.maintenance.sign_releases import SignReleases
from shared.services.maintenance.snapshots import (
    ArchiveSources,
    SnapshotCreation,
    SnapshotRestore,
    StoredSnapshots,
)
from shared.services.maintenance.tasks import (
    Checkpoints,
    MaintenanceTasks,
    RequestedTasks,
    Task,
    TaskRunner,
    TaskRuns,
)
from shared.services.maintenance.tell_followers import TellFollowers
from shared.services.maintenance.update_advisories import UpdateAdvisories
from shared.services.maintenance.update_search_index import UpdateSearchIndex
from shared.services.maintenance.update_upstream_catalogue import UpdateUpstreamCatalogue
from shared.services.maintenance.write_log import WriteLog
from shared.services.mirroring.approved_packages import ApprovalRules, Curation
from shared.services.mirroring.archive_admission import Admission, MirroredLicenses, Refreshing
from shared.services.mirroring.catalogue import UpstreamCatalogue
from shared.services.mirroring.mirror_rules import MirrorRuleApplication, MirrorRuleChanges
from shared.services.mirroring.ours_or_upstream import OursOrUpstream
from shared.services.mirroring.upstream_cache import UpstreamCache
from shared.services.mirroring.upstream_questions import UpstreamQuestions
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import Upstreams
from shared.services.mirroring.version_lists import VersionLists
from shared.services.mirroring.withdrawals import UpstreamFeeds, UpstreamWithdrawals
from shared.services.name_owners import NameOwners
from shared.services.organizations.continuation import Continuation
from shared.services.organizations.freezes import Freezes
from shared.services.organizations.invitations import Invitations
from shared.services.organizations.made_by_accounts import MadeByAccounts, MakerMail
from shared.services.organizations.membership_records import MembershipRecords
from shared.services.organizations.memberships import Memberships
from shared.services.organizations.name_moves import NameMoves
from shared.services.organizations.organizations import OrganizationDeletion, Organizations
from shared.services.organizations.ownership import OwnerlessOrganizations, OwnershipRequests
from shared.services.organizations.reserved_names import ReservedNames
from shared.services.organizations.retention import PrereleaseRetention
from shared.services.organizations.typosquats import Typosquats
from shared.services.organizations.usage import UsageCounts
from shared.services.organizations.webhook_delivery import WebhookDelivery
from shared.services.organizations.webhook_secrets import WebhookSecrets
from shared.services.organizations.webhooks import Webhooks
from shared.services.packages.archive_delivery import ArchiveDelivery
from shared.services.packages.archive_reader import ArchiveFiles, ArchiveReader
from shared.services.packages.archive_relocation import ArchiveRelocation
from shared.services.packages.dependency_mail import DependencyMail
from shared.services.packages.dependency_notices import DependencyNotices
from shared.services.packages.dependents import Dependents
from shared.services.packages.deprecation import Deprecation
from shared.services.packages.derived_data import (
    DerivedData,
    DocumentCache,
    PackageRecordWriter,
    WithheldReleases,
)
from shared.services.packages.external_releases import ExternalReleases, PinnedDigests
from shared.services.packages.feeds import ChangeFeeds
from shared.services.packages.history import PackageHistory
from shared.services.packages.hosted_packages import HostedPackages, PackageCache
from shared.services.packages.organization_packages import OrganizationPackages
from shared.services.packages.package_details import PackageDetails
from shared.services.packages.pull_counter import PullCounter
from shared.services.packages.pull_records import PullRecorder, PullRecords
from shared.services.packages.pull_redirects import DeliveryRoutes, PullRedirects, RedirectCache
from shared.services.packages.pullers import PullerRecords
from shared.services.packages.search import PackageSearch
from shared.services.packages.sparse_index import PackageIndex
from shared.services.packages.statistics import LastRegistryCounts, RecentPulls, RegistryStatistics
from shared.services.packages.successors import Successors
from shared.services.packages.visibility_changes import PackageVisibility
from shared.services.provenance.attestations import ReleaseProvenance
from shared.services.provenance.provenance_mail import ProvenanceMail
from shared.services.provenance.provenance_notices import ProvenanceNotices
from shared.services.provenance.sigstore_bundles import SigstoreBundles
from shared.services.provenance.trusted_root_renewal import TrustedRootRenewal
from shared.services.provenance.trusted_roots import TrustedRoots
from shared.services.published_events import PublishingEvents
from shared.services.publishing.dry_runs import DryRuns
from shared.services.publishing.erasure import ReleaseErasure
from shared.services.publishing.gone_releases import GoneReleases
from shared.services.publishing.held_releases import HeldReleases
from shared.services.publishing.license_rule import LicenseRule
from shared.services.publishing.maven import MavenPackages, MavenPublishing
from shared.services.publishing.moderation import Moderation
from shared.services.publishing.own_releases import OwnReleases
from shared.services.publishing.package_holds import PackageHolds
from shared.services.publishing.proposals import Proposals
from shared.services.publishing.published_contents import PublishedContents
from shared.services.publishing.publishing import DependencyCheck, Publishing
from shared.services.publishing.publishing_rules import PublishingRules, RegistryRuleReader
from shared.services.publishing.quota_rule import QuotaRule
from shared.services.publishing.release_mail import PublishedMail, ReleaseMail
from shared.services.publishing.release_selection import ReleaseSelections
from shared.services.publishing.release_warnings import ReleaseWarnings
from shared.services.publishing.report_mail import ReportMail
from shared.services.publishing.report_weights import ReportWeights
from shared.services.publishing.reports import Reports
from shared.services.publishing.rule_changes import PublishingRuleChanges
from shared.services.publishing.scanner import Scanner, ScannerOptions
from shared.services.publishing.secret_rule import SecretRule
from shared.services.publishing.secret_scan import SecretScan
from shared.services.publishing.staged_releases import StagedReleases
from shared.services.publishing.staged_rule import StagedReleaseRule
from shared.services.publishing.version_rule import VersionNumberRule
from shared.services.quality.checklists import Checklists
from shared.services.quality.package_comparison import PackageComparison
from shared.services.records import RecordWriter
from shared.services.registry_files.member_sections import MemberSections
from shared.services.registry_files.organization_files import OrganizationFiles
from shared.services.registry_files.publisher_sections import PublisherSections
from shared.services.registry_files.registry_files import RegistryFiles
from shared.services.registry_files.registry_sections import RegistrySections
from shared.services.registry_files.rule_sections import RuleSections
from shared.services.registry_files.webhook_sections import WebhookSections
from shared.services.report_records import ReportRecords
from shared.services.revocation_list import RetiredNameList
from shared.services.scim.groups import ScimGroups
from shared.services.scim.records import ScimRecords
from shared.services.scim.tokens import ScimTokens
from shared.services.scim.users import ScimUsers, Takeovers
from shared.services.tokens.device_login import DeviceLogin
from shared.services.tokens.makers import MakerReview, Makers
from shared.services.tokens.pasted_id_tokens import PastedIdTokens
from shared.services.tokens.repository_ids import RepositoryIds
from shared.services.tokens.secret_scanning import SecretScanning
from shared.services.tokens.token_mail import TokenMail
from shared.services.tokens.tokens import TokenRecords, Tokens
from shared.services.tokens.trusted_publishers import TrustedPublishers
from shared.services.tokens.trusted_publishing import JobTokenVerifier, TrustedPublishing
from shared.services.transparency.cosigning import COSIGN_WITHIN, Cosigning
from shared.services.transparency.log_mending import LogMending
from shared.services.transparency.log_reader import LogReader
from shared.services.transparency.log_schedule import WRITTEN_AFTER, LogWriting
from shared.services.transparency.log_writer import LogWriter
from shared.services.transparency.new_proofs import NewProofs
from shared.services.transparency.openings import Openings
from shared.services.transparency.publication import LogPublication, origin_of
from shared.services.transparency.published_checkpoints import PublishedCheckpoints
from shared.services.transparency.release_proofs import ReleaseProofs
from shared.services.transparency.seeds import SeedsOfKeys
from shared.services.transparency.tile_reader import TileReader
from shared.services.transparency.witness import Witness
from shared.settings import Settings
from shared.settings.protections import protections_of
from shared.settings.values import split_list
from shared.telemetry.log import log
from shared.telemetry.metrics import PUSHES, WEBHOOK_ATTEMPTS, record_metric


class _Closable(Protocol):
    async def close(self) -> None: ...


T = TypeVar("T")
C = TypeVar("C", bound=_Closable)


class Services:
    """The services of one registry. Those that have to be closed are closed with `closing`, the
    last created first.

    Their adapters are those that are given, with `PublishingEvents` around the event store.
    """

    def __init__(self, settings: Settings, adapters: Adapters) -> None:
        self.settings = settings
        self.closing = AsyncExitStack()
        self.closing.push_async_callback(adapters.close)
        events: EventStore = PublishingEvents(
            events=adapters.events,
            revocations=adapters.revocations,
            start_log=self.log_writing.start if adapters.writes_log else None,
        )
        self.adapters = replace(adapters, events=events)

    def _close_at_end(self, service: C) -> C:
        self.closing.push_async_callback(service.close)
        return service

    # --- Rights, records and limits ---

    @cached_property
    def known_readers(self) -> KnownReaders:
        return KnownReaders(edition=self.adapters.edition, clock=self.adapters.clock)

    @cached_property
    def authorization(self) -> Authorization:
        return Authorization(
            directory=self.adapters.directory,
            clock=self.adapters.clock,
            readers=self.known_readers,
            base_url=self.settings.base_url,
            founding=self.settings.founding,
        )

    @cached_property
    def registry_authorization(self) -> RegistryAuthorization:
        return RegistryAuthorization(directory=self.adapters.directory, clock=self.adapters.clock)

    @cached_property
    def record_writer(self) -> RecordWriter:
        return RecordWriter(
            directory=self.adapters.directory,
            events=self.adapters.events,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            on_delay=logged("event.delayed", "reason"),
        )

    @cached_property
    def leases(self) -> Leases:
        return Leases(
            work=self.adapters.work, clock=self.adapters.clock, randomness=self.adapters.randomness
        )

    @cached_property
    def burst_detection(self) -> BurstDetection:
        return BurstDetection(
            work=self.adapters.work,
            clock=self.adapters.clock,
            brake_packages=self.settings.brake_packages,
            brake_releases=self.settings.brake_releases,
        )

    @cached_property
    def notice_cache(self) -> NoticeCache:
        return self._close_at_end(
            NoticeCache(directory=self.adapters.directory, clock=self.adapters.clock)
        )

    @cached_property
    def read_only_mode(self) -> ReadOnlyMode:
        return ReadOnlyMode(notice_cache=self.notice_cache)

    @cached_property
    def rate_limiter(self) -> RateLimiter:
        return RateLimiter(
            work=self.adapters.work,
            clock=self.adapters.clock,
            rules={each: self.settings.limits_of(each) for each in RateLimitClass},
            burst_detection=self.burst_detection,
            read_only_mode=self.read_only_mode,
        )

    @cached_property
    def notices(self) -> Notices:
        return Notices(
            registry_authorization=self.registry_authorization,
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            notice_cache=self.notice_cache,
            clock=self.adapters.clock,
        )

    @cached_property
    def background_tasks(self) -> BackgroundTasks:
        return self._close_at_end(BackgroundTasks())

    @cached_property
    def upstream_cache(self) -> UpstreamCache:
        return self._close_at_end(
            UpstreamCache(clock=self.adapters.clock, fresh_for=self._upstream_fresh_for)
        )

    # --- Packages ---

    @cached_property
    def index_files(self) -> DocumentCache:
        return DocumentCache(make=index_file)

    @cached_property
    def archive_reader(self) -> ArchiveReader:
        return self._close_at_end(archive_reader(self.settings))

    @cached_property
    def archive_relocation(self) -> ArchiveRelocation | None:
        return archive_relocation(self.adapters, self.settings)

    @cached_property
    def redirect_cache(self) -> RedirectCache | None:
        return redirect_cache(self.adapters, self.settings, self.known_readers)

    @cached_property
    def delivery_routes(self) -> DeliveryRoutes:
        return delivery_routes(self.adapters, self.settings)

    @cached_property
    def package_cache(self) -> PackageCache:
        return PackageCache(metadata=self.adapters.metadata, edition=self.adapters.edition)

    @cached_property
    def hosted_packages(self) -> HostedPackages:
        return HostedPackages(
            authorization=self.authorization,
            package_reader=self.package_cache,
            documents=self.adapters.documents,
            sweep_grace_hours=self.settings.sweep_grace_hours,
        )

    @cached_property
    def package_search(self) -> PackageSearch:
        return PackageSearch(
            index=self.adapters.search,
            authorization=self.authorization,
            limit_of=self.approval_rules.limit,
            hosted=self.hosted_packages,
        )

    @cached_property
    def withheld_releases(self) -> WithheldReleases:
        return WithheldReleases(directory=self.adapters.directory, metadata=self.adapters.metadata)

    @cached_property
    def derived_data(self) -> DerivedData:
        return DerivedData(
            metadata=self.adapters.metadata,
            documents=self.adapters.documents,
            search=self.adapters.search,
            events=self.adapters.events,
            withheld_releases=self.withheld_releases,
            standard_names=self.settings.standard_names,
            archive_relocation=self.archive_relocation,
        )

    @cached_property
    def package_record_writer(self) -> PackageRecordWriter:
        return PackageRecordWriter(metadata=self.adapters.metadata, derived_data=self.derived_data)

    @cached_property
    def successors(self) -> Successors:
        return Successors(
            authorization=self.authorization,
            hosted=self.hosted_packages,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            package_records=self.package_record_writer,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def dependents(self) -> Dependents:
        return Dependents(search=self.package_search)

    @cached_property
    def package_details(self) -> PackageDetails:
        return PackageDetails(
            hosted=self.hosted_packages,
            package_reader=self.package_cache,
            documents=self.adapters.documents,
            directory=self.adapters.directory,
            pulls=self.adapters.pulls,
            successors=self.successors,
            clock=self.adapters.clock,
        )

    @cached_property
    def package_index(self) -> PackageIndex:
        return PackageIndex(
            authorization=self.authorization,
            metadata=self.adapters.metadata,
            events=self.adapters.events,
            files=self.index_files,
            affected=self.affected_versions,
            successors=self.successors,
            readers=self.settings.readers,
            limit_of=self.approval_rules.limit,
        )

    @cached_property
    def change_feeds(self) -> ChangeFeeds:
        return ChangeFeeds(
            authorization=self.authorization,
            metadata=self.adapters.metadata,
            events=self.adapters.events,
            limit_of=self.approval_rules.limit,
        )

    @cached_property
    def package_history(self) -> PackageHistory:
        return PackageHistory(
            authorization=self.authorization,
            hosted=self.hosted_packages,
            directory=self.adapters.directory,
            events=self.adapters.events,
        )

    @cached_property
    def release_provenance(self) -> ReleaseProvenance:
        return ReleaseProvenance(documents=self.adapters.documents)

    @cached_property
    def openings(self) -> Openings:
        return Openings(
            events=self.adapters.events,
            directory=self.adapters.directory,
            metadata=self.adapters.metadata,
            authorization=self.authorization,
            registry_authorization=self.registry_authorization,
        )

    @cached_property
    def archive_delivery(self) -> ArchiveDelivery:
        return ArchiveDelivery(
            authorization=self.authorization,
            package_reader=self.package_cache,
            archives=self.adapters.archives,
            signer=self.archive_link_signer,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
            cdn=self.delivery_routes.cdn,
            readers=self.settings.readers,
        )

    @cached_property
    def pull_redirects(self) -> PullRedirects:
        return PullRedirects(
            delivery=self.archive_delivery,
            routes=self.delivery_routes,
            signer=self.archive_link_signer,
            readers=self.settings.readers,
            cache=self.redirect_cache,
            clock=self.adapters.clock,
            mirrored_fresh_ms=self.settings.upstream_fresh_seconds * 1_000,
            limited_by=self.approval_rules.rule_of,
        )

    @cached_property
    def archive_files(self) -> ArchiveFiles:
        return ArchiveFiles(archives=self.adapters.archives)

    @cached_property
    def organization_packages(self) -> OrganizationPackages:
        return OrganizationPackages(
            authorization=self.authorization, metadata=self.adapters.metadata
        )

    @cached_property
    def package_visibility(self) -> PackageVisibility:
        return PackageVisibility(
            authorization=self.authorization,
            package_records=self.package_record_writer,
            decision_mail=self.decision_mail,
            clock=self.adapters.clock,
        )

    @cached_property
    def deprecation(self) -> Deprecation:
        return Deprecation(
            authorization=self.authorization,
            package_records=self.package_record_writer,
            clock=self.adapters.clock,
        )

    @cached_property
    def puller_records(self) -> PullerRecords:
        return PullerRecords(
            directory=self.adapters.directory, clock=self.adapters.clock, keys=self.adapters.keys
        )

    @cached_property
    def pull_counter(self) -> PullCounter:
        return self._close_at_end(
            PullCounter(
                ledger=self.adapters.pulls,
                caller_scope=self.adapters.caller_scope,
                clock=self.adapters.clock,
                pullers=self.puller_records,
                keys=self.adapters.keys,
                randomness=self.adapters.randomness,
                read_only_mode=self.read_only_mode,
                on_delay=logged("pulls.delayed", "reason"),
            )
        )

    @cached_property
    def pull_recorder(self) -> PullRecorder:
        return self._close_at_end(
            PullRecorder(
                store=self.adapters.pull_records,
                directory=self.adapters.directory,
                clock=self.adapters.clock,
                randomness=self.adapters.randomness,
                read_only_mode=self.read_only_mode,
                recorded_pulls=self.settings.recorded_pulls,
                on_delay=logged("pull_records.delayed", "reason"),
            )
        )

    @cached_property
    def pull_records(self) -> PullRecords:
        return PullRecords(
            store=self.adapters.pull_records,
            directory=self.adapters.directory,
            authorization=self.authorization,
            clock=self.adapters.clock,
        )

    @cached_property
    def last_registry_counts(self) -> LastRegistryCounts:
        return LastRegistryCounts(work=self.adapters.work, clock=self.adapters.clock)

    @cached_property
    def recent_pulls(self) -> RecentPulls:
        return RecentPulls(ledger=self.adapters.pulls, clock=self.adapters.clock)

    @cached_property
    def registry_statistics(self) -> RegistryStatistics:
        return RegistryStatistics(index=self.adapters.search, last_counts=self.last_registry_counts)

    @cached_property
    def dependency_notices(self) -> DependencyNotices:
        return DependencyNotices(
            events=self.adapters.events,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            work=self.adapters.work,
            search=self.package_search,
            authorization=self.authorization,
            mail=self.dependency_mail,
            clock=self.adapters.clock,
        )

    @cached_property
    def following(self) -> Following:
        return Following(
            directory=self.adapters.directory,
            hosted=self.hosted_packages,
            organizations=self.organizations,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
        )

    @cached_property
    def follower_mail(self) -> FollowerMail:
        return FollowerMail(
            events=self.adapters.events,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            work=self.adapters.work,
            authorization=self.authorization,
            advisories=self.advisory_index,
            following=self.following,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
            ecosystem=ballerina_ecosystem(self.settings.base_url),
        )

    @cached_property
    def provenance_notices(self) -> ProvenanceNotices:
        return ProvenanceNotices(
            events=self.adapters.events,
            metadata=self.adapters.metadata,
            work=self.adapters.work,
            mail=self.provenance_mail,
            clock=self.adapters.clock,
        )

    @cached_property
    def pinned_digests(self) -> PinnedDigests:
        return PinnedDigests(
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            registry_authorization=self.registry_authorization,
            clock=self.adapters.clock,
        )

    @cached_property
    def external_releases(self) -> ExternalReleases:
        return ExternalReleases(
            metadata=self.adapters.metadata,
            documents=self.adapters.documents,
            archives=self.adapters.archives,
            release_signer=self.adapters.release_signer,
            derived_data=self.derived_data,
            package_records=self.package_record_writer,
            clock=self.adapters.clock,
            readers=self.settings.readers,
        )

    @cached_property
    def checklists(self) -> Checklists:
        return Checklists(details=self.package_details, pieces=self.piece_reader)

    @cached_property
    def package_comparison(self) -> PackageComparison:
        return PackageComparison(
            details=self.package_details,
            dependents=self.dependents,
            pieces=self.piece_reader,
        )

    # --- Mirrors and bundles: archives from elsewhere need no documentation ---

    @cached_property
    def upstreams(self) -> Upstreams | None:
        """The registries that are mirrored; None where nothing is mirrored."""
        connect = self.adapters.connect_upstream
        if not self.settings.upstreams or connect is None:
            return None
        return self._close_at_end(
            Upstreams(
                configured=self.settings.upstreams,
                connect=connect,
                directory=self.adapters.directory,
                clock=self.adapters.clock,
                on_failure=logged("upstream.unanswered", "upstream", "reason"),
                minimum_age_days=self.settings.upstream_minimum_age,
            )
        )

    @property
    def _upstream_fresh_for(self) -> timedelta:
        return timedelta(seconds=self.settings.upstream_fresh_seconds)

    @cached_property
    def name_owners(self) -> NameOwners:
        return NameOwners(directory=self.adapters.directory, clock=self.adapters.clock)

    @cached_property
    def upstream_questions(self) -> UpstreamQuestions:
        return UpstreamQuestions(cache=self.upstream_cache, rate_limiter=self.rate_limiter)

    @cached_property
    def ours_or_upstream(self) -> OursOrUpstream:
        return OursOrUpstream(
            pseudonym=pseudonym_of(self.settings.base_url),
            owners=self.name_owners,
            upstreams=_required(self.upstreams),
            questions=self.upstream_questions,
        )

    @cached_property
    def upstream_reader(self) -> UpstreamReader:
        return UpstreamReader(
            ours_or_upstream=self.ours_or_upstream,
            questions=self.upstream_questions,
            upstreams=_required(self.upstreams),
            cache=self.upstream_cache,
            owners=self.name_owners,
            pins=self.pinned_digests,
            clock=self.adapters.clock,
        )

    @cached_property
    def mirror_rule_application(self) -> MirrorRuleApplication:
        return MirrorRuleApplication(
            reader=self.upstream_reader,
            metadata=self.adapters.metadata,
            package_records=self.package_record_writer,
        )

    @cached_property
    def upstream_catalogue(self) -> UpstreamCatalogue:
        return UpstreamCatalogue(
            reader=self.upstream_reader,
            directory=self.adapters.directory,
            derived_data=self.derived_data,
        )

    @cached_property
    def upstream_withdrawals(self) -> UpstreamWithdrawals:
        return UpstreamWithdrawals(
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            releases=self.external_releases,
            package_records=self.package_record_writer,
            clock=self.adapters.clock,
            upstream_withdrawals=self.settings.upstream_withdrawals,
        )

    @cached_property
    def upstream_feeds(self) -> UpstreamFeeds:
        return UpstreamFeeds(
            upstreams=_required(self.upstreams),
            withdrawals=self.upstream_withdrawals,
            directory=self.adapters.directory,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def admission(self) -> Admission:
        return self._close_at_end(
            Admission(
                reader=self.upstream_reader,
                archive_reader=self.archive_reader.of_mirrored,
                releases=self.external_releases,
                licenses=MirroredLicenses(rules=self.registry_rule_reader),
            )
        )

    @cached_property
    def refreshing(self) -> Refreshing:
        return self._close_at_end(
            Refreshing(
                reader=self.upstream_reader,
                releases=self.external_releases,
                withdrawals=self.upstream_withdrawals,
                fresh_for=self._upstream_fresh_for,
            )
        )

    @cached_property
    def version_lists(self) -> VersionLists:
        return VersionLists(
            reader=self.upstream_reader,
            directory=self.adapters.directory,
            fresh_for=self._upstream_fresh_for,
        )

    @cached_property
    def mirror_rule_changes(self) -> MirrorRuleChanges:
        return MirrorRuleChanges(
            registry_authorization=self.registry_authorization,
            reader=self.upstream_reader,
            application=self.mirror_rule_application,
            pulls=self.adapters.pulls,
            record_writer=self.record_writer,
        )

    @cached_property
    def approval_rules(self) -> ApprovalRules:
        return self._close_at_end(
            ApprovalRules(
                directory=self.adapters.directory,
                registry_rules=self.registry_rule_reader,
                clock=self.adapters.clock,
                base_url=self.settings.base_url,
            )
        )

    @cached_property
    def curation(self) -> Curation:
        return Curation(
            registry_authorization=self.registry_authorization,
            authorization=self.authorization,
            rules=self.approval_rules,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            pulls=self.adapters.pulls,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            mail_delivery=self.mail_delivery,
        )

    @cached_property
    def bundle_export(self) -> BundleExport:
        return BundleExport(
            metadata=self.adapters.metadata,
            archives=self.adapters.archives,
            pulls=self.adapters.pulls,
            events=self.adapters.events,
            documents=self.release_documents,
            registry=self.settings.base_url,
            name=pseudonym_of(self.settings.base_url),
        )

    @cached_property
    def release_documents(self) -> ReleaseDocuments:
        return ReleaseDocuments(
            documents=self.adapters.documents,
            provenance=self.release_provenance,
            release_signer=self.adapters.release_signer,
            registry=self.settings.base_url,
        )

    @cached_property
    def document_import(self) -> DocumentImport:
        return DocumentImport(
            documents=self.adapters.documents, sigstore_bundles=self.sigstore_bundles
        )

    @cached_property
    def bundle_withdrawals(self) -> BundleWithdrawals:
        return BundleWithdrawals(
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            owners=self.name_owners,
            package_records=self.package_record_writer,
            clock=self.adapters.clock,
        )

    @cached_property
    def bundle_import(self) -> BundleImport:
        return BundleImport(
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            pins=self.pinned_digests,
            package_records=self.package_record_writer,
            releases=self.external_releases,
            withdrawals=self.bundle_withdrawals,
            documents=self.document_import,
            unchecked=self.archive_reader.of_mirrored,
            clock=self.adapters.clock,
        )

    # --- Advisories ---

    @cached_property
    def affected_versions(self) -> AffectedVersions:
        return AffectedVersions(
            index=self.advisory_index,
            hosted=self.hosted_packages,
            ecosystem=ballerina_ecosystem(self.settings.base_url),
        )

    @cached_property
    def advisory_index(self) -> AdvisoryIndex:
        return self._close_at_end(
            AdvisoryIndex(
                directory=self.adapters.directory,
                files=self.adapters.advisory_files,
                clock=self.adapters.clock,
                randomness=self.adapters.randomness,
                edition=self.adapters.edition,
            )
        )

    @cached_property
    def advisories(self) -> Advisories:
        return Advisories(
            index=self.advisory_index,
            directory=self.adapters.directory,
            documents=self.adapters.documents,
            sboms=self.sboms,
            hosted=self.hosted_packages,
            authorization=self.authorization,
            registry_authorization=self.registry_authorization,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            ecosystem=ballerina_ecosystem(self.settings.base_url),
        )

    @cached_property
    def advisory_import(self) -> AdvisoryImport:
        return AdvisoryImport(
            index=self.advisory_index,
            directory=self.adapters.directory,
            files=self.adapters.advisory_files,
            confined=self.adapters.confined,
            registry_authorization=self.registry_authorization,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            ecosystem=ballerina_ecosystem(self.settings.base_url),
        )

    @cached_property
    def advisory_export(self) -> AdvisoryExport:
        return AdvisoryExport(advisories=self.advisories)

    @cached_property
    def advisory_authoring(self) -> AdvisoryAuthoring:
        return AdvisoryAuthoring(
            authorization=self.authorization,
            registry_authorization=self.registry_authorization,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            advisories=self.advisories,
            malware=self.malware_quarantine,
            decision_mail=self.decision_mail,
            base_url=self.settings.base_url,
        )

    @cached_property
    def assessments(self) -> Assessments:
        return Assessments(
            authorization=self.authorization,
            hosted=self.hosted_packages,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            advisories=self.advisories,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def advisory_texts(self) -> AdvisoryTexts:
        return AdvisoryTexts(
            documents=self.adapters.documents,
            confined=self.adapters.confined,
            jobs=self.on_demand_jobs,
        )

    @cached_property
    def affected_packages(self) -> AffectedPackages:
        return AffectedPackages(
            authorization=self.authorization,
            metadata=self.adapters.metadata,
            advisories=self.advisories,
        )

    @cached_property
    def advisory_mail(self) -> AdvisoryMail:
        return AdvisoryMail(
            directory=self.adapters.directory,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def advisory_notices(self) -> AdvisoryNotices:
        return AdvisoryNotices(
            affected=self.affected_packages,
            directory=self.adapters.directory,
            events=self.adapters.events,
            mail=self.advisory_mail,
            clock=self.adapters.clock,
        )

    @cached_property
    def malicious_libraries(self) -> MaliciousLibraries:
        return MaliciousLibraries(
            advisories=self.advisories,
            malware=self.malware_quarantine,
            metadata=self.adapters.metadata,
            sboms=self.sboms,
            events=self.adapters.events,
            work=self.adapters.work,
            clock=self.adapters.clock,
        )

    @cached_property
    def malware_quarantine(self) -> MalwareQuarantine:
        return MalwareQuarantine(
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            moderation=self.moderation,
            mail=self.advisory_mail,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
            is_on=self.settings.malware_quarantine,
        )

    @cached_property
    def advisory_updates(self) -> AdvisoryUpdates:
        return AdvisoryUpdates(
            importing=self.advisory_import,
            dumps=self.adapters.advisory_dumps,
            directory=self.adapters.directory,
            clock=self.adapters.clock,
            sources=self.settings.advisory_sources,
        )

    # --- API documentation ---

    @cached_property
    def piece_reader(self) -> PieceReader:
        return PieceReader(documents=self.adapters.documents)

    @cached_property
    def job_inputs(self) -> JobInputs:
        return JobInputs(
            metadata=self.adapters.metadata,
            documents=self.adapters.documents,
            archives=self.adapters.archives,
            environment=self.settings.environment,
        )

    @cached_property
    def api_history(self) -> ApiHistory:
        return ApiHistory(directory=self.adapters.directory)

    @cached_property
    def api_docs_generation(self) -> ApiDocsGeneration:
        return ApiDocsGeneration(
            inputs=self.job_inputs,
            confined=self.adapters.confined,
            metadata=self.adapters.metadata,
            documents=self.adapters.documents,
            history=self.api_history,
            pieces=self.piece_reader,
            derived_data=self.derived_data,
            clock=self.adapters.clock,
            tell_owners=self.release_warnings.of_verdict,
        )

    @cached_property
    def api_docs_queue(self) -> ApiDocsQueue:
        return self._close_at_end(
            ApiDocsQueue(
                generation=self.api_docs_generation,
                metadata=self.adapters.metadata,
                on_failure=logged("api_docs.failed", "coordinate", "reason", level=log.error),
            )
        )

    @cached_property
    def api_docs(self) -> ApiDocs:
        return ApiDocs(
            authorization=self.authorization,
            hosted=self.hosted_packages,
            package_reader=self.package_cache,
            documents=self.adapters.documents,
            pieces=self.piece_reader,
            queue=self.api_docs_queue,
        )

    @cached_property
    def dependency_updates(self) -> DependencyUpdates:
        return DependencyUpdates(
            hosted=self.hosted_packages, successors=self.successors, history=self.api_history
        )

    @cached_property
    def api_docs_backfill(self) -> ApiDocsBackfill:
        return ApiDocsBackfill(generation=self.api_docs_generation, metadata=self.adapters.metadata)

    @cached_property
    def on_demand_jobs(self) -> OnDemandJobs:
        return self._close_at_end(OnDemandJobs())

    @cached_property
    def file_highlighting(self) -> FileHighlighting:
        return FileHighlighting(
            documents=self.adapters.documents,
            confined=self.adapters.confined,
            jobs=self.on_demand_jobs,
        )

    @cached_property
    def api_comparisons(self) -> ApiComparisons:
        return ApiComparisons(
            api_docs=self.api_docs,
            documents=self.adapters.documents,
            inputs=self.job_inputs,
            confined=self.adapters.confined,
            # A separate queue, so that a comparison does not wait for pages of source code.
            jobs=self._close_at_end(OnDemandJobs()),
        )

    @cached_property
    def sboms(self) -> Sboms:
        return Sboms(
            hosted=self.hosted_packages,
            api_docs=self.api_docs,
            documents=self.adapters.documents,
            confined=self.adapters.confined,
            jobs=self._close_at_end(OnDemandJobs()),
        )

    @cached_property
    def editor_catalog(self) -> EditorCatalog:
        return EditorCatalog(
            search=self.package_search,
            hosted=self.hosted_packages,
            api_docs=self.api_docs,
            metadata=self.adapters.metadata,
        )

    @cached_property
    def version_checks(self) -> VersionChecks:
        return VersionChecks(inputs=self.job_inputs, confined=self.adapters.confined)

    # --- Publishing ---

    @cached_property
    def published_contents(self) -> PublishedContents:
        return PublishedContents(
            authorization=self.authorization,
            archives=self.adapters.archives,
            archive_reader=self.archive_reader,
            archive_files=self.archive_files,
            package_records=self.package_record_writer,
        )

    @cached_property
    def dependency_check(self) -> DependencyCheck:
        return DependencyCheck(
            authorization=self.authorization,
            metadata=self.adapters.metadata,
            require_dependencies=self.settings.require_dependencies,
        )

    @cached_property
    def trusted_roots(self) -> TrustedRoots:
        return TrustedRoots(
            directory=self.adapters.directory,
            clock=self.adapters.clock,
            files=tuple(map(Path, split_list(self.settings.sigstore_roots))),
        )

    @cached_property
    def trusted_root_renewal(self) -> TrustedRootRenewal:
        return TrustedRootRenewal(
            roots=self.trusted_roots,
            directory=self.adapters.directory,
            confined=self.adapters.confined,
            fetcher=self.adapters.fetcher,
            clock=self.adapters.clock,
        )

    @cached_property
    def sigstore_bundles(self) -> SigstoreBundles:
        return SigstoreBundles(
            confined=self.adapters.confined,
            documents=self.adapters.documents,
            roots=self.trusted_roots,
            package_records=self.package_record_writer,
            clock=self.adapters.clock,
        )

    @cached_property
    def registry_rule_reader(self) -> RegistryRuleReader:
        return self._close_at_end(
            RegistryRuleReader(
                directory=self.adapters.directory,
                clock=self.adapters.clock,
                edition=self.adapters.edition,
            )
        )

    @cached_property
    def quota_rule(self) -> QuotaRule:
        return QuotaRule(clock=self.adapters.clock)

    @cached_property
    def usage_counts(self) -> UsageCounts:
        return UsageCounts(
            directory=self.adapters.directory,
            metadata=self.adapters.metadata,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def prerelease_retention(self) -> PrereleaseRetention:
        return PrereleaseRetention(
            authorization=self.authorization,
            directory=self.adapters.directory,
            metadata=self.adapters.metadata,
            package_records=self.package_record_writer,
            search=self.package_search,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def publishing_rules(self) -> PublishingRules:
        return PublishingRules(
            reader=self.registry_rule_reader,
            rules=(
                LicenseRule(),
                SecretRule(scan=self.secret_scan),
                self.version_rule,
                self.quota_rule,
                StagedReleaseRule(),
            ),
        )

    @cached_property
    def version_rule(self) -> VersionNumberRule:
        return VersionNumberRule(
            authorization=self.authorization, version_checks=self.version_checks
        )

    @cached_property
    def scanner(self) -> Scanner:
        return Scanner(
            options=ScannerOptions(
                url=self.settings.scanner_url,
                secret=secret(self.settings.scanner_secret),
                without_answer=self.settings.scanner_without_answer,
            ),
            http=self.adapters.scanner,
            archives=self.adapters.archives,
            signer=self.archive_link_signer,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def secret_scan(self) -> SecretScan:
        return SecretScan(confined=self.adapters.confined)

    @cached_property
    def publishing_rule_changes(self) -> PublishingRuleChanges:
        return PublishingRuleChanges(
            authorization=self.authorization,
            registry_authorization=self.registry_authorization,
            rules=self.publishing_rules,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            usage_counts=self.usage_counts,
            clock=self.adapters.clock,
        )

    @cached_property
    def publishing(self) -> Publishing:
        return Publishing(
            authorization=self.authorization,
            organizations=self.organizations,
            typosquats=self.typosquats,
            archive_reader=self.archive_reader,
            metadata=self.adapters.metadata,
            documents=self.adapters.documents,
            archives=self.adapters.archives,
            published_contents=self.published_contents,
            sigstore_bundles=self.sigstore_bundles,
            release_signer=self.adapters.release_signer,
            derived_data=self.derived_data,
            clock=self.adapters.clock,
            dependency_check=self.dependency_check,
            rules=self.publishing_rules,
            scanner=self.scanner,
            trusted_publishers=self.trusted_publishers,
            rate_limiter=self.rate_limiter,
            mail=self.release_mail,
            published_mail=self.published_mail,
            api_docs=self.api_docs_queue,
            base_url=self.settings.base_url,
            count_release=partial(record_metric, PUSHES, 1),
            readers=self.settings.readers,
        )

    @cached_property
    def dry_runs(self) -> DryRuns:
        return DryRuns(
            authorization=self.authorization,
            archive_reader=self.archive_reader,
            metadata=self.adapters.metadata,
            publishing=self.publishing,
            published_contents=self.published_contents,
            sigstore_bundles=self.sigstore_bundles,
            rules=self.publishing_rules,
            scanner=self.scanner,
        )

    @cached_property
    def maven_packages(self) -> MavenPackages:
        return MavenPackages(
            hosted=self.hosted_packages,
            documents=self.adapters.documents,
            provenance=self.release_provenance,
            archives=self.adapters.archives,
            index=self.adapters.search,
            clock=self.adapters.clock,
        )

    @cached_property
    def maven_publishing(self) -> MavenPublishing:
        return MavenPublishing(
            publishing=self.publishing,
            metadata=self.adapters.metadata,
            documents=self.adapters.documents,
            sigstore_bundles=self.sigstore_bundles,
            maven_packages=self.maven_packages,
        )

    @cached_property
    def moderation(self) -> Moderation:
        return Moderation(
            registry_authorization=self.registry_authorization,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            pulls=self.adapters.pulls,
            audit_log=self.audit_log,
            dependents=self.dependents,
            derived_data=self.derived_data,
            package_records=self.package_record_writer,
            mail=self.release_mail,
            clock=self.adapters.clock,
        )

    @cached_property
    def release_erasure(self) -> ReleaseErasure:
        return ReleaseErasure(
            moderation=self.moderation,
            erased_releases=self.erased_releases,
            report_records=self.report_records,
            metadata=self.adapters.metadata,
            archives=self.adapters.archives,
            documents=self.adapters.documents,
            api_history=self.api_history,
            generation=self.api_docs_generation,
            derived_data=self.derived_data,
            feed=self.adapters.feed,
            edge=self.adapters.edge,
            copies=self.adapters.copies,
            clock=self.adapters.clock,
            snapshot_days=self.settings.snapshot_days,
        )

    @cached_property
    def release_selections(self) -> ReleaseSelections:
        return ReleaseSelections(
            registry_authorization=self.registry_authorization,
            moderation=self.moderation,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            derived_data=self.derived_data,
            mail=self.release_mail,
        )

    @cached_property
    def package_holds(self) -> PackageHolds:
        return PackageHolds(
            registry_authorization=self.registry_authorization,
            metadata=self.adapters.metadata,
            package_records=self.package_record_writer,
            organizations=self.organizations,
            clock=self.adapters.clock,
        )

    @cached_property
    def proposals(self) -> Proposals:
        return Proposals(
            registry_authorization=self.registry_authorization,
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            randomness=self.adapters.randomness,
            clock=self.adapters.clock,
            moderation=self.moderation,
            erasure=self.release_erasure,
            reserved_names=self.reserved_names,
            account_erasures=self.account_erasures,
            name_disputes=self.name_disputes,
            ownership_requests=self.ownership_requests,
            second_administrator=self.second_administrator,
        )

    @cached_property
    def second_administrator(self) -> SecondAdministrator:
        return SecondAdministrator(
            is_required=self.settings.two_administrators,
            directory=self.adapters.directory,
            administrators=self.administrators,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def held_releases(self) -> HeldReleases:
        return HeldReleases(
            authorization=self.authorization,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            package_records=self.package_record_writer,
            decision_mail=self.decision_mail,
            clock=self.adapters.clock,
        )

    @cached_property
    def release_warnings(self) -> ReleaseWarnings:
        return ReleaseWarnings(
            authorization=self.authorization,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            rules=self.publishing_rules,
            history=self.api_history,
            mail=self.release_mail,
            clock=self.adapters.clock,
        )

    @cached_property
    def staged_releases(self) -> StagedReleases:
        return StagedReleases(
            authorization=self.authorization,
            metadata=self.adapters.metadata,
            package_records=self.package_record_writer,
            archive_files=self.archive_files,
            archive_delivery=self.archive_delivery,
            comparisons=self.api_comparisons,
            history=self.api_history,
            decision_mail=self.decision_mail,
            mail=self.release_mail,
            directory=self.adapters.directory,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def own_releases(self) -> OwnReleases:
        return OwnReleases(
            authorization=self.authorization,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            pulls=self.adapters.pulls,
            search=self.package_search,
            package_records=self.package_record_writer,
            erasure=self.release_erasure,
            second_administrator=self.second_administrator,
            clock=self.adapters.clock,
        )

    @cached_property
    def reports(self) -> Reports:
        return Reports(
            directory=self.adapters.directory,
            metadata=self.adapters.metadata,
            hosted=self.hosted_packages,
            authorization=self.authorization,
            registry_authorization=self.registry_authorization,
            moderation=self.moderation,
            report_records=self.report_records,
            weights=self.report_weights,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            mail=self.report_mail,
        )

    @cached_property
    def report_records(self) -> ReportRecords:
        return ReportRecords(directory=self.adapters.directory)

    @cached_property
    def report_weights(self) -> ReportWeights:
        return ReportWeights(
            report_records=self.report_records,
            moderation=self.moderation,
            search=self.package_search,
            clock=self.adapters.clock,
            threshold=self.settings.reports_quarantine,
        )

    @cached_property
    def report_mail(self) -> ReportMail:
        return ReportMail(
            report_records=self.report_records,
            mail_delivery=self.mail_delivery,
            work=self.adapters.work,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def gone_releases(self) -> GoneReleases:
        return GoneReleases(
            registry_authorization=self.registry_authorization,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            moderation=self.moderation,
            record_writer=self.record_writer,
        )

    # --- Accounts, sign-in and mail ---

    @cached_property
    def entra_provider(self) -> EntraProvider | None:
        return entra_provider(
            self.adapters, self.settings, self.issuer_discovery, self.id_token_validator
        )

    @cached_property
    def identity_providers(self) -> Mapping[str, IdentityProvider]:
        return identity_providers(
            self.adapters,
            self.settings,
            self.issuer_discovery,
            self.id_token_validator,
            self.entra_provider,
        )

    @cached_property
    def mail_delivery(self) -> MailDelivery:
        return MailDelivery(
            mailer=self.adapters.mailer,
            work=self.adapters.work,
            clock=self.adapters.clock,
            on_failure=logged("mail.undelivered", "reason", "count"),
        )

    @cached_property
    def archive_link_signer(self) -> ArchiveLinkSigner:
        return ArchiveLinkSigner(keys=self.adapters.keys)

    @cached_property
    def appeal(self) -> Appeal:
        return Appeal(abuse_contact=self.settings.abuse_contact)

    @cached_property
    def decision_mail(self) -> DecisionMail:
        return DecisionMail(
            directory=self.adapters.directory,
            mail_delivery=self.mail_delivery,
            appeal=self.appeal,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def retired_name_list(self) -> RetiredNameList:
        return RetiredNameList(
            events=self.adapters.events,
            revocations=self.adapters.revocations,
            clock=self.adapters.clock,
        )

    @cached_property
    def retired_names(self) -> RetiredNames:
        return RetiredNames(
            directory=self.adapters.directory,
            listed=self.retired_name_list,
            randomness=self.adapters.randomness,
        )

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(
            directory=self.adapters.directory,
            retired_names=self.retired_names,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
        )

    @cached_property
    def account_mail(self) -> AccountMail:
        return self._close_at_end(
            AccountMail(
                directory=self.adapters.directory,
                mail_delivery=self.mail_delivery,
                base_url=self.settings.base_url,
                background_tasks=self.background_tasks,
            )
        )

    @cached_property
    def sessions(self) -> Sessions:
        return Sessions(
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            account_mail=self.account_mail,
        )

    @cached_property
    def issuer_discovery(self) -> IssuerDiscovery:
        return IssuerDiscovery(
            fetcher=self.adapters.fetcher,
            clock=self.adapters.clock,
            on_failure=logged("issuer.unanswered", "document", "reason"),
        )

    @cached_property
    def issuer_keys(self) -> IssuerKeys:
        return IssuerKeys(
            fetcher=self.adapters.fetcher,
            discovery=self.issuer_discovery,
            clock=self.adapters.clock,
            on_failure=logged("issuer.unanswered", "document", "reason"),
        )

    @cached_property
    def id_token_validator(self) -> IdTokenValidator:
        return IdTokenValidator(issuer_keys=self.issuer_keys, clock=self.adapters.clock)

    @cached_property
    def staff(self) -> Staff:
        return Staff(
            sources=parse_staff_sources(self.settings.staff),
            reads_groups=self.settings.entra_groups or bool(self.settings.oidc_groups_claim),
        )

    @cached_property
    def identities(self) -> Identities:
        return Identities(
            directory=self.adapters.directory,
            accounts=self.accounts,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            account_mail=self.account_mail,
            read_only_mode=self.read_only_mode,
            rights=self.roles_by_groups,
            leases=self.leases,
        )

    @cached_property
    def authentication(self) -> Authentication:
        return self._close_at_end(
            Authentication(
                directory=self.adapters.directory,
                clock=self.adapters.clock,
                environment=self.settings.environment,
                edition=self.adapters.edition,
                staff=self.staff,
            )
        )

    @cached_property
    def session_authentication(self) -> SessionAuthentication:
        return SessionAuthentication(
            directory=self.adapters.directory,
            keys=self.adapters.keys,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            cookie=Cookie.named("ballroom", self.settings.base_url),
            require_strong=self.settings.require_strong,
            staff=self.staff,
            on_copied_cookie=self.sessions.end_copied,
            rights=self.roles_by_groups,
            on_delay=logged("session.not_renewed", "reason"),
        )

    @cached_property
    def sign_in_links(self) -> SignInLinks:
        return SignInLinks(
            work=self.adapters.work,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            base_url=self.settings.base_url,
        )

    @cached_property
    def known_browsers(self) -> KnownBrowsers:
        return KnownBrowsers(
            keys=self.adapters.keys,
            randomness=self.adapters.randomness,
            base_url=self.settings.base_url,
        )

    @cached_property
    def sign_in_flow(self) -> SignInFlow:
        return SignInFlow(
            providers=self.identity_providers,
            links=self.sign_in_links,
            two_administrators=self.settings.two_administrators,
            session_authentication=self.session_authentication,
            identities=self.identities,
            known_browsers=self.known_browsers,
            work=self.adapters.work,
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            account_mail=self.account_mail,
            rights=self.roles_by_groups,
            base_url=self.settings.base_url,
            lifetimes=SessionLifetimes(
                idle=timedelta(hours=self.settings.session_idle_hours),
                whole=timedelta(days=self.settings.session_days),
            ),
            sign_up=self.settings.sign_up,
            on_refusal=logged("sign_in.refused", "provider", "reason"),
        )

    @cached_property
    def browsers(self) -> Browsers:
        return Browsers(
            keys=self.adapters.keys,
            randomness=self.adapters.randomness,
            base_url=self.settings.base_url,
        )

    @cached_property
    def token_mail(self) -> TokenMail:
        return TokenMail(
            directory=self.adapters.directory,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def release_mail(self) -> ReleaseMail:
        return ReleaseMail(
            directory=self.adapters.directory,
            mail_delivery=self.mail_delivery,
            appeal=self.appeal,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def published_mail(self) -> PublishedMail:
        return self._close_at_end(
            PublishedMail(
                directory=self.adapters.directory,
                mail_delivery=self.mail_delivery,
                clock=self.adapters.clock,
                base_url=self.settings.base_url,
                background_tasks=self.background_tasks,
                is_on=self.settings.release_mail,
            )
        )

    @cached_property
    def dependency_mail(self) -> DependencyMail:
        return DependencyMail(
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def provenance_mail(self) -> ProvenanceMail:
        return ProvenanceMail(
            directory=self.adapters.directory,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    # --- Tokens ---

    @cached_property
    def leak_reports(self) -> LeakReports:
        return leak_reports(self.adapters, self.settings)

    @cached_property
    def token_records(self) -> TokenRecords:
        return TokenRecords(
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            environment=self.settings.environment,
        )

    @cached_property
    def makers(self) -> Makers:
        return Makers(directory=self.adapters.directory, clock=self.adapters.clock)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(
            token_records=self.token_records,
            authorization=self.authorization,
            registry_authorization=self.registry_authorization,
            enabled_people=self.directory_locks,
            makers=self.makers,
            decision_mail=self.decision_mail,
            clock=self.adapters.clock,
            token_days=self.settings.token_days,
        )

    @cached_property
    def device_login(self) -> DeviceLogin:
        return DeviceLogin(
            work=self.adapters.work,
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            tokens=self.tokens,
            rate_limiter=self.rate_limiter,
            keys=self.adapters.keys,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            base_url=self.settings.base_url,
        )

    @cached_property
    def secret_scanning(self) -> SecretScanning:
        return SecretScanning(
            reports=self.leak_reports,
            token_records=self.token_records,
            directory=self.adapters.directory,
            work=self.adapters.work,
            clock=self.adapters.clock,
            token_mail=self.token_mail,
        )

    @cached_property
    def job_token_verifier(self) -> JobTokenVerifier:
        return JobTokenVerifier(
            issuers=tuple(trusted_issuers(self.settings)),
            keys=self.issuer_keys,
            clock=self.adapters.clock,
        )

    @cached_property
    def repository_ids(self) -> RepositoryIds:
        return RepositoryIds(
            http=self.adapters.fetcher,
            token=secret(self.settings.lookup_token),
            rate_limiter=self.rate_limiter,
            clock=self.adapters.clock,
        )

    @cached_property
    def trusted_publishers(self) -> TrustedPublishers:
        return TrustedPublishers(
            authorization=self.authorization,
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            metadata=self.adapters.metadata,
            package_records=self.package_record_writer,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            jobs=self.job_token_verifier,
            base_url=self.settings.base_url,
            repository_ids=self.repository_ids,
            rate_limiter=self.rate_limiter,
            decision_mail=self.decision_mail,
        )

    @cached_property
    def trusted_publishing(self) -> TrustedPublishing:
        return TrustedPublishing(
            jobs=self.job_token_verifier,
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            metadata=self.adapters.metadata,
            makers=self.makers,
            token_records=self.token_records,
            work=self.adapters.work,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
            publish_id_token_hours=self.settings.publish_id_token_hours,
        )

    @cached_property
    def pasted_id_tokens(self) -> PastedIdTokens:
        return PastedIdTokens(
            jobs=self.job_token_verifier,
            trusted_publishers=self.trusted_publishers,
            makers=self.makers,
        )

    @cached_property
    def maker_review(self) -> MakerReview:
        return MakerReview(
            directory=self.adapters.directory,
            makers=self.makers,
            staff=self.staff,
            clock=self.adapters.clock,
        )

    # --- Organizations ---

    @cached_property
    def membership_records(self) -> MembershipRecords:
        return MembershipRecords(
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            leases=self.leases,
            mail_delivery=self.mail_delivery,
            decision_mail=self.decision_mail,
            base_url=self.settings.base_url,
            two_administrators=self.settings.two_administrators,
        )

    @cached_property
    def made_by_accounts(self) -> MadeByAccounts:
        return MadeByAccounts(
            directory=self.adapters.directory,
            metadata=self.adapters.metadata,
            record_writer=self.record_writer,
            token_records=self.token_records,
            clock=self.adapters.clock,
        )

    @cached_property
    def maker_mail(self) -> MakerMail:
        return MakerMail(
            directory=self.adapters.directory,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def memberships(self) -> Memberships:
        return Memberships(
            directory=self.adapters.directory,
            authorization=self.authorization,
            membership_records=self.membership_records,
            made_by_accounts=self.made_by_accounts,
            maker_mail=self.maker_mail,
            clock=self.adapters.clock,
        )

    @cached_property
    def ownerless_organizations(self) -> OwnerlessOrganizations:
        return OwnerlessOrganizations(
            directory=self.adapters.directory,
            events=self.adapters.events,
            membership_records=self.membership_records,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            mail_delivery=self.mail_delivery,
            base_url=self.settings.base_url,
        )

    @cached_property
    def organizations(self) -> Organizations:
        return Organizations(
            directory=self.adapters.directory,
            authorization=self.authorization,
            record_writer=self.record_writer,
            rate_limiter=self.rate_limiter,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            founding=self.settings.founding,
            reserved_patterns=self.settings.reserved_patterns,
            upstreams=self.upstreams,
            typosquats=self.typosquats,
        )

    @cached_property
    def mail_domains(self) -> MailDomains:
        return MailDomains(
            http=self.adapters.fetcher,
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            rdap_url=self.settings.rdap_url,
            base_url=self.settings.base_url,
        )

    @cached_property
    def typosquats(self) -> Typosquats:
        return Typosquats(
            index=self.adapters.search,
            directory=self.adapters.directory,
            work=self.adapters.work,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
            is_on=self.settings.typosquats == "hold",
            on_failure=logged("typosquats.names_unread", "reason"),
        )

    @cached_property
    def invitations(self) -> Invitations:
        return Invitations(
            directory=self.adapters.directory,
            work=self.adapters.work,
            authorization=self.authorization,
            record_writer=self.record_writer,
            membership_records=self.membership_records,
            mail_domains=self.mail_domains,
            mail_delivery=self.mail_delivery,
            rate_limiter=self.rate_limiter,
            read_only_mode=self.read_only_mode,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            base_url=self.settings.base_url,
            invitation_mail_minutes=self.settings.invitation_mail_minutes,
        )

    @cached_property
    def organization_deletion(self) -> OrganizationDeletion:
        return OrganizationDeletion(
            authorization=self.authorization,
            metadata=self.adapters.metadata,
            membership_records=self.membership_records,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
        )

    @cached_property
    def ownership_requests(self) -> OwnershipRequests:
        return OwnershipRequests(
            directory=self.adapters.directory,
            metadata=self.adapters.metadata,
            events=self.adapters.events,
            authorization=self.authorization,
            registry_authorization=self.registry_authorization,
            accounts=self.accounts,
            ownerless=self.ownerless_organizations,
            membership_records=self.membership_records,
            memberships=self.memberships,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            mail_delivery=self.mail_delivery,
            base_url=self.settings.base_url,
        )

    @cached_property
    def continuation(self) -> Continuation:
        return Continuation(
            authorization=self.authorization,
            directory=self.adapters.directory,
            membership_records=self.membership_records,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
        )

    @cached_property
    def freezes(self) -> Freezes:
        return Freezes(
            authorization=self.authorization,
            registry_authorization=self.registry_authorization,
            directory=self.adapters.directory,
            metadata=self.adapters.metadata,
            memberships=self.memberships,
            membership_records=self.membership_records,
            record_writer=self.record_writer,
            appeal=self.appeal,
            clock=self.adapters.clock,
        )

    @cached_property
    def reserved_names(self) -> ReservedNames:
        return ReservedNames(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            reserved_patterns=self.settings.reserved_patterns,
        )

    @cached_property
    def member_sections(self) -> MemberSections:
        return MemberSections(
            directory=self.adapters.directory,
            memberships=self.memberships,
            membership_records=self.membership_records,
            clock=self.adapters.clock,
        )

    @cached_property
    def rule_sections(self) -> RuleSections:
        return RuleSections(changes=self.publishing_rule_changes)

    @cached_property
    def organization_files(self) -> OrganizationFiles:
        return OrganizationFiles(
            directory=self.adapters.directory,
            organizations=self.organizations,
            members=self.member_sections,
            publishers=PublisherSections(publishers=self.trusted_publishers),
            webhooks=WebhookSections(webhooks=self.webhooks),
            rules=self.rule_sections,
            group_rules=self.group_rule_changes,
            clock=self.adapters.clock,
        )

    @cached_property
    def registry_files(self) -> RegistryFiles:
        return RegistryFiles(
            registry_authorization=self.registry_authorization,
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            leases=self.leases,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
            organizations=self.organization_files,
            registry=RegistrySections(
                directory=self.adapters.directory,
                reserved_names=self.reserved_names,
                rules=self.rule_sections,
                mirror_rules=self.mirror_rule_changes if self.upstreams is not None else None,
            ),
        )

    @cached_property
    def webhooks(self) -> Webhooks:
        return Webhooks(
            authorization=self.authorization,
            registry_authorization=self.registry_authorization,
            directory=self.adapters.directory,
            events=self.adapters.events,
            record_writer=self.record_writer,
            makers=self.makers,
            secrets=self.webhook_secrets,
            decision_mail=self.decision_mail,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            inside_hosts=frozenset(split_list(self.settings.inside_hosts.lower())),
            receiver_hosts=ReceiverHosts.parse(self.settings.webhook_hosts),
        )

    @cached_property
    def webhook_secrets(self) -> WebhookSecrets:
        return WebhookSecrets(
            directory=self.adapters.directory,
            keys=self.adapters.keys,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
        )

    @cached_property
    def webhook_delivery(self) -> WebhookDelivery:
        return WebhookDelivery(
            directory=self.adapters.directory,
            events=self.adapters.events,
            makers=self.makers,
            secrets=self.webhook_secrets,
            http=self.adapters.fetcher,
            receiver_hosts=ReceiverHosts.parse(self.settings.webhook_hosts),
            clock=self.adapters.clock,
            count_attempt=partial(record_metric, WEBHOOK_ATTEMPTS, 1),
            on_unanswered=logged("webhook.unanswered", "webhook", "host", "reason"),
        )

    @cached_property
    def name_moves(self) -> NameMoves:
        return NameMoves(
            reader=self.upstream_reader,
            application=self.mirror_rule_application,
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            decision_mail=self.decision_mail,
        )

    # --- Administration ---

    @cached_property
    def administrators(self) -> Administrators:
        return Administrators(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            leases=self.leases,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            mail_delivery=self.mail_delivery,
            base_url=self.settings.base_url,
        )

    @cached_property
    def auditors(self) -> Auditors:
        return Auditors(
            administrators=self.administrators,
            clock=self.adapters.clock,
        )

    @cached_property
    def audit_log(self) -> AuditLog:
        return AuditLog(
            events=self.adapters.events,
            directory=self.adapters.directory,
            authorization=self.authorization,
            registry_authorization=self.registry_authorization,
        )

    @cached_property
    def maker_locks(self) -> MakerLocks:
        return MakerLocks(
            directory=self.adapters.directory,
            made_by_accounts=self.made_by_accounts,
            membership_records=self.membership_records,
            maker_mail=self.maker_mail,
        )

    @cached_property
    def account_administration(self) -> AccountAdministration:
        return AccountAdministration(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            administrators=self.administrators,
            accounts=self.accounts,
            memberships=self.memberships,
            token_records=self.token_records,
            sessions=self.sessions,
            audit_log=self.audit_log,
            made_by_accounts=self.made_by_accounts,
            maker_locks=self.maker_locks,
            ownerless_organizations=self.ownerless_organizations,
            record_writer=self.record_writer,
            mail_delivery=self.mail_delivery,
            decision_mail=self.decision_mail,
            clock=self.adapters.clock,
            base_url=self.settings.base_url,
        )

    @cached_property
    def directory_locks(self) -> DirectoryLocks:
        return DirectoryLocks(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            administrators=self.administrators,
            accounts=self.account_administration,
            account_records=self.accounts,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            leases=self.leases,
            mail_delivery=self.mail_delivery,
            entra=self.entra_provider,
            base_url=self.settings.base_url,
        )

    @cached_property
    def roles_by_groups(self) -> RolesByGroups:
        return RolesByGroups(
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            administrators=self.administrators,
            directory_locks=self.directory_locks,
            mail_delivery=self.mail_delivery,
            clock=self.adapters.clock,
            providers=self.identity_providers,
            staff=self.staff,
            hold=timedelta(hours=self.settings.group_roles_hours),
            entra_groups=self.settings.entra_groups,
            entra_accounts=self.settings.entra_accounts,
            oidc_groups_claim=self.settings.oidc_groups_claim,
            base_url=self.settings.base_url,
        )

    @cached_property
    def account_rights(self) -> AccountRights:
        return AccountRights(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            staff=self.staff,
            clock=self.adapters.clock,
        )

    @cached_property
    def rights_export(self) -> RightsExport:
        return RightsExport(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            account_rights=self.account_rights,
        )

    @cached_property
    def scim_tokens(self) -> ScimTokens:
        return ScimTokens(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            record_writer=self.record_writer,
            leases=self.leases,
            issuers=identity_issuers(self.settings),
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
            environment=self.settings.environment,
        )

    @cached_property
    def scim_records(self) -> ScimRecords:
        return ScimRecords(directory=self.adapters.directory, record_writer=self.record_writer)

    @cached_property
    def scim_users(self) -> ScimUsers:
        return ScimUsers(
            directory=self.adapters.directory,
            scim_records=self.scim_records,
            identities=self.identities,
            directory_locks=self.directory_locks,
            roles_by_groups=self.roles_by_groups,
            read_only_mode=self.read_only_mode,
            leases=self.leases,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
        )

    @cached_property
    def scim_groups(self) -> ScimGroups:
        return self._close_at_end(
            ScimGroups(
                directory=self.adapters.directory,
                scim_records=self.scim_records,
                users=self.scim_users,
                read_only_mode=self.read_only_mode,
                leases=self.leases,
                clock=self.adapters.clock,
                randomness=self.adapters.randomness,
                background_tasks=BackgroundTasks(),
            )
        )

    @cached_property
    def takeovers(self) -> Takeovers:
        return Takeovers(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            scim_records=self.scim_records,
            users=self.scim_users,
            tokens=self.scim_tokens,
            record_writer=self.record_writer,
            issuers=identity_issuers(self.settings),
        )

    @cached_property
    def group_rule_changes(self) -> GroupRuleChanges:
        return GroupRuleChanges(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            roles_by_groups=self.roles_by_groups,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
        )

    @cached_property
    def name_disputes(self) -> NameDisputes:
        return NameDisputes(
            directory=self.adapters.directory,
            metadata=self.adapters.metadata,
            authorization=self.authorization,
            registry_authorization=self.registry_authorization,
            administrators=self.administrators,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            mail_delivery=self.mail_delivery,
            randomness=self.adapters.randomness,
            base_url=self.settings.base_url,
        )

    @cached_property
    def account_erasures(self) -> AccountErasures:
        return AccountErasures(
            directory=self.adapters.directory,
            events=self.adapters.events,
            registry_authorization=self.registry_authorization,
            administrators=self.administrators,
            token_records=self.token_records,
            sessions=self.sessions,
            made_by_accounts=self.made_by_accounts,
            maker_locks=self.maker_locks,
            name_disputes=self.name_disputes,
            report_records=self.report_records,
            ownerless_organizations=self.ownerless_organizations,
            membership_records=self.membership_records,
            retired_names=self.retired_names,
            account_mail=self.account_mail,
            pull_records=self.adapters.pull_records,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
        )

    @cached_property
    def leaving(self) -> Leaving:
        return Leaving(
            directory=self.adapters.directory,
            events=self.adapters.events,
            registry_authorization=self.registry_authorization,
            administrators=self.administrators,
            accounts=self.account_administration,
            made_by_accounts=self.made_by_accounts,
            memberships=self.memberships,
            clock=self.adapters.clock,
        )

    @cached_property
    def organization_administration(self) -> OrganizationAdministration:
        return OrganizationAdministration(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            organizations=self.organizations,
            memberships=self.memberships,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
        )

    @cached_property
    def account_deletion(self) -> AccountDeletion:
        return AccountDeletion(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            memberships=self.memberships,
            token_records=self.token_records,
            sessions=self.sessions,
            identities=self.identities,
            audit_log=self.audit_log,
            erasures=self.account_erasures,
            made_by_accounts=self.made_by_accounts,
            maker_locks=self.maker_locks,
            record_writer=self.record_writer,
            pull_records=self.adapters.pull_records,
            clock=self.adapters.clock,
        )

    @cached_property
    def policies(self) -> Policies:
        return Policies(
            directory=self.adapters.directory,
            registry_authorization=self.registry_authorization,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
        )

    @cached_property
    def registry_status(self) -> RegistryStatus:
        return RegistryStatus(
            registry_authorization=self.registry_authorization,
            task_runner=self.task_runner,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            record_writer=self.record_writer,
            last_counts=self.last_registry_counts,
            notice_cache=self.notice_cache,
            directory_locks=self.directory_locks,
            ownerless_organizations=self.ownerless_organizations,
            second_administrator=self.second_administrator,
            provisioning_problems=self.takeovers.problems,
            newer_releases=self.product_releases.newer,
            disk_space=self.adapters.disk_space,
            clock=self.adapters.clock,
        )

    @cached_property
    def product_releases(self) -> ProductReleases:
        return ProductReleases(
            http=self.adapters.fetcher,
            work=self.adapters.work,
            clock=self.adapters.clock,
            feed=self.settings.releases_feed,
            running=SOFTWARE_VERSION,
        )

    @cached_property
    def reachability(self) -> Reachability:
        return Reachability(
            providers=self.identity_providers,
            jobs=self.job_token_verifier,
            mailer=self.adapters.mailer,
            directory=self.adapters.directory,
            connect=self.adapters.connect,
            connect_scanner=self.adapters.connect_scanner,
            receiver_hosts=ReceiverHosts.parse(self.settings.webhook_hosts),
            scanner_url=self.settings.scanner_url,
        )

    @cached_property
    def evidence(self) -> Evidence:
        return Evidence(
            key_ages=self.key_ages,
            rights_export=self.rights_export,
            release_signer=self.adapters.release_signer,
            last_drill=self.recovery_drills.last_drill,
            components=self.adapters.components,
            versions=self.adapters.versions,
            protections=tuple(protections_of(self.settings)),
            declared=declared_files,
            base_url=self.settings.base_url,
            clock=self.adapters.clock,
        )

    @cached_property
    def key_ages(self) -> KeyAges:
        return KeyAges(
            keys=self.adapters.keys,
            release_signer=self.adapters.release_signer,
            log_keys=self.adapters.log_keys,
            witness_keys=self.adapters.witness_keys,
            webhooks_made_ms=self.webhook_secrets.newest_made_ms,
            certificate_made_ms=self.adapters.certificate_made_ms,
            places=key_places(self.settings),
            clock=self.adapters.clock,
        )

    @cached_property
    def revocation_application(self) -> RevocationApplication:
        return RevocationApplication(
            store=self.adapters.revocations,
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            events=self.adapters.events,
            archives=self.adapters.archives,
            administrators=self.administrators,
            auditors=self.auditors,
            accounts=self.account_administration,
            account_erasures=self.account_erasures,
            retired_names=self.retired_names,
            memberships=self.memberships,
            freezes=self.freezes,
            erased_releases=self.erased_releases,
            package_records=self.package_record_writer,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
        )

    # --- Transparency log ---

    @cached_property
    def log_reader(self) -> LogReader:
        return LogReader(
            files=self.adapters.log_files,
            tiles=TileReader(files=self.adapters.log_files),
            directory=self.adapters.directory,
        )

    @cached_property
    def log_seeds(self) -> SeedsOfKeys:
        return SeedsOfKeys(keys=self.adapters.log_keys)

    @cached_property
    def log_writer(self) -> LogWriter:
        return LogWriter(
            origin=origin_of(self.settings.base_url),
            files=self.adapters.log_files,
            leaves=self.adapters.events,
            directory=self.adapters.directory,
            seeds=self.log_seeds,
            cosigners=self.cosigning,
            kept=self.published_checkpoints,
            proofs=NewProofs(directory=self.adapters.directory),
            leases=self.leases,
            clock=self.adapters.clock,
        )

    @cached_property
    def log_writing(self) -> LogWriting:
        return self._close_at_end(LogWriting(write=self._write_log, after=WRITTEN_AFTER))

    async def _write_log(self) -> int | None:
        # The writer reads the events that start it, so they are created before it.
        return await self.log_writer.write()

    @cached_property
    def log_mending(self) -> LogMending:
        return LogMending(
            files=self.adapters.log_files,
            leaves=self.adapters.events,
            directory=self.adapters.directory,
            seeds=self.log_seeds,
            clock=self.adapters.clock,
        )

    @cached_property
    def write_log(self) -> WriteLog:
        return WriteLog(writer=self.log_writer)

    @cached_property
    def published_checkpoints(self) -> PublishedCheckpoints:
        return PublishedCheckpoints(directory=self.adapters.directory)

    @cached_property
    def release_proofs(self) -> ReleaseProofs:
        return ReleaseProofs(
            directory=self.adapters.directory,
            events=self.adapters.events,
            reader=self.log_reader,
            published=self.published_checkpoints,
            read_only_mode=self.read_only_mode,
            clock=self.adapters.clock,
        )

    @cached_property
    def log_publication(self) -> LogPublication:
        return LogPublication(
            reader=self.log_reader,
            seeds=self.log_seeds,
            witnesses=self.settings.witnesses,
            base_url=self.settings.base_url,
        )

    @cached_property
    def cosigning(self) -> Cosigning:
        return Cosigning(
            fetcher=self.adapters.fetcher,
            witnesses=self.settings.witnesses.witnesses,
            on_failure=logged("witness.silent", "witness", "reason"),
            on_disagreement=logged("witness.disagrees", "witness", "reason", level=log.error),
            within=COSIGN_WITHIN,
        )

    @cached_property
    def witness(self) -> Witness:
        return Witness(
            directory=self.adapters.directory,
            clock=self.adapters.clock,
            seeds=SeedsOfKeys(keys=self.adapters.witness_keys),
            name=f"{self.settings.base_url.partition('://')[2]}/witness",
            keys=self.settings.witnessed_keys,
        )

    # --- Maintenance ---

    @cached_property
    def tasks(self) -> MaintenanceTasks:
        """The tasks, in the order in which pages list them and `upkeep run` runs them."""
        tasks: list[Task] = [
            self.process_outboxes,
            self.notify_dependents,
            self.tell_followers,
            self.send_digests,
            self.follow_advisories,
            self.deliver_webhooks,
            self.delete_orphaned_archives,
            self.roll_up_pulls,
            self.delete_expired_records,
            self.audit_archives,
            self.sign_releases,
            self.renew_sigstore_root,
            self.anonymize_events,
            self.complete_event_logs,
            self.freeze_leaves,
            self.write_log,
            self.erase_accounts,
            self.finish_deletions,
            self.send_expiry_reminders,
            self.apply_group_rules,
            self.find_ownerless_organizations,
            self.count_usage,
            self.remove_prereleases,
            self.repair_derived_data,
            self.create_snapshot,
            self.rebuild_derived_data,
            self.generate_api_docs,
        ]
        if self.settings.entra_tenant and self.settings.entra_accounts:
            tasks.append(self.lock_disabled_accounts)
        if self.settings.rdap_url:
            tasks.append(self.check_mail_domains)
        if self.settings.advisory_sources:
            tasks.append(self.update_advisories)
        if self.settings.releases_feed:
            tasks.append(self.follow_releases)
        if self.upstreams is not None:
            tasks += [
                self.apply_mirror_rules,
                self.update_upstream_catalogue,
                self.follow_upstream_withdrawals,
            ]
        if self.archive_relocation is not None:
            tasks.append(self.place_archives)
        if self.adapters.feed is not None:
            tasks += [self.update_search_index, self.rebuild_search_index]
        return {task.id: task for task in tasks}

    @cached_property
    def process_outboxes(self) -> ProcessOutboxes:
        return ProcessOutboxes(
            metadata=self.adapters.metadata,
            derived_data=self.derived_data,
            directory=self.adapters.directory,
            events=self.adapters.events,
        )

    @cached_property
    def follow_releases(self) -> FollowReleases:
        return FollowReleases(product_releases=self.product_releases)

    @cached_property
    def update_advisories(self) -> UpdateAdvisories:
        return UpdateAdvisories(updates=self.advisory_updates)

    @cached_property
    def notify_dependents(self) -> NotifyDependents:
        return NotifyDependents(
            notices=self.dependency_notices,
            provenance_notices=self.provenance_notices,
            clock=self.adapters.clock,
        )

    @cached_property
    def tell_followers(self) -> TellFollowers:
        return TellFollowers(follower_mail=self.follower_mail, clock=self.adapters.clock)

    @cached_property
    def send_digests(self) -> SendDigests:
        return SendDigests(follower_mail=self.follower_mail, clock=self.adapters.clock)

    @cached_property
    def follow_advisories(self) -> FollowAdvisories:
        return FollowAdvisories(
            advisories=self.advisories,
            malware=self.malware_quarantine,
            notices=self.advisory_notices,
            reports=self.reports,
            malicious_libraries=self.malicious_libraries,
            checkpoints=self.checkpoints,
            clock=self.adapters.clock,
        )

    @cached_property
    def deliver_webhooks(self) -> DeliverWebhooks:
        return DeliverWebhooks(
            directory=self.adapters.directory,
            work=self.adapters.work,
            delivery=self.webhook_delivery,
            secrets=self.webhook_secrets,
            clock=self.adapters.clock,
        )

    @cached_property
    def erased_releases(self) -> ErasedReleases:
        return ErasedReleases(
            metadata=self.adapters.metadata,
            documents=self.adapters.documents,
            api_history=self.api_history,
            package_records=self.package_record_writer,
            copies=self.adapters.copies,
            clock=self.adapters.clock,
        )

    @cached_property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(
            metadata=self.adapters.metadata, work=self.adapters.work, clock=self.adapters.clock
        )

    @cached_property
    def database_age(self) -> DatabaseAge:
        return DatabaseAge(events=self.adapters.events, directory=self.adapters.directory)

    @cached_property
    def delete_orphaned_archives(self) -> DeleteOrphanedArchives:
        return DeleteOrphanedArchives(
            metadata=self.adapters.metadata,
            documents=self.adapters.documents,
            archives=self.adapters.archives,
            directory=self.adapters.directory,
            erased_releases=self.erased_releases,
            checkpoints=self.checkpoints,
            database_age=self.database_age,
            work=self.adapters.work,
            sweep_grace_hours=self.settings.sweep_grace_hours,
            readers=self.settings.readers,
        )

    @cached_property
    def roll_up_pulls(self) -> RollUpPulls:
        return RollUpPulls(
            ledger=self.adapters.pulls, derived_data=self.derived_data, clock=self.adapters.clock
        )

    @cached_property
    def delete_expired_records(self) -> DeleteExpiredRecords:
        return DeleteExpiredRecords(
            directory=self.adapters.directory,
            work=self.adapters.work,
            pull_records=self.adapters.pull_records,
            expire_decisions=self.proposals.expire,
            clock=self.adapters.clock,
        )

    @cached_property
    def audit_archives(self) -> AuditArchives:
        return AuditArchives(
            metadata=self.adapters.metadata,
            archives=self.adapters.archives,
            archive_reader=self.archive_reader,
            checkpoints=self.checkpoints,
        )

    @cached_property
    def restored_audit(self) -> RestoredAudit:
        return RestoredAudit(
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            leaves=self.adapters.events,
            log_files=self.adapters.log_files,
            archives=self.audit_archives,
            mending=self.log_mending,
            randomness=self.adapters.randomness,
        )

    @cached_property
    def recovery_drills(self) -> RecoveryDrills:
        return RecoveryDrills(work=self.adapters.work, clock=self.adapters.clock)

    @cached_property
    def anonymize_events(self) -> AnonymizeEvents:
        return AnonymizeEvents(
            events=self.adapters.events,
            clock=self.adapters.clock,
            audit_days=self.settings.audit_days,
        )

    @cached_property
    def freeze_leaves(self) -> FreezeLeaves:
        return FreezeLeaves(
            events=self.adapters.events,
            metadata=self.adapters.metadata,
            work=self.adapters.work,
            clock=self.adapters.clock,
            randomness=self.adapters.randomness,
        )

    @cached_property
    def complete_event_logs(self) -> CompleteEventLogs:
        return CompleteEventLogs(
            events=self.adapters.events, work=self.adapters.work, clock=self.adapters.clock
        )

    @cached_property
    def erase_accounts(self) -> EraseAccounts:
        return EraseAccounts(
            directory=self.adapters.directory,
            work=self.adapters.work,
            erasures=self.account_erasures,
            retired_names=self.retired_names,
            events=self.adapters.events,
            clock=self.adapters.clock,
        )

    @cached_property
    def finish_deletions(self) -> FinishDeletions:
        return FinishDeletions(
            directory=self.adapters.directory,
            metadata=self.adapters.metadata,
            record_writer=self.record_writer,
            clock=self.adapters.clock,
            organization_deletion=self.organization_deletion,
        )

    @cached_property
    def send_expiry_reminders(self) -> SendExpiryReminders:
        return SendExpiryReminders(
            directory=self.adapters.directory, token_mail=self.token_mail, clock=self.adapters.clock
        )

    @cached_property
    def apply_group_rules(self) -> ApplyGroupRules:
        return ApplyGroupRules(
            directory=self.adapters.directory,
            rights=self.roles_by_groups,
            follow_pushed_groups=partial(
                self.scim_groups.follow_all, identity_issuers(self.settings)
            ),
        )

    @cached_property
    def count_usage(self) -> CountUsage:
        return CountUsage(usage_counts=self.usage_counts)

    @cached_property
    def remove_prereleases(self) -> RemovePrereleases:
        return RemovePrereleases(prerelease_retention=self.prerelease_retention)

    @cached_property
    def find_ownerless_organizations(self) -> FindOwnerlessOrganizations:
        return FindOwnerlessOrganizations(ownerless_organizations=self.ownerless_organizations)

    @cached_property
    def repair_derived_data(self) -> RepairDerivedData:
        return RepairDerivedData(
            metadata=self.adapters.metadata,
            documents=self.adapters.documents,
            archives=self.adapters.archives,
            derived_data=self.derived_data,
            archive_reader=self.archive_reader,
            checkpoints=self.checkpoints,
        )

    @cached_property
    def stored_snapshots(self) -> StoredSnapshots:
        return StoredSnapshots(store=self.adapters.snapshots)

    @cached_property
    def snapshot_creation(self) -> SnapshotCreation:
        return SnapshotCreation(
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            events=self.adapters.events,
            pulls=self.adapters.pulls,
            snapshots=self.stored_snapshots,
            last_counts=self.last_registry_counts,
            clock=self.adapters.clock,
        )

    @cached_property
    def create_snapshot(self) -> CreateSnapshot:
        return CreateSnapshot(
            snapshots=self.stored_snapshots,
            snapshot_creation=self.snapshot_creation,
            revocations=self.adapters.revocations,
            database_age=self.database_age,
            clock=self.adapters.clock,
            snapshot_days=self.settings.snapshot_days,
        )

    @cached_property
    def rebuild_derived_data(self) -> RebuildDerivedData:
        return RebuildDerivedData(
            metadata=self.adapters.metadata,
            documents=self.adapters.documents,
            archives=self.adapters.archives,
            derived_data=self.derived_data,
            archive_reader=self.archive_reader,
            checkpoints=self.checkpoints,
        )

    @cached_property
    def generate_api_docs(self) -> GenerateApiDocs:
        return GenerateApiDocs(
            generation=self.api_docs_generation,
            metadata=self.adapters.metadata,
            events=self.adapters.events,
            work=self.adapters.work,
            checkpoints=self.checkpoints,
            clock=self.adapters.clock,
        )

    @cached_property
    def apply_mirror_rules(self) -> ApplyMirrorRules:
        return ApplyMirrorRules(rule_application=self.mirror_rule_application)

    @cached_property
    def update_upstream_catalogue(self) -> UpdateUpstreamCatalogue:
        return UpdateUpstreamCatalogue(updates=self.upstream_catalogue)

    @cached_property
    def follow_upstream_withdrawals(self) -> FollowUpstreamWithdrawals:
        return FollowUpstreamWithdrawals(feeds=self.upstream_feeds, clock=self.adapters.clock)

    @cached_property
    def task_runs(self) -> TaskRuns:
        return TaskRuns(work=self.adapters.work, clock=self.adapters.clock)

    @cached_property
    def requested_tasks(self) -> RequestedTasks:
        return RequestedTasks(work=self.adapters.work, clock=self.adapters.clock)

    @cached_property
    def task_runner(self) -> TaskRunner:
        return TaskRunner(
            leases=self.leases,
            clock=self.adapters.clock,
            read_only_mode=self.read_only_mode,
            runs=self.task_runs,
            requests=self.requested_tasks,
            tasks=self.tasks,
        )

    @cached_property
    def archive_sources(self) -> ArchiveSources:
        return ArchiveSources(
            archives=self.adapters.archives,
            documents=self.adapters.documents,
            log_files=self.adapters.log_files,
        )

    @cached_property
    def snapshot_restore(self) -> SnapshotRestore:
        return SnapshotRestore(
            metadata=self.adapters.metadata,
            directory=self.adapters.directory,
            events=self.adapters.events,
            pulls=self.adapters.pulls,
            work=self.adapters.work,
            clock=self.adapters.clock,
            here=self.archive_sources,
            derived_data=self.derived_data,
            readers=self.settings.readers,
        )

    @cached_property
    def archive_recovery(self) -> ArchiveRecovery:
        return ArchiveRecovery(
            metadata=self.adapters.metadata,
            archives=self.adapters.archives,
            clock=self.adapters.clock,
            readers=self.settings.readers,
        )

    @cached_property
    def check_mail_domains(self) -> CheckMailDomains:
        return CheckMailDomains(mail_domains=self.mail_domains)

    @cached_property
    def lock_disabled_accounts(self) -> LockDisabledAccounts:
        return LockDisabledAccounts(enabled_people=self.directory_locks)

    @cached_property
    def renew_sigstore_root(self) -> RenewSigstoreRoot:
        return RenewSigstoreRoot(renewal=self.trusted_root_renewal)

    @cached_property
    def sign_releases(self) -> SignReleases:
        return SignReleases(
            release_signer=self.adapters.release_signer,
            metadata=self.adapters.metadata,
            documents=self.adapters.documents,
            package_records=self.package_record_writer,
            derived_data=self.derived_data,
            work=self.adapters.work,
            checkpoints=self.checkpoints,
            clock=self.adapters.clock,
        )

    @cached_property
    def place_archives(self) -> PlaceArchives:
        return PlaceArchives(
            relocation=_required(self.archive_relocation),
            metadata=self.adapters.metadata,
            work=self.adapters.work,
            checkpoints=self.checkpoints,
            clock=self.adapters.clock,
            readers=self.settings.readers,
        )

    @cached_property
    def update_search_index(self) -> UpdateSearchIndex:
        return UpdateSearchIndex(feed=_required(self.adapters.feed))

    @cached_property
    def rebuild_search_index(self) -> RebuildSearchIndex:
        return RebuildSearchIndex(feed=_required(self.adapters.feed))


def _required(found: T | None) -> T:
    """Return an argument that only some registries have; raise `TypeError` in the others, which do
    not have the service either."""
    if found is None:
        message = "This registry has no such service."
        raise TypeError(message)
    return found

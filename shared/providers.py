"""Creates the services whose constructors say less than is needed: choices that settings make."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

from pydantic import SecretStr

from shared.auth.authorization import KnownReaders
from shared.auth.entra import managed_identity
from shared.auth.entra_sign_in import EntraProvider, EntraRegistration
from shared.auth.identity_providers import EnabledPeople, IdentityProvider, StrongClaims
from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.microsoft_graph import MicrosoftGraph
from shared.auth.openid_connect import GitHubProvider, OAuthClient, OidcProvider
from shared.auth.secret_scanning import FetchedScannerKeys, LeakReports
from shared.auth.sessions import (
    Cookie,
    GroupRights,
    ReportCopiedCookie,
    SessionAuthentication,
    SessionLifetimes,
)
from shared.auth.signed_tokens import IdTokenValidator
from shared.auth.tokens import Secret
from shared.domain.archives.unpacking import ArchiveLimits, Documentation
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.domain.rate_limits import RateLimitClass
from shared.domain.sparse_index import index_file
from shared.domain.staff import Staff, parse_staff_sources
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.presets import preset_of
from shared.ports.metadata import PackageReader
from shared.runtime.kept_answers import KeptAnswers
from shared.runtime.wiring import Wiring
from shared.services.administration.account_erasure import AccountErasures
from shared.services.administration.directory_locks import DirectoryLocks
from shared.services.administration.group_roles import RolesByGroups
from shared.services.api_docs.api_docs_queue import ApiDocsQueue
from shared.services.api_docs.on_demand import ApiComparisons, OnDemandJobs
from shared.services.bundles.bundle_export import BundleExport
from shared.services.bundles.bundle_import import BundleImport
from shared.services.common import Adapters
from shared.services.identity.mail import MailDelivery
from shared.services.identity.sessions import Sessions
from shared.services.identity.sign_in import SignInFlow
from shared.services.limits.rate_limits import RateLimiter
from shared.services.maintenance.anonymize_events import AnonymizeEvents
from shared.services.maintenance.apply_group_rules import ApplyGroupRules
from shared.services.maintenance.apply_mirror_rules import ApplyMirrorRules
from shared.services.maintenance.audit_archives import AuditArchives
from shared.services.maintenance.complete_event_logs import CompleteEventLogs
from shared.services.maintenance.create_snapshot import CreateSnapshot
from shared.services.maintenance.delete_expired_records import DeleteExpiredRecords
from shared.services.maintenance.delete_orphaned_archives import DeleteOrphanedArchives
from shared.services.maintenance.deliver_webhooks import DeliverWebhooks
from shared.services.maintenance.erase_accounts import EraseAccounts, PendingErasures
from shared.services.maintenance.find_ownerless_organizations import FindOwnerlessOrganizations
from shared.services.maintenance.finish_deletions import FinishDeletions
from shared.services.maintenance.follow_upstream_withdrawals import FollowUpstreamWithdrawals
from shared.services.maintenance.generate_api_docs import GenerateApiDocs
from shared.services.maintenance.lock_disabled_accounts import LockDisabledAccounts
from shared.services.maintenance.notify_dependents import NotifyDependents
from shared.services.maintenance.place_archives import PlaceArchives
from shared.services.maintenance.process_outboxes import ProcessOutboxes
from shared.services.maintenance.rebuild_derived_data import RebuildDerivedData
from shared.services.maintenance.rebuild_search_index import RebuildSearchIndex
from shared.services.maintenance.repair_derived_data import RepairDerivedData
from shared.services.maintenance.roll_up_pulls import RollUpPulls
from shared.services.maintenance.send_expiry_reminders import SendExpiryReminders
from shared.services.maintenance.tasks import MaintenanceTasks, Task
from shared.services.maintenance.update_search_index import UpdateSearchIndex
from shared.services.maintenance.update_upstream_catalogue import UpdateUpstreamCatalogue
from shared.services.mirroring.admission import Admission, Refreshing
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import Upstreams
from shared.services.mirroring.version_lists import VersionLists
from shared.services.organizations.webhooks import WebhookDelivery, Webhooks
from shared.services.packages.archive_delivery import DeliveryRoutes
from shared.services.packages.archive_reader import ArchiveReader
from shared.services.packages.archive_relocation import ArchiveRelocation
from shared.services.packages.derived_data import DocumentCache
from shared.services.packages.hosted_packages import PackageCache
from shared.services.packages.pull_counter import PullCounter
from shared.services.packages.pull_records import PullRecorder
from shared.services.packages.pull_redirects import CAPACITY_BYTES, Pulls, RedirectCache
from shared.services.publishing.publishing import Publishing
from shared.services.records import RecordWriter
from shared.services.tokens.repository_ids import RepositoryIds
from shared.services.tokens.trusted_publishing import (
    AZURE_DEVOPS_AUDIENCE,
    JobTokenVerifier,
    TrustedIssuer,
)
from shared.settings import Settings
from shared.settings.values import named_issuers, split_list
from shared.telemetry.log import log, record_metric
from shared.telemetry.metrics import PUSHES, WEBHOOK_ATTEMPTS


def pseudonym_of(base_url: str) -> str:
    """Return the name of a registry in the header `Via`: host and port of its address."""
    return urlsplit(base_url).netloc


def arguments_of(settings: Settings) -> dict[Callable[..., object], Mapping[str, object]]:
    """Return the arguments whose values are no settings of the same name, by constructor."""
    fresh_for = timedelta(seconds=settings.upstream_fresh_seconds)
    return {
        ApiDocsQueue: {
            "failed": _logged("api_docs.failed", "coordinate", "reason", level=log.error)
        },
        BundleExport: {"registry": settings.base_url, "name": pseudonym_of(settings.base_url)},
        JobTokenVerifier: {"issuers": tuple(_trusted_issuers(settings))},
        IssuerDiscovery: {"failed": _logged("issuer.unanswered", "document", "reason")},
        IssuerKeys: {"failed": _logged("issuer.unanswered", "document", "reason")},
        KeptAnswers: {"fresh_for": fresh_for},
        MailDelivery: {"failed": _logged("mail.undelivered", "reason", "count")},
        Publishing: {"count_release": partial(record_metric, PUSHES, 1)},
        PullCounter: {"delayed": _logged("pulls.delayed", "reason")},
        PullRecorder: {"delayed": _logged("pull_records.delayed", "reason")},
        Pulls: {"mirrored_fresh_ms": settings.upstream_fresh_seconds * 1_000},
        RateLimiter: {"rules": {each: settings.limits_of(each) for each in RateLimitClass}},
        RecordWriter: {"delayed": _logged("event.delayed", "reason")},
        Refreshing: {"fresh_for": fresh_for},
        RepositoryIds: {"token": _secret(settings.lookup_token)},
        RolesByGroups: {"hold": timedelta(hours=settings.group_roles_hours)},
        SessionAuthentication: {
            "cookie": Cookie.named("ballroom", settings.base_url),
            "delayed": _logged("session.not_renewed", "reason"),
        },
        SignInFlow: {
            "lifetimes": SessionLifetimes(
                idle=timedelta(hours=settings.session_idle_hours),
                whole=timedelta(days=settings.session_days),
            ),
            "refused": _logged("sign_in.refused", "provider", "reason"),
        },
        Staff: {
            "sources": parse_staff_sources(settings.staff),
            "reads_groups": settings.entra_groups or bool(settings.oidc_groups_claim),
        },
        UpstreamReader: {"pseudonym": pseudonym_of(settings.base_url)},
        Upstreams: {
            "configured": settings.upstreams,
            "failed": _logged("upstream.unanswered", "upstream", "reason"),
            "minimum_age_days": settings.upstream_minimum_age,
        },
        VersionLists: {"fresh_for": fresh_for},
        Webhooks: {"inside_hosts": frozenset(split_list(settings.inside_hosts.lower()))},
        WebhookDelivery: {
            "count_attempt": partial(record_metric, WEBHOOK_ATTEMPTS, 1),
            "unanswered": _logged("webhook.unanswered", "webhook", "host", "reason"),
        },
    }


def _logged(
    event: str, *names: str, level: Callable[..., None] = log.warning
) -> Callable[..., None]:
    """Return a function that logs its arguments by these names; of a refusal, its outcome."""

    def report(*values: Coordinate | Refusal | str | int) -> None:
        fields = dict(zip(names, values, strict=True))
        level(
            event,
            **{
                name: value.outcome if isinstance(value, Refusal) else value
                for name, value in fields.items()
            },
        )

    return report


# --- Packages ---


def _package_reader(cache: PackageCache) -> PackageReader:
    return cache


def _index_files() -> DocumentCache:
    return DocumentCache(index_file)


def _archive_reader(settings: Settings) -> ArchiveReader:
    is_required = settings.require_documentation
    limits = ArchiveLimits(
        documentation=Documentation.REQUIRED if is_required else Documentation.OPTIONAL
    )
    return ArchiveReader(
        limits, settings.max_archive_bytes, settings.max_archives_in_hand, settings.environment
    )


def _archive_relocation(adapters: Adapters, settings: Settings) -> ArchiveRelocation | None:
    """Create the mover of archives if a link could outlive a change, else None."""
    if adapters.links is None and adapters.edge is None:
        return None
    return ArchiveRelocation(adapters.metadata, adapters.archives, adapters.edge, settings.readers)


def _redirect_cache(
    adapters: Adapters, settings: Settings, readers: KnownReaders
) -> RedirectCache | None:
    """Create the cache of redirects where each takes requests to the stores; None elsewhere."""
    if adapters.links is None:
        return None
    # Other apps need their memory for archives that are pushed.
    capacity = CAPACITY_BYTES if settings.app_role == "reads" else CAPACITY_BYTES // 8
    return RedirectCache(
        adapters.edition, readers, adapters.clock, adapters.links, capacity_bytes=capacity
    )


def _delivery_routes(adapters: Adapters, settings: Settings) -> DeliveryRoutes:
    return DeliveryRoutes(
        cdn_url=settings.archive_cdn_url,
        cdn=settings.archive_cdn,
        links=adapters.links if settings.archive_links == "store" else None,
    )


def _comparisons(wiring: Wiring) -> ApiComparisons:
    jobs = OnDemandJobs()  # Of their own: a comparison does not wait for a page of source code.
    wiring.closing.push_async_callback(jobs.close)
    return wiring.create(ApiComparisons, jobs=jobs)


# --- Mirrors and bundles: archives from elsewhere need no documentation ---


def _admission(archive_reader: ArchiveReader, wiring: Wiring) -> Admission:
    return wiring.create(Admission, archive_reader=archive_reader.of_mirrored)


def _bundle_import(archive_reader: ArchiveReader, wiring: Wiring) -> BundleImport:
    return wiring.create(BundleImport, unchecked=archive_reader.of_mirrored)


# --- Sign-in and tokens ---


def _identity_providers(
    adapters: Adapters, settings: Settings, discovery: IssuerDiscovery, id_tokens: IdTokenValidator
) -> Mapping[str, IdentityProvider]:
    """Create the identity providers that the settings describe, by their names in URLs."""
    fetcher = adapters.fetcher
    clock = adapters.clock
    randomness = adapters.randomness
    strong = StrongClaims.parse(settings.strong_claims)
    providers = dict[str, IdentityProvider]()
    if settings.entra_tenant:
        secret = _secret(settings.entra_client_secret)
        assertion = None if secret else managed_identity(settings.entra_managed_identity)
        registration = EntraRegistration(
            settings.entra_authority,
            settings.entra_tenant,
            OAuthClient(settings.entra_client_id, secret or Secret(""), assertion),
            by_form_post=settings.base_url.startswith("https:"),
        )
        providers["entra"] = EntraProvider(
            registration,
            discovery=discovery,
            fetcher=fetcher,
            id_tokens=id_tokens,
            strong=strong,
            clock=clock,
            graph=MicrosoftGraph(
                settings.entra_graph, registration.issuer, registration.client, discovery, fetcher
            ),
            reads_groups=settings.entra_groups,
            asks_states=settings.entra_accounts,
            groups_unread=_logged("groups.unanswered", "provider", "reason"),
        )
    if settings.oidc_issuer:
        secret = _secret(settings.oidc_client_secret) or Secret("")
        providers["oidc"] = OidcProvider(
            settings.oidc_issuer,
            settings.oidc_name,
            OAuthClient(settings.oidc_client_id, secret),
            discovery=discovery,
            fetcher=fetcher,
            id_tokens=id_tokens,
            strong=strong,
            clock=clock,
            randomness=randomness,
            groups_claim=settings.oidc_groups_claim,
        )
    if settings.github_client_id:
        secret = _secret(settings.github_client_secret) or Secret("")
        client = OAuthClient(settings.github_client_id, secret)
        providers["github"] = GitHubProvider(
            settings.github_url, client, fetcher=fetcher, clock=clock, randomness=randomness
        )
    return providers


def _secret(setting: SecretStr | None) -> Secret | None:
    return Secret(setting.get_secret_value()) if setting else None


def _report_copied_cookie(sessions: Sessions) -> ReportCopiedCookie:
    return sessions.end_copied


def _group_rights(roles: RolesByGroups) -> GroupRights:
    return roles


def _enabled_people(locks: DirectoryLocks) -> EnabledPeople:
    return locks


def _pending_erasures(erasures: AccountErasures) -> PendingErasures:
    return erasures


def _trusted_issuers(settings: Settings) -> Iterator[TrustedIssuer]:
    """Yield the issuers of id tokens for jobs that may publish."""
    registry = (settings.base_url,)
    anybody = (AZURE_DEVOPS_AUDIENCE,)
    for provider, issuers, accepted in (
        (Provider.GITHUB, settings.publish_from_github, registry),
        (Provider.GITLAB, settings.publish_from_gitlab, registry),
        (Provider.AZURE_DEVOPS, settings.publish_from_azure_devops, anybody),
    ):
        for issuer in split_list(issuers):
            yield TrustedIssuer(provider, issuer, accepted)
    for named in named_issuers(settings.publish_from_issuers):
        traits = preset_of(named.label, named.issuer).traits
        yield TrustedIssuer(Provider.OIDC, named.issuer, registry, named.label, traits)


def _leak_reports(adapters: Adapters, settings: Settings) -> LeakReports:
    """Create the reader of reports by the scanner whose keys are configured."""
    if not settings.report_keys_url:
        return LeakReports(None)
    published = FetchedScannerKeys(
        adapters.fetcher,
        settings.report_keys_url,
        adapters.clock,
        failed=_logged("reports.keys_not_read", "reason"),
    )
    return LeakReports(published)


# --- Tasks ---


def _tasks(
    adapters: Adapters,
    settings: Settings,
    mirroring: Upstreams | None,
    relocation: ArchiveRelocation | None,
    wiring: Wiring,
) -> MaintenanceTasks:
    """Create the tasks, in the order in which pages list them and `upkeep run` runs them."""
    kinds: list[type[Task]] = [
        ProcessOutboxes,
        NotifyDependents,
        DeliverWebhooks,
        DeleteOrphanedArchives,
        RollUpPulls,
        DeleteExpiredRecords,
        AuditArchives,
        AnonymizeEvents,
        CompleteEventLogs,
        EraseAccounts,
        FinishDeletions,
        SendExpiryReminders,
        ApplyGroupRules,
        FindOwnerlessOrganizations,
        RepairDerivedData,
        CreateSnapshot,
        RebuildDerivedData,
        GenerateApiDocs,
    ]
    if settings.entra_tenant and settings.entra_accounts:
        kinds.append(LockDisabledAccounts)
    if mirroring is not None:
        kinds += [ApplyMirrorRules, UpdateUpstreamCatalogue, FollowUpstreamWithdrawals]
    if relocation is not None:
        kinds.append(PlaceArchives)
    if adapters.feed is not None:
        kinds += [UpdateSearchIndex, RebuildSearchIndex]
    return {task.id: task for task in map(wiring.create, kinds)}


PROVIDERS: tuple[Callable[..., object], ...] = (
    _admission,
    _archive_reader,
    _archive_relocation,
    _bundle_import,
    _comparisons,
    _delivery_routes,
    _identity_providers,
    _index_files,
    _leak_reports,
    _package_reader,
    _redirect_cache,
    _report_copied_cookie,
    _group_rights,
    _enabled_people,
    _pending_erasures,
    _tasks,
)

"""Creates the services of limits, packages, mirrors and API documentation."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit

from shared.auth.signing_keys import ArchiveLinkSigner
from shared.domain.archives.delivery import Cdn
from shared.domain.archives.unpacking import ArchiveLimits, Documentation
from shared.domain.errors.base import Refusal
from shared.domain.identity import Principal
from shared.domain.mirroring import CatalogueRound
from shared.domain.names import Coordinate
from shared.domain.public_copies import index_file
from shared.domain.rate_limits import RateLimitClass
from shared.log import log
from shared.services.api_docs.api_docs import ApiDocs
from shared.services.api_docs.api_docs_generation import ApiDocsGeneration, ApiHistory, JobInputs
from shared.services.api_docs.api_docs_queue import ApiDocsBackfill, ApiDocsQueue
from shared.services.api_docs.editor_catalog import EditorCatalog
from shared.services.api_docs.on_demand import ApiComparisons, FileHighlighting, OnDemandJobs
from shared.services.api_docs.pieces import PieceReader
from shared.services.common import Adapters, Common
from shared.services.limits.notices import NoticeCache, Notices, ReadOnlyMode
from shared.services.limits.rate_limits import BurstDetection, RateLimiter
from shared.services.mirroring.admission import Admission, Refreshing
from shared.services.mirroring.catalogue import CatalogueUpdates, UpstreamCatalogue
from shared.services.mirroring.mirror_rules import NameMoves, RuleApplication, RuleChanges
from shared.services.mirroring.mirrored_releases import MirroredReleases, PinnedDigests
from shared.services.mirroring.name_owners import NameOwners, UpstreamNames
from shared.services.mirroring.package_chain import PackageChain
from shared.services.mirroring.upstream_reader import Asker, UpstreamReader
from shared.services.mirroring.upstreams import KeptAnswers, Upstreams, UpstreamSource
from shared.services.mirroring.version_lists import VersionLists
from shared.services.packages.archive_reader import ArchiveFiles, ArchiveReader
from shared.services.packages.archives import ArchiveDelivery, ArchiveRelocation, DeliveryRoutes
from shared.services.packages.derived_data import (
    DerivedData,
    DocumentCache,
    PackageRecordWriter,
    WithheldReleases,
)
from shared.services.packages.hosted_packages import HostedPackages, PackageCache
from shared.services.packages.index import PackageIndex
from shared.services.packages.package_details import PackageDetails, PackageHistory
from shared.services.packages.packages import Deprecation, OrganizationPackages, PackageVisibility
from shared.services.packages.public_copies import PublicCopies
from shared.services.packages.pull_redirects import CAPACITY_BYTES, Pulls, RedirectCache
from shared.services.packages.pulls import PullCounter
from shared.services.packages.search import PackageSearch
from shared.services.packages.statistics import LastRegistryCounts, RecentPulls, RegistryStatistics
from shared.settings import Settings


@dataclass(frozen=True)
class LimitServices:
    """Rate limits, notices and read-only mode."""

    rate_limiter: RateLimiter
    notices: Notices
    notice_cache: NoticeCache
    read_only_mode: ReadOnlyMode

    @classmethod
    def build(cls, common: Common) -> Self:
        adapters, settings = common.adapters, common.settings
        notice_cache = NoticeCache(adapters.directory, adapters.clock)
        common.closing.push_async_callback(notice_cache.close)
        read_only_mode = ReadOnlyMode(notice_cache)
        burst_detection = BurstDetection(
            adapters.work,
            adapters.clock,
            brake_packages=settings.brake_packages,
            brake_releases=settings.brake_releases,
        )
        rate_limiter = RateLimiter(
            adapters.work,
            adapters.clock,
            {operation: settings.limits_of(operation) for operation in RateLimitClass},
            burst_detection,
            read_only_mode,
        )
        notices = Notices(
            common.administration,
            adapters.directory,
            common.record_writer,
            notice_cache,
            adapters.clock,
        )
        return cls(rate_limiter, notices, notice_cache, read_only_mode)


@dataclass(frozen=True)
class PackageServices:
    """The services that read packages and keep their derived data."""

    cache: PackageCache
    hosted: HostedPackages
    search: PackageSearch
    details: PackageDetails
    history: PackageHistory
    index: PackageIndex
    archive_delivery: ArchiveDelivery
    pulls: Pulls
    archive_files: ArchiveFiles
    archive_reader: ArchiveReader
    derived_data: DerivedData
    record_writer: PackageRecordWriter
    of_organization: OrganizationPackages
    visibility: PackageVisibility
    deprecation: Deprecation
    pull_counter: PullCounter
    last_counts: LastRegistryCounts
    recent_pulls: RecentPulls
    statistics: RegistryStatistics
    public_copies: PublicCopies | None  # For a CDN that reads blobs; None elsewhere.

    @classmethod
    def build(cls, common: Common, limits: LimitServices) -> Self:
        adapters, settings = common.adapters, common.settings
        metadata, documents, clock = adapters.metadata, adapters.documents, adapters.clock
        cache = PackageCache(metadata, adapters.edition)
        archive_reader = _archive_reader(settings)
        common.closing.push_async_callback(archive_reader.close)
        pull_counter = PullCounter(
            adapters.pulls,
            adapters.caller_scope,
            clock,
            keys=adapters.keys,
            randomness=adapters.randomness,
            read_only_mode=limits.read_only_mode,
            delayed=_log_delayed_pulls,
        )
        common.closing.push_async_callback(pull_counter.close)
        public_copies = _public_copies(adapters, settings)
        derived_data = DerivedData(
            metadata,
            documents,
            adapters.search,
            adapters.events,
            WithheldReleases(adapters.directory, metadata),
            settings.standard_names,
            _archive_relocation(adapters, public_copies),
        )
        record_writer = PackageRecordWriter(metadata, derived_data)
        hosted = HostedPackages(common.authorization, cache, documents, settings.max_resolve)
        search = PackageSearch(adapters.search, common.authorization)
        archive_delivery = ArchiveDelivery(
            common.authorization,
            cache,
            ArchiveLinkSigner(adapters.keys),
            clock,
            settings.base_url,
            _delivery_routes(adapters, settings),
        )
        last_counts = LastRegistryCounts(adapters.work, clock)
        recent_pulls = RecentPulls(adapters.pulls, clock)
        return cls(
            cache=cache,
            hosted=hosted,
            search=search,
            details=PackageDetails(
                hosted, search, cache, documents, adapters.directory, adapters.pulls, clock
            ),
            history=PackageHistory(metadata, adapters.events),
            index=PackageIndex(
                common.authorization, metadata, adapters.events, DocumentCache(index_file)
            ),
            pulls=Pulls(
                archive_delivery,
                _redirect_cache(common),
                clock,
                settings.upstream_fresh_seconds * 1_000,
            ),
            archive_delivery=archive_delivery,
            archive_files=ArchiveFiles(adapters.archives),
            archive_reader=archive_reader,
            derived_data=derived_data,
            record_writer=record_writer,
            of_organization=OrganizationPackages(common.authorization, metadata),
            visibility=PackageVisibility(common.authorization, record_writer, clock),
            deprecation=Deprecation(common.authorization, record_writer, clock),
            pull_counter=pull_counter,
            last_counts=last_counts,
            recent_pulls=recent_pulls,
            statistics=RegistryStatistics(adapters.search, last_counts, recent_pulls, clock),
            public_copies=public_copies,
        )


def _archive_reader(settings: Settings) -> ArchiveReader:
    limits = ArchiveLimits(
        entries=settings.max_entries,
        unpacked_bytes=settings.max_unpacked_bytes,
        ratio=settings.max_entry_ratio,
        manifest_bytes=settings.max_manifest_bytes,
        documentation=Documentation.REQUIRED
        if settings.require_documentation
        else Documentation.OPTIONAL,
    )
    return ArchiveReader(
        limits, settings.max_archive_bytes, settings.max_archives_in_hand, settings.environment
    )


def _public_copies(adapters: Adapters, settings: Settings) -> PublicCopies | None:
    if adapters.copies is None or settings.archive_cdn is not Cdn.READING_BLOBS:
        return None
    return PublicCopies(
        adapters.metadata,
        adapters.documents,
        adapters.copies,
        settings.copied_distributions,
        settings.base_url,
    )


def _archive_relocation(
    adapters: Adapters, public_copies: PublicCopies | None
) -> ArchiveRelocation | None:
    """Return the mover of archives if a link or a copy could outlive a change, else None."""
    if adapters.links is None and adapters.edge is None:
        return None
    withdraw = public_copies.withdraw if public_copies else None
    return ArchiveRelocation(adapters.metadata, adapters.archives, adapters.edge, withdraw)


def _redirect_cache(common: Common) -> RedirectCache | None:
    """Return the cache of redirects where each takes requests to the stores; None elsewhere."""
    adapters = common.adapters
    if adapters.links is None:
        return None
    # Other apps need their memory for archives that are pushed.
    is_for_reads = common.settings.app_role == "reads"
    return RedirectCache(
        adapters.edition,
        common.authorization.readers,
        adapters.clock,
        adapters.links,
        capacity_bytes=CAPACITY_BYTES if is_for_reads else CAPACITY_BYTES // 8,
    )


def _delivery_routes(adapters: Adapters, settings: Settings) -> DeliveryRoutes:
    return DeliveryRoutes(
        cdn_url=settings.archive_cdn_url,
        cdn=settings.archive_cdn,
        links=adapters.links if settings.archive_links == "store" else None,
    )


def _log_delayed_pulls(refusal: Refusal) -> None:
    log.warning("pulls.delayed", reason=refusal.outcome)


@dataclass(frozen=True)
class MirroringServices:
    """The services that serve the packages of upstreams beside ours."""

    packages: PackageServices
    reader: UpstreamReader
    admission: Admission
    refreshing: Refreshing
    lists: VersionLists
    catalogue: UpstreamCatalogue
    catalogue_updates: CatalogueUpdates
    rule_application: RuleApplication
    rules: RuleChanges
    moves: NameMoves
    names: UpstreamNames

    def source(self, by: Principal, via: Callable[[], str] = lambda: "") -> PackageChain:
        """Return the packages for a request, whose header `Via` is read when it matters."""
        return PackageChain(
            self.packages.hosted,
            self.reader,
            self.admission,
            self.refreshing,
            self.lists,
            self.catalogue,
            Asker(by, via, {}),
        )

    async def states(self) -> list[tuple[UpstreamSource, CatalogueRound]]:
        """Return each upstream in its order, with how far its catalogue is read; asks nobody."""
        sources = await self.reader.upstreams.sources()
        return [(each, await self.catalogue.state(each.name)) for each in sources]

    @classmethod
    def build(cls, common: Common, limits: LimitServices, packages: PackageServices) -> Self | None:
        """Create the services; None without an upstream."""
        adapters, settings = common.adapters, common.settings
        clock, directory = adapters.clock, adapters.directory
        if adapters.connect_upstream is None or not settings.upstreams:
            return None
        fresh_for = timedelta(seconds=settings.upstream_fresh_seconds)
        kept = KeptAnswers(clock, fresh_for)
        upstreams = Upstreams(
            settings.upstreams,
            adapters.connect_upstream,
            directory,
            clock,
            _log_failure,
            minimum_age_days=settings.upstream_minimum_age,
        )
        common.closing.push_async_callback(upstreams.close)
        common.closing.push_async_callback(kept.close)
        reader = UpstreamReader(
            pseudonym_of(settings.base_url),
            upstreams,
            kept,
            limits.rate_limiter,
            NameOwners(directory, clock),
            PinnedDigests(directory, common.record_writer, common.administration, clock),
            clock,
        )
        releases = MirroredReleases(
            adapters.metadata, adapters.documents, adapters.archives, packages.derived_data, clock
        )
        refreshing = Refreshing(reader, releases, clock, fresh_for)
        common.closing.push_async_callback(refreshing.close)
        admission = Admission(reader, packages.archive_reader.of_mirrored, releases)
        common.closing.push_async_callback(admission.close)
        catalogue = UpstreamCatalogue(reader, directory, packages.cache)
        application = RuleApplication(reader, adapters.metadata, packages.record_writer)
        return cls(
            packages,
            reader,
            admission,
            refreshing,
            VersionLists(reader, directory, fresh_for),
            catalogue,
            CatalogueUpdates(catalogue, packages.derived_data),
            application,
            RuleChanges(common.administration, application, adapters.pulls, common.record_writer),
            NameMoves(application, directory, common.record_writer),
            UpstreamNames(upstreams),
        )


def pseudonym_of(base_url: str) -> str:
    """Return the name of a registry in the header `Via`: host and port of its address."""
    return urlsplit(base_url).netloc


def _log_failure(upstream: str, reason: str) -> None:
    log.warning("upstream.unanswered", upstream=upstream, reason=reason)


@dataclass(frozen=True)
class ApiDocsServices:
    """The services that make and read API documentation and other files of the confined process."""

    documentation: ApiDocs
    pieces: PieceReader
    history: ApiHistory
    generation: ApiDocsGeneration
    queue: ApiDocsQueue
    backfill: ApiDocsBackfill
    on_demand_jobs: OnDemandJobs
    file_highlighting: FileHighlighting
    comparisons: ApiComparisons
    editor_catalog: EditorCatalog

    @classmethod
    def build(cls, common: Common, packages: PackageServices) -> Self:
        adapters = common.adapters
        metadata, documents, confined = adapters.metadata, adapters.documents, adapters.confined
        pieces = PieceReader(documents)
        inputs = JobInputs(metadata, documents, adapters.archives)
        history = ApiHistory(adapters.directory)
        generation = ApiDocsGeneration(
            inputs,
            confined,
            metadata,
            documents,
            history,
            pieces,
            packages.derived_data,
            adapters.clock,
        )
        queue = ApiDocsQueue(generation, metadata, failed=_log_failed_api_docs)
        common.closing.push_async_callback(queue.close)
        jobs, comparison_jobs = OnDemandJobs(), OnDemandJobs()
        common.closing.push_async_callback(jobs.close)
        common.closing.push_async_callback(comparison_jobs.close)
        documentation = ApiDocs(common.authorization, packages.cache, documents, pieces, queue)
        return cls(
            documentation=documentation,
            pieces=pieces,
            history=history,
            generation=generation,
            queue=queue,
            backfill=ApiDocsBackfill(generation, metadata),
            on_demand_jobs=jobs,
            file_highlighting=FileHighlighting(documents, confined, jobs),
            comparisons=ApiComparisons(documentation, documents, inputs, confined, comparison_jobs),
            editor_catalog=EditorCatalog(packages.search, packages.hosted, documentation, metadata),
        )


def _log_failed_api_docs(coordinate: Coordinate, reason: str) -> None:
    log.error("api_docs.failed", coordinate=str(coordinate), reason=reason)

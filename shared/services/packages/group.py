"""Creates the services that read packages, count pulls and keep what is derived from releases."""

from dataclasses import dataclass
from typing import Self

from shared.auth.signing_keys import ArchiveLinkSigner
from shared.domain.archives.delivery import Cdn
from shared.domain.archives.unpacking import ArchiveLimits, Documentation
from shared.domain.errors.base import Refusal
from shared.domain.index import index_file
from shared.log import log
from shared.services.common import Adapters, Common
from shared.services.limits.group import LimitServices
from shared.services.packages.archive_reader import ArchiveFiles, ArchiveReader
from shared.services.packages.archives import ArchiveDelivery, ArchiveRelocation, DeliveryRoutes
from shared.services.packages.derived_data import (
    DerivedData,
    DocumentCache,
    PackageRecordWriter,
    WithheldReleases,
)
from shared.services.packages.index import PackageIndex
from shared.services.packages.package_cache import PackageCache
from shared.services.packages.package_details import PackageDetails, PackageHistory
from shared.services.packages.packages import (
    Deprecation,
    OrganizationPackages,
    PackageVisibility,
)
from shared.services.packages.public_copies import PublicCopies
from shared.services.packages.pull_redirects import CAPACITY_BYTES, Pulls, RedirectCache
from shared.services.packages.pulls import PullCounter
from shared.services.packages.search import PackageSearch
from shared.services.packages.source import HostedPackages
from shared.services.packages.statistics import LastRegistryCounts, RecentPulls, RegistryStatistics
from shared.settings import Settings


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
                hosted,
                search,
                cache,
                documents,
                adapters.directory,
                adapters.pulls,
                clock,
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
        limits,
        settings.max_archive_bytes,
        settings.max_archives_in_hand,
        settings.environment,
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

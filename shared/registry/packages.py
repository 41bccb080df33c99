"""Reading, pulling and following packages, and what is derived from them."""

from functools import cached_property

from shared.auth.signing_keys import ArchiveLinkSigner
from shared.domain.archives.limits import ArchiveLimits, Documentation
from shared.domain.sparse_index import index_file
from shared.registry.group import ServiceGroup
from shared.services.following.follower_mail import FollowerMail
from shared.services.following.following import Following
from shared.services.packages.archive_delivery import ArchiveDelivery
from shared.services.packages.archive_reader import ArchiveFiles, ArchiveReader
from shared.services.packages.archive_relocation import ArchiveRelocation
from shared.services.packages.build_previews import BuildPreviews
from shared.services.packages.dependency_notices import DependencyNotices
from shared.services.packages.deprecation import Deprecation
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.document_cache import DocumentCache
from shared.services.packages.external_releases import ExternalReleases, PinnedDigests
from shared.services.packages.feeds import ChangeFeeds
from shared.services.packages.history import PackageHistory
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.organization_packages import OrganizationPackages
from shared.services.packages.package_cache import PackageCache
from shared.services.packages.package_details import PackageDetails
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.packages.pull_counter import PullCounter
from shared.services.packages.pull_records import PullRecorder, PullRecords
from shared.services.packages.pull_redirects import (
    CAPACITY_BYTES,
    DeliveryRoutes,
    PullRedirects,
    RedirectCache,
)
from shared.services.packages.release_pullers import ReleasePullerRecorder
from shared.services.packages.release_storing import ReleaseStoring
from shared.services.packages.removed_documents import RemovedDocuments
from shared.services.packages.search import PackageSearch
from shared.services.packages.sparse_index import PackageIndex
from shared.services.packages.statistics import LastRegistryCounts, RecentPulls, RegistryStatistics
from shared.services.packages.successors import Successors
from shared.services.packages.visibility_changes import PackageVisibility
from shared.services.packages.withheld_releases import WithheldReleases
from shared.telemetry.logged import logged


class PackageServices(ServiceGroup, frozen=True):
    """The services that read packages and keep their derived data."""

    @cached_property
    def hosted(self) -> HostedPackages:
        return HostedPackages(
            authorization=self._registry.rights.authorization,
            package_reader=self._parts.packages.package_cache,
            documents=self._adapters.documents,
            sweep_grace_hours=self._settings.sweep_grace_hours,
        )

    @cached_property
    def search(self) -> PackageSearch:
        return PackageSearch(
            index=self._adapters.search,
            authorization=self._registry.rights.authorization,
            limit_of=self._registry.approvals.rules.limit,
            hosted=self.hosted,
        )

    @cached_property
    def details(self) -> PackageDetails:
        return PackageDetails(
            hosted=self.hosted,
            package_reader=self._parts.packages.package_cache,
            documents=self._adapters.documents,
            directory=self._adapters.directory,
            pulls=self._adapters.pulls,
            successors=self.successors,
            clock=self._adapters.clock,
        )

    @cached_property
    def index(self) -> PackageIndex:
        return PackageIndex(
            authorization=self._registry.rights.authorization,
            metadata=self._adapters.metadata,
            events=self._adapters.events,
            files=self._parts.packages.index_files,
            affected=self._registry.advisories.affected_versions,
            successors=self.successors,
            readers=self._settings.readers,
            limit_of=self._registry.approvals.rules.limit,
        )

    @cached_property
    def feeds(self) -> ChangeFeeds:
        return ChangeFeeds(
            authorization=self._registry.rights.authorization,
            metadata=self._adapters.metadata,
            events=self._adapters.events,
            limit_of=self._registry.approvals.rules.limit,
        )

    @cached_property
    def build_previews(self) -> BuildPreviews:
        return BuildPreviews(hosted=self.hosted)

    @cached_property
    def history(self) -> PackageHistory:
        return PackageHistory(
            authorization=self._registry.rights.authorization,
            hosted=self.hosted,
            directory=self._adapters.directory,
            events=self._adapters.events,
        )

    @cached_property
    def archive_delivery(self) -> ArchiveDelivery:
        return ArchiveDelivery(
            authorization=self._registry.rights.authorization,
            package_reader=self._parts.packages.package_cache,
            archives=self._adapters.archives,
            signer=self._parts.packages.archive_link_signer,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
            cdn=self._parts.packages.delivery_routes.cdn,
            readers=self._settings.readers,
        )

    @cached_property
    def pull_redirects(self) -> PullRedirects:
        return PullRedirects(
            delivery=self.archive_delivery,
            routes=self._parts.packages.delivery_routes,
            signer=self._parts.packages.archive_link_signer,
            readers=self._settings.readers,
            cache=self._parts.packages.redirect_cache,
            clock=self._adapters.clock,
            mirrored_fresh_ms=self._settings.upstream_fresh_seconds * 1_000,
            limited_by=self._registry.approvals.rules.rule_of,
        )

    @cached_property
    def archive_files(self) -> ArchiveFiles:
        return ArchiveFiles(archives=self._adapters.archives)

    @cached_property
    def archive_reader(self) -> ArchiveReader:
        is_required = self._settings.require_documentation
        limits = ArchiveLimits(
            archive_bytes=self._settings.max_archive_bytes,
            documentation=Documentation.REQUIRED if is_required else Documentation.OPTIONAL,
        )
        return self._close_at_end(
            ArchiveReader(
                limits=limits,
                max_archives_in_hand=self._settings.max_archives_in_hand,
                environment=self._settings.environment,
            )
        )

    @cached_property
    def derived_data(self) -> DerivedData:
        return DerivedData(
            metadata=self._adapters.metadata,
            documents=self._adapters.documents,
            search=self._adapters.search,
            event_appender=self._parts.foundation.event_appender,
            withheld_releases=self._parts.packages.withheld_releases,
            standard_names=self._settings.standard_names,
            archive_relocation=self._parts.packages.archive_relocation,
        )

    @cached_property
    def records(self) -> PackageRecordWriter:
        return PackageRecordWriter(metadata=self._adapters.metadata, derived_data=self.derived_data)

    @cached_property
    def of_organization(self) -> OrganizationPackages:
        return OrganizationPackages(
            authorization=self._registry.rights.authorization, metadata=self._adapters.metadata
        )

    @cached_property
    def visibility(self) -> PackageVisibility:
        return PackageVisibility(
            authorization=self._registry.rights.authorization,
            package_records=self.records,
            decision_mail=self._parts.foundation.decision_mail,
            clock=self._adapters.clock,
        )

    @cached_property
    def deprecation(self) -> Deprecation:
        return Deprecation(
            authorization=self._registry.rights.authorization,
            package_records=self.records,
            clock=self._adapters.clock,
        )

    @cached_property
    def successors(self) -> Successors:
        return Successors(
            authorization=self._registry.rights.authorization,
            hosted=self.hosted,
            metadata=self._adapters.metadata,
            package_records=self.records,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def release_pullers(self) -> ReleasePullerRecorder:
        return ReleasePullerRecorder(
            directory=self._adapters.directory, clock=self._adapters.clock, keys=self._adapters.keys
        )

    @cached_property
    def pull_counter(self) -> PullCounter:
        return self._close_at_end(
            PullCounter(
                ledger=self._adapters.pulls,
                caller_scope=self._adapters.caller_scope,
                clock=self._adapters.clock,
                release_pullers=self.release_pullers,
                keys=self._adapters.keys,
                randomness=self._adapters.randomness,
                read_only_mode=self._parts.foundation.read_only_mode,
                on_delay=logged("pulls.delayed", "reason"),
            )
        )

    @cached_property
    def pull_recorder(self) -> PullRecorder:
        return self._close_at_end(
            PullRecorder(
                store=self._adapters.pull_records,
                directory=self._adapters.directory,
                clock=self._adapters.clock,
                randomness=self._adapters.randomness,
                read_only_mode=self._parts.foundation.read_only_mode,
                recorded_pulls=self._settings.recorded_pulls,
                on_delay=logged("pull_records.delayed", "reason"),
            )
        )

    @cached_property
    def pull_records(self) -> PullRecords:
        return PullRecords(
            store=self._adapters.pull_records,
            directory=self._adapters.directory,
            authorization=self._registry.rights.authorization,
            clock=self._adapters.clock,
        )

    @cached_property
    def recent_pulls(self) -> RecentPulls:
        return RecentPulls(ledger=self._adapters.pulls, clock=self._adapters.clock)

    @cached_property
    def statistics(self) -> RegistryStatistics:
        return RegistryStatistics(
            index=self._adapters.search, last_counts=self._parts.packages.last_registry_counts
        )

    @cached_property
    def following(self) -> Following:
        return Following(
            directory=self._adapters.directory,
            hosted=self.hosted,
            organizations=self._registry.organizations.organizations,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
        )


class PackageParts(ServiceGroup, frozen=True):
    """Caches, writers and mail of packages."""

    @cached_property
    def removed_documents(self) -> RemovedDocuments:
        return RemovedDocuments(
            metadata=self._adapters.metadata, documents=self._adapters.documents
        )

    @cached_property
    def index_files(self) -> DocumentCache:
        return DocumentCache(make=index_file)

    @cached_property
    def archive_relocation(self) -> ArchiveRelocation | None:
        """None where no link to an archive can outlive a change."""
        if self._adapters.links is None and self._adapters.edge is None:
            return None
        return ArchiveRelocation(
            metadata=self._adapters.metadata,
            archives=self._adapters.archives,
            edge=self._adapters.edge,
            readers=self._settings.readers,
        )

    @cached_property
    def redirect_cache(self) -> RedirectCache | None:
        """None where redirects take no requests to the stores."""
        if self._adapters.links is None:
            return None
        # Other apps need their memory for archives that are pushed.
        capacity = CAPACITY_BYTES if self._settings.app_role == "reads" else CAPACITY_BYTES // 8
        return RedirectCache(
            edition=self._adapters.edition,
            readers=self._parts.foundation.known_readers,
            clock=self._adapters.clock,
            links=self._adapters.links,
            capacity_bytes=capacity,
        )

    @cached_property
    def delivery_routes(self) -> DeliveryRoutes:
        return DeliveryRoutes(
            cdn_url=self._settings.archive_cdn_url,
            cdn=self._settings.archive_cdn,
            links=self._adapters.links if self._settings.archive_links == "store" else None,
        )

    @cached_property
    def package_cache(self) -> PackageCache:
        return PackageCache(metadata=self._adapters.metadata, edition=self._adapters.edition)

    @cached_property
    def withheld_releases(self) -> WithheldReleases:
        return WithheldReleases(
            directory=self._adapters.directory, metadata=self._adapters.metadata
        )

    @cached_property
    def last_registry_counts(self) -> LastRegistryCounts:
        return LastRegistryCounts(work=self._adapters.work, clock=self._adapters.clock)

    @cached_property
    def dependency_notices(self) -> DependencyNotices:
        return DependencyNotices(
            events=self._adapters.events,
            event_appender=self._parts.foundation.event_appender,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            work=self._adapters.work,
            search=self._registry.packages.search,
            authorization=self._registry.rights.authorization,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def follower_mail(self) -> FollowerMail:
        return FollowerMail(
            events=self._adapters.events,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            work=self._adapters.work,
            authorization=self._registry.rights.authorization,
            advisories=self._registry.advisories.advisories,
            following=self._registry.packages.following,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def pinned_digests(self) -> PinnedDigests:
        return PinnedDigests(
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            registry_authorization=self._registry.rights.registry_authorization,
            clock=self._adapters.clock,
        )

    @cached_property
    def release_storing(self) -> ReleaseStoring:
        return ReleaseStoring(
            metadata=self._adapters.metadata,
            documents=self._adapters.documents,
            archives=self._adapters.archives,
            release_signer=self._adapters.release_signer,
            readers=self._settings.readers,
        )

    @cached_property
    def external_releases(self) -> ExternalReleases:
        return ExternalReleases(
            storing=self.release_storing,
            metadata=self._adapters.metadata,
            derived_data=self._registry.packages.derived_data,
            package_records=self._registry.packages.records,
            clock=self._adapters.clock,
        )

    @cached_property
    def archive_link_signer(self) -> ArchiveLinkSigner:
        return ArchiveLinkSigner(keys=self._adapters.keys)

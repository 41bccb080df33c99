"""Packages of upstreams, which packages are approved, and bundles."""

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property

from shared.domain.mirroring import CatalogueRound
from shared.domain.principals import Principal
from shared.registry.group import ServiceGroup, required
from shared.services.bundles.bundle_documents import DocumentImport, ReleaseDocuments
from shared.services.bundles.bundle_export import BundleExport
from shared.services.bundles.bundle_import import BundleImport
from shared.services.bundles.bundle_withdrawals import BundleWithdrawals
from shared.services.mirroring.approved_packages import ApprovalRules, Curation
from shared.services.mirroring.approved_source import ApprovedSource
from shared.services.mirroring.archive_admission import Admission, MirroredLicenses, Refreshing
from shared.services.mirroring.catalogue import UpstreamCatalogue
from shared.services.mirroring.mirror_rules import MirrorRuleApplication, MirrorRuleChanges
from shared.services.mirroring.ours_or_upstream import OursOrUpstream, pseudonym_of
from shared.services.mirroring.package_chain import PackageChain
from shared.services.mirroring.upstream_cache import UpstreamCache
from shared.services.mirroring.upstream_questions import Asker, UpstreamQuestions
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource
from shared.services.mirroring.version_lists import VersionLists
from shared.services.mirroring.withdrawals import UpstreamFeeds, UpstreamWithdrawals
from shared.services.name_owners import NameOwners
from shared.services.organizations.name_moves import NameMoves
from shared.services.publishing.gone_releases import GoneReleases
from shared.telemetry.logged import logged


class MirroringServices(ServiceGroup, frozen=True):
    """The services that serve the packages of upstreams beside ours."""

    @cached_property
    def reader(self) -> UpstreamReader:
        return UpstreamReader(
            ours_or_upstream=self._parts.mirroring.ours_or_upstream,
            questions=self._parts.mirroring.upstream_questions,
            upstreams=required(self._parts.mirroring.upstreams),
            cache=self._parts.mirroring.upstream_cache,
            owners=self._parts.mirroring.name_owners,
            pins=self._parts.packages.pinned_digests,
            clock=self._adapters.clock,
        )

    @cached_property
    def admission(self) -> Admission:
        return self._close_at_end(
            Admission(
                reader=self.reader,
                archive_reader=self._registry.packages.archive_reader.of_mirrored,
                releases=self._parts.packages.external_releases,
                licenses=MirroredLicenses(rules=self._parts.publishing.registry_rule_reader),
            )
        )

    @cached_property
    def refreshing(self) -> Refreshing:
        return self._close_at_end(
            Refreshing(
                reader=self.reader,
                releases=self._parts.packages.external_releases,
                withdrawals=self._parts.mirroring.upstream_withdrawals,
                fresh_for=self._parts.mirroring.upstream_fresh_for,
            )
        )

    @cached_property
    def lists(self) -> VersionLists:
        return VersionLists(
            reader=self.reader,
            directory=self._adapters.directory,
            fresh_for=self._parts.mirroring.upstream_fresh_for,
        )

    @cached_property
    def catalogue(self) -> UpstreamCatalogue:
        return UpstreamCatalogue(
            reader=self.reader,
            directory=self._adapters.directory,
            derived_data=self._registry.packages.derived_data,
        )

    @cached_property
    def rule_application(self) -> MirrorRuleApplication:
        return MirrorRuleApplication(
            reader=self.reader,
            metadata=self._adapters.metadata,
            package_records=self._registry.packages.records,
        )

    @cached_property
    def rules(self) -> MirrorRuleChanges:
        return MirrorRuleChanges(
            registry_authorization=self._registry.rights.registry_authorization,
            reader=self.reader,
            application=self.rule_application,
            pulls=self._adapters.pulls,
            audited_writer=self._parts.foundation.audited_writer,
        )

    @cached_property
    def gone(self) -> GoneReleases:
        return GoneReleases(
            registry_authorization=self._registry.rights.registry_authorization,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            moderation=self._registry.publishing.moderation,
            audited_writer=self._parts.foundation.audited_writer,
        )

    @cached_property
    def moves(self) -> NameMoves:
        return NameMoves(
            reader=self.reader,
            application=self.rule_application,
            directory=self._adapters.directory,
            audited_writer=self._parts.foundation.audited_writer,
            decision_mail=self._parts.foundation.decision_mail,
        )

    def source(self, by: Principal, via: Callable[[], str] = lambda: "") -> ApprovedSource:
        """Return what the caller of a request may take, whose header `Via` is read when it
        matters."""
        return ApprovedSource(self.source_of_readers(by, via), self._registry.approvals.rules)

    def source_of_readers(self, by: Principal, via: Callable[[], str]) -> PackageChain:
        """Return the packages for somebody who reads about them on pages, approved or not."""
        return PackageChain(
            self._registry.packages.hosted,
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


class ApprovalServices(ServiceGroup, frozen=True):
    """Which packages an organization or the registry has approved, and who approves them."""

    @cached_property
    def rules(self) -> ApprovalRules:
        return self._close_at_end(
            ApprovalRules(
                directory=self._adapters.directory,
                registry_rules=self._parts.publishing.registry_rule_reader,
                clock=self._adapters.clock,
                base_url=self._settings.base_url,
            )
        )

    @cached_property
    def curation(self) -> Curation:
        return Curation(
            registry_authorization=self._registry.rights.registry_authorization,
            authorization=self._registry.rights.authorization,
            rules=self.rules,
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            pulls=self._adapters.pulls,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            mail_delivery=self._parts.foundation.mail_delivery,
        )


class BundleServices(ServiceGroup, frozen=True):
    """The services that write releases into bundles, and import them."""

    @cached_property
    def exporting(self) -> BundleExport:
        return BundleExport(
            metadata=self._adapters.metadata,
            archives=self._adapters.archives,
            pulls=self._adapters.pulls,
            events=self._adapters.events,
            documents=self._parts.mirroring.release_documents,
            registry=self._settings.base_url,
            name=pseudonym_of(self._settings.base_url),
        )

    @cached_property
    def importing(self) -> BundleImport:
        return BundleImport(
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            pins=self._parts.packages.pinned_digests,
            package_records=self._registry.packages.records,
            releases=self._parts.packages.external_releases,
            withdrawals=self._parts.mirroring.bundle_withdrawals,
            documents=self._parts.mirroring.document_import,
            unchecked=self._registry.packages.archive_reader.of_mirrored,
            clock=self._adapters.clock,
        )


class MirroringParts(ServiceGroup, frozen=True):
    """What asks upstreams, and reads and writes bundles."""

    @cached_property
    def upstream_cache(self) -> UpstreamCache:
        return self._close_at_end(
            UpstreamCache(clock=self._adapters.clock, fresh_for=self.upstream_fresh_for)
        )

    @cached_property
    def upstreams(self) -> Upstreams | None:
        """The registries that are mirrored; None where nothing is mirrored."""
        connect = self._adapters.connect_upstream
        if not self._settings.upstreams or connect is None:
            return None
        return self._close_at_end(
            Upstreams(
                configured=self._settings.upstreams,
                connect=connect,
                directory=self._adapters.directory,
                clock=self._adapters.clock,
                on_failure=logged("upstream.unanswered", "upstream", "reason"),
                minimum_age_days=self._settings.upstream_minimum_age,
            )
        )

    @property
    def upstream_fresh_for(self) -> timedelta:
        return timedelta(seconds=self._settings.upstream_fresh_seconds)

    @cached_property
    def name_owners(self) -> NameOwners:
        return NameOwners(directory=self._adapters.directory, clock=self._adapters.clock)

    @cached_property
    def upstream_questions(self) -> UpstreamQuestions:
        return UpstreamQuestions(
            cache=self.upstream_cache, rate_limiter=self._registry.limits.rate_limiter
        )

    @cached_property
    def ours_or_upstream(self) -> OursOrUpstream:
        return OursOrUpstream(
            pseudonym=pseudonym_of(self._settings.base_url),
            owners=self.name_owners,
            upstreams=required(self.upstreams),
            questions=self.upstream_questions,
        )

    @cached_property
    def upstream_withdrawals(self) -> UpstreamWithdrawals:
        return UpstreamWithdrawals(
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            releases=self._parts.packages.external_releases,
            package_records=self._registry.packages.records,
            clock=self._adapters.clock,
            upstream_withdrawals=self._settings.upstream_withdrawals,
        )

    @cached_property
    def upstream_feeds(self) -> UpstreamFeeds:
        return UpstreamFeeds(
            upstreams=required(self.upstreams),
            withdrawals=self.upstream_withdrawals,
            directory=self._adapters.directory,
            mail_delivery=self._parts.foundation.mail_delivery,
            clock=self._adapters.clock,
            base_url=self._settings.base_url,
        )

    @cached_property
    def release_documents(self) -> ReleaseDocuments:
        return ReleaseDocuments(
            documents=self._adapters.documents,
            provenance=self._registry.publishing.provenance,
            release_signer=self._adapters.release_signer,
            registry=self._settings.base_url,
        )

    @cached_property
    def document_import(self) -> DocumentImport:
        return DocumentImport(
            documents=self._adapters.documents,
            removed_documents=self._parts.packages.removed_documents,
            sigstore_bundles=self._parts.publishing.sigstore_bundles,
        )

    @cached_property
    def bundle_withdrawals(self) -> BundleWithdrawals:
        return BundleWithdrawals(
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            owners=self.name_owners,
            package_records=self._registry.packages.records,
            clock=self._adapters.clock,
        )

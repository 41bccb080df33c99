"""Creates the services that mirror upstream registries, if there are any."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit

from shared.domain.identity import Principal
from shared.domain.mirroring import CatalogueRound
from shared.log import log
from shared.services.common import Common
from shared.services.limits.group import LimitServices
from shared.services.mirroring.admission import Admission, Refreshing
from shared.services.mirroring.catalogue import CatalogueUpdates, UpstreamCatalogue
from shared.services.mirroring.mirror_rules import NameMoves, RuleApplication, RuleChanges
from shared.services.mirroring.mirrored_releases import MirroredReleases, PinnedDigests
from shared.services.mirroring.name_owners import NameOwners, UpstreamNames
from shared.services.mirroring.package_chain import PackageChain
from shared.services.mirroring.upstream_reader import Asker, UpstreamReader
from shared.services.mirroring.upstreams import KeptAnswers, Upstreams, UpstreamSource
from shared.services.mirroring.version_lists import VersionLists
from shared.services.packages.group import PackageServices


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
            adapters.metadata,
            adapters.documents,
            adapters.archives,
            packages.derived_data,
            clock,
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

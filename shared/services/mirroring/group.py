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
from shared.services.mirroring.admission import Admission
from shared.services.mirroring.catalogue import CatalogueUpdates, UpstreamCatalogue
from shared.services.mirroring.mirror_rules import RuleApplication, RuleChanges
from shared.services.mirroring.mirrored_releases import MirroredReleases, Refreshing
from shared.services.mirroring.name_moves import NameMoves
from shared.services.mirroring.name_owners import NameOwners, UpstreamNames
from shared.services.mirroring.package_chain import PackageChain
from shared.services.mirroring.pinned_digests import PinnedDigests
from shared.services.mirroring.upstream_questions import Asker, KeptAnswers, UpstreamQuestions
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource
from shared.services.mirroring.version_lists import VersionLists
from shared.services.packages.group import PackageServices


@dataclass(frozen=True)
class MirroringServices:
    """The services that serve the packages of upstreams beside ours."""

    packages: PackageServices
    reader: UpstreamReader
    admission: Admission
    refreshing: Refreshing
    upstreams: Upstreams
    pins: PinnedDigests
    kept: KeptAnswers
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
        sources = await self.upstreams.sources()
        return [(each, await self.catalogue.state(each.name)) for each in sources]

    @classmethod
    def build(cls, common: Common, limits: LimitServices, packages: PackageServices) -> Self | None:
        """Create the services; None without an upstream."""
        adapters, settings = common.adapters, common.settings
        clock, directory = adapters.clock, adapters.directory
        if adapters.connect_upstream is None or not settings.upstreams:
            return None
        fresh_for = timedelta(seconds=settings.upstream_fresh_seconds)
        kept, owners = KeptAnswers(clock, fresh_for), NameOwners(directory, clock)
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
        pins = PinnedDigests(directory, common.record_writer, common.administration, clock)
        reader = UpstreamReader(
            pseudonym_of(settings.base_url),
            upstreams,
            UpstreamQuestions(upstreams, kept, adapters.work, limits.rate_limiter, clock),
            owners,
            pins,
        )
        releases = MirroredReleases(
            adapters.metadata,
            adapters.documents,
            adapters.archives,
            packages.derived_data,
            clock,
        )
        refreshing = Refreshing(reader, releases, packages.record_writer, clock, fresh_for)
        common.closing.push_async_callback(refreshing.close)
        archive_reader = packages.archive_reader.of_mirrored
        admission = Admission(reader, common.leases, archive_reader, releases)
        common.closing.push_async_callback(admission.close)
        catalogue = UpstreamCatalogue(reader, directory, packages.cache, clock)
        rule_application = RuleApplication(
            upstreams, owners, pins, adapters.metadata, packages.record_writer, clock
        )
        return cls(
            packages,
            reader,
            admission,
            refreshing,
            upstreams,
            pins,
            kept,
            VersionLists(reader, directory, common.leases, clock, fresh_for),
            catalogue,
            CatalogueUpdates(
                catalogue,
                upstreams,
                packages.derived_data,
                clock,
            ),
            rule_application,
            RuleChanges(
                common.administration,
                upstreams,
                owners,
                adapters.metadata,
                adapters.pulls,
                rule_application,
                reader,
                common.record_writer,
                clock,
            ),
            NameMoves(
                upstreams,
                owners,
                directory,
                adapters.metadata,
                packages.record_writer,
                rule_application,
                common.record_writer,
                clock,
            ),
            UpstreamNames(upstreams),
        )


def pseudonym_of(base_url: str) -> str:
    """Return the name of a registry in the header `Via`: host and port of its address."""
    return urlsplit(base_url).netloc


def _log_failure(upstream: str, reason: str) -> None:
    log.warning("upstream.unanswered", upstream=upstream, reason=reason)

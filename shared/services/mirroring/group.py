"""Creates the services that mirror an upstream registry, if there is one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit

from shared.domain.archives.unpacking import Documentation
from shared.domain.identity import Principal
from shared.log import log
from shared.services.common import Common
from shared.services.limits.group import LimitServices
from shared.services.mirroring.admission import Admission, FetchLease
from shared.services.mirroring.catalogue import CatalogueUpdates, UpstreamCatalogue
from shared.services.mirroring.kept_answers import KeptAnswers
from shared.services.mirroring.mirrored_lookup import MirroredLookup
from shared.services.mirroring.mirrored_resolver import MirroredResolver
from shared.services.mirroring.name_owners import NameOwners
from shared.services.mirroring.overview import MirrorOverview
from shared.services.mirroring.pinned_digests import PinnedDigests
from shared.services.mirroring.refreshing import Refreshing
from shared.services.mirroring.upstream_gate import UpstreamGate
from shared.services.mirroring.upstream_reader import Asker, UpstreamReader
from shared.services.packages.group import PackageServices


@dataclass(frozen=True)
class MirroringServices:
    """The services that serve the packages of the upstream beside ours."""

    packages: PackageServices
    reader: UpstreamReader
    admission: Admission
    refreshing: Refreshing
    gate: UpstreamGate
    pins: PinnedDigests
    kept: KeptAnswers
    overview: MirrorOverview
    catalogue: UpstreamCatalogue
    catalogue_updates: CatalogueUpdates

    def lookup(self, by: Principal, via: Callable[[], str]) -> MirroredLookup:
        """Return the lookup for a request, whose header `Via` is read when it matters."""
        packages, asker = self.packages, Asker(by, via)
        return MirroredLookup(
            packages.lookup,
            packages.cache,
            self.reader,
            self.admission,
            self.refreshing,
            self.catalogue,
            asker,
        )

    def resolver(self, by: Principal, via: Callable[[], str]) -> MirroredResolver:
        """Return the resolver for a request."""
        return MirroredResolver(self.packages.resolver, self.reader, self.catalogue, Asker(by, via))

    @classmethod
    def build(cls, common: Common, limits: LimitServices, packages: PackageServices) -> Self | None:
        """Create the services; None without an upstream."""
        adapters, settings = common.adapters, common.settings
        clock, name = adapters.clock, settings.upstream_name
        if adapters.upstream is None or not settings.upstream:
            return None
        fresh_for = timedelta(seconds=settings.upstream_fresh_seconds)
        kept, gate = KeptAnswers(clock, fresh_for), UpstreamGate(clock, _log_failure)
        common.closing.push_async_callback(kept.close)
        pins = PinnedDigests(adapters.directory, common.record_writer, clock, name)
        owners = NameOwners(adapters.directory, clock, name)
        reader = UpstreamReader(
            name,
            pseudonym_of(settings.base_url),
            adapters.upstream,
            gate,
            kept,
            owners,
            pins,
            adapters.work,
            limits.rate_limiter,
            clock,
        )
        refreshing = Refreshing(reader, packages.record_writer, clock, fresh_for)
        common.closing.push_async_callback(refreshing.close)
        checked = packages.archive_reader
        limits_of_mirror = replace(checked.limits, documentation=Documentation.OPTIONAL)
        admission = Admission(
            reader,
            FetchLease(adapters.work, clock, adapters.randomness),
            checked,
            replace(checked, limits=limits_of_mirror),
            adapters.metadata,
            adapters.documents,
            adapters.archives,
            packages.derived_data,
            clock,
        )
        common.closing.push_async_callback(admission.close)
        catalogue = UpstreamCatalogue(name, owners, adapters.directory, packages.cache)
        overview = MirrorOverview(
            name,
            settings.upstream_url,
            adapters.upstream,
            adapters.metadata,
            adapters.directory,
            catalogue,
        )
        updates = CatalogueUpdates(catalogue, adapters.upstream, gate, packages.derived_data, clock)
        return cls(
            packages,
            reader,
            admission,
            refreshing,
            gate,
            pins,
            kept,
            overview,
            catalogue,
            updates,
        )


def pseudonym_of(base_url: str) -> str:
    """Return the name of a registry in the header `Via`: host and port of its address."""
    return urlsplit(base_url).netloc


def _log_failure(reason: str) -> None:
    log.warning("upstream.unanswered", reason=reason)

"""Creates the services that mirror an upstream registry, if there is one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit

from shared.domain.identity import Principal
from shared.domain.packages import Release
from shared.log import log
from shared.services.common import Common
from shared.services.limits.group import LimitServices
from shared.services.mirroring.admission import Admission, FetchLease
from shared.services.mirroring.kept_answers import KeptAnswers
from shared.services.mirroring.mirrored_lookup import MirroredLookup
from shared.services.mirroring.mirrored_releases import MirroredReleases
from shared.services.mirroring.mirrored_resolver import MirroredResolver
from shared.services.mirroring.name_owners import NameOwners
from shared.services.mirroring.overview import MirrorOverview
from shared.services.mirroring.pinned_digests import PinnedDigests
from shared.services.mirroring.prefetch import Prefetch
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
    prefetch: Prefetch

    def lookup(self, by: Principal, via: Callable[[], str]) -> MirroredLookup:
        """Return the lookup for a request, whose header `Via` is read when it matters."""
        packages, asker = self.packages, Asker(by, via)
        return MirroredLookup(
            packages.lookup, packages.cache, self.reader, self.admission, self.refreshing, asker
        )

    def resolver(self, by: Principal, via: Callable[[], str]) -> MirroredResolver:
        """Return the resolver for a request."""
        return MirroredResolver(self.packages.resolver, self.reader, Asker(by, via))

    async def bring_back(self, release: Release, by: Principal) -> None:
        """Store the archive of a release that the quota dropped again; raise
        `UpstreamUnavailable`."""
        await self.admission.bring_back(release.coordinate, Asker(by, lambda: ""))

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
        reader = UpstreamReader(
            name,
            pseudonym_of(settings.base_url),
            adapters.upstream,
            gate,
            kept,
            NameOwners(adapters.directory, clock, name),
            pins,
            adapters.work,
            limits.rate_limiter,
            clock,
        )
        releases = MirroredReleases(
            adapters.metadata,
            adapters.documents,
            adapters.archives,
            packages.derived_data,
            clock,
        )
        refreshing = Refreshing(reader, packages.record_writer, releases, clock, fresh_for)
        common.closing.push_async_callback(refreshing.close)
        checked = packages.archive_reader
        admission = Admission(
            reader,
            FetchLease(adapters.work, clock, adapters.randomness),
            checked,
            checked.of_mirrored,
            releases,
        )
        common.closing.push_async_callback(admission.close)
        overview = MirrorOverview(
            name, settings.upstream_url, adapters.upstream, adapters.metadata, adapters.directory
        )
        prefetch = Prefetch(admission, adapters.metadata, adapters.documents)
        return cls(packages, reader, admission, refreshing, gate, pins, kept, overview, prefetch)


def pseudonym_of(base_url: str) -> str:
    """Return the name of a registry in the header `Via`: host and port of its address."""
    return urlsplit(base_url).netloc


def _log_failure(reason: str) -> None:
    log.warning("upstream.unanswered", reason=reason)

"""What operators read of mirroring: the state of the upstreams, what is stored, what is refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.mirroring import CatalogueRound, UpstreamRelease
from shared.domain.names import Package
from shared.domain.packages import Head, Release
from shared.domain.versions import ANY_CLIENT
from shared.ports import DirectoryStore, MetadataStore, Unanswered
from shared.services.mirroring.catalogue import UpstreamCatalogue
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource
from shared.services.records import all_entities, package_batches

PACKAGES_READ_AT_ONCE = 100
PROBED = Package.parse("ballerina", "io")  # A registry that does not have it says so.


@dataclass(frozen=True, slots=True)
class MirroredPackage:
    """A package of which releases are stored; `size_bytes` is the size of their archives without
    those that the quota dropped, of which `dropped` is the number."""

    name: str
    upstream: str
    releases: int
    dropped: int
    size_bytes: int
    pulls: int


@dataclass(frozen=True, slots=True)
class UpstreamCheck:
    """An upstream, why it does not answer (empty if it does), why it does not answer with its token
    (None without one), and totals of what is stored."""

    name: str
    address: str
    problem: str
    token_problem: str | None
    packages: int
    releases: int
    dropped: int
    size_bytes: int
    pulls: int
    refused: int
    incidents: int
    catalogued: int
    catalogue: CatalogueRound

    @property
    def hit_rate(self) -> float | None:
        """The share of pulls for which nothing was fetched; None before the first pull. A pull is
        counted once for a client in ten minutes, and a fetch of a refused archive is none."""
        return max(self.pulls - self.releases, 0) / self.pulls if self.pulls else None


@dataclass(frozen=True, slots=True)
class MirrorOverview:
    """Reads all records: the cost grows with their number."""

    upstreams: Upstreams
    metadata: MetadataStore
    directory: DirectoryStore
    catalogue: UpstreamCatalogue

    async def check(self) -> list[UpstreamCheck]:
        """Ask each upstream, and count what is stored of it."""
        sources = await self.upstreams.sources()
        stored, refused = await self.packages(), await self.refusals()
        return [await self._checked(each, stored, refused) for each in sources]

    async def _checked(
        self,
        source: UpstreamSource,
        stored: Sequence[MirroredPackage],
        refused: Sequence[UpstreamRelease],
    ) -> UpstreamCheck:
        stored = [each for each in stored if each.upstream == source.name]
        refused = [each for each in refused if each.upstream == source.name]
        catalogue = await self.catalogue.packages()
        return UpstreamCheck(
            source.name,
            source.address,
            await problem_of(source),
            await problem_of(source.with_token) if source.with_token else None,
            packages=len(stored),
            releases=sum(each.releases for each in stored),
            dropped=sum(each.dropped for each in stored),
            size_bytes=sum(each.size_bytes for each in stored),
            pulls=sum(each.pulls for each in stored),
            refused=len(refused),
            incidents=sum(each.is_incident for each in refused),
            catalogued=sum(each.upstream == source.name for each in catalogue),
            catalogue=await self.catalogue.state(source.name),
        )

    async def packages(self) -> list[MirroredPackage]:
        """Return the packages of which releases are stored, in order of name."""
        found = list[MirroredPackage]()
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE):
            for head in heads:
                if head.upstream:
                    found.append(_mirrored(head, await self.metadata.releases(head.package)))
        return found

    async def refusals(self) -> list[UpstreamRelease]:
        """Return the releases that are refused, in order of name."""
        known = await all_entities(self.directory, UpstreamRelease)
        return [each for each in known if each.refused_because]


async def problem_of(source: UpstreamSource) -> str:
    """Return why the upstream does not answer, as part of a sentence; empty if it does."""
    try:
        await source.upstream.versions(PROBED, ANY_CLIENT, via="")
    except Unanswered as error:
        return str(error)
    return ""


def _mirrored(head: Head, releases: Sequence[Release]) -> MirroredPackage:
    stored = [each for each in releases if not each.is_dropped]
    size_bytes, dropped = sum(each.size_bytes for each in stored), len(releases) - len(stored)
    name = str(head.package)
    return MirroredPackage(name, head.upstream, len(releases), dropped, size_bytes, head.pulls)

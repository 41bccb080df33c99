"""What operators read of mirroring: the state of the upstream, what is stored, what is refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.domain.mirroring import CatalogueRound, UpstreamRelease
from shared.domain.names import Package
from shared.domain.packages import Survey
from shared.domain.versions import ANY_CLIENT
from shared.ports import DirectoryStore, MetadataStore, Unanswered, Upstream
from shared.services.mirroring.catalogue import UpstreamCatalogue
from shared.services.records import all_entities, package_batches

PACKAGES_READ_AT_ONCE = 100
PROBED = Package.parse("ballerina", "io")  # A registry that does not have it says so.


@dataclass(frozen=True, slots=True)
class MirroredPackage:
    """A package of which releases are stored; `size_bytes` is the size of their archives."""

    name: str
    upstream: str
    releases: int
    size_bytes: int
    pulls: int


@dataclass(frozen=True, slots=True)
class UpstreamCheck:
    """The upstream, why it does not answer (empty if it does), and totals of what is stored."""

    name: str
    address: str
    problem: str
    packages: int
    releases: int
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

    name: str
    address: str
    upstream: Upstream
    metadata: MetadataStore
    directory: DirectoryStore
    catalogue: UpstreamCatalogue

    async def check(self) -> UpstreamCheck:
        """Ask the upstream, and count what is stored of it."""
        stored, refused = await self.packages(), await self.refusals()
        return UpstreamCheck(
            self.name,
            self.address,
            await self.problem(),
            packages=len(stored),
            releases=sum(each.releases for each in stored),
            size_bytes=sum(each.size_bytes for each in stored),
            pulls=sum(each.pulls for each in stored),
            refused=len(refused),
            incidents=sum(each.is_incident for each in refused),
            catalogued=len(await self.catalogue.packages()),
            catalogue=await self.catalogue.state(),
        )

    async def problem(self) -> str:
        """Return why the upstream does not answer, as part of a sentence; empty if it does."""
        try:
            await self.upstream.versions(PROBED, ANY_CLIENT, via="")
        except Unanswered as error:
            return str(error)
        return ""

    async def packages(self) -> list[MirroredPackage]:
        """Return the packages of which releases are stored, in order of name."""
        return [_mirrored(survey) async for survey in self._surveys()]

    async def refusals(self) -> list[UpstreamRelease]:
        """Return the releases that are refused, in order of name."""
        known = await all_entities(self.directory, UpstreamRelease)
        return [each for each in known if each.refused_because]

    async def _surveys(self) -> AsyncIterator[Survey]:
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE):
            mirrored = [head.package for head in heads if head.upstream]
            surveys = await self.metadata.survey(mirrored) if mirrored else []
            for survey in filter(None, surveys):
                yield survey


def _mirrored(survey: Survey) -> MirroredPackage:
    head, entries = survey.head, survey.entries
    size_bytes = sum(each.size_bytes for each in entries)
    return MirroredPackage(str(head.package), head.upstream, len(entries), size_bytes, head.pulls)

"""What operators read of mirroring: the state of the upstream, what is stored, what is refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.mirroring import UpstreamRelease
from shared.domain.names import Package
from shared.domain.packages import Head, Release
from shared.domain.versions import ANY_CLIENT
from shared.ports import DirectoryStore, MetadataStore, Unanswered, Upstream
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
    """The upstream, why it does not answer (empty if it does), and totals of what is stored."""

    name: str
    address: str
    problem: str
    packages: int
    releases: int
    dropped: int
    size_bytes: int
    refused: int
    incidents: int


@dataclass(frozen=True, slots=True)
class MirrorOverview:
    """Reads all records: the cost grows with their number."""

    name: str
    address: str
    upstream: Upstream
    metadata: MetadataStore
    directory: DirectoryStore

    async def check(self) -> UpstreamCheck:
        """Ask the upstream, and count what is stored of it."""
        stored, refused = await self.packages(), await self.refusals()
        return UpstreamCheck(
            self.name,
            self.address,
            await self.problem(),
            packages=len(stored),
            releases=sum(each.releases for each in stored),
            dropped=sum(each.dropped for each in stored),
            size_bytes=sum(each.size_bytes for each in stored),
            refused=len(refused),
            incidents=sum(each.is_incident for each in refused),
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


def _mirrored(head: Head, releases: Sequence[Release]) -> MirroredPackage:
    stored = [each for each in releases if not each.is_dropped]
    size_bytes, dropped = sum(each.size_bytes for each in stored), len(releases) - len(stored)
    name = str(head.package)
    return MirroredPackage(name, head.upstream, len(releases), dropped, size_bytes, head.pulls)

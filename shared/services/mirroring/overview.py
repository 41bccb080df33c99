"""What operators read of mirroring: the state of the upstreams, what is stored, what is refused."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.mirroring import UpstreamRelease
from shared.domain.names import Package
from shared.domain.packages import Head, Release
from shared.domain.versions import ANY_CLIENT
from shared.ports import DirectoryStore, MetadataStore, Unanswered
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
    """An upstream, why it does not answer (empty if it does), and totals of what is stored."""

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

    upstreams: Upstreams
    metadata: MetadataStore
    directory: DirectoryStore

    async def check(self) -> list[UpstreamCheck]:
        """Ask each upstream, and count what is stored of it."""
        sources = await self.upstreams.sources()
        stored, refused = await self.packages(), await self.refusals()
        problems = await asyncio.gather(*map(problem_of, sources))
        return [
            _check(source, problem, stored, refused)
            for source, problem in zip(sources, problems, strict=True)
        ]

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


def _check(
    source: UpstreamSource,
    problem: str,
    stored: Sequence[MirroredPackage],
    refused: Sequence[UpstreamRelease],
) -> UpstreamCheck:
    stored = [each for each in stored if each.upstream == source.name]
    refused = [each for each in refused if each.upstream == source.name]
    return UpstreamCheck(
        source.name,
        source.address,
        problem,
        packages=len(stored),
        releases=sum(each.releases for each in stored),
        dropped=sum(each.dropped for each in stored),
        size_bytes=sum(each.size_bytes for each in stored),
        refused=len(refused),
        incidents=sum(each.is_incident for each in refused),
    )


def _mirrored(head: Head, releases: Sequence[Release]) -> MirroredPackage:
    stored = [each for each in releases if not each.is_dropped]
    size_bytes, dropped = sum(each.size_bytes for each in stored), len(releases) - len(stored)
    name = str(head.package)
    return MirroredPackage(name, head.upstream, len(releases), dropped, size_bytes, head.pulls)

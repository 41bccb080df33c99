"""Maven clients: finding packages and tools, lists of versions, and publishing one file a
request.
"""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import cast

from shared.caching import LruCache
from shared.domain.archives.names import Digest
from shared.domain.bounded_parsing import has_at_most_values
from shared.domain.documents import DerivedDocument
from shared.domain.errors.base import NotFound, Refusal
from shared.domain.errors.identity import CredentialsWanted
from shared.domain.errors.packages import (
    FileTooLarge,
    PackageNotFound,
    ReleaseNotFound,
    SbomExists,
    SbomNotFound,
    SbomUnreadable,
    ToolNotFound,
    VersionExists,
)
from shared.domain.identity import Principal
from shared.domain.maven import (
    Checksum,
    ChecksumAlgorithm,
    client_metadata,
    repository_metadata,
    require_pom,
)
from shared.domain.names import Coordinate, OrgName, Package, ToolId
from shared.domain.packages import Release, State, Survey, Visibility
from shared.domain.search import ANYONE, Query, ResultPage, Viewer
from shared.domain.selection import usable_entries
from shared.domain.versions import ANY_CLIENT, ClientProfile, Distribution
from shared.ports import Clock, DocumentStore, MetadataStore, SearchIndex
from shared.services.archives import ArchiveChecksums
from shared.services.derived_data import DocumentCache
from shared.services.packages import AvailableRelease, PackageLookup
from shared.services.publishing import Publishing, Upload

# Browsing: reading packages for clients that send credentials only when they are asked to.
#
# Maven clients send their first request without credentials, and send them only after a 401. So an
# anonymous request that finds nothing is told that credentials are wanted, in every organization
# that has private packages, whether what it asked for exists or not. docs/decisions/0006 says why.

_COUNT_ALONE = ResultPage(limit=0)


@dataclass(frozen=True)
class MavenPackages:
    """Reads packages; raises `CredentialsWanted` where a token may show an anonymous caller more.

    Reading what is there costs nothing beside what `PackageLookup` costs. Only an anonymous
    request that
    found nothing asks the search index, and no store, so that the cost tells nothing either.
    """

    packages: PackageLookup
    documents: DocumentStore
    index: SearchIndex

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        """Return the package with its entries, or raise `PackageNotFound`."""
        try:
            return await self.packages.survey(package, by=by)
        except PackageNotFound as missing:
            raise await self._told(missing, package, package.org, by) from None

    async def release(self, coordinate: Coordinate, *, by: Principal) -> AvailableRelease:
        """Return one version, or raise `ReleaseNotFound`."""
        package, version = coordinate.package, coordinate.version
        try:
            return await self.packages.find(package, version, client=ANY_CLIENT, by=by)
        except ReleaseNotFound as missing:
            raise await self._told(missing, coordinate, package.org, by) from None

    async def tool(self, tool: ToolId, *, client: ClientProfile, by: Principal) -> Survey:
        """Return the package of a tool with the versions of it that the client can use.

        Raises `ToolNotFound` when there is none.
        """
        try:
            return await self._tool(tool, client, by)
        except NotFound:
            # A tool's id says nothing of its organization, so any private package counts.
            raise await self._told(ToolNotFound(tool), f"The tool {tool}", None, by) from None

    async def graph(self, offer: AvailableRelease) -> bytes:
        """Return the dependency graph of a release as it is stored: JSON."""
        [graph] = await self.documents.graphs([offer.release.content])
        return graph

    async def sbom(self, offer: AvailableRelease) -> bytes:
        """Return the bill of materials that was published with a release."""
        content = await self.documents.sbom(offer.release.content)
        if content is None:
            raise SbomNotFound(offer.release.coordinate)
        return content

    async def _tool(self, tool: ToolId, client: ClientProfile, by: Principal) -> Survey:
        survey = await self.packages.survey(await self.packages.tool_owner(tool), by=by)
        entries = tuple(each for each in usable_entries(survey, client) if tool in each.tools)
        if not entries:
            raise ToolNotFound(tool)
        return replace(survey, entries=entries)

    async def _told(
        self, missing: NotFound, what: object, org: OrgName | None, by: Principal
    ) -> Refusal:
        """Return what the caller is told of something that it cannot find."""
        if by.is_anonymous and await self._has_private(org):
            return CredentialsWanted(what)
        return missing

    async def _has_private(self, org: OrgName | None) -> bool:
        """Say whether the organization, or any if None, has a package that not everybody sees."""
        query = Query(include_deprecated=True)
        if org is not None:
            query = query.within(frozenset({org}))
        every, public = await asyncio.gather(
            self.index.search(query, _COUNT_ALONE, Viewer(sees_everything=True)),
            self.index.search(query, _COUNT_ALONE, ANYONE),
        )
        return every.count > public.count


DISTRIBUTIONS_CACHED = 4  # Those that are remembered: what people use, and what they move to.
VERSION_LISTS_CACHED_BYTES = 16 * 1024 * 1024  # Of each; 10,000 packages of a few versions.


@dataclass(frozen=True, slots=True)
class MavenVersionList:
    """A list of versions, and whether anybody may see it.

    What is remembered is what a store said up to three seconds ago, and may have changed since.
    """

    document: DerivedDocument
    is_public: bool
    is_remembered: bool = False


class MavenVersionLists:
    """Lists versions for any Maven client, or for one distribution of Ballerina.

    A list costs one trip, and none while it has one of the `known` tags and was read a moment ago.
    """

    def __init__(self, browsing: MavenPackages, clock: Clock) -> None:
        """Read packages by `browsing`."""
        self._browsing = browsing
        self._clock = clock
        self._lists = self._remembering(repository_metadata)
        self._by_distribution = LruCache[str, DocumentCache](DISTRIBUTIONS_CACHED)

    async def versions(
        self, package: Package, *, by: Principal, known: Collection[str] = ()
    ) -> MavenVersionList:
        """Return every live version; raise as `MavenPackages.survey` does."""
        return await self._list(self._lists, package, by, known)

    async def usable_versions(
        self,
        package: Package,
        distribution: Distribution,
        *,
        by: Principal,
        known: Collection[str] = (),
    ) -> MavenVersionList:
        """Return what the distribution can use; raise as `MavenPackages.survey` does."""
        lists = self._by_distribution.get(distribution.text)
        lists = lists or self._remembering(lambda survey: _usable(distribution, survey))
        self._by_distribution.put(distribution.text, lists)  # What was asked for last stays.
        return await self._list(lists, package, by, known)

    def _remembering(self, make: Callable[[Survey], bytes]) -> DocumentCache:
        return DocumentCache(make, self._clock, VERSION_LISTS_CACHED_BYTES)

    async def _list(
        self, lists: DocumentCache, package: Package, by: Principal, known: Collection[str]
    ) -> MavenVersionList:
        document = lists.cached_with_tag(package, known)
        if document is not None:
            return MavenVersionList(document, is_public=True, is_remembered=True)
        read_ms = lists.now_ms()
        survey = await self._browsing.survey(package, by=by)
        document = await lists.document(survey, read_ms)
        return MavenVersionList(document, survey.head.visibility is Visibility.PUBLIC)


def _usable(distribution: Distribution, survey: Survey) -> bytes:
    return client_metadata(distribution, survey.head.org, survey.head.name, survey)


# Deploying: how a Maven client publishes, one file a request.
#
# The archive is the release: its arrival commits, and everything that a client sends beside it is
# checked and, but for the bill of materials, not kept. What is read back is made from the release.

MAX_SBOM_BYTES = 8 * 1024 * 1024  # A bill of materials names each dependency in about 1 KiB.
MAX_SBOM_VALUES = 1_000_000  # A name, a version and a licence are about ten bytes each.
_FORMAT = "CycloneDX"


@dataclass(frozen=True)
class MavenPublishing:
    """Takes the files of releases in whatever order they come."""

    publishing: Publishing
    metadata: MetadataStore
    documents: DocumentStore
    archive_checksums: ArchiveChecksums

    async def publish_archive(self, content: bytes, at: Coordinate, *, by: Principal) -> Release:
        """Publish the archive; it must be the release that its place names.

        A repeat of the same bytes is fine at any time: these clients never ask whether a version
        is there, and repeat a whole push when one file of it fails.
        """
        try:
            return await self.publishing.push(Upload(content, coordinate=at), by)
        except VersionExists:
            found = await self.metadata.find(at)
            digest = await asyncio.to_thread(Digest.of, content)
            if found.release is None or not _is_there_with(found.release, digest):
                raise
            return found.release

    async def check_archive_checksum(
        self, content: bytes, algorithm: ChecksumAlgorithm, at: Coordinate, *, by: Principal
    ) -> None:
        """Compare a checksum with that of the archive, which came before it."""
        release = await self._published(at, by)
        await self.archive_checksums.require(release, Checksum.parse(algorithm, content))

    async def check_pom(self, content: bytes, at: Coordinate, *, by: Principal) -> None:
        """Check a POM, which may come before its archive or after one that was refused."""
        await self.require_right(at.package, by=by)
        require_pom(content, at)

    async def add_sbom(self, content: bytes, at: Coordinate, *, by: Principal) -> None:
        """Keep the bill of materials of a release that has none."""
        release = await self._published(at, by)
        if len(content) > MAX_SBOM_BYTES:
            what = "bill of materials"
            raise FileTooLarge(what, len(content), MAX_SBOM_BYTES)
        if not await asyncio.to_thread(_is_cyclonedx, content):
            raise SbomUnreadable
        if await self.documents.put_sbom(release.content, content) != content:
            raise SbomExists(at)

    async def require_right(self, package: Package, *, by: Principal) -> None:
        """Raise unless `by` may publish the package: so are files taken that are made here."""
        head = await self.metadata.head(package)
        await self.publishing.require_right(package, head, by)

    async def _published(self, at: Coordinate, by: Principal) -> Release:
        """Return the release that a file belongs to, if `by` may publish it."""
        found = await self.metadata.find(at)
        await self.publishing.require_right(at.package, found.head, by)
        if found.release is None or not _takes_files(found.release):
            raise ReleaseNotFound(at.package, at.version)
        return found.release


def _takes_files(release: Release) -> bool:
    """Say whether what comes beside the archive is taken: a push is whole, held or not."""
    return release.state is State.LIVE or release.awaits_owner


def _is_there_with(release: Release, digest: Digest) -> bool:
    return _takes_files(release) and release.content == digest


def _is_cyclonedx(content: bytes) -> bool:
    if not has_at_most_values(MAX_SBOM_VALUES, content):
        return False
    try:
        read: object = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(read, dict) and cast(Mapping[str, object], read).get("bomFormat") == _FORMAT

"""Maven clients: reading packages, lists of versions and checksums, and publishing one file in each
request.
"""

import asyncio
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.approved_packages import NotApproved
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ANY_CLIENT, ClientProfile, Distribution
from shared.domain.documents import DerivedDocument
from shared.domain.errors.base import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    Unauthenticated,
)
from shared.domain.errors.packages import (
    PackageNotFound,
    ReleaseNotFound,
    file_too_large,
    tool_not_found,
)
from shared.domain.errors.requests import SearchUnconfirmed
from shared.domain.maven import ChecksumAlgorithm, client_metadata, repository_metadata
from shared.domain.names import OrgName, ToolId
from shared.domain.packages import AvailableRelease, Release, Survey
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.sboms import MAX_SBOM_BYTES, is_cyclonedx
from shared.domain.search import ANYONE, Query, ResultPage, Viewer
from shared.domain.signatures import signatures_json
from shared.domain.version_choice import usable_entries
from shared.domain.visibility import Visibility
from shared.ports.archive_store import ArchiveStore
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore
from shared.ports.search import SearchIndex
from shared.ports.system import Clock
from shared.runtime.answer_dependencies import Dependencies
from shared.runtime.lru_cache import LruCache
from shared.services.packages.document_cache import DocumentCache
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.removed_documents import RemovedDocuments
from shared.services.packages.source import PackageSource
from shared.services.provenance.attestations import ReleaseProvenance
from shared.services.provenance.sigstore_bundles import SigstoreBundles
from shared.services.publishing.publishing import Publication, Publishing
from shared.services.publishing.publishing_rights import PublishingRights
from shared.services.publishing.uploads import Upload

# Distributions of Ballerina for which version lists are cached, namely those that were asked for
# last.
DISTRIBUTIONS_CACHED = 4
# Bytes for each distribution: 5,000 packages with a few versions.
VERSION_LISTS_CACHED_BYTES = 8 * 1024 * 1024
CHECKSUM_CHUNK_BYTES = 4 * 1024 * 1024  # Read and hashed at once; about 10 ms on a thread.
CHECKSUMS_CACHED = 10_000  # An archive never changes, so neither do its checksums.

_COUNT_ONLY = ResultPage(limit=0)


class MavenVersionList(Struct, frozen=True):
    """A list of versions, whether everybody may see it, and the records on which it depends."""

    document: DerivedDocument
    is_public: bool
    depends_on: Dependencies | None


class MavenPackages:
    """Reads packages for Maven clients.

    These clients send their first request without credentials, and send credentials only after a
    401. So an anonymous request that finds nothing gets `credentials-wanted` in every organization
    that has private packages, whether what it asked for exists or not; docs/decisions/0006 has the
    reasons. Only such a request asks the search index, and no store, so that its cost does not tell
    whether the package exists.
    """

    def __init__(
        self,
        hosted: HostedPackages,
        documents: DocumentStore,
        archives: ArchiveStore,
        index: SearchIndex,
        *,
        provenance: ReleaseProvenance,
        clock: Clock,
    ) -> None:
        self._hosted = hosted
        self._documents = documents
        self._provenance = provenance
        self._archives = archives
        self._index = index
        self._clock = clock
        self._version_lists = self._document_cache(repository_metadata)
        self._by_distribution = LruCache[str, DocumentCache](DISTRIBUTIONS_CACHED)
        self._checksums = LruCache[str, str](CHECKSUMS_CACHED)

    async def release(
        self, coordinate: Coordinate, source: PackageSource, *, by: Principal
    ) -> AvailableRelease:
        """Return one version that `source` finds; raise as it does, or `credentials-wanted`."""
        package = coordinate.package
        version = coordinate.version
        try:
            return await source.find(package, version, client=ANY_CLIENT, by=by)
        except ReleaseNotFound as missing:
            raise await self.refusal(missing, coordinate, package.org, by) from None

    async def tool(
        self, tool: ToolId, source: PackageSource, *, client: ClientProfile, by: Principal
    ) -> Survey:
        """Return the package of a tool with the versions of it that the client can use, of those
        that are stored and that `source` lets the caller take.

        Raises `tool-not-found` or `credentials-wanted`.
        """
        try:
            survey = await self._hosted.survey(await self._hosted.tool_owner(tool), by=by)
            usable = [each for each in usable_entries(survey, client) if tool in each.tools]
            taken = [
                e for e in usable if await _takes(source, survey.head.package.at(e.parsed), by)
            ]
            entries = tuple(taken)
            if not entries:
                raise tool_not_found(tool)
        except NotFound:
            # A tool's id does not name its organization, so any private package counts.
            raise await self.refusal(tool_not_found(tool), f"The tool {tool}", None, by) from None
        return replace(survey, entries=entries)

    async def graph(self, available: AvailableRelease) -> bytes:
        """Return the dependency graph of a release as it is stored: JSON."""
        [graph] = await self._documents.graphs([available.release.archive_digest])
        return graph

    async def sbom(self, available: AvailableRelease) -> bytes:
        """Return the bill of materials that was published with a release, or raise
        `sbom-not-found`."""
        content = await self._documents.sbom(available.release.archive_digest)
        if content is None:
            raise NotFound(
                "sbom-not-found",
                f"{available.release.coordinate} was published without a bill of materials.",
            )
        return content

    async def sigstore(self, available: AvailableRelease) -> bytes:
        """Return the Sigstore bundle of a release as it came, or raise `sigstore-not-found`."""
        release = available.release
        attested = await self._provenance.of(release)
        if not attested.bundles:
            raise NotFound(
                "sigstore-not-found",
                f"{release.coordinate} was published without a Sigstore bundle.",
            )
        return attested.bundles[0]

    def signatures(self, release: Release) -> bytes:
        """Return the signatures of a release, or raise `signatures-not-found`."""
        if not release.signatures:
            raise NotFound(
                "signatures-not-found",
                f"{release.coordinate} has no signature of this registry yet. Ask again in an "
                "hour.",
            )
        return signatures_json(release.signatures)

    async def checksum(self, release: Release, algorithm: ChecksumAlgorithm) -> str:
        """Return a checksum of the release's archive, in hexadecimal digits."""
        if algorithm is ChecksumAlgorithm.SHA256:
            return release.digest
        key = f"{algorithm.value}:{release.digest}"
        checksum = self._checksums.get(key)
        if checksum is None:
            checksum = await self._compute_checksum(release, algorithm)
            self._checksums.put(key, checksum)
        return checksum

    async def versions(
        self, package: Package, source: PackageSource, *, by: Principal
    ) -> MavenVersionList:
        """Return every live version that `source` has; raise `credentials-wanted` or what it
        raises. Takes one round trip to the store."""
        return await self._list(self._version_lists, package, source, by)

    async def usable_versions(
        self,
        package: Package,
        distribution: Distribution,
        source: PackageSource,
        *,
        by: Principal,
    ) -> MavenVersionList:
        """Return the versions that a distribution of Ballerina can use, like `versions`."""
        lists = self._by_distribution.get(distribution.text)
        lists = lists or self._document_cache(
            lambda survey: client_metadata(distribution, survey.head.org, survey.head.name, survey)
        )
        # It was used last, so it is dropped from the cache last.
        self._by_distribution.put(distribution.text, lists)
        return await self._list(lists, package, source, by)

    def _document_cache(self, make: Callable[[Survey], bytes]) -> DocumentCache:
        return DocumentCache(make, VERSION_LISTS_CACHED_BYTES)

    async def _list(
        self, lists: DocumentCache, package: Package, source: PackageSource, by: Principal
    ) -> MavenVersionList:
        try:
            survey = await source.survey(package, by=by)
        except PackageNotFound as missing:
            raise await self.refusal(missing, package, package.org, by) from None
        is_public = survey.head.visibility is Visibility.PUBLIC
        depends_on = Dependencies.of_list(survey.head)
        return MavenVersionList(await lists.document(survey), is_public, depends_on)

    async def _compute_checksum(self, release: Release, algorithm: ChecksumAlgorithm) -> str:
        hasher = algorithm.hasher()
        for start in range(0, release.size_bytes, CHECKSUM_CHUNK_BYTES):
            chunk = await self._archives.read(release.archive, start, CHECKSUM_CHUNK_BYTES)
            await asyncio.to_thread(hasher.update, chunk)
        return hasher.hexdigest()

    async def refusal(
        self, missing: NotFound, what: object, org: OrgName | None, by: Principal
    ) -> Refusal:
        """Return the refusal of something that the caller cannot find: `credentials-wanted` or
        `missing`."""
        if by.is_anonymous and await self._has_private(org):
            return Unauthenticated(
                "credentials-wanted",
                f"{what} is not here for requests without credentials. Check its name, or put "
                "username and accesstoken into the repository's entry of Settings.toml.",
            )
        return missing

    async def _has_private(self, org: OrgName | None) -> bool:
        """Check whether the organization, or any organization if None, has a private package, as
        far as the search index knows. If the answer is unknown, it is False: a build continues
        without a missing file, and ends if a file is refused.
        """
        # Packages of an upstream that nobody pulled are public. They may appear or vanish between
        # the two counts.
        query = Query(include_deprecated=True, stored_only=True)
        if org is not None:
            query = query.within(frozenset({org}))
        try:
            every, public = await asyncio.gather(
                self._index.search(query, _COUNT_ONLY, Viewer(sees_everything=True)),
                self._index.search(query, _COUNT_ONLY, ANYONE),
            )
        except SearchUnconfirmed:
            return False
        return every.count > public.count


class MavenPublishing(Struct, frozen=True):
    """Publishes releases from the files that a Maven client sends, in any order.

    The archive is the release: its arrival publishes it. Other files that a client sends are not
    stored, except for the bill of materials and the Sigstore bundle. The registry makes the files
    that clients read later from the release.
    """

    publishing: Publishing
    rights: PublishingRights
    metadata: MetadataStore
    documents: DocumentStore
    removed_documents: RemovedDocuments
    sigstore_bundles: SigstoreBundles
    maven_packages: MavenPackages

    async def publish_archive(
        self, content: bytes, at: Coordinate, *, by: Principal
    ) -> Publication:
        """Publish the archive, which must be the release that its path names."""
        return await self.publishing.push(Upload(content, coordinate=at), by)

    async def add_sbom(self, content: bytes, at: Coordinate, *, by: Principal) -> None:
        """Store the bill of materials of a release that has none. It takes the right to publish
        the version, except to repeat the one that is there."""
        found = await self.metadata.find(at)
        access = await self.rights.require_for_package(at.package, found.head, by)
        release = found.release
        if release is None or not _takes_files(release):
            raise ReleaseNotFound(at.package, at.version)
        if len(content) > MAX_SBOM_BYTES:
            what = "bill of materials"
            raise file_too_large(what, len(content), MAX_SBOM_BYTES)
        if not await asyncio.to_thread(is_cyclonedx, content):
            raise Invalid(
                "sbom-unreadable",
                "The bill of materials cannot be read. Send a CycloneDX document in JSON, with "
                '"bomFormat": "CycloneDX".',
            )
        try:
            self.rights.require_for_version(at, access, by)
        except Forbidden:
            if await self.documents.sbom(release.archive_digest) != content:
                raise
        if await self.documents.put_sbom(release.archive_digest, content) != content:
            raise Conflict(
                "sbom-exists",
                f"{at} has a bill of materials already, and releases never change. Publish a new "
                "version with the new one.",
            )
        if await self.removed_documents.delete_if_removed(at, release.archive_digest):
            raise ReleaseNotFound(at.package, at.version)

    async def add_sigstore(self, content: bytes, at: Coordinate, *, by: Principal) -> None:
        """Verify the Sigstore bundle of a release, and store it; a repeat changes nothing."""
        found = await self.metadata.find(at)
        await self.rights.require_for_package(at.package, found.head, by)
        release = found.release
        if release is None or not _takes_files(release):
            raise ReleaseNotFound(at.package, at.version)
        await self.sigstore_bundles.add(content, release, by=by)

    async def require_pusher(self, package: Package, *, by: Principal) -> None:
        """Raise unless `by` may publish the package. Clients send more files, which are ignored."""
        head = await self.metadata.head(package)
        await self.rights.require_for_package(package, head, by)


def _takes_files(release: Release) -> bool:
    """Check whether files besides the archive are accepted: a push continues if its release is
    held."""
    return release.state is State.LIVE or release.is_waiting


async def _takes(source: PackageSource, at: Coordinate, by: Principal) -> bool:
    """Check whether the source lets the caller take a release."""
    try:
        await source.require_approved(at, by=by)
    except NotApproved:
        return False
    return True

"""Bills of materials of releases: the one that the registry made, and the one of the author.

That of the registry is made with the API documentation, only from the archive. The author's is in
the archive, or a Maven client sent it beside the archive; that one is shown if there are both.
"""

import asyncio
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.confined.job_files import AUTHOR_SBOM, DIFFERENCES, OUTPUT, REGISTRY_SBOM
from shared.confined.jobs import SET_ASIDE, PartResult
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.api_docs.records import GENERATOR_VERSION
from shared.domain.archives.java_libraries import JavaLibrary
from shared.domain.coordinates import Coordinate
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.packages import ApiDocsFailed, SbomMissing
from shared.domain.errors.requests import ApiDocsPending, Busy, SbomPending
from shared.domain.packages import Release
from shared.domain.principals import Principal
from shared.domain.sboms import SbomDifferences
from shared.ports.confined_tasks import ConfinedTasks
from shared.ports.documents import DocumentStore
from shared.services.api_docs.api_docs import MADE_WITHIN, ApiDocs
from shared.services.api_docs.api_docs_generation import job_folder
from shared.services.api_docs.on_demand import OnDemandJobs
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.removed_documents import RemovedDocuments

MAX_DIFFERENCES_BYTES = 4 * 1024 * 1024  # 500 components have a few hundred KiB.
_REGISTRY = "this registry"
_AUTHOR = "its author"
_RENDERING = "sbom-differences"  # The name under which differences are stored.


class SbomOverview(Struct, frozen=True):
    """What a page shows of the bills of a release. The problems are ends of sentences, and empty
    where there is none; `differences` is None as long as nothing is compared."""

    libraries: tuple[JavaLibrary, ...] = ()
    is_pending: bool = False
    problem: str = ""  # Why the registry has no bill.
    has_author: bool = False
    author_problem: str = ""
    differences: SbomDifferences | None = None


class Sboms(Struct, frozen=True):
    """Reads the bills of materials of releases that the caller may see.

    A hidden or missing release is refused as everywhere; a bill that is not made yet is refused
    with `SbomPending`, and one that could not be made with `SbomMissing`, which says why.
    """

    hosted: HostedPackages
    api_docs: ApiDocs
    documents: DocumentStore
    removed_documents: RemovedDocuments
    confined: ConfinedTasks
    jobs: OnDemandJobs
    patience: timedelta = MADE_WITHIN

    async def find(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Return a stored release that the caller may see."""
        package = coordinate.package
        found = await self.hosted.find(package, coordinate.version, client=ANY_CLIENT, by=by)
        return found.release

    async def sbom(self, coordinate: Coordinate, *, by: Principal) -> bytes:
        """Return the bill of materials that the registry made: CycloneDX 1.6 in JSON."""
        return await self.of_registry(await self.find(coordinate, by=by))

    async def author_sbom(self, coordinate: Coordinate, *, by: Principal) -> bytes:
        """Return the bill of materials of the author, byte for byte."""
        return await self.of_author(await self.find(coordinate, by=by))

    async def of_registry(self, release: Release) -> bytes:
        content = await self._piece(release, PieceKind.SBOM, _REGISTRY)
        if content is None:
            raise SbomMissing(release.coordinate, _REGISTRY, "none could be made")
        return content

    async def of_author(self, release: Release) -> bytes:
        sent = await self.documents.sbom(release.archive_digest)
        if sent is not None:
            return sent
        packed = None
        if release.sbom:
            packed = await self._piece(release, PieceKind.AUTHOR_SBOM, _AUTHOR)
        if packed is None:
            raise SbomMissing(release.coordinate, _AUTHOR, "it was published without one")
        return packed

    async def java_libraries(self, release: Release) -> tuple[JavaLibrary, ...]:
        """Return the Java libraries inside of a release; none as long as they are not read, and if
        they took too much."""
        return await self.known_java_libraries(release) or ()

    async def known_java_libraries(self, release: Release) -> tuple[JavaLibrary, ...] | None:
        """Return what `java_libraries` does; None as long as they are not read."""
        try:
            content = await self._piece(release, PieceKind.JAVA_LIBRARIES, _REGISTRY)
        except SbomPending:
            return None
        except SbomMissing:
            return ()
        return msgspec.json.decode(content or b"[]", type=tuple[JavaLibrary, ...])

    async def differences(self, release: Release) -> SbomDifferences:
        """Return how the bill of the author differs from that of the registry.

        They are compared once, when somebody asks. Raises as the class says, and `Busy`.
        """
        author, registry = await asyncio.gather(self.of_author(release), self.of_registry(release))
        key = sha256(sha256(registry).digest() + sha256(author).digest()).hexdigest()
        if (made := await self._made(release, key)) is not None:
            return made
        if self.jobs.is_set_aside(key):
            return SbomDifferences(problem=SET_ASIDE)
        if not self.jobs.start(key, partial(self._compare, release, key, registry, author)):
            raise Busy
        await self.jobs.wait(key, self.patience)
        if (made := await self._made(release, key)) is not None:
            return made
        raise SbomPending(release.coordinate)

    async def overview(self, release: Release) -> SbomOverview:
        """Return what people are shown, whatever is not made yet or could not be made."""
        problem = ""
        try:
            await self.of_registry(release)
        except SbomPending:
            return SbomOverview(is_pending=True)
        except SbomMissing as missing:
            problem = missing.reason
        # Behind the bill, for which this waited until both were made.
        libraries = await self.java_libraries(release)
        return await self._with_author(SbomOverview(libraries, problem=problem), release)

    async def _with_author(self, found: SbomOverview, release: Release) -> SbomOverview:
        """Add the author's bill, and how it differs from that of the registry if there is one."""
        try:
            await self.of_author(release)
            if found.problem:
                return replace(found, has_author=True)
            compared = await self.differences(release)
        except SbomMissing as missing:
            return replace(found, author_problem=missing.reason if release.sbom else "")
        except (SbomPending, Busy):
            return replace(found, has_author=True)
        return replace(found, has_author=True, differences=compared)

    async def _made(self, release: Release, key: str) -> SbomDifferences | None:
        stored = await self.documents.rendering(release.archive_digest, _RENDERING)
        if stored is None or not stored.startswith(_head(key)):
            return None
        return msgspec.json.decode(stored[len(_head(key)) :], type=SbomDifferences)

    async def _compare(self, release: Release, key: str, registry: bytes, author: bytes) -> None:
        async with job_folder() as folder:
            await asyncio.to_thread((folder / REGISTRY_SBOM).write_bytes, registry)
            await asyncio.to_thread((folder / AUTHOR_SBOM).write_bytes, author)
            [part] = await self.confined.run("sboms", folder, None)
            made = await asyncio.to_thread(_differences, folder / OUTPUT / DIFFERENCES, part)
        archive = release.archive_digest
        await self.documents.put_rendering(archive, _RENDERING, _head(key) + made)
        await self.removed_documents.delete_if_removed(release.coordinate, archive)

    async def _piece(self, release: Release, kind: PieceKind, whose: str) -> bytes | None:
        """Return a piece of a release, None if it has none."""
        try:
            piece = await self.api_docs.piece(release.archive_digest, release.coordinate, kind)
        except ApiDocsPending:
            raise SbomPending(release.coordinate) from None
        except ApiDocsFailed as failed:
            raise SbomMissing(release.coordinate, whose, failed.reason) from None
        return piece and piece.unpack()


def _differences(file: Path, part: PartResult) -> bytes:
    """Return what the confined process wrote, if it is what it has to be."""
    if part.refused:
        return msgspec.json.encode(SbomDifferences(problem=part.refused))
    try:
        content = file.read_bytes() if file.stat().st_size <= MAX_DIFFERENCES_BYTES else b""
        return msgspec.json.encode(msgspec.json.decode(content, type=SbomDifferences))
    except msgspec.DecodeError:
        return msgspec.json.encode(SbomDifferences(problem="it cannot be compared"))


def _head(key: str) -> bytes:
    """Return the prefix of stored differences, which are made again for other bills or by another
    version of the generator."""
    return f"{GENERATOR_VERSION} {key}\n".encode()

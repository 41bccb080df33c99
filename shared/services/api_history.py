"""The history of the API of packages: made when a release is documented, and read for pages."""

import asyncio
import gzip
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from shared.domain.api_docs.records import GENERATOR_VERSION, DocsState
from shared.domain.api_docs.sources import ReleaseDocs
from shared.domain.api_docs.verdicts import ApiVerdict, earlier_release
from shared.domain.archives.names import Digest
from shared.domain.documents import gzipped
from shared.domain.names import Coordinate, Package, package_owner, release_place
from shared.domain.packages import Release, ReleaseEntry
from shared.ports import DirectoryStore, DocumentStore, MetadataStore, Stale

SINCE_DOCUMENT = "@since"  # Stored beside the documents of modules; no module has this name.


@dataclass(frozen=True, slots=True)
class _Stored:
    """The documentation of a version as it is stored."""

    coordinate: Coordinate
    documents: Sequence[bytes]
    since: bytes | None
    is_complete: bool


@dataclass(frozen=True)
class ApiHistory:
    """Compares each documented release with the version before it.

    A withdrawn release keeps what is stored of it, which is shown no more than the release.
    """

    metadata: MetadataStore
    documents: DocumentStore
    directory: DirectoryStore

    async def add(self, release: Release, made: ReleaseDocs) -> ReleaseDocs:
        """Store the verdict on a release; return its documentation with the versions since which
        its symbols exist, unless there are earlier versions and they are not documented."""
        coordinate = release.coordinate
        [survey] = await self.metadata.survey([coordinate.package])
        earlier = earlier_release(survey.live if survey else (), coordinate.version)
        before = await self._stored(coordinate.package, earlier) if earlier else None
        if earlier and not before:
            return made
        is_complete = made.record.state is DocsState.DONE
        after = _Stored(coordinate, tuple(made.documents.values()), None, is_complete)
        since, verdict = await asyncio.to_thread(_compare, after, before)
        if verdict:
            await self.directory.put(verdict)
        return replace(made, documents={**made.documents, SINCE_DOCUMENT: since})

    async def since(self, release: Release, module: str) -> Mapping[str, str]:
        """Return since which version the symbols of a module exist, by path. One trip."""
        content = await self.documents.api_docs(release.content, SINCE_DOCUMENT)
        table = await asyncio.to_thread(_since_table, content)
        return table.get(module, {})

    async def verdicts(self, package: Package) -> Mapping[str, ApiVerdict]:
        """Return the verdicts on the releases of a package, by version. One trip."""
        found = await self.directory.list_by_owner(ApiVerdict, package_owner(package))
        return {each.version: each for each in found}

    async def verdict(self, coordinate: Coordinate) -> ApiVerdict | None:
        """Return the verdict on a release. One trip."""
        return await self.directory.get(ApiVerdict, release_place(coordinate))

    async def remove(self, coordinate: Coordinate) -> None:
        """Delete the verdict on a release, if there is one."""
        verdict = await self.verdict(coordinate)
        if verdict:
            with suppress(Stale):  # Another process has removed it.
                await self.directory.remove(verdict)

    async def _stored(self, package: Package, entry: ReleaseEntry) -> _Stored | None:
        """Return the documentation of a release; None if it has none by this generator."""
        digest = Digest(entry.digest)
        record = await self.documents.api_docs_record(digest)
        if record is None or record.generator < GENERATOR_VERSION:
            return None
        names = (*record.modules, SINCE_DOCUMENT)
        *found, since = await asyncio.gather(
            *(self.documents.api_docs(digest, name) for name in names)
        )
        documents = tuple(each for each in found if each is not None)
        return _Stored(package.at(entry.parsed), documents, since, record.state is DocsState.DONE)


def _compare(after: _Stored, before: _Stored | None) -> tuple[bytes, ApiVerdict | None]:
    # Few processes document releases, and the model takes long to import.
    from shared.domain.api_docs.documents import read_document  # noqa: PLC0415
    from shared.domain.api_docs.history import (  # noqa: PLC0415
        DocumentedVersion,
        since_table,
        verdict,
    )

    def read(stored: _Stored) -> DocumentedVersion:
        modules = tuple(read_document(gzip.decompress(each)) for each in stored.documents)
        return DocumentedVersion(stored.coordinate, modules, stored.is_complete)

    new, old = read(after), read(before) if before else None
    known = _since_table(before.since if before else None)
    content = json.dumps(since_table(new, old, known), separators=(",", ":")).encode()
    return gzipped(content), verdict(new, old) if old else None


def _since_table(content: bytes | None) -> Mapping[str, Mapping[str, str]]:
    return json.loads(gzip.decompress(content)) if content else {}

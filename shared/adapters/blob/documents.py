"""Documentation, dependency graphs, bills of materials and API documentation as blobs; small graphs
are in Cosmos DB as well.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from azure.core import MatchConditions
from azure.core.exceptions import (
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob.aio import BlobClient

from shared.adapters.blob.client import BlobContainers, translate_blob_errors
from shared.adapters.cosmos.graphs import CosmosGraphs
from shared.domain.api_docs.pieces import LEFT_AFTER
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.archives.digests import Digest
from shared.domain.dependency_graphs import Graph, graph_document
from shared.domain.errors.requests import Busy, StorageFull
from shared.domain.packages import Texts
from shared.ports.conflicts import Stale
from shared.runtime.lru_cache import LruCache
from shared.runtime.retries import MAX_ATTEMPTS, back_off, retried

CONCURRENT_READS = 32  # Blobs that are read in parallel.
DOCUMENTS_CACHED_BYTES = 16 * 1024 * 1024  # Texts and graphs of some thousand releases.
LARGEST_CACHED_DOCUMENT_BYTES = 256 * 1024


class BlobDocuments:
    """The DocumentStore of a registry in the cloud."""

    def __init__(self, blobs: BlobContainers, graphs: CosmosGraphs) -> None:
        self._blobs = blobs
        self._small_graphs = graphs
        self._slots = asyncio.Semaphore(CONCURRENT_READS)
        # The keys are the names of the blobs. Neither texts nor graphs ever change.
        self._cache = LruCache[str, bytes](
            DOCUMENTS_CACHED_BYTES, weigh=lambda _, document: len(document)
        )

    async def put(self, digest: Digest, texts: Texts, graph: Graph) -> None:
        document = graph_document(graph)
        await asyncio.gather(
            self._create(_name("texts", digest), texts.model_dump_json().encode()),
            self._create(_name("graph", digest), document),
            self._small_graphs.put(digest, document),
        )

    async def texts(self, digest: Digest) -> Texts:
        name = _name("texts", digest)
        content = self._cache.get(name) or await self._read(name)
        if content is None:
            return Texts()
        self._keep(name, content)
        return Texts.model_validate_json(content)

    async def graphs(self, digests: Sequence[Digest]) -> list[bytes]:
        cached = {digest: self._cache.get(_name("graph", digest)) for digest in digests}
        graphs = {digest: graph for digest, graph in cached.items() if graph is not None}
        graphs |= await self._graphs([each for each in cached if each not in graphs])
        for digest, graph in graphs.items():
            self._keep(_name("graph", digest), graph)
        return [graphs.get(digest, b"[]") for digest in digests]

    async def put_sbom(self, digest: Digest, content: bytes) -> bytes:
        if await self._create(_name("sbom", digest), content):
            return content
        return await self._read(_name("sbom", digest)) or content

    async def sbom(self, digest: Digest) -> bytes | None:
        return await self._read(_name("sbom", digest))

    async def put_attestation(self, digest: Digest, name: str, content: bytes) -> None:
        await self._put(f"{_attestations(digest)}{name}", BytesIO(content))

    async def attestation(self, digest: Digest, name: str) -> bytes | None:
        return await self._read(f"{_attestations(digest)}{name}")

    async def attestations(self, digest: Digest) -> Mapping[str, bytes]:
        folder = _attestations(digest)
        names = sorted(await self._names(folder))
        contents = await asyncio.gather(*map(self._read, names))
        found = zip(names, contents, strict=True)
        return {name.removeprefix(folder): body for name, body in found if body is not None}

    async def rendering(self, digest: Digest, name: str) -> bytes | None:
        return await self._read(f"{_renderings(digest)}{name}")

    async def put_rendering(self, digest: Digest, name: str, content: bytes) -> None:
        await self._put(f"{_renderings(digest)}{name}", BytesIO(content))

    async def delete_renderings(self, digest: Digest, names: Sequence[str]) -> None:
        for name in names:
            await self._delete(f"{_renderings(digest)}{name}")

    async def put_api_docs(
        self, digest: Digest, record: ApiDocsRecord, pieces: Path | None = None
    ) -> None:
        unused, etag, kept = await self._put_record(digest, record, pieces)
        await self._delete_pieces(digest, unused, etag, kept=kept)

    @retried(MAX_ATTEMPTS, back_off)
    async def _put_record(
        self, digest: Digest, record: ApiDocsRecord, pieces: Path | None
    ) -> tuple[str, str, str]:
        """Store pieces and their record, unless there is one of a newer generator; return the name
        of the pieces that no record names any more, their version, empty for any, and the name of
        those that the stored record names.

        Raises `Busy` if other processes are faster again and again.
        """
        name = record.pieces.name if record.pieces else ""
        stored, etag = await self._read_tagged(_api_docs_record(digest))
        before = ApiDocsRecord.model_validate_json(stored) if stored else None
        former = before.pieces.name if before and before.pieces else ""
        if before and before.generator > record.generator:
            return name, "", former
        # Pieces are named by their contents, so another process may store the former ones again
        # when their record is replaced: only this version of them is deleted.
        former_etag = await self._etag(_pieces(digest, former)) if former not in ("", name) else ""
        # The record comes last: until then the documentation is made again. The pieces are stored
        # again in each attempt: a record that named the same ones may have been replaced.
        if pieces is not None:
            await self._put(_pieces(digest, name), await asyncio.to_thread(pieces.open, "rb"))
        body = record.model_dump_json().encode()
        if not await self._replace(_api_docs_record(digest), body, etag):
            raise Stale
        return former if former_etag else "", former_etag, name

    async def _delete_pieces(self, digest: Digest, name: str, etag: str, *, kept: str) -> None:
        """Delete this version of the pieces with this name, and those that an ended process left;
        no others, whose record another process may be about to store."""
        with translate_blob_errors():
            container = self._blobs.container("derived")
            listed = container.list_blobs(name_starts_with=_pieces(digest))
            stored = {each.name: each.last_modified async for each in listed}
        newest = max(stored.values(), default=None)
        for each, modified in stored.items():
            is_old = newest is not None and newest - modified > LEFT_AFTER
            if each == _pieces(digest, kept):
                continue
            if each == _pieces(digest, name):
                await self._delete(each, etag)
            elif is_old:
                await self._delete(each)

    async def api_docs_record(self, digest: Digest) -> ApiDocsRecord | None:
        content = await self._read(_api_docs_record(digest))
        return None if content is None else ApiDocsRecord.model_validate_json(content)

    async def read_pieces(self, digest: Digest, name: str, start: int, count: int) -> bytes | None:
        return await self._read(_pieces(digest, name), start, count)

    async def delete(self, digest: Digest) -> None:
        for name in (_name("texts", digest), _name("graph", digest)):
            self._cache.drop(name)
        for name in (_name("sbom", digest), _name("texts", digest), _name("graph", digest)):
            await self._delete(name)
        # After its blob, from which a process that lacks it would store it again.
        await self._small_graphs.delete(digest)
        for prefix in (_attestations(digest), _renderings(digest), _api_docs(digest)):
            for name in await self._names(prefix):
                await self._delete(name)

    async def _names(self, prefix: str) -> list[str]:
        with translate_blob_errors():
            found = self._blobs.container("derived").list_blob_names(name_starts_with=prefix)
            return [name async for name in found]

    async def _graphs(self, digests: Sequence[Digest]) -> dict[Digest, bytes]:
        if not digests:
            return {}
        small = await self._small_graphs.read(digests)
        others = [digest for digest in digests if digest not in small]
        read = await asyncio.gather(*(self._graph_of_blob(digest) for digest in others))
        found = dict(zip(others, read, strict=True))
        return small | {digest: graph for digest, graph in found.items() if graph is not None}

    async def _graph_of_blob(self, digest: Digest) -> bytes | None:
        """Return a graph that is a blob only: it is large, or was stored by older code."""
        graph = await self._read(_name("graph", digest))
        if graph is not None:
            with suppress(Busy, StorageFull):  # The next process that reads it stores it.
                await self._small_graphs.put(digest, graph)
        return graph

    def _keep(self, name: str, document: bytes) -> None:
        if len(document) <= LARGEST_CACHED_DOCUMENT_BYTES:
            self._cache.put(name, document)

    async def _create(self, name: str, content: bytes) -> bool:
        with translate_blob_errors(), suppress(ResourceExistsError):
            await self._blob(name).upload_blob(BytesIO(content), overwrite=False)
            return True
        return False

    async def _put(self, name: str, content: BinaryIO) -> None:
        with translate_blob_errors(), content:
            await self._blob(name).upload_blob(content, overwrite=True)

    async def _replace(self, name: str, content: bytes, etag: str) -> bool:
        """Store the blob if the stored one has this version, or if there is none for an empty
        `etag`; return whether it was stored."""
        condition = _of_version(etag)
        with (
            translate_blob_errors(),
            suppress(ResourceExistsError, ResourceModifiedError, ResourceNotFoundError),
        ):
            await self._blob(name).upload_blob(BytesIO(content), overwrite=bool(etag), **condition)
            return True
        return False

    async def _read(self, name: str, start: int = 0, count: int | None = None) -> bytes | None:
        content, _ = await self._read_tagged(name, start, count)
        return content

    async def _read_tagged(
        self, name: str, start: int = 0, count: int | None = None
    ) -> tuple[bytes | None, str]:
        """Return the content and the version of a blob; None and nothing if there is none."""
        async with self._slots:
            with translate_blob_errors(), suppress(ResourceNotFoundError):
                found: Any = await self._blob(name).download_blob(start, count)
                return await found.readall(), found.properties.etag
        return None, ""

    async def _etag(self, name: str) -> str:
        """Return the version of a blob; empty if there is none."""
        with translate_blob_errors(), suppress(ResourceNotFoundError):
            return (await self._blob(name).get_blob_properties()).etag
        return ""

    async def _delete(self, name: str, etag: str = "") -> None:
        """Delete the blob, unless it has another version than `etag`, which is empty for any."""
        with translate_blob_errors(), suppress(ResourceModifiedError, ResourceNotFoundError):
            await self._blob(name).delete_blob(**_of_version(etag))

    def _blob(self, name: str) -> BlobClient:
        return self._blobs.container("derived").get_blob_client(name)


def _of_version(etag: str) -> dict[str, Any]:
    """Return the condition that a blob has this version; none if it is empty."""
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}


def document_blobs(digest: Digest) -> tuple[str, ...]:
    """Return the prefixes of the names of the documents of an archive, and of no others."""
    names = (_name(kind, digest) for kind in ("sbom", "texts", "graph"))
    return (*names, _attestations(digest), _renderings(digest), _api_docs(digest))


def comparison_blobs(digest: Digest) -> tuple[str, ...]:
    """Return the prefixes of the names of what compares an archive with others."""
    return (_renderings(digest), _api_docs(digest))


def _name(kind: str, digest: Digest) -> str:
    return f"{kind}/{digest.hex}.json"


def _attestations(digest: Digest) -> str:
    return f"attestations/{digest.hex}/"


def _renderings(digest: Digest) -> str:
    return f"renderings/{digest.hex}/"


def _api_docs(digest: Digest) -> str:
    return f"api-docs/{digest.hex}/"


def _api_docs_record(digest: Digest) -> str:
    return f"{_api_docs(digest)}record.json"


def _pieces(digest: Digest, name: str = "") -> str:
    return f"{_api_docs(digest)}pieces/{name}"

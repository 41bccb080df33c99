"""Documentation, dependency graphs, bills of materials and API documentation as blobs."""

import asyncio
from collections.abc import Mapping, Sequence
from io import BytesIO

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient

from shared.adapters.blob.client import BlobContainers, translate_blob_errors
from shared.adapters.paths import (
    api_docs_blob,
    api_docs_blobs,
    api_docs_module_blob,
    graph_blob,
    rendering_blob,
    sbom_blob,
    texts_blob,
)
from shared.caching import LruCache
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.archives.names import Digest
from shared.domain.packages import Graph, Texts, graph_document

CONCURRENT_READS = 32  # Blobs that are read in parallel.
GRAPH_CACHE_BYTES = 8 * 1024 * 1024  # Bytes, of some thousand packages.
LARGEST_CACHED_GRAPH_BYTES = 256 * 1024


class BlobDocuments:
    """The DocumentStore of a registry in the cloud."""

    def __init__(self, blobs: BlobContainers) -> None:
        self._blobs = blobs
        self._slots = asyncio.Semaphore(CONCURRENT_READS)
        self._graphs = LruCache[str, bytes](GRAPH_CACHE_BYTES, weigh=lambda _, graph: len(graph))

    async def put(self, digest: Digest, texts: Texts, graph: Graph) -> None:
        await asyncio.gather(
            self._create(texts_blob(digest), texts.model_dump_json().encode()),
            self._create(graph_blob(digest), graph_document(graph)),
        )

    async def texts(self, digest: Digest) -> Texts:
        content = await self._read(texts_blob(digest))
        return Texts() if content is None else Texts.model_validate_json(content)

    async def graphs(self, digests: Sequence[Digest]) -> list[bytes]:
        return await asyncio.gather(*(self._graph(graph_blob(digest)) for digest in digests))

    async def put_sbom(self, digest: Digest, content: bytes) -> bytes:
        if await self._create(sbom_blob(digest), content):
            return content
        return await self._read(sbom_blob(digest)) or content

    async def sbom(self, digest: Digest) -> bytes | None:
        return await self._read(sbom_blob(digest))

    async def rendering(self, digest: Digest, name: str) -> bytes | None:
        return await self._read(rendering_blob(digest, name))

    async def put_rendering(self, digest: Digest, name: str, content: bytes) -> None:
        await self._put(rendering_blob(digest, name), content)

    async def put_api_docs(
        self, digest: Digest, record: ApiDocsRecord, documents: Mapping[str, bytes]
    ) -> None:
        stored = await self.api_docs_record(digest)
        if stored is not None and stored.generator > record.generator:
            return
        # The record comes last: until then the documentation is made again.
        for module, content in documents.items():
            await self._put(api_docs_module_blob(digest, module), content)
        await self._put(api_docs_blob(digest), record.model_dump_json().encode())

    async def api_docs_record(self, digest: Digest) -> ApiDocsRecord | None:
        content = await self._read(api_docs_blob(digest))
        return None if content is None else ApiDocsRecord.model_validate_json(content)

    async def api_docs(self, digest: Digest, module: str) -> bytes | None:
        return await self._read(api_docs_module_blob(digest, module))

    async def delete(self, digest: Digest) -> None:
        for name in (sbom_blob(digest), texts_blob(digest), graph_blob(digest)):
            await self._delete(name)
        for prefix in (rendering_blob(digest), api_docs_blobs(digest)):
            for name in await self._names(prefix):
                await self._delete(name)

    async def _names(self, prefix: str) -> list[str]:
        with translate_blob_errors():
            found = self._blobs.container("derived").list_blob_names(name_starts_with=prefix)
            return [name async for name in found]

    async def _graph(self, name: str) -> bytes:
        """Return a graph; a stored graph never changes."""
        graph = self._graphs.get(name)
        if graph is None:
            graph = await self._read(name)
            if graph is None:
                return b"[]"
            if len(graph) <= LARGEST_CACHED_GRAPH_BYTES:
                self._graphs.put(name, graph)
        return graph

    async def _create(self, name: str, content: bytes) -> bool:
        with translate_blob_errors():
            try:
                await self._blob(name).upload_blob(BytesIO(content), overwrite=False)
            except ResourceExistsError:
                return False
        return True

    async def _put(self, name: str, content: bytes) -> None:
        with translate_blob_errors():
            await self._blob(name).upload_blob(BytesIO(content), overwrite=True)

    async def _read(self, name: str) -> bytes | None:
        async with self._slots:
            with translate_blob_errors():
                try:
                    found = await self._blob(name).download_blob()
                    return await found.readall()
                except ResourceNotFoundError:
                    return None

    async def _delete(self, name: str) -> None:
        with translate_blob_errors():
            try:
                await self._blob(name).delete_blob()
            except ResourceNotFoundError:
                return

    def _blob(self, name: str) -> BlobClient:
        return self._blobs.container("derived").get_blob_client(name)

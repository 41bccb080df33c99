"""Small dependency graphs in Cosmos DB, which are also blobs."""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence

from shared.adapters.cosmos.change_feed import ChangeFeedEdition
from shared.adapters.cosmos.client import CosmosDatabase, Item
from shared.adapters.cosmos.metadata import digest_key
from shared.domain.archives.digests import Digest

GRAPH = "graph"

LARGEST_GRAPH_ITEM_BYTES = 64 * 1024  # Compressed. A larger item costs more than its blob.


class CosmosGraphs:
    """The graphs that are small enough, by the digests of their archives."""

    def __init__(self, cosmos: CosmosDatabase, edition: ChangeFeedEdition) -> None:
        self._edition = edition
        self._packages = cosmos.container("packages")

    async def put(self, digest: Digest, graph: bytes) -> None:
        """Store the graph if it is small enough; a repeat changes nothing."""
        body = b64encode(zlib.compress(graph)).decode()
        if len(body) <= LARGEST_GRAPH_ITEM_BYTES:
            fields: Item = {"id": GRAPH, "schema": 1, "kind": GRAPH, "body": body}
            await self._packages.create({**fields, "pk": digest_key(digest)})

    async def read(self, digests: Sequence[Digest]) -> dict[Digest, bytes]:
        by_key = {digest_key(digest): digest for digest in digests}
        # A graph never changes, and one that is not found here is read from its blob.
        session = self._edition.session
        items = await self._packages.read_each(list(by_key), GRAPH, as_of=session)
        return {by_key[item["pk"]]: zlib.decompress(b64decode(item["body"])) for item in items}

    async def delete(self, digest: Digest) -> None:
        """Delete the graph, if there is one."""
        await self._packages.delete(digest_key(digest), GRAPH)

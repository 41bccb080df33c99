"""Where texts and graphs are read from, and what a process keeps of them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.adapters.blob.client import BlobContainers
from shared.adapters.blob.documents import LARGEST_CACHED_DOCUMENT_BYTES, BlobDocuments
from shared.adapters.cosmos.change_feed import ChangeFeedEdition
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.cosmos.metadata import LARGEST_GRAPH_ITEM_BYTES, CosmosGraphs
from shared.adapters.system import SystemRandomness
from shared.domain.archives.digests import Digest
from shared.domain.dependency_graphs import Graph, GraphNode
from shared.domain.packages import Texts
from tests.contract.sample_records import DIGEST, graph
from tests.fakes.blob_storage import FailingBlobsInMemory, Outage
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import double_of

OTHER = Digest.of(b"another archive")


@dataclass
class SharedStores:
    """The stores of a registry, which processes share."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    outage: Outage = field(default_factory=Outage)

    @asynccontextmanager
    async def process(self) -> AsyncGenerator[BlobDocuments]:
        """Open the documents as a process does that remembers nothing."""
        connections = FailingBlobsInMemory(self.folder, self.clock, outage=self.outage)
        blobs = BlobContainers(connections.blobs, connections.prefix)
        cosmos = CosmosDatabase(connections.cosmos, SystemRandomness())
        self.taken()
        yield BlobDocuments(blobs, CosmosGraphs(cosmos, ChangeFeedEdition(cosmos, FakeClock())))
        await blobs.close()
        await cosmos.close()

    def taken(self) -> tuple[int, int]:
        """Return the requests for records and for blobs since the last call."""
        double = double_of(self.folder, self.clock)
        records = sum("/docs" in each.path for each in double.requests)
        taken = (records, len(self.outage.asked))
        double.requests.clear()
        self.outage.asked.clear()
        return taken


@pytest.fixture
def stores(tmp_path: Path) -> SharedStores:
    return SharedStores(tmp_path)


async def test_small_documents_are_read_once_and_large_ones_each_time(stores: SharedStores) -> None:
    digits = [Digest.of(str(number).encode()).hex for number in range(5_000)]
    large = Graph(
        nodes=tuple(GraphNode(org="acme", name=f"p{each}", version="1.0.0") for each in digits)
    )
    async with stores.process() as documents:
        await documents.put(DIGEST, Texts(readme="small"), graph("acme/a"))
        await documents.put(OTHER, Texts(readme="x" * LARGEST_CACHED_DOCUMENT_BYTES), large)
    async with stores.process() as documents:
        for taken in ((1, 3), (1, 2), (1, 2)):
            small, other = await documents.graphs([DIGEST, OTHER])
            assert (
                len(small) < LARGEST_GRAPH_ITEM_BYTES < LARGEST_CACHED_DOCUMENT_BYTES < len(other)
            )
            assert (await documents.texts(DIGEST)).readme == "small"
            assert (await documents.texts(OTHER)).readme.startswith("x")
            assert stores.taken() == taken

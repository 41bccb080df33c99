"""Where texts and graphs are read from, and what a process keeps of them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.client import BlobContainers
from shared.adapters.blob.documents import LARGEST_CACHED_DOCUMENT_BYTES, BlobDocuments
from shared.adapters.cosmos.change_feed import ChangeFeedEdition
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.cosmos.graphs import LARGEST_GRAPH_ITEM_BYTES, CosmosGraphs
from shared.adapters.system import SystemRandomness
from shared.domain.api_docs.pieces import PiecesPointer
from shared.domain.api_docs.records import ApiDocsRecord, DocsState
from shared.domain.archives.digests import Digest
from shared.domain.dependency_graphs import Graph, GraphNode
from shared.domain.errors.requests import Busy
from shared.domain.packages import Texts
from shared.runtime.retries import MAX_ATTEMPTS
from tests.contract.sample_records import DIGEST, graph
from tests.fakes.blob_double import ADDRESS, CONNECTION
from tests.fakes.blob_storage import FailingBlobsInMemory, Outage
from tests.fakes.blob_transport import BlobTransport
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import blob_double_of, double_of

OTHER = Digest.of(b"another archive")


@dataclass
class SharedStores:
    """The stores of a registry, which processes share."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    outage: Outage = field(default_factory=Outage)

    @asynccontextmanager
    async def process(
        self, connect: Callable[[], BlobServiceClient] | None = None
    ) -> AsyncGenerator[BlobDocuments]:
        """Open the documents as a process does that remembers nothing."""
        connections = FailingBlobsInMemory(self.folder, self.clock, outage=self.outage)
        blobs = BlobContainers(connect or connections.blobs, connections.prefix)
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


@dataclass
class RivalTransport(BlobTransport):
    """Before the first request with `before` in its address, the rival does what it does."""

    before: str
    rival: Callable[[], Awaitable[object]] | None = None

    async def send(self, request: Any, **options: Any) -> Any:
        rival = self.rival
        if rival is not None and self.before in f"{request.method} {request.url}":
            self.rival = None
            await rival()
        return await super().send(request, **options)

    def connect(self) -> BlobServiceClient:
        """Return a client that sends its requests by this transport."""
        return BlobServiceClient.from_connection_string(CONNECTION, transport=self)


async def test_a_graph_that_another_process_reads_during_its_deletion_is_not_stored_again(
    stores: SharedStores,
) -> None:
    async with stores.process() as documents, stores.process() as other:
        await documents.put(DIGEST, Texts(), graph("acme/a"))

        async def read() -> None:
            await other.graphs([DIGEST])

        transport = RivalTransport(
            blob_double_of(stores.folder, stores.clock), "DELETE", rival=read
        )
        async with stores.process(transport.connect) as deleting:
            await deleting.delete(DIGEST)
        assert transport.rival is None
    async with stores.process() as documents:
        assert await documents.graphs([DIGEST]) == [b"[]"]


@pytest.fixture
def pieces(stores: SharedStores) -> Path:
    """Return a file with the pieces of an archive."""
    file = stores.folder / "pieces"
    file.write_bytes(b"piece")
    return file


def documented(name: str, generator: int = 1) -> ApiDocsRecord:
    pieces = PiecesPointer(name=name, index_start=1, end=3)
    return ApiDocsRecord(state=DocsState.DONE, generator=generator, pieces=pieces)


RECORD = f"PUT {ADDRESS}/derived/api-docs/{DIGEST.hex}/record.json"
LIST = f"GET {ADDRESS}/derived?"


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("before", "rival_generator", "stays"),
    [(RECORD, 2, "rival"), (RECORD, 1, "mine"), (LIST, 2, "rival"), (LIST, 1, "rival")],
)
async def test_two_that_document_an_archive_at_once_leave_a_record_with_its_pieces(
    stores: SharedStores,
    pieces: Path,
    before: str,
    rival_generator: int,
    stays: str,
    *,
    is_first: bool,
) -> None:
    transport = RivalTransport(blob_double_of(stores.folder, stores.clock), before)

    async with stores.process() as other, stores.process(transport.connect) as mine:
        if not is_first:
            await other.put_api_docs(DIGEST, documented("earlier"), pieces)
        rival = documented("rival", rival_generator)
        transport.rival = lambda: other.put_api_docs(DIGEST, rival, pieces)
        await mine.put_api_docs(DIGEST, documented("mine"), pieces)
        stored = await other.api_docs_record(DIGEST)
        assert stored is not None
        assert stored.pieces is not None
        assert stored.pieces.name == stays
        for name in ("earlier", "mine", "rival"):
            is_there = await other.read_pieces(DIGEST, name, 0, 5) == b"piece"
            assert is_there == (name == stays), name


async def test_pieces_with_the_name_of_those_that_a_rival_replaces_stay(
    stores: SharedStores, pieces: Path
) -> None:
    """Pieces are named by their contents, so documentation may have the same ones again."""
    transport = RivalTransport(
        blob_double_of(stores.folder, stores.clock), f"DELETE {ADDRESS}/derived/api-docs"
    )

    async with stores.process() as other, stores.process(transport.connect) as mine:
        await other.put_api_docs(DIGEST, documented("first"), pieces)
        transport.rival = lambda: other.put_api_docs(DIGEST, documented("first"), pieces)
        await mine.put_api_docs(DIGEST, documented("second"), pieces)
        assert await other.api_docs_record(DIGEST) == documented("first")
        assert await other.read_pieces(DIGEST, "first", 0, 5) == b"piece"


async def test_pieces_that_never_win_are_not_stored_again_forever(
    stores: SharedStores, pieces: Path
) -> None:
    transport = RivalTransport(blob_double_of(stores.folder, stores.clock), RECORD)
    others = 0

    async with stores.process() as other, stores.process(transport.connect) as mine:

        async def win() -> None:
            nonlocal others
            others += 1
            if others < 100:
                transport.rival = win
            await other.put_api_docs(DIGEST, documented(f"rival-{others}"), pieces)

        transport.rival = win
        with pytest.raises(Busy):
            await mine.put_api_docs(DIGEST, documented("mine"), pieces)
        assert others == MAX_ATTEMPTS
        stored = await other.api_docs_record(DIGEST)
        assert stored == documented(f"rival-{others}")
        assert await other.read_pieces(DIGEST, f"rival-{others}", 0, 5) == b"piece"


async def test_pieces_of_a_process_that_ended_are_deleted_with_the_next_ones(
    stores: SharedStores, pieces: Path
) -> None:
    transport = RivalTransport(blob_double_of(stores.folder, stores.clock), RECORD)

    async def killed() -> None:
        raise KeyboardInterrupt

    async with stores.process() as other, stores.process(transport.connect) as mine:
        transport.rival = killed
        with pytest.raises(KeyboardInterrupt):
            await mine.put_api_docs(DIGEST, documented("left"), pieces)
        await other.put_api_docs(DIGEST, documented("first"), pieces)
        assert await other.read_pieces(DIGEST, "left", 0, 5) == b"piece"
        stores.clock.advance(timedelta(hours=2))
        await other.put_api_docs(DIGEST, documented("second"), pieces)
        assert await other.read_pieces(DIGEST, "left", 0, 5) is None
        assert await other.read_pieces(DIGEST, "second", 0, 5) == b"piece"

"""Dependency graphs that a process keeps."""

from pathlib import Path

from shared.adapters.blob.client import BlobContainers
from shared.adapters.blob.documents import LARGEST_CACHED_GRAPH_BYTES, BlobDocuments
from shared.domain.archives.names import Digest
from shared.domain.packages import Texts
from tests.contract.sample_records import DIGEST, graph
from tests.fakes.blob_storage import FailingBlobs, Outage
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble, make_containers

OTHER = Digest.of(b"another archive")


async def test_small_graphs_are_read_once_and_large_ones_each_time(tmp_path: Path) -> None:
    clock, outage = FakeClock(), Outage()
    await make_containers(CloudDouble(tmp_path, clock))
    connections = FailingBlobs(tmp_path, clock, outage=outage)
    blobs = BlobContainers(connections.blobs, connections.prefix)
    documents = BlobDocuments(blobs)
    await documents.put(DIGEST, Texts(), graph("acme/a"))
    large = graph(*(f"acme/package{number}" for number in range(5_000)))
    await documents.put(OTHER, Texts(), large)
    outage.asked.clear()
    for _ in range(3):
        (small, other) = await documents.graphs([DIGEST, OTHER])
        assert len(small) < LARGEST_CACHED_GRAPH_BYTES < len(other)
    assert len(outage.asked) == 1 + 3
    await blobs.close()

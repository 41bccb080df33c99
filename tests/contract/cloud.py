"""The stores of the cloud over the double of Cosmos DB."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from azure.cosmos.aio import CosmosClient

from shared.adapters.cosmos.connecting import DATABASE, Cosmos
from shared.adapters.cosmos.containers import CONTAINERS
from shared.adapters.cosmos.directory import CosmosDirectory
from shared.adapters.cosmos.events import CosmosEvents
from shared.adapters.cosmos.metadata import CosmosMetadata
from shared.adapters.cosmos.pulls import CosmosPulls
from shared.adapters.cosmos.work import CosmosWork
from shared.adapters.embedded import open_embedded
from shared.adapters.system import SystemRandomness
from shared.ports import ArchiveStore, Clock, DocumentStore
from tests.fakes.cosmos.containers import Container
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.cosmos.serving import served
from tests.fakes.cosmos.transport import DoubleTransport

ANY_KEY = "a2V5"  # The double does not check signatures.
ADDRESS = "cosmos.address"  # A file of a place whose double other processes use.


@dataclass
class CloudStores:
    """Every port of a registry in the cloud; archives and documents are files meanwhile."""

    metadata: CosmosMetadata
    documents: DocumentStore
    archives: ArchiveStore
    directory: CosmosDirectory
    events: CosmosEvents
    work: CosmosWork
    pulls: CosmosPulls


_doubles: dict[Path, CosmosDouble] = {}


@asynccontextmanager
async def cloud(place: Path, clock: Clock) -> AsyncGenerator[CloudStores]:
    """Open the stores of the cloud; all who open the same place share one double."""
    database = Cosmos(partial(_connect, place, clock), SystemRandomness())
    files = open_embedded(place, clock)
    files.migrate()
    metadata, directory = CosmosMetadata(database), CosmosDirectory(database, clock)
    try:
        yield CloudStores(
            metadata=metadata,
            documents=files.documents,
            archives=files.archives,
            directory=directory,
            events=CosmosEvents(database, clock, metadata, directory),
            work=CosmosWork(database, clock),
            pulls=CosmosPulls(database, metadata),
        )
    finally:
        await database.close()
        files.close()


def account(clock: Clock) -> CosmosDouble:
    """Return an account that has the containers of a registry."""
    double = CosmosDouble(clock.now_ms)
    for plan in CONTAINERS:
        ttl = -1 if plan.ends else None
        double.make(DATABASE, Container(plan.name, plan.path, clock.now_ms, default_ttl=ttl))
    return double


@contextmanager
def shared_by_processes(place: Path, clock: Clock) -> Generator[None]:
    """Serve a double that every process which opens the place connects to."""
    with served(account(clock)) as address:
        (place / ADDRESS).write_text(address)
        yield


def _connect(place: Path, clock: Clock) -> CosmosClient:
    address = place / ADDRESS
    if address.exists():
        return CosmosClient(address.read_text(), ANY_KEY)
    double = _doubles.setdefault(place, account(clock))
    return CosmosClient(double.address, ANY_KEY, transport=DoubleTransport(double))

"""The stores of the cloud over the double of Cosmos DB."""

import atexit
import hashlib
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.cosmos.aio import CosmosClient
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.archives import BlobArchives
from shared.adapters.blob.connecting import CONTAINERS as CONTAINER_NAMES
from shared.adapters.blob.connecting import PIECES, Blobs
from shared.adapters.blob.documents import BlobDocuments
from shared.adapters.cosmos.connecting import DATABASE, Cosmos
from shared.adapters.cosmos.containers import CONTAINERS
from shared.adapters.cosmos.directory import CosmosDirectory
from shared.adapters.cosmos.events import CosmosEvents
from shared.adapters.cosmos.metadata import CosmosMetadata
from shared.adapters.cosmos.pulls import CosmosPulls
from shared.adapters.cosmos.work import CosmosWork
from shared.adapters.system import SystemRandomness
from shared.ports import Clock
from tests.fakes.azurite import azurite, missing
from tests.fakes.cosmos.containers import Container
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.cosmos.serving import served
from tests.fakes.cosmos.transport import DoubleTransport

ANY_KEY = "a2V5"  # The double does not check signatures.
BLOBS = "blobs.connection"
ADDRESS = "cosmos.address"  # A file of a place whose double other processes use.


@dataclass
class CloudStores:
    """Every port of a registry in the cloud."""

    metadata: CosmosMetadata
    documents: BlobDocuments
    archives: BlobArchives
    directory: CosmosDirectory
    events: CosmosEvents
    work: CosmosWork
    pulls: CosmosPulls


_doubles: dict[Path, CosmosDouble] = {}


@asynccontextmanager
async def cloud(place: Path, clock: Clock) -> AsyncGenerator[CloudStores]:
    """Open the stores of the cloud; all who open the same place share one double."""
    database = Cosmos(partial(_connect, place, clock), SystemRandomness())
    blobs = await _opened_blobs(place)
    metadata, directory = CosmosMetadata(database), CosmosDirectory(database, clock)
    try:
        yield CloudStores(
            metadata=metadata,
            documents=BlobDocuments(blobs),
            archives=BlobArchives(blobs, clock),
            directory=directory,
            events=CosmosEvents(database, clock, metadata, directory),
            work=CosmosWork(database, clock),
            pulls=CosmosPulls(database, metadata),
        )
    finally:
        await database.close()
        await blobs.close()


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
        (place / BLOBS).write_text(emulator())
        yield


@cache
def emulator() -> str:
    """Return the connection string of an emulator that runs until this process ends."""
    if reason := missing():
        pytest.skip(reason)
    running = azurite()
    address = running.__enter__()
    atexit.register(running.__exit__, None, None, None)
    return address


async def _opened_blobs(place: Path) -> Blobs:
    """Return the blobs of the place, in containers of its own."""
    known = place / BLOBS
    address = known.read_text() if known.exists() else emulator()
    prefix = f"t{hashlib.sha256(str(place).encode()).hexdigest()[:12]}-"
    blobs = Blobs(partial(BlobServiceClient.from_connection_string, address, **PIECES), prefix)
    for name in CONTAINER_NAMES:
        with suppress(ResourceExistsError):
            await blobs.container(name).create_container()
    return blobs


def _connect(place: Path, clock: Clock) -> CosmosClient:
    address = place / ADDRESS
    if address.exists():
        return CosmosClient(address.read_text(), ANY_KEY)
    double = _doubles.setdefault(place, account(clock))
    return CosmosClient(double.address, ANY_KEY, transport=DoubleTransport(double))

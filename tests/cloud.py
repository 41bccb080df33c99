"""The stores of the cloud for tests: a double of Cosmos DB and an emulator of blobs, or real ones.

A place is a folder of a test. All who connect to the same place share what is stored; in other
processes too, once the place is served.
"""

import atexit
import hashlib
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.cosmos.aio import CosmosClient
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.connecting import CONTAINERS as BLOB_CONTAINERS
from shared.adapters.blob.connecting import OPTIONS, Blobs
from shared.adapters.cloud import Connections
from shared.adapters.cosmos.charging import note_charge
from shared.adapters.cosmos.connecting import DATABASE
from shared.adapters.cosmos.containers import CONTAINERS
from shared.ports import Clock
from tests.fakes.azurite import azurite, missing
from tests.fakes.cosmos.containers import Container, Partition
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.cosmos.serving import served
from tests.fakes.cosmos.transport import DoubleTransport

ANY_KEY = "a2V5"  # The double does not check signatures.
BLOBS = "blobs.connection"
ADDRESS = "cosmos.address"  # A file of a place whose double other processes use.

_doubles: dict[Path, CosmosDouble] = {}


@dataclass(frozen=True)
class AtPlace:
    """Connects to the stores of a place."""

    place: Path
    clock: Clock
    database: str = DATABASE
    transport: Callable[[CosmosDouble], DoubleTransport] = DoubleTransport

    @property
    def prefix(self) -> str:
        """Return what tells the containers of this place from others of the same emulator."""
        return f"t{hashlib.sha256(str(self.place).encode()).hexdigest()[:12]}-"

    def cosmos(self) -> CosmosClient:
        """Return a client of the double, in this process or in another one."""
        address = self.place / ADDRESS
        if address.exists():
            return CosmosClient(address.read_text(), ANY_KEY, raw_response_hook=note_charge)
        double = double_of(self.place, self.clock)
        transport = self.transport(double)
        return CosmosClient(
            double.address, ANY_KEY, transport=transport, raw_response_hook=note_charge
        )

    def blobs(self) -> BlobServiceClient:
        """Return a client of the emulator."""
        known = self.place / BLOBS
        address = known.read_text() if known.exists() else emulator()
        return BlobServiceClient.from_connection_string(address, **OPTIONS)

    async def close(self) -> None:
        """Do nothing: the clients shared nothing."""


def double_of(place: Path, clock: Clock) -> CosmosDouble:
    """Return the double of the place, new if there is none yet, by the clock of who asks last."""
    double = _doubles.setdefault(place, account(clock))
    double.now_ms = clock.now_ms
    for container in double.containers.values():
        container.now_ms = clock.now_ms
    return double


def copy_double(source: Path, target: Path) -> None:
    """Let what is stored at the one place be stored at the other as well; blobs are left out."""
    original = _doubles[source]
    copied = CosmosDouble(original.now_ms)
    for (database, _), container in original.containers.items():
        partitions = {
            key: Partition(dict(each.items)) for key, each in container.partitions.items()
        }
        copied.make(database, replace(container, partitions=partitions))
    _doubles[target] = copied


def forget(place: Path) -> None:
    """Let go of what is stored at the place; blobs end with the emulator."""
    _doubles.pop(place, None)


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


async def make_containers(connections: Connections) -> None:
    """Make the containers of blobs, as the templates do in the cloud."""
    blobs = Blobs(connections.blobs, connections.prefix)
    for name in BLOB_CONTAINERS:
        with suppress(ResourceExistsError):
            await blobs.container(name).create_container()
    await blobs.close()

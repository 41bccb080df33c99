"""The stores of the cloud for tests: a double of Cosmos DB and an emulator of Blob Storage.

All who connect to the stores of the same folder share what is stored.
"""

import atexit
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.cosmos.aio import CosmosClient
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.client import BLOB_CLIENT_OPTIONS, BLOB_CONTAINERS, BlobContainers
from shared.adapters.cloud import AzureClients
from shared.adapters.cosmos.client import COSMOS_CLIENT_OPTIONS, COSMOS_CONTAINERS, DATABASE
from shared.ports.search import SearchIndex
from shared.ports.system import Clock
from tests.fakes.azurite import azurite, missing
from tests.fakes.blob_double import CONNECTION, BlobDouble, StoredBlob
from tests.fakes.blob_transport import BlobTransport
from tests.fakes.cosmos.containers import Container, Partition
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.cosmos.transport import DoubleTransport

ANY_KEY = "a2V5"  # The double does not check signatures.
BLOBS = "blobs.connection"  # A file of a folder whose blobs are opened by another connection.

_doubles: dict[Path, CosmosDouble] = {}
_blob_doubles: dict[Path, BlobDouble] = {}
_with_containers = set[str]()  # Prefixes of containers of blobs that this process made.


@dataclass(frozen=True)
class CloudDouble:
    """Connects to the stores of a folder."""

    folder: Path
    clock: Clock
    database: str = DATABASE
    transport: Callable[[CosmosDouble], DoubleTransport] = DoubleTransport

    @property
    def prefix(self) -> str:
        """Return what tells the containers of this folder from others of the same emulator."""
        return f"t{hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]}-"

    def cosmos(self) -> CosmosClient:
        """Return a client of the double."""
        double = double_of(self.folder, self.clock)
        transport = self.transport(double)
        return CosmosClient(double.address, ANY_KEY, transport=transport, **COSMOS_CLIENT_OPTIONS)

    def blobs(self) -> BlobServiceClient:
        """Return a client of the emulator."""
        known = self.folder / BLOBS
        address = known.read_text() if known.exists() else emulator()
        return BlobServiceClient.from_connection_string(address, **BLOB_CLIENT_OPTIONS)

    async def close(self) -> None:
        """Do nothing: the clients shared nothing."""


@dataclass(frozen=True)
class CloudInMemory(CloudDouble):
    """Connects to the stores of a folder, which are both doubles in this process."""

    @property
    def prefix(self) -> str:
        """Return nothing: each folder has an account of its own."""
        return ""

    def blobs(self) -> BlobServiceClient:
        """Return a client of the double."""
        transport = BlobTransport(blob_double_of(self.folder, self.clock))
        return BlobServiceClient.from_connection_string(
            CONNECTION, transport=transport, **BLOB_CLIENT_OPTIONS
        )


def double_of(folder: Path, clock: Clock) -> CosmosDouble:
    """Return the double of the folder, new if there is none yet, by the clock of who asks last."""
    double = _doubles.setdefault(folder, account(clock))
    double.now_ms = clock.now_ms
    for container in double.containers.values():
        container.now_ms = clock.now_ms
    return double


def blob_double_of(folder: Path, clock: Clock) -> BlobDouble:
    """Return the double of Blob Storage of the folder, by the clock of who asks last."""
    if folder not in _blob_doubles:
        containers: dict[str, dict[str, StoredBlob]] = {name: {} for name in BLOB_CONTAINERS}
        _blob_doubles[folder] = BlobDouble(clock.now_ms, containers)
    double = _blob_doubles[folder]
    double.now_ms = clock.now_ms
    return double


def blob_double_at(folder: Path) -> BlobDouble:
    """Return the double of Blob Storage of a folder that somebody has connected to."""
    return _blob_doubles[folder]


def copy_double(source: Path, target: Path) -> None:
    """Let what is stored in the one folder be stored in the other as well; blobs of an emulator are
    left out.
    """
    original = _doubles[source]
    copied = CosmosDouble(original.now_ms)
    for (database, _), container in original.containers.items():
        partitions = {
            key: Partition(dict(each.items)) for key, each in container.partitions.items()
        }
        copied.make(database, replace(container, partitions=partitions))
    _doubles[target] = copied
    if source in _blob_doubles:
        _blob_doubles[target] = _blob_doubles[source].copy()


def forget(folder: Path) -> None:
    """Let go of what is stored in the folder; blobs of an emulator end with it."""
    _doubles.pop(folder, None)
    _blob_doubles.pop(folder, None)


def account(clock: Clock) -> CosmosDouble:
    """Return an account that has the containers of a registry."""
    double = CosmosDouble(clock.now_ms)
    for plan in COSMOS_CONTAINERS:
        ttl = -1 if plan.ends else None
        double.make(DATABASE, Container(plan.name, plan.path, clock.now_ms, default_ttl=ttl))
    return double


@cache
def emulator() -> str:
    """Return the connection string of an emulator that runs until this process ends."""
    if reason := missing():
        pytest.skip(reason)
    running = azurite()
    address = running.__enter__()
    atexit.register(running.__exit__, None, None, None)
    return address


async def make_containers(connections: AzureClients) -> None:
    """Make the containers of blobs, as the templates do in the cloud."""
    if connections.prefix in _with_containers:
        return
    if connections.prefix:  # Without one, the account is another each time.
        _with_containers.add(connections.prefix)
    blobs = BlobContainers(connections.blobs, connections.prefix)
    for name in BLOB_CONTAINERS:
        with suppress(ResourceExistsError):
            await blobs.container(name).create_container()
    await blobs.close()


async def look_for_parts(search: SearchIndex) -> None:
    """Let a search of the cloud look for newer parts of its index, as it does every half minute."""
    method: Any = (
        search.offer
    )  # A port has only members that it declares: this is one of the index.
    await look(method.__self__)


async def look(index: Any) -> None:
    """Let a search of the cloud read the change feed and the pointer now."""
    copy = index._copy
    if copy._current is not None:
        copy._current.changes = -1
    await copy.refresh()

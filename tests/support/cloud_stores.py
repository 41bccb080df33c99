"""The stores of the cloud for tests: a double of Cosmos DB and an emulator of blobs, or real
ones.
"""

import asyncio
import atexit
import hashlib
import os
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.cosmos.aio import CosmosClient, DatabaseProxy
from azure.cosmos.partition_key import PartitionKey
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.client import BLOB_CLIENT_OPTIONS, BLOB_CONTAINERS, BlobContainers
from shared.adapters.cloud import AzureClients, IdentityClients, StoreAddresses
from shared.adapters.cosmos.client import COSMOS_CONTAINERS, DATABASE, record_charge
from shared.auth.secrets import Secret
from shared.ports.search import SearchIndex
from shared.ports.system import Clock
from shared.runtime.private_files import hold_file_lock
from tests.fakes.azurite import azurite, missing
from tests.fakes.blob_double import CONNECTION, BlobDouble, StoredBlob
from tests.fakes.blob_transport import BlobTransport
from tests.fakes.cosmos.containers import Container, Partition
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.cosmos.transport import DoubleTransport

# The stores of the cloud for tests: a double of Cosmos DB and an emulator of blobs, or real ones.
#
# A place is a folder of a test. All who connect to the same place share what is stored.

ANY_KEY = "a2V5"  # The double does not check signatures.
BLOBS = "blobs.connection"  # A file of a place whose blobs are opened by another connection.

_doubles: dict[Path, CosmosDouble] = {}
_blob_doubles: dict[Path, BlobDouble] = {}
_with_containers = set[str]()  # Prefixes of containers of blobs that this process made.


@dataclass(frozen=True)
class CloudDouble:
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
        """Return a client of the double."""
        double = double_of(self.place, self.clock)
        transport = self.transport(double)
        return CosmosClient(
            double.address, ANY_KEY, transport=transport, raw_response_hook=record_charge
        )

    def blobs(self) -> BlobServiceClient:
        """Return a client of the emulator."""
        known = self.place / BLOBS
        address = known.read_text() if known.exists() else emulator()
        return BlobServiceClient.from_connection_string(address, **BLOB_CLIENT_OPTIONS)

    async def close(self) -> None:
        """Do nothing: the clients shared nothing."""


@dataclass(frozen=True)
class CloudInMemory(CloudDouble):
    """Connects to the stores of a place, which are both doubles in this process."""

    @property
    def prefix(self) -> str:
        """Return nothing: each place has an account of its own."""
        return ""

    def blobs(self) -> BlobServiceClient:
        """Return a client of the double."""
        transport = BlobTransport(blob_double_of(self.place, self.clock))
        return BlobServiceClient.from_connection_string(
            CONNECTION, transport=transport, **BLOB_CLIENT_OPTIONS
        )


def double_of(place: Path, clock: Clock) -> CosmosDouble:
    """Return the double of the place, new if there is none yet, by the clock of who asks last."""
    double = _doubles.setdefault(place, account(clock))
    double.now_ms = clock.now_ms
    for container in double.containers.values():
        container.now_ms = clock.now_ms
    return double


def blob_double_of(place: Path, clock: Clock) -> BlobDouble:
    """Return the double of Blob Storage of the place, by the clock of who asks last."""
    if place not in _blob_doubles:
        containers: dict[str, dict[str, StoredBlob]] = {name: {} for name in BLOB_CONTAINERS}
        _blob_doubles[place] = BlobDouble(clock.now_ms, containers)
    double = _blob_doubles[place]
    double.now_ms = clock.now_ms
    return double


def blob_double_at(place: Path) -> BlobDouble:
    """Return the double of Blob Storage of a place that somebody has connected to."""
    return _blob_doubles[place]


def copy_double(source: Path, target: Path) -> None:
    """Let what is stored at the one place be stored at the other as well; blobs of an emulator are
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


def forget(place: Path) -> None:
    """Let go of what is stored at the place; blobs of an emulator end with it."""
    _doubles.pop(place, None)
    _blob_doubles.pop(place, None)


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


# Real stores of the cloud for the contract suites, where the environment names some.
#
# BALLROOM_COSMOS_ENDPOINT and BALLROOM_BLOB_ENDPOINT with their keys: of Microsoft's emulators, or
# of accounts that nobody uses for anything else. Each process of a run makes a database of its own,
# empties it for each test, and deletes it in the end; blobs are in containers of each test's own.

_to_delete: list[Callable[[], Awaitable[None]]] = []

NAME = "cosmos.database"  # A file of a place: the database that all who open the place use.


def addresses() -> StoreAddresses | None:
    """Return where the real stores are, or None where the environment names none."""
    read = os.environ.get
    cosmos = read("BALLROOM_COSMOS_ENDPOINT")
    blobs = read("BALLROOM_BLOB_ENDPOINT")
    if not cosmos or not blobs:
        return None
    keys = read("BALLROOM_COSMOS_KEY", ""), read("BALLROOM_BLOB_CONNECTION", "")
    return StoreAddresses(cosmos, blobs, *map(Secret, keys))


@dataclass(frozen=True)
class RealStores:
    """Connects to the real stores of a place."""

    place: Path
    connected: IdentityClients

    @property
    def database(self) -> str:
        """Return the database of who opened the place first."""
        return (self.place / NAME).read_text()

    @property
    def prefix(self) -> str:
        """Return what tells the containers of this place from others of the account."""
        return f"t{hashlib.sha256(str(self.place).encode()).hexdigest()[:12]}-"

    def cosmos(self) -> CosmosClient:
        """Return a client of the records."""
        return self.connected.cosmos()

    def blobs(self) -> BlobServiceClient:
        return self.connected.blobs()

    async def close(self) -> None:
        """Let go of what the clients shared."""
        await self.connected.close()

    async def prepare(self) -> None:
        """Make the stores of a new place, empty; nothing happens to one that was opened before."""
        with hold_file_lock(self.place / f"{NAME}.lock"):  # Several processes may open it first.
            if not (self.place / NAME).exists():
                await self._make_stores()

    async def _make_stores(self) -> None:
        (self.place / NAME).write_text(_own_database())
        async with self.cosmos() as client:
            await _emptied(await client.create_database_if_not_exists(self.database))
        await make_containers(self)
        _to_delete.append(self._delete_blobs)

    async def _delete_blobs(self) -> None:
        blobs = BlobContainers(self.connected.blobs, self.prefix)
        for name in BLOB_CONTAINERS:
            with suppress(ResourceNotFoundError):
                await blobs.container(name).delete_container()
        await blobs.close()


@cache
def _own_database() -> str:
    """Return the name of the database of this process, which ends with it."""
    name = f"ballroom-test-{uuid.uuid4().hex[:12]}"

    async def delete() -> None:
        found = addresses()
        assert found is not None
        async with IdentityClients(found).cosmos() as client:
            with suppress(ResourceNotFoundError):
                await client.delete_database(name)

    _to_delete.append(delete)
    return name


def delete_all() -> None:
    """Delete everything that this process made."""

    async def run() -> None:
        while _to_delete:
            await _to_delete.pop()()

    asyncio.run(run())


async def _emptied(database: DatabaseProxy) -> None:
    """Make the containers that are missing, and delete all items of the others."""
    for plan in COSMOS_CONTAINERS:
        container = await database.create_container_if_not_exists(
            plan.name, PartitionKey(plan.path), default_ttl=-1 if plan.ends else None
        )
        items = [each async for each in container.query_items("SELECT * FROM c")]
        for item in items:
            await container.delete_item(item["id"], item[plan.path.strip("/")])


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

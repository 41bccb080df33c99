"""Real Cosmos DB and Blob Storage for tests, where the environment names them.

BALLROOM_COSMOS_ENDPOINT and BALLROOM_BLOB_ENDPOINT, with their keys, are those of Microsoft's
emulators, or of accounts that nobody uses for anything else. Each process of a run makes a database
of its own, empties it for each test, and deletes it in the end; blobs are in containers of each
test's own.
"""

import asyncio
import hashlib
import os
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from azure.core.exceptions import ResourceNotFoundError
from azure.cosmos.aio import CosmosClient, DatabaseProxy
from azure.cosmos.partition_key import PartitionKey
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.client import BLOB_CONTAINERS, BlobContainers
from shared.adapters.cloud import IdentityClients, StoreAddresses
from shared.adapters.cosmos.client import COSMOS_CONTAINERS
from shared.auth.secrets import Secret
from shared.runtime.private_files import hold_file_lock
from tests.support.cloud_stores import make_containers

_to_delete: list[Callable[[], Awaitable[None]]] = []

DATABASE_FILE = "cosmos.database"  # In a place: the database that all who open the place use.


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

    folder: Path
    connected: IdentityClients

    @property
    def database(self) -> str:
        """Return the database of who opened the place first."""
        return (self.folder / DATABASE_FILE).read_text()

    @property
    def prefix(self) -> str:
        """Return what tells the containers of this place from others of the account."""
        return f"t{hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]}-"

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
        # Several processes may open it first.
        with hold_file_lock(self.folder / f"{DATABASE_FILE}.lock"):
            if not (self.folder / DATABASE_FILE).exists():
                await self._make_stores()

    async def _make_stores(self) -> None:
        (self.folder / DATABASE_FILE).write_text(_own_database())
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

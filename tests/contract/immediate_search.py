"""The search of the cloud without delay: before each search it reads what was written."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.adapters.blob.client import BlobContainers
from shared.adapters.cloud import AzureClients
from shared.adapters.cosmos.change_feed import PACKAGES, ChangeFeedEdition
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.search.cloud_blobs import IndexPointer, SearchBlobs
from shared.adapters.search.cloud_index import (
    CloudSearchIndex,
    CloudSearchPorts,
    CopyEnvironment,
    open_cloud_search,
)
from shared.adapters.system import SystemRandomness
from shared.domain.listings import Listing
from shared.domain.packages import Texts
from shared.ports.system import Clock
from tests.contract.sample_records import head, release
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudInMemory, look
from tests.support.port_doubles import Proceed, intercepted


async def never(_seconds: float) -> None:
    """Sleep until the end of the test."""
    await asyncio.Event().wait()


@asynccontextmanager
async def opened_search(
    connections: AzureClients, clock: Clock, folder: Path
) -> AsyncGenerator[CloudSearchPorts]:
    """Open the search as one instance has it; it looks for newer bases when it is told to."""
    randomness = SystemRandomness()
    cosmos = CosmosDatabase(connections.cosmos, randomness, connections.database)
    blobs = BlobContainers(connections.blobs, connections.prefix)
    edition = ChangeFeedEdition(cosmos, clock)
    cosmos.on_write(PACKAGES, edition.note_write)
    surroundings = CopyEnvironment(clock, randomness, never, edition)
    search = open_cloud_search(cosmos, blobs, folder / "copies", surroundings)
    try:
        yield search
    finally:
        await search.index.close()
        await cosmos.close()
        await blobs.close()


def immediate_search(index: CloudSearchIndex) -> CloudSearchIndex:
    """Return a search index in which what was written is found at once, by every process."""

    async def search(method: str, proceed: Proceed) -> Any:
        if method not in ("offer", "replace", "fill", "remove"):
            await look(index)
        return await proceed()

    return intercepted(index, search)


@dataclass(kw_only=True)
class SearchStores:
    """The stores of a registry in the cloud whose search is tested."""

    folder: Path
    clock: FakeClock
    connections: CloudInMemory
    cosmos: CosmosDatabase
    blobs: BlobContainers

    def parts(self) -> SearchBlobs:
        """Return the parts in the cloud."""
        return SearchBlobs(self.blobs, self.clock, SystemRandomness())

    async def pointer(self) -> IndexPointer:
        found = await self.parts().pointer()
        assert found is not None
        return found.pointer

    async def put(self, name: str, content: bytes) -> None:
        """Store a blob over what is there."""
        await self.blobs.container("derived").upload_blob(name, content, overwrite=True)


@asynccontextmanager
async def opened_search_stores(folder: Path) -> AsyncGenerator[dict[str, Any]]:
    """Return the fields of such stores."""
    clock = FakeClock()
    connections = CloudInMemory(folder, clock)
    cosmos = CosmosDatabase(connections.cosmos, SystemRandomness())
    blobs = BlobContainers(connections.blobs, connections.prefix)
    yield vars(
        SearchStores(
            folder=folder, clock=clock, connections=connections, cosmos=cosmos, blobs=blobs
        )
    )
    await cosmos.close()
    await blobs.close()


def listing(name: str, **fields: Any) -> Listing:
    """Return the listing of `acme/name:1.0.0`."""
    return Listing(head(f"acme/{name}"), release(f"acme/{name}:1.0.0", **fields), Texts())

"""Every port of a registry in the cloud, over one database and one account of blobs."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Protocol

from azure.cosmos.aio import CosmosClient
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.archives import BlobArchives
from shared.adapters.blob.connecting import OPTIONS, Blobs
from shared.adapters.blob.documents import BlobDocuments
from shared.adapters.blob.snapshots import BlobSnapshots
from shared.adapters.cloud_search.opening import CloudSearch, Surroundings, open_search
from shared.adapters.cosmos.charging import note_charge
from shared.adapters.cosmos.connecting import DATABASE, Cosmos
from shared.adapters.cosmos.directory import CosmosDirectory
from shared.adapters.cosmos.events import CosmosEvents
from shared.adapters.cosmos.metadata import CosmosMetadata
from shared.adapters.cosmos.pulls import CosmosPulls
from shared.adapters.cosmos.watching import CosmosChanges
from shared.adapters.cosmos.work import CosmosWork
from shared.auth.secret import Secret
from shared.ports import Clock, Randomness


class Connections(Protocol):
    """Makes the clients of both stores."""

    @property
    def database(self) -> str:
        """Return the name of the database."""
        ...

    @property
    def prefix(self) -> str:
        """Return what the name of every container of blobs begins with."""
        ...

    def cosmos(self) -> CosmosClient:
        """Return a client of the records."""
        ...

    def blobs(self) -> BlobServiceClient:
        """Return a client of the blobs."""
        ...

    async def close(self) -> None:
        """Let go of what the clients shared."""
        ...


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the stores are, and the keys of emulators; an empty one is the identity of the app."""

    cosmos: str
    blobs: str
    cosmos_key: Secret
    blob_connection: Secret


class Connected:
    """Makes clients that sign in as the identity of the app, or with the keys of emulators."""

    database = DATABASE
    prefix = ""

    def __init__(self, addresses: Addresses) -> None:
        """Connect to these addresses; not yet."""
        self._addresses = addresses
        self._identity: DefaultAzureCredential | None = None

    def cosmos(self) -> CosmosClient:
        """Return a client of the records."""
        key = self._addresses.cosmos_key.reveal()
        identity = key or self._identified()
        return CosmosClient(self._addresses.cosmos, identity, raw_response_hook=note_charge)

    def blobs(self) -> BlobServiceClient:
        """Return a client of the blobs."""
        connection = self._addresses.blob_connection.reveal()
        if connection:
            return BlobServiceClient.from_connection_string(connection, **OPTIONS)
        return BlobServiceClient(self._addresses.blobs, self._identified(), **OPTIONS)

    async def close(self) -> None:
        """Let go of the identity; the next client makes a new one."""
        identity, self._identity = self._identity, None
        if identity is not None:
            await identity.close()

    def _identified(self) -> DefaultAzureCredential:
        # Which identity of the app it is, the library reads from AZURE_CLIENT_ID.
        self._identity = self._identity or DefaultAzureCredential()
        return self._identity


@dataclass(frozen=True)
class Cloud:
    """The stores of one registry in the cloud."""

    connections: Connections
    cosmos: Cosmos
    blobs: Blobs
    metadata: CosmosMetadata
    documents: BlobDocuments
    archives: BlobArchives
    directory: CosmosDirectory
    events: CosmosEvents
    work: CosmosWork
    pulls: CosmosPulls
    snapshots: BlobSnapshots
    search: CloudSearch
    changes: CosmosChanges

    async def close(self) -> None:
        """Close every connection; the next use opens them again."""
        await self.search.index.close()
        await asyncio.gather(self.cosmos.close(), self.blobs.close())
        await self.connections.close()


def open_cloud(connections: Connections, clock: Clock, randomness: Randomness) -> Cloud:
    """Return the stores; nothing is connected before it is used."""
    cosmos = Cosmos(connections.cosmos, randomness, connections.database)
    blobs = Blobs(connections.blobs, connections.prefix)
    metadata, directory = CosmosMetadata(cosmos), CosmosDirectory(cosmos, clock)
    return Cloud(
        connections=connections,
        cosmos=cosmos,
        blobs=blobs,
        metadata=metadata,
        documents=BlobDocuments(blobs),
        archives=BlobArchives(blobs, clock),
        directory=directory,
        events=CosmosEvents(cosmos, clock, metadata, directory),
        work=CosmosWork(cosmos, clock),
        pulls=CosmosPulls(cosmos, metadata),
        snapshots=BlobSnapshots(blobs),
        changes=CosmosChanges(cosmos),
        search=open_search(
            cosmos, blobs, Path(gettempdir()), Surroundings(clock, randomness, asyncio.sleep)
        ),
    )

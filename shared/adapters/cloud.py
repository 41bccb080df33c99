"""The stores of the cloud: opening them over Cosmos DB and Blob Storage, and checking them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Protocol

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.cosmos.aio import CosmosClient
from azure.storage.blob.aio import BlobServiceClient
from msgspec import Struct

from shared.adapters.azure_transports import http_transport, identity_transport, record_transport
from shared.adapters.blob.advisories import BlobAdvisoryFiles
from shared.adapters.blob.archive_store import BlobArchives
from shared.adapters.blob.client import BLOB_CLIENT_OPTIONS, BLOB_CONTAINERS, BlobContainers
from shared.adapters.blob.deleted_copies import BlobCopies
from shared.adapters.blob.documents import BlobDocuments
from shared.adapters.blob.log_files import BlobLog
from shared.adapters.blob.revocations import BlobRevocations
from shared.adapters.blob.snapshots import BlobSnapshots
from shared.adapters.cosmos.change_feed import PACKAGES, ChangeFeedEdition
from shared.adapters.cosmos.client import (
    COSMOS_CLIENT_OPTIONS,
    COSMOS_CONTAINERS,
    DATABASE,
    CosmosDatabase,
)
from shared.adapters.cosmos.directory import CosmosDirectory
from shared.adapters.cosmos.events import CosmosEvents
from shared.adapters.cosmos.graphs import CosmosGraphs
from shared.adapters.cosmos.metadata import CosmosMetadata
from shared.adapters.cosmos.pull_ledger import CosmosPulls
from shared.adapters.cosmos.pull_records import CosmosPullRecords
from shared.adapters.cosmos.work import CosmosWork
from shared.adapters.network import DIRECT, Network
from shared.adapters.search.cloud_index import CloudSearchPorts, CopyEnvironment, open_cloud_search
from shared.auth.entra import app_identity
from shared.auth.secrets import Secret
from shared.domain.checks import CheckSeverity, DoctorCheck
from shared.ports.system import Clock, Randomness
from shared.runtime.connection_problems import reason_of


class AzureClients(Protocol):
    """Creates the clients of Cosmos DB and Blob Storage."""

    @property
    def database(self) -> str: ...

    @property
    def prefix(self) -> str:
        """The prefix of the names of all blob containers."""
        ...

    def cosmos(self) -> CosmosClient: ...

    def blobs(self) -> BlobServiceClient: ...

    async def close(self) -> None:
        """Close what the clients share."""
        ...


class StoreAddresses(Struct, frozen=True):
    """Addresses of the stores, and keys of emulators; without a key the app's identity signs in."""

    cosmos: str
    blobs: str
    cosmos_key: Secret
    blob_connection: Secret


class IdentityClients:
    """Creates clients that sign in as the app's identity, or with the keys of emulators."""

    database = DATABASE
    prefix = ""

    def __init__(self, addresses: StoreAddresses, network: Network = DIRECT) -> None:
        self._addresses = addresses
        self._network = network
        self._identity: AsyncTokenCredential | None = None

    def cosmos(self) -> CosmosClient:
        key = self._addresses.cosmos_key.reveal()
        identity = key or self._identified()
        return CosmosClient(
            self._addresses.cosmos,
            identity,
            transport=record_transport(self._network),
            **COSMOS_CLIENT_OPTIONS,
        )

    def blobs(self) -> BlobServiceClient:
        connection = self._addresses.blob_connection.reveal()
        options = {**BLOB_CLIENT_OPTIONS, "transport": http_transport(self._network)}
        if connection:
            return BlobServiceClient.from_connection_string(connection, **options)
        return BlobServiceClient(self._addresses.blobs, self._identified(), **options)

    async def close(self) -> None:
        """Close the identity's connections; the next client opens new ones."""
        identity = self._identity
        self._identity = None
        if identity is not None:
            await identity.close()

    def _identified(self) -> AsyncTokenCredential:
        self._identity = self._identity or app_identity(identity_transport(self._network))
        return self._identity


class CloudStores(Struct, frozen=True):
    """The stores of one registry in the cloud."""

    connections: AzureClients
    cosmos: CosmosDatabase
    blobs: BlobContainers
    metadata: CosmosMetadata
    documents: BlobDocuments
    archives: BlobArchives
    copies: BlobCopies
    directory: CosmosDirectory
    events: CosmosEvents
    work: CosmosWork
    pulls: CosmosPulls
    pull_records: CosmosPullRecords
    snapshots: BlobSnapshots
    revocations: BlobRevocations
    log_files: BlobLog
    advisory_files: BlobAdvisoryFiles
    search: CloudSearchPorts
    edition: ChangeFeedEdition

    async def close(self) -> None:
        """Close every connection; the next use opens them again."""
        await self.search.index.close()
        await asyncio.gather(self.cosmos.close(), self.blobs.close())
        await self.connections.close()


def open_cloud(connections: AzureClients, clock: Clock, randomness: Randomness) -> CloudStores:
    """Return the stores, which connect when they are first used."""
    cosmos = CosmosDatabase(connections.cosmos, randomness, connections.database)
    blobs = BlobContainers(connections.blobs, connections.prefix)
    archives = BlobArchives(blobs, clock)
    edition = ChangeFeedEdition(cosmos, clock)
    cosmos.on_write(PACKAGES, edition.note_write)
    for container in ("accounts", "tokens"):
        cosmos.on_write(container, edition.note_record_write)
    metadata = CosmosMetadata(cosmos, edition)
    directory = CosmosDirectory(cosmos, clock)
    return CloudStores(
        connections=connections,
        cosmos=cosmos,
        blobs=blobs,
        metadata=metadata,
        documents=BlobDocuments(blobs, CosmosGraphs(cosmos, edition)),
        archives=archives,
        copies=BlobCopies(blobs, clock),
        directory=directory,
        events=CosmosEvents(cosmos, clock, metadata, directory),
        work=CosmosWork(cosmos, clock),
        pulls=CosmosPulls(cosmos, metadata),
        pull_records=CosmosPullRecords(cosmos, clock),
        snapshots=BlobSnapshots(blobs),
        revocations=BlobRevocations(blobs),
        log_files=BlobLog(blobs),
        advisory_files=BlobAdvisoryFiles(blobs),
        edition=edition,
        search=open_cloud_search(
            cosmos,
            blobs,
            Path(gettempdir()),
            CopyEnvironment(clock, randomness, asyncio.sleep, edition),
        ),
    )


CHECK_TIMEOUT = timedelta(seconds=20)  # The libraries retry for minutes.

_REACH = "Look at its address, and whether this machine may reach it."
_WAYS_OUT = {
    401: ("may not be read", "Look at the key, or at the identity that signs in."),
    403: ("may not be read", "infra/modules/roles.bicep says what the identity may do."),
    404: ("does not exist", "The templates make it: run azd up."),
}


_Ask = Callable[[str], Awaitable[object]]


async def check_cloud_stores(
    cloud: CloudStores, patience: timedelta = CHECK_TIMEOUT
) -> AsyncIterator[DoctorCheck]:
    """Check that every container of both stores can be read; writes nothing."""

    async def check(what: str, store: str, containers: Sequence[str], ask: _Ask) -> DoctorCheck:
        for name in containers:
            try:
                await asyncio.wait_for(ask(name), patience.total_seconds())
            except (AzureError, TimeoutError) as error:
                status = error.status_code if isinstance(error, HttpResponseError) else None
                unanswered = (f"does not answer ({reason_of(error)})", _REACH)
                problem, way_out = _WAYS_OUT.get(status or 0, unanswered)
                found = f"The container {name} of {store} {problem}."
                return DoctorCheck(what, found, way_out, CheckSeverity.FATAL)
        found = f"{store} has its {len(containers)} containers."
        return DoctorCheck(what, found, severity=CheckSeverity.FATAL)

    plans = [plan.name for plan in COSMOS_CONTAINERS]
    proxy = cloud.cosmos.proxy
    yield await check("records", "Cosmos DB", plans, lambda name: proxy(name).read())
    container = cloud.blobs.container
    yield await check(
        "blobs",
        "Blob Storage",
        BLOB_CONTAINERS,
        lambda name: container(name).get_container_properties(),
    )

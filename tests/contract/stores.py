"""The implementations of the ports: the contracts run against each entry of `STORES`."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from shared.adapters.cloud import AzureClients, CloudStores, IdentityClients, open_cloud
from shared.adapters.embedded import EmbeddedStores, open_embedded
from shared.adapters.system import SystemRandomness
from shared.ports.system import Clock
from shared.services.adapters import Adapters
from tests.support import real_stores
from tests.support.cloud_stores import CloudDouble, CloudInMemory, make_containers

# Every port of one implementation, over the same data.
Stores = EmbeddedStores | CloudStores | Adapters

# Opens the stores of a folder of the test; two openings are like two processes.
OpenStores = Callable[[Path, Clock], AbstractAsyncContextManager[Stores]]


@asynccontextmanager
async def embedded(folder: Path, clock: Clock) -> AsyncGenerator[Stores]:
    """Open the stores of one machine."""
    stores = open_embedded(folder, clock)
    stores.migrate()
    try:
        yield stores
    finally:
        stores.close()


def cloud_over(connect: Callable[[Path, Clock], Awaitable[AzureClients]]) -> OpenStores:
    """Return how to open the stores of the cloud; all who open a folder share what is stored."""

    @asynccontextmanager
    async def opened(folder: Path, clock: Clock) -> AsyncGenerator[CloudStores]:
        stores = open_cloud(await connect(folder, clock), clock, SystemRandomness())
        try:
            yield stores
        finally:
            await stores.close()

    return opened


async def prepared(folder: Path, clock: Clock) -> AzureClients:
    """Return how to connect to the stores of the folder, whose containers are there; blobs are
    in memory."""
    if real_stores.addresses() is not None:
        return await _prepared_over_emulator(folder, clock)
    return CloudInMemory(folder, clock)


async def _prepared_over_emulator(folder: Path, clock: Clock) -> AzureClients:
    addresses = real_stores.addresses()
    if addresses is not None:
        connections = real_stores.RealStores(folder, IdentityClients(addresses))
        await connections.prepare()
        return connections
    double = CloudDouble(folder, clock)
    await make_containers(double)
    return double


STORES: dict[str, OpenStores] = {"embedded": embedded, "cloud": cloud_over(prepared)}
# Blobs are in an emulator.
STORES_OVER_EMULATOR: dict[str, OpenStores] = {
    **STORES,
    "cloud": cloud_over(_prepared_over_emulator),
}

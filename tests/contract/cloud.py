"""The stores of the cloud, as the contract suites open them: doubles, or real ones."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from shared.adapters.cloud import Cloud, Connected, Connections, open_cloud
from shared.adapters.system import SystemRandomness
from shared.ports import Clock
from tests import real
from tests.cloud import AtPlace, make_containers, shared_by_processes


@asynccontextmanager
async def cloud(place: Path, clock: Clock) -> AsyncGenerator[Cloud]:
    """Open the stores of the cloud; all who open the same place share what is stored."""
    stores = open_cloud(await prepared(place, clock), clock, SystemRandomness())
    try:
        yield stores
    finally:
        await stores.close()


@contextmanager
def opened_by_processes(place: Path, clock: Clock) -> Generator[None]:
    """Let other processes open the place: real stores they reach anyway."""
    if real.addresses() is not None:
        yield
        return
    with shared_by_processes(place, clock):
        yield


async def prepared(place: Path, clock: Clock) -> Connections:
    """Return how to connect to the place, whose containers are there."""
    addresses = real.addresses()
    if addresses is not None:
        connections = real.RealPlace(place, Connected(addresses))
        await connections.prepare()
        return connections
    double = AtPlace(place, clock)
    await make_containers(double)
    return double

"""The stores of the cloud, as the contract suites open them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.adapters.cloud import Cloud, open_cloud
from shared.adapters.system import SystemRandomness
from shared.ports import Clock
from tests.cloud import AtPlace, make_containers


@asynccontextmanager
async def cloud(place: Path, clock: Clock) -> AsyncGenerator[Cloud]:
    """Open the stores of the cloud; all who open the same place share what is stored."""
    connections = AtPlace(place, clock)
    await make_containers(connections)
    stores = open_cloud(connections, clock, SystemRandomness())
    try:
        yield stores
    finally:
        await stores.close()

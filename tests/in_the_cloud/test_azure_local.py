"""`make run-azure-local`: the whole registry over the stores of the cloud, in processes."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from threading import Event

import httpx
import pytest

from tests.fakes.azurite import missing
from tests.support.archives import bala
from tests.support.registry_process import RegistryProcess, fresh_connections, running_registry

pytestmark = pytest.mark.slow

LOOKS = 8  # Fresh connections: enough that each of two workers most likely answers one.

WITHIN_SECONDS = 60.0  # Generous: an instance looks for a newer index every 15.


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    """Return a registry with two workers."""
    if reason := missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("azure") / "data"
    with running_registry(folder, workers=2, program="tests.azure_local") as served:
        yield served


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    """Return a client whose every request may reach another worker."""
    async with fresh_connections() as client:
        yield client


async def test_a_release_that_one_worker_publishes_is_served_by_all_byte_for_byte(
    registry: RegistryProcess, http: httpx.AsyncClient
) -> None:
    coordinate = "acme/greet:1.0.0"
    archive = bala("acme/greet:1.0.0", padding=300_000)
    await registry.java(http).push(coordinate, archive)
    for _ in range(LOOKS):
        assert (await registry.java(http, "").pull(coordinate)).content == archive
        assert (await registry.go(http, "").pull(coordinate)).content == archive
        assert await registry.java(http, "").versions("acme/greet") == ["1.0.0"]


async def test_a_package_is_found(registry: RegistryProcess, http: httpx.AsyncClient) -> None:
    await registry.java(http).push("acme/needle:1.0.0", bala("acme/needle:1.0.0"))
    assert await found(registry, http, "needle") == ["needle"]


async def found(registry: RegistryProcess, http: httpx.AsyncClient, words: str) -> list[str]:
    """Return what a search finds, as soon as it finds anything: the index may lag behind."""
    pause = Event()
    for _ in range(int(WITHIN_SECONDS / 0.2)):
        page = await registry.java(http, "").search(words)
        if page["packages"]:
            return [each["name"] for each in page["packages"]]
        await asyncio.to_thread(pause.wait, 0.2)
    return []


def test_the_registry_exits_with_zero_when_it_is_stopped(tmp_path: Path) -> None:
    if reason := missing():
        pytest.skip(reason)
    with running_registry(tmp_path / "data", workers=1, program="tests.azure_local") as served:
        assert served.stop() == 0

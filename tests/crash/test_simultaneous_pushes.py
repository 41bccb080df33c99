"""A hundred clients push at once over four workers: one of them wins, and nobody sees an error."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle

import httpx
import pytest

from tests.crash.worker_processes import only, workers_of
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.waiting import BOUND_SECONDS

CLIENTS = 100
WORKERS = 4
LARGE = 2_000_000  # Bytes: more than the host takes in without asking whether there is room.
LARGE_ONES = 24  # More than four workers have room for at once.
PADDING = 200_000  # Bytes: what a package of ordinary size has.


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Generator[RegistryProcess]:
    """Return a registry of four workers, with its default settings."""
    with running_registry(
        tmp_path_factory.mktemp("simultaneous") / "data", workers=WORKERS
    ) as started:
        yield started


@dataclass(frozen=True)
class Crowd:
    """A hundred clients with open connections, the same number to each worker."""

    host: RegistryProcess
    of_worker: Sequence[httpx.AsyncClient]

    async def push(self, archives: Sequence[bytes]) -> Counter[int]:
        """Push all of them at once, and none twice; count the answers by status."""
        return Counter(answer.status_code for answer in await self.answers(archives))

    async def answers(self, archives: Sequence[bytes]) -> list[httpx.Response]:
        """Push all of them at once, and none twice."""
        bodies = [multipart("any.bala", archive) for archive in archives]
        url = f"{self.host.base}/packages"
        sending = zip(cycle(self.of_worker), bodies)
        return await asyncio.gather(
            *(http.post(url, headers=FORM, content=body) for http, body in sending)
        )

    async def pull(self, coordinate: str) -> bytes:
        return (await self.bal.pull(coordinate)).content

    @property
    def bal(self) -> JavaBal:
        return self.host.java(self.of_worker[0])


@pytest.fixture
async def crowd(host: RegistryProcess) -> AsyncGenerator[Crowd]:
    """Return clients whose connections are open, a quarter of them to each worker."""
    async with AsyncExitStack() as stack:
        workers = workers_of(host)
        assert len(workers) == WORKERS
        clients = [await stack.enter_async_context(_clients(host)) for _ in workers]
        for worker, http in zip(workers, clients, strict=True):
            with only(worker, workers):
                live = f"{host.url}/health/live"
                await asyncio.gather(*(http.get(live) for _ in range(CLIENTS // WORKERS)))
        yield Crowd(host, clients)


def _clients(host: RegistryProcess) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    headers = {"Authorization": f"Bearer {host.token}"}
    return httpx.AsyncClient(headers=headers, limits=limits, timeout=BOUND_SECONDS, trust_env=False)


async def test_exactly_one_of_a_hundred_pushes_of_one_version_wins(crowd: Crowd) -> None:
    archives = [bala("many/other:1.0.0", summary=f"Number {n}.") for n in range(CLIENTS)]
    answers = await crowd.answers(archives)
    assert Counter(each.status_code for each in answers) == {204: 1, 400: CLIENTS - 1}
    refusals = [each.json()["message"] for each in answers if each.status_code == 400]
    assert all(text.startswith("package already exists: many/other:1.0.0") for text in refusals)
    [winner] = [n for n, answer in enumerate(answers) if answer.status_code == 204]
    assert await crowd.pull("many/other:1.0.0") == archives[winner]
    assert await crowd.bal.versions("many/other") == ["1.0.0"]
    assert (await crowd.bal.search("org:many other"))["count"] == 1


async def test_a_hundred_pushes_of_the_same_bytes_all_succeed(crowd: Crowd) -> None:
    archive = bala("many/same:1.0.0")
    assert await crowd.push([archive] * CLIENTS) == {204: CLIENTS}
    assert await crowd.pull("many/same:1.0.0") == archive
    assert await crowd.bal.versions("many/same") == ["1.0.0"]


async def test_a_hundred_versions_of_one_package_are_all_listed(crowd: Crowd) -> None:
    versions = [f"1.{number}.0" for number in range(CLIENTS)]
    assert await crowd.push([bala(f"many/versions:{each}") for each in versions]) == {204: CLIENTS}
    assert await crowd.bal.versions("many/versions") == versions[::-1]
    shown = await crowd.bal.search("org:many versions")
    assert shown["packages"][0]["version"] == versions[-1]


@pytest.mark.slow
async def test_large_archives_wait_for_room_and_are_not_refused(crowd: Crowd) -> None:
    archives = [bala(f"large/package{n}:1.0.0", padding=LARGE) for n in range(LARGE_ONES)]
    assert await crowd.push(archives) == {204: LARGE_ONES}
    pulled = [await crowd.pull(f"large/package{n}:1.0.0") for n in range(LARGE_ONES)]
    assert pulled == archives


@pytest.mark.slow
async def test_pushes_and_pulls_of_different_packages_do_not_disturb_each_other(
    crowd: Crowd,
) -> None:
    names = [f"different/package{number}" for number in range(CLIENTS)]
    archives = {name: bala(f"{name}:1.0.0", padding=PADDING) for name in names}
    first = names[: CLIENTS // 2]
    second = names[CLIENTS // 2 :]
    assert await crowd.push([archives[name] for name in first]) == {204: len(first)}
    pushed, *pulled = await asyncio.gather(
        crowd.push([archives[name] for name in second]),
        *(crowd.pull(f"{name}:1.0.0") for name in first),
    )
    assert pushed == {204: len(second)}
    assert pulled == [archives[name] for name in first]
    assert [await crowd.pull(f"{name}:1.0.0") for name in second] == [archives[n] for n in second]

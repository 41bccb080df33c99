"""A push delays no other request by more than 50 ms, whatever is in its archive, and that of a
small package runs no longer than 5 ms on the event loop without giving way.

The registry runs as `make run` starts it, with its confined process. It gets one of the worst
archives, while another client asks small questions all the time. What is measured is the processor
time that all threads of the serving process take between two turns of its event loop: the longest
time for which that process itself let others wait (`tests/support/watched_registry.py`). So other
programs of the machine do not count, and a slow machine counts as slow.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

import httpx
import pytest

from tests.crash.push_load import PAUSE_SECONDS, client_of, push
from tests.sampling import FULL
from tests.support.archives import bala
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.watched_registry import HELD
from tests.support.worst_archives import LEXERS, SMALL, WorstArchive, worst_archives
from tests.support.worst_requests import PIECE_SECONDS

MOST_SECONDS = 0.05
MOST_LOOP_SECONDS = 0.005
PAUSE_BETWEEN_QUESTIONS = 0.01  # Seconds.
ATTEMPTS = 4
# With full numbers, the confined process takes all of its budget.
ARCHIVES = worst_archives() if FULL else worst_archives(types=300, declarations=2_000)
WORST = {each.name: each for each in (*ARCHIVES, LEXERS)}  # The latest version of each.

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.one_instance("It starts a process over the stores of one machine."),
    pytest.mark.skipif(sys.platform != "linux", reason="the confined process has all limits there"),
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Generator[RegistryProcess]:
    """Return a registry of one process that has answered each question before."""
    data = tmp_path_factory.mktemp("delays") / "data"
    with running_registry(data, workers=1, program="tests.support.watched_registry") as started:
        yield started


@pytest.mark.parametrize("name", WORST)
async def test_a_push_of_the_worst_archives_delays_no_other_request(
    host: RegistryProcess, name: str
) -> None:
    await _least(host, WORST[name], lambda held: held.seconds, MOST_SECONDS)


async def test_pushes_of_small_packages_give_way_to_readers_after_five_milliseconds(
    host: RegistryProcess,
) -> None:
    small = replace(SMALL, make=partial(bala, padding=10_000), version="2.0.0")
    await _least(host, small, lambda held: held.loop_seconds, MOST_LOOP_SECONDS)


async def _least(
    host: RegistryProcess, archive: WorstArchive, measured: Callable[["Held"], float], most: float
) -> None:
    """Push versions of the archive until one takes less than `most`."""
    async with client_of(host) as http:
        assert (await push(host, http, SMALL.archive)).status_code == 204
        taken = list[float]()
        for number in range(ATTEMPTS):
            major = archive.version.partition(".")[0]
            pushed = replace(archive, version=f"{major}.{number}.0")
            async with _asking(host):
                await _held(host, http)  # From now on.
                assert (await push(host, http, pushed.archive)).status_code == 204
                await _until_documented(host, http, pushed)
            taken.append(measured(await _held(host, http)))
            if taken[-1] < most:
                return
    pytest.fail(f"The event loop was held, or ran without giving way, for {taken} seconds.")


async def _until_documented(
    host: RegistryProcess, http: httpx.AsyncClient, archive: WorstArchive
) -> None:
    docs = f"{host.url}/2.0/docs/acme/{archive.name}/{archive.version}"
    while (await http.head(docs)).status_code == 503:
        await asyncio.sleep(PAUSE_SECONDS)


@dataclass(frozen=True)
class Held:
    """How long the loop was held, and how long it ran without giving way, in seconds."""

    seconds: float
    loop_seconds: float


async def _held(host: RegistryProcess, http: httpx.AsyncClient) -> Held:
    """Return how long the loop was held, in seconds of the machine of the limits, and forget it."""
    held = (await http.get(host.url + HELD)).json()
    slowness = max(1, held["work"] / PIECE_SECONDS)
    return Held(held["seconds"] / slowness, held["loop_seconds"] / slowness)


@asynccontextmanager
async def _asking(host: RegistryProcess) -> AsyncGenerator[set[int]]:
    """Ask small questions as long as the block lasts, as somebody whom no cache answers; provide
    the statuses of the answers.

    A pause after each leaves the processor to what is measured.
    """
    statuses = set[int]()
    has_answer = asyncio.Event()
    asked = [f"{place}/packages/acme/small" for place in (host.url, host.base)]

    async def ask() -> None:
        async with client_of(host) as http:
            while True:
                for each in asked:
                    statuses.add((await http.get(each)).status_code)
                    has_answer.set()
                    await asyncio.sleep(PAUSE_BETWEEN_QUESTIONS)

    task = asyncio.create_task(ask())
    try:
        await has_answer.wait()
        yield statuses
    finally:
        task.cancel()
    assert statuses == {200}

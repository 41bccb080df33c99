"""The confined process is killed at any moment, and its server once: all is documented in the end,
and nothing is stored as refused, since a kill says nothing about an archive."""

import asyncio
import os
import signal
from pathlib import Path
from random import Random

import httpx
import pytest

from shared.adapters.embedded import open_embedded
from shared.adapters.system import SystemClock
from shared.domain.api_docs.records import DocsState
from shared.domain.coordinates import Coordinate
from tests.crash.push_load import PAUSE_SECONDS, client_of, repeat
from tests.crash.worker_processes import is_running, workers_of
from tests.sampling import FULL
from tests.support.archives import bala
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.waiting import eventually_in_tasks

KILLS = 30 if FULL else 6  # Before the server is killed, and after it.
MOST_KILLS = 10 * KILLS  # On a machine that documents so fast that the first kills come too late.
LONGEST_SECONDS = 2  # A child starts and documents a release within about half of it.
SOURCE = "".join(
    f"# A type.\npublic type T{at} record {{ T{at}? next; int a = 1; }};\n" for at in range(200)
)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_confined_process_that_is_killed_at_any_moment_loses_no_documentation(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    killing = Killing()
    with running_registry(data, workers=1) as host:
        await killing.kill_often(host, "first")
        await killing.push(host, "first/last:1.0.0")
        child = await child_of(host)
        host.process.kill()
        await eventually_in_tasks(lambda: not is_running(child))
    with running_registry(data, workers=1) as host:
        await killing.kill_often(host, "second")
        async with client_of(host) as http:
            for coordinate in killing.pushed:
                await until_documented(host, http, coordinate)
    assert killing.interrupted > 0
    await check_documented(data, killing.pushed)


class Killing:
    """Pushes packages, and kills the process that documents them."""

    def __init__(self) -> None:
        self.pushed = list[str]()
        self.interrupted = 0  # Releases that were not documented when the process was killed.
        self._moments = Random(1)  # noqa: S311 - the same in every run, as far as a machine can.

    async def kill_often(self, host: RegistryProcess, org: str) -> None:
        """Push a package after the other, and kill the process some time after each, until some
        release was not documented."""
        async with client_of(host) as http:
            for number in range(MOST_KILLS):
                if number >= KILLS and self.interrupted:
                    break
                coordinate = f"{org}/package{number}:1.0.0"
                await self.push(host, coordinate)
                await self._kill(await child_of(host))
                self.interrupted += not await is_documented(host, http, coordinate)
                # One whose process ends three times would be set aside for a day.
                await until_documented(host, http, coordinate)

    async def push(self, host: RegistryProcess, coordinate: str) -> None:
        """Push a package whose documentation takes some time."""
        name = coordinate.partition("/")[2].partition(":")[0]
        archive = bala(coordinate, entries={f"modules/{name}/main.bal": SOURCE})
        await repeat(host, {coordinate: archive})
        self.pushed.append(coordinate)

    async def _kill(self, pid: int) -> None:
        seconds = self._moments.uniform(0, LONGEST_SECONDS)
        asyncio.get_running_loop().call_later(seconds, os.kill, pid, signal.SIGKILL)
        await eventually_in_tasks(lambda: not is_running(pid))


async def child_of(host: RegistryProcess) -> int:
    """Return the confined process, once there is one."""
    await eventually_in_tasks(lambda: any(map(is_running, workers_of(host))))
    return next(filter(is_running, workers_of(host)))


async def is_documented(host: RegistryProcess, http: httpx.AsyncClient, coordinate: str) -> bool:
    """Ask for the documentation, as a reader does."""
    answer = await http.head(f"{host.url}/2.0/docs/{coordinate.replace(':', '/')}")
    assert answer.status_code in (200, 503)
    return answer.status_code == 200


async def until_documented(host: RegistryProcess, http: httpx.AsyncClient, coordinate: str) -> None:
    while not await is_documented(host, http, coordinate):
        await asyncio.sleep(PAUSE_SECONDS)


async def check_documented(data: Path, coordinates: list[str]) -> None:
    """Every one of these releases is documented completely, and its pieces are there."""
    stores = open_embedded(data, SystemClock())
    for each in coordinates:
        package, _, version = each.partition(":")
        org, _, name = package.partition("/")
        release = (await stores.metadata.find(Coordinate.parse(org, name, version))).release
        assert release is not None
        record = await stores.documents.api_docs_record(release.archive_digest)
        assert record is not None
        assert (record.state, record.refused) == (DocsState.DONE, {}), each
        assert record.pieces is not None
        pieces = record.pieces
        end = await stores.documents.read_pieces(
            release.archive_digest, pieces.name, pieces.end - 1, 1
        )
        assert end
    stores.close()

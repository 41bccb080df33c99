"""A process that is killed in the middle of a fetch or of an import leaves no half release, and the
repeat works; on a full disk what is stored is served."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from threading import Event

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from shared.bootstrap.build import build_registry
from shared.bootstrap.migration import prepared_stores
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import StorageFull
from tests.crash.push_load import client_of
from tests.crash.small_disks import MIB, small_disk
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.bundles import Carrier, bundled
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.upstreams import FakeUpstream
from tests.support.waiting import eventually_in_tasks
from tests.support.world import settings_of

IO = "ballerina/io:1.0.0"
LOG = "ballerina/log:1.0.0"
BOUND_SECONDS = 60
LARGE_BYTES = 400_000
CARRIED = {
    f"carried/part{number}:1.0.0": bala(f"carried/part{number}:1.0.0") for number in range(8)
}
# After how many lines of progress an import is killed: while it checks, and while it stores.
LINES = (0, 3, 8, 9, 11, 14)


async def half_and_wait(content: bytes, killed: Event) -> AsyncGenerator[bytes]:
    yield content[: len(content) // 2]
    await asyncio.to_thread(killed.wait, BOUND_SECONDS)


async def seen(host: RegistryProcess, http: httpx.AsyncClient, name: str) -> list[str]:
    """Return the versions that are stored here."""
    path = f"{host.base}/packages/{name.partition(':')[0]}"
    via = {"Via": f"1.1 {host.url.removeprefix('http://')}"}
    answer = await http.get(path, headers=via)
    return answer.json() if answer.status_code == 200 else []


async def test_a_process_that_is_killed_in_the_middle_of_a_fetch_leaves_nothing(
    tmp_path: Path,
) -> None:
    upstream = FakeUpstream()
    content = upstream.publish(IO, padding=LARGE_BYTES)
    killed = Event()

    async def stall(_request: Request) -> Response:
        return StreamingResponse(half_and_wait(content, killed))

    upstream.behave["file"] = stall
    with upstream.serving():
        with running_registry(tmp_path / "data", workers=1, BALLROOM_UPSTREAM=upstream.url) as host:
            async with client_of(host) as http:
                pull = asyncio.create_task(host.java(http).pull(IO))
                await eventually_in_tasks(lambda: bool(upstream.asked["file"]))
                host.process.kill()
                with pytest.raises((httpx.HTTPError, OSError)):
                    await pull
                killed.set()
        upstream.behave.clear()
        with running_registry(tmp_path / "data", workers=1, BALLROOM_UPSTREAM=upstream.url) as host:
            async with client_of(host) as http:
                assert await seen(host, http, IO) == []
                # The lease of the dead process ends within 20 seconds, and clients wait longer.
                assert (await host.java(http).pull(IO)).content == content
                assert await seen(host, http, IO) == ["1.0.0"]


def imported(data: Path, carrier: Carrier) -> "subprocess.Popen[bytes]":
    """Start an import in a process of its own."""
    trust = carrier.folder / "key.pub"
    command = [sys.executable, "-m", "shared.cli", "bundle", "import", str(carrier.file)]
    return subprocess.Popen(
        [*command, "--trust", str(trust)],
        cwd=ROOT,
        env={"BALLROOM_DATA": str(data), "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


async def whole(data: Path) -> list[str]:
    """Return the releases that are visible, each of which has to be whole."""
    registry = build_registry(settings_of(data))
    found = list[str]()
    try:
        for name, content in CARRIED.items():
            release = (await registry.adapters.metadata.find(Coordinate.from_text(name))).release
            if release is not None:
                stored = await registry.adapters.archives.read(release.archive)
                assert Digest.of(stored) == release.archive_digest == Digest.of(content)
                assert release.upstream is not None
                found.append(name)
    finally:
        await registry.close()
    return found


@pytest.mark.parametrize("lines", LINES)
def test_an_import_that_is_killed_is_repeated(tmp_path: Path, lines: int) -> None:
    carrier = Carrier.new(tmp_path)
    data = tmp_path / "data"
    carrier.write(*bundled(CARRIED))
    with prepared_stores(settings_of(data)):
        pass
    process = imported(data, carrier)
    assert process.stderr is not None
    for _ in range(lines):
        assert process.stderr.readline()
    process.kill()
    process.communicate(timeout=BOUND_SECONDS)
    found = asyncio.run(whole(data))
    assert len(found) <= max(lines - len(CARRIED), 0) + 2  # The pipe may be behind the process.
    if lines < len(CARRIED):
        assert found == []
    again = imported(data, carrier)
    said, _ = again.communicate(timeout=BOUND_SECONDS)
    assert again.returncode == 0
    counts = [int(word) for word in said.decode().split() if word.isdecimal()][:3]
    assert counts[0] + counts[1] == len(CARRIED)
    assert counts[1] >= len(found)
    assert asyncio.run(whole(data)) == list(CARRIED)


async def test_on_a_full_disk_what_is_stored_is_served(tmp_path: Path) -> None:
    upstream = FakeUpstream()
    for name in (IO, LOG):
        upstream.publish(name, padding=LARGE_BYTES)
    with upstream.serving(), small_disk(tmp_path / "disk", 32 * MIB) as disk:
        data = disk.root / "data"
        with running_registry(data, workers=1, BALLROOM_UPSTREAM=upstream.url) as host:
            async with client_of(host) as http:
                bal = host.java(http)
                await bal.pull(IO)
                disk.fill()
                accept = {"Accept": "application/octet-stream"}
                path = f"{host.base}/packages/{LOG.replace(':', '/')}"
                refused = await http.get(path, headers=accept)
                assert refused.status_code == 503
                assert refused.json() == {"message": str(StorageFull())}
                bal.cache.balas.clear()
                assert (await bal.pull(IO)).content == upstream.archives[IO]
                assert await bal.versions("ballerina/io") == ["1.0.0"]
                disk.free()
                assert (await bal.pull(LOG)).content == upstream.archives[LOG]

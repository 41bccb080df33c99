"""A full disk: the push is refused, nothing is half there, and everything stays readable."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.domain.errors.requests import StorageFull
from tests.crash.push_load import client_of, push
from tests.crash.recovery import (
    check_old_or_new,
    check_repeated,
    check_same,
    check_settled,
    check_stored,
    explained,
)
from tests.crash.reference_runs import FolderReference, FolderReferences
from tests.crash.registry_state import picture, stored
from tests.crash.scenarios import BYSTANDER
from tests.crash.small_disks import MIB, SmallDisk, small_disk
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.processes import free_port
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.waiting import eventually
from tests.support.world import opened

OLD = "acme/old:1.0.0"
NEW = "acme/new:1.0.0"
BOUND_SECONDS = 30
PAGES = range(0, 96, 4)  # From no room to enough for a push, which takes about 75.


@dataclass(frozen=True)
class Filling:
    """A registry, and how its disk fills up and is freed again."""

    host: RegistryProcess
    fill: Callable[[], object]
    free: Callable[[], object]


@contextmanager
def by_size(root: Path) -> Generator[Filling]:
    """Serve from a small disk."""
    with small_disk(root, 32 * MIB) as disk, running_registry(root / "data", workers=1) as host:
        yield Filling(host, disk.fill, disk.free)


@contextmanager
def by_quota(root: Path) -> Generator[Filling]:
    """Serve by a process that may suddenly write nothing to any file."""
    if sys.platform != "linux":
        pytest.skip("only Linux limits the files of another process")
    import resource

    with running_registry(root / "data", workers=1) as host:
        pid = host.process.pid
        kind = resource.RLIMIT_FSIZE
        soft, hard = resource.prlimit(pid, kind)
        yield Filling(
            host,
            lambda: resource.prlimit(pid, kind, (0, hard)),
            lambda: resource.prlimit(pid, kind, (soft, hard)),
        )


async def readiness(host: RegistryProcess, http: httpx.AsyncClient, status: int) -> Any:
    """Return what `/health/ready` says as soon as it answers so: a good answer stands a second."""
    async with asyncio.timeout(BOUND_SECONDS):
        while (answer := await http.get(f"{host.url}/health/ready")).status_code != status:
            pass
    return answer.json()


@pytest.mark.parametrize("full", [by_size, by_quota])
async def test_a_full_disk_refuses_a_push_until_there_is_space_and_reads_continue(
    full: Callable[[Path], AbstractContextManager[Filling]], tmp_path: Path
) -> None:
    with full(tmp_path / "disk") as filling:
        async with client_of(filling.host) as http:
            await check_full(filling, http)
        assert filling.host.stop() == 0
        left = stored(filling.host.data)
    assert (len(left.archives), len(left.documents)) == (2, 2)
    assert (left.unfinished, left.waiting) == (set(), 0)


async def check_full(filling: Filling, http: httpx.AsyncClient) -> None:
    """Push while there is room, while there is none, and when there is room again."""
    bal = filling.host.java(http)
    assert (await push(filling.host, http, bala(OLD))).status_code == 204
    filling.fill()
    refused = await push(filling.host, http, bala(NEW))
    assert (refused.status_code, refused.json()) == (503, {"message": str(StorageFull())})
    assert int(refused.headers["Retry-After"]) == StorageFull.retry_after.total_seconds()
    assert await bal.versions("acme/new") == []
    assert (await bal.pull(OLD)).content == bala(OLD)
    assert await bal.versions("acme/old") == ["1.0.0"]
    assert (await bal.search("org:acme"))["count"] == 1
    shown = await readiness(filling.host, http, 503)
    assert shown["message"].startswith("The registry's storage is full: packages are read and")
    assert str(filling.host.data) not in str(shown)
    page = await http.get(f"{filling.host.url}/about/status")
    assert (page.status_code, "All systems operational." in page.text) == (200, False)
    filling.free()
    assert (await readiness(filling.host, http, 200))["status"] == "ready"
    assert (await push(filling.host, http, bala(NEW))).status_code == 204
    assert (await bal.pull(NEW)).content == bala(NEW)
    assert (await bal.search("org:acme"))["count"] == 2


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_a_registry_starts_on_a_full_disk_and_takes_pushes_when_there_is_room(
    tmp_path: Path, workers: int
) -> None:
    with small_disk(tmp_path / "disk", 32 * MIB) as disk:
        data = disk.root / "data"
        with running_registry(data, workers=workers) as host:
            async with client_of(host) as http:
                assert (await push(host, http, bala(OLD))).status_code == 204
        disk.fill()
        with running_registry(data, workers=workers, ready=False) as host:
            eventually(lambda: "\n" in host.output.text)
            assert host.output.text.splitlines(keepends=True)[0] == (
                f"Ballroom serves {host.url} read-only: the disk of {data} is full.\n"
            )
            async with client_of(host) as http:
                await check_reads_alone(host, http)
                disk.free()
                await check_takes_pushes(host, http)
            assert host.stop() == 0
        left = stored(data)
    assert (len(left.archives), len(left.documents)) == (2, 2)
    assert (left.unfinished, left.waiting) == (set(), 0)


async def test_a_registry_that_was_killed_starts_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 32 * MIB) as disk:
        data = disk.root / "data"
        with running_registry(data, workers=1) as host:
            async with client_of(host) as http:
                assert (await push(host, http, bala(OLD))).status_code == 204
            host.process.kill()
        disk.fill()
        with running_registry(data, workers=1, ready=False) as host:
            async with client_of(host) as http:
                await check_reads(host, http)
                disk.free()
                await check_takes_pushes(host, http)


async def check_reads_alone(host: RegistryProcess, http: httpx.AsyncClient) -> None:
    """Check that everything is read, and that changes are refused with the reason."""
    await check_reads(host, http)
    refused = await push(host, http, bala(NEW))
    assert (refused.status_code, refused.json()) == (503, {"message": str(StorageFull())})
    shown = await readiness(host, http, 503)
    assert shown["message"].startswith("The registry's storage is full: packages are read and")


async def check_reads(host: RegistryProcess, http: httpx.AsyncClient) -> None:
    """Check that the package is pulled, listed, found and shown."""
    bal = host.java(http)
    assert (await bal.pull(OLD)).content == bala(OLD)
    assert await bal.versions("acme/old") == ["1.0.0"]
    assert (await bal.search("org:acme"))["count"] == 1
    assert (await http.get(f"{host.url}/packages/acme/old")).status_code == 200


async def check_takes_pushes(host: RegistryProcess, http: httpx.AsyncClient) -> None:
    """Check that changes are accepted without a restart, and are read by every process."""
    bal = host.java(http)
    assert (await readiness(host, http, 200))["status"] == "ready"
    async with asyncio.timeout(BOUND_SECONDS):
        while (await push(host, http, bala(NEW))).status_code != 204:
            pass
    for _ in range(8):
        async with client_of(host) as other:  # A connection of its own, to either process.
            assert await host.java(other).versions("acme/new") == ["1.0.0"]
            assert (await host.java(other).search("org:acme"))["count"] == 2
    assert (await bal.pull(NEW)).content == bala(NEW)


def test_a_full_disk_that_holds_no_registry_stops_the_start(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", MIB) as disk:
        disk.fill()
        settings = {
            **os.environ,
            "PORT": str(free_port()),
            "BALLROOM_DATA": str(disk.root / "data"),
        }
        command = [sys.executable, "-m", "shared.localhost"]
        refused = subprocess.run(
            command, cwd=ROOT, env=settings, capture_output=True, timeout=60, check=False
        )
    assert refused.returncode == 1
    assert refused.stderr.decode() == (
        f"The disk of the data folder {disk.root / 'data'} is full, and nothing can be served from "
        "it without some room. Make room there, and start again.\n"
    )


@pytest.mark.parametrize(
    "name",
    [
        "push of a further version",
        pytest.param("first push to a new organization", marks=pytest.mark.slow),
    ],
)
async def test_a_disk_that_fills_up_anywhere_in_a_push_leaves_all_or_nothing(
    name: str, references: FolderReferences, tmp_path: Path
) -> None:
    reference = await references.of(name)
    answered = set[int]()
    with small_disk(tmp_path / "disk", 16 * MIB) as disk:
        for pages in PAGES:
            with explained(f"room for {pages} pages"):
                answered.add(await fill_up(reference, disk, pages))
    assert answered == {204, 503}


async def fill_up(reference: FolderReference, disk: SmallDisk, pages: int) -> int:
    """Send the request while there is so much room, and return how it was answered."""
    folder = reference.copy(disk.root / "data")
    async with opened(folder, reference.people) as world:
        for path in (f"/packages/{BYSTANDER}", "/packages?q="):
            assert (await world.get(path)).is_success  # It is running, and its files are open.
        disk.fill(leaving_pages=pages)
        answer = await reference.scenario.act(world)
        seen = await picture(world, reference.scenario)
        if answer.is_success:
            check_same(seen, reference.after)
        check_old_or_new(reference, seen)
        disk.free()
        await check_settled(reference, world)
        await check_repeated(reference, world)
    check_stored(reference, folder)
    shutil.rmtree(folder)
    return answer.status_code

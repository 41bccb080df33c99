"""Every cache of a process is filled with the worst that it admits, over sockets, by anybody: the
memory of the process stays within what the caches may weigh together."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.archives import bala
from tests.support.registry_process import RegistryProcess, running_registry

MOST_MORE_MB = 120  # Of all caches of docs/develop/consistency.md that strangers fill.
LARGE = 16  # Releases with as many files as a directory holds.
HEAVY = 90  # Releases with as many dependencies, modules and keywords as a manifest names.
LONG = "x" * 90
ASKED = 1_500  # Names and versions that nobody published.
AT_ONCE = 8


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_memory_of_a_process_is_that_of_its_caches(tmp_path: Path) -> None:
    with running_registry(tmp_path / "data", workers=1, BALLROOM_LIMIT_READ="") as registry:
        async with httpx.AsyncClient(base_url=registry.url, timeout=60) as client:
            await publish(registry, client)
            await ask(client, ["/packages/acme/small", "/search?q=small"] * 20)
            before = memory_mb(registry.process.pid)
            for paths in (worst_pages(), unknown_names(), searches()):
                await ask(client, list(paths))
            await resolve(client)
            await asyncio.sleep(3)
            after = memory_mb(registry.process.pid)
    assert after - before < MOST_MORE_MB, f"from {before:.0f} to {after:.0f} MB"


async def publish(registry: RegistryProcess, client: httpx.AsyncClient) -> None:
    java = registry.java(client)
    await java.send_archive("acme/small:1.0.0", bala("acme/small:1.0.0"))
    for number in range(LARGE):
        files = {f"resources/{each:05}-{'n' * 20}.txt": b"" for each in range(9_000)}
        coordinate = f"acme/large{number}:1.0.0"
        await java.send_archive(coordinate, bala(coordinate, entries=files))
    needed = [f"acme/{LONG[:60]}{each}:1.0.{each}" for each in range(80)]
    for number in range(HEAVY):
        coordinate = f"acme/heavy{number % 6}:1.{number}.0-{LONG}"
        await java.send_archive(coordinate, bala(coordinate, dependencies=needed))


def worst_pages() -> Iterator[str]:
    for number in range(LARGE):
        path = f"/packages/acme/large{number}/1.0.0"
        yield from (f"{path}/files", f"{path}/files?path=resources", path)
    for number in range(HEAVY):
        package = f"acme/heavy{number % 6}"
        version = f"1.{number}.0-{LONG}"
        yield from (
            f"/packages/{package}/{version}/dependencies",
            f"/2.0/registry/packages/{package}/{version}",
            f"/2.0/registry/packages/{package}",
            f"/2.0/maven/{package}/{version}/{package[5:]}-{version}.pom",
            f"/2.0/maven/v2201-{number % 9}-0/{package}/maven-metadata.xml",
            f"/index/{package}/index.json?{number}",
        )


def unknown_names() -> Iterator[str]:
    for number in range(ASKED):
        name = f"{LONG[:80]}{number}"
        version = f"{number}.0.0-{LONG}{LONG}"
        yield f"/2.0/registry/packages/acme/{name}/{version}"
        yield f"/2.0/maven/acme/{name}/{version}/{name}-{version}.pom"


def searches() -> Iterator[str]:
    for number in range(ASKED):
        yield f"/2.0/registry/search-packages?q=heavy+{LONG}{number}"
        yield f"/symbols?q={LONG}{number}"


async def resolve(client: httpx.AsyncClient) -> None:
    """Ask for builds of packages with long names in versions that there are not."""
    for start in range(0, ASKED * 10, 1_000):
        packages = [
            {"org": "acme", "name": f"heavy{each % 6}", "version": f"{each}.0.0-{LONG}"}
            for each in range(start, start + 1_000)
        ]
        await client.post(
            "/2.0/registry/packages/resolve-dependencies",
            content=json.dumps({"packages": packages}),
        )


async def ask(client: httpx.AsyncClient, paths: list[str]) -> None:
    waiting = iter(paths)

    async def take() -> None:
        for path in waiting:
            answer = await client.get(path)
            assert answer.status_code < 500, answer.text

    await asyncio.gather(*(take() for _ in range(AT_ONCE)))


def memory_mb(pid: int) -> float:
    """Return the memory of the process and its children that is no page of a file."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    kib = 0
    for each in (str(pid), *children):
        lines = Path(f"/proc/{each}/status").read_text("utf-8").splitlines()
        kib += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
    return kib / 1_000

"""The cloud's read paths on this machine, beside those of one machine: `make run-azure-local`.

The same host and Functions, one worker each, the same packages. Embedded, the stores are files
of the process, and answers that stand are given again. In the cloud each is a request to a double
of Cosmos DB, in Python, or to Azurite, in Node, and the host asks the Functions every time, as that
of Azure does. So this is what the real clients and the code around them cost, beside stores that
take processor time of the same machine and are nearer than the real ones.

The last figure of a line is the processor time that the registry itself took for a request, its
stores left aside: it depends little on what else the machine does.
"""

import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from bench.load_generator import SECONDS, WARM_SECONDS, Load, load, require_wrk
from bench.sample_packages import archive, real_releases
from bench.servers import UNREACHED, Server, ballroom, free_port, push, running, token_of, workspace
from tests.support.archives import bala

PACKAGE = "acme/greet"
VERSION = "1.0.3"
VERSIONS = 20
RESOLVED = 20
LARGE = 1024 * 1024  # Bytes of the archive that is fetched.
ARCHIVE = {"Accept": "application/octet-stream"}
FEW = 8  # Connections: what an instance on Flex Consumption takes at once.


@dataclass(frozen=True)
class Cost:
    """A load, and the milliseconds of processor that the registry took for each request."""

    load: Load
    processor_ms: float

    def __str__(self) -> str:
        """Return the figures as a table shows them."""
        return f"{self.load}  processor {self.processor_ms:6.2f} ms"


@contextmanager
def in_the_cloud(folder: Path) -> Generator[Server]:
    """Run the registry over a double of Cosmos DB and Azurite, with one version in it."""
    with cloud(folder) as server:
        with httpx.Client(timeout=60) as client:
            push(server, client, bala(f"{PACKAGE}:{VERSION}"))
        yield server


@contextmanager
def cloud(folder: Path) -> Generator[Server]:
    """Run the registry over a double of Cosmos DB and Azurite."""
    port = free_port()
    env = {
        "PORT": str(port),
        "WORKERS": "1",
        "BALLROOM_DATA": str(folder / "data"),
        "BALLROOM_BRAKE_PACKAGES": "1000000",
        "BALLROOM_BRAKE_RELEASES": "1000000",
        **{f"BALLROOM_LIMIT_{each}": UNREACHED for each in ("READ", "WRITE", "PUSH")},
    }
    command = [sys.executable, "-m", "tests.azure_local"]
    with running("azure-local", command, port=port, folder=folder, env=env) as server:
        yield server


def pull_cost(server: Server) -> Cost:
    """Load hop one of a pull."""
    url = f"{server.url}/2.0/registry/packages/{PACKAGE}/{VERSION}"
    return cost(server, lambda: load(url, headers=ARCHIVE, connections=FEW))


def cost(server: Server, measure: Callable[[], Load]) -> Cost:
    """Measure a load, and what the processes of the registry take meanwhile."""
    before = processor_seconds(server.pid)
    measured = measure()
    taken = processor_seconds(server.pid) - before
    requests = max(measured.per_second * (SECONDS + WARM_SECONDS), 1)
    return Cost(measured, 1_000 * taken / requests)


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process and all below it that run the local host."""
    ticks = 0
    for each in Path("/proc").glob("[0-9]*"):
        try:
            command = (each / "cmdline").read_bytes()
            fields = (each / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It has ended meanwhile.
        if b"shared.localhost" in command and pid in ancestors(int(each.name)):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def ancestors(pid: int) -> set[int]:
    """Return a process and those that it comes from."""
    found = set[int]()
    while pid > 1:
        found.add(pid)
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
    return found


def main() -> None:
    require_wrk()
    packages = sample()
    with workspace() as folder:
        here, there = folder / "embedded", folder / "cloud"
        here.mkdir()
        there.mkdir()
        with ballroom(here) as embedded, cloud(there) as azure:
            for server in (embedded, azure):
                publish(server, packages)
            for name, measure in paths(list(packages)).items():
                show(name, *(cost(each, partial(measure, each)) for each in (embedded, azure)))


def sample() -> dict[str, list[dict[str, object]]]:
    """Return some real packages, with one release each."""
    found = real_releases()
    chosen = [package for package in found if package.startswith("ballerina")][:RESOLVED]
    return {package: found[package][:1] for package in chosen}


def publish(server: Server, packages: dict[str, list[dict[str, object]]]) -> None:
    """Publish some versions of a package, and the sample."""
    with httpx.Client(timeout=60) as client:
        for patch in range(VERSIONS):
            padding = LARGE if patch == 0 else 0
            push(server, client, bala(f"{PACKAGE}:1.0.{patch}", padding=padding))
        for releases in packages.values():
            for release in releases:
                push(server, client, archive(release))


def paths(packages: list[str]) -> dict[str, Callable[[Server], Load]]:
    """Return how each read path is loaded."""
    asked = [dict(zip(("org", "name"), each.split("/"), strict=True)) for each in packages]
    body = json.dumps({"packages": asked}).encode()
    base = "/2.0/registry/packages"
    return {
        "pull, hop one": lambda server: _get(server, f"{base}/{PACKAGE}/{VERSION}", ARCHIVE),
        "metadata": lambda server: _get(server, f"{base}/{PACKAGE}/{VERSION}"),
        "versions": lambda server: _get(server, f"{base}/{PACKAGE}"),
        "index file": lambda server: _get(server, f"/index/{PACKAGE}/index.json"),
        "search": lambda server: _get(server, f"{base}?q=greet&limit=20"),
        f"resolve {len(packages)}": lambda server: load(
            f"{server.url}{base}/resolve-dependencies", body=body, connections=FEW
        ),
        "archive of 1 MiB": lambda server: load(_archive_url(server), connections=FEW),
    }


def show(name: str, embedded: Cost, azure: Cost) -> None:
    """Print one read path on both."""
    print(f"\n{name}")
    print(f"  one machine {embedded}")
    print(f"  cloud       {azure}")


def _get(server: Server, path: str, headers: dict[str, str] | None = None) -> Load:
    return load(f"{server.url}{path}", headers=headers, connections=FEW)


def _archive_url(server: Server) -> str:
    """Return where the registry itself sends the bytes: to whoever sends a token on both hops."""
    headers = {**ARCHIVE, "Authorization": f"Bearer {token_of(server)}"}
    url = f"{server.url}/2.0/registry/packages/{PACKAGE}/1.0.0"
    return httpx.get(url, headers=headers).headers["location"]


if __name__ == "__main__":
    main()

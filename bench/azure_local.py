"""The cloud's read paths on this machine, beside those of one machine: `make run-azure-local`.

The same host and Functions, one worker each, the same packages. Embedded, the stores are files
of the process. In the cloud each is a request to a double of Cosmos DB, in Python, or to Azurite,
in Node. Our host gives answers that stand again in both worlds; that of Azure asks the Functions
every time (`pull_cost`). So this is what the real clients and the code around them cost, beside
stores that take processor time of the same machine and are nearer than the real ones.

Each path, or those with one of the words that are given as arguments, is measured twice: "in
memory" repeats one request; "first time" sends each of many once, for packages that the process,
which was just started, has not read.

The last figure of a line is the processor time that the registry itself took for a request, its
stores left aside: it depends less than others on what else the machine does. Of the first times,
that of the fastest of some processes counts. What the same queries take in this process, sent with
aiohttp and nothing else and by Microsoft's client, is printed as well (`bench/cosmos_floor.py`).
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx

from bench.cosmos_floor import show_floors
from bench.load_generator import SECONDS, WARM_SECONDS, Load, load, load_each, require_wrk
from bench.processor_time import processor_seconds, wait_until_idle
from bench.sample_packages import archive, real_releases
from bench.servers import (
    UNLIMITED,
    Server,
    ballroom,
    create_organization,
    free_port,
    push,
    running,
    token_of,
    workspace,
)
from tests.azure_local import stores
from tests.support.archives import bala

PACKAGE = "acme/greet"
PRIVATE = "acme/secret"
VERSION = "1.0.3"
VERSIONS = 20
RESOLVED = 20
RESOLVE = f"resolve of {RESOLVED}"
PUBLIC_PULL = "pull, each time"
PRIVATE_PULL = "private pull with a token, each time"
PACKAGES = 400  # Of the real index, each read once.
BASE = "/2.0/registry/packages"
LARGE = 1024 * 1024  # Bytes of the archive that is fetched.
ARCHIVE = {"Accept": "application/octet-stream"}
FEW = 8  # Connections: what an instance on Flex Consumption takes at once.
ROUNDS = 300  # Of requests that are sent one by one.
STARTS = 3  # Processes whose first reads are measured.
MOST_TIMES = 3  # One machine: how long a resolution in the cloud may take, one by one.
MOST_OF_A_PRIVATE_PULL = 1.5  # Times a public one, both without an answer of the host.


@dataclass(frozen=True)
class Aims:
    """The milliseconds of processor that a request may take: from memory, and the first time."""

    in_memory: float
    first_time: float | None = None


AIMS = {
    "pull, hop one": Aims(0.25, 1.2),
    "metadata": Aims(0.3),
    "versions": Aims(0.3),
    "index file": Aims(0.3),
    RESOLVE: Aims(2, 5),
    "archive of 1 MiB": Aims(2),
}


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
    with stores(folder / "data") as settings, process(folder, settings) as server:
        yield server


@contextmanager
def process(folder: Path, settings: dict[str, str]) -> Generator[Server]:
    """Run the registry over stores that run already."""
    port = free_port()
    env = {
        "PORT": str(port),
        "WORKERS": "1",
        "BALLROOM_BRAKE_PACKAGES": "1000000",
        "BALLROOM_BRAKE_RELEASES": "1000000",
        **UNLIMITED,
        **settings,
    }
    command = [sys.executable, "-m", "shared.localhost"]
    with running("azure-local", command, port=port, folder=folder, env=env) as server:
        yield server


def pull_cost(server: Server) -> Cost:
    """Load hop one of a pull that the Function answers each time, as under the host of Azure."""
    return anew(server, Asked(f"{BASE}/{PACKAGE}/{VERSION}", ARCHIVE))


def cost(server: Server, measure: Callable[[], Load]) -> Cost:
    """Measure a load, and what the processes of the registry take meanwhile."""
    before = processor_seconds(server.pid)
    measured = measure()
    taken = processor_seconds(server.pid) - before
    requests = max(measured.per_second * (SECONDS + WARM_SECONDS), 1)
    return Cost(measured, 1_000 * taken / requests)


@dataclass(frozen=True)
class Asked:
    """A request for something that is stored."""

    path: str
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None

    def send(self, client: httpx.Client, **more: str) -> None:
        """Send the request, with more headers if given; it has to succeed."""
        method = "GET" if self.body is None else "POST"
        headers = {**self.headers, "Content-Type": "application/json", **more}
        answer = client.request(method, self.path, headers=headers, content=self.body)
        assert answer.status_code < httpx.codes.BAD_REQUEST, answer.text


def in_memory(server: Server, asked: Asked) -> Cost:
    """Load one request over and over."""
    url = f"{server.url}{asked.path}"
    return cost(server, lambda: load(url, headers=asked.headers, body=asked.body, connections=FEW))


def first_time(server: Server, known: Asked, several: Sequence[Asked]) -> float:
    """Send each request once; return the milliseconds of processor of one."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        known.send(client)  # Imports what it needs, and connects.
        wait_until_idle(server)
        before = processor_seconds(server.pid)
        for each in several:
            each.send(client)
        return 1_000 * (processor_seconds(server.pid) - before) / len(several)


def main() -> None:
    require_wrk()
    packages = sample()
    with workspace() as folder:
        here, there = folder / "embedded", folder / "cloud"
        here.mkdir()
        there.mkdir()
        with ballroom(here) as embedded, stores(there / "data") as settings:
            publish(embedded, dict(list(packages.items())[:RESOLVED]))
            with process(there, settings) as azure:
                publish(azure, packages)
            for name, (known, several) in paths(packages).items():
                if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
                    continue
                first = first_of_several(there, settings, known, several)
                with process(there, settings) as azure:
                    show(name, in_memory(embedded, known), in_memory(azure, known), first)
            asyncio.run(show_floors(settings["BALLROOM_COSMOS_ENDPOINT"], list(packages), RESOLVED))
            with process(there, settings) as azure:
                show_pulls({name: anew(azure, known) for name, known in pulls(azure).items()})
            with process(there, settings) as azure:
                ours, theirs = (in_memory(each, _archive(each)) for each in (embedded, azure))
                show("archive of 1 MiB", ours, theirs)
            with process(there, settings) as azure:
                show_one_by_one(embedded, azure, paths(packages)[RESOLVE][0])


def first_of_several(
    folder: Path, settings: dict[str, str], known: Asked, several: Sequence[Asked]
) -> float:
    """Return the milliseconds of processor of a first read in the fastest of some processes."""
    taken = list[float]()
    for _ in range(STARTS):
        with process(folder, settings) as azure:
            taken.append(first_time(azure, known, several))
    return min(taken)


def sample() -> dict[str, dict[str, object]]:
    """Return the first release of some real packages."""
    found = real_releases()
    chosen = [each for each in found if each.startswith("ballerina")][:RESOLVED]
    chosen += [each for each in found if each not in chosen][: PACKAGES - RESOLVED]
    return {package: found[package][0] for package in chosen}


def publish(server: Server, packages: dict[str, dict[str, object]]) -> None:
    """Publish some versions of a package, and the sample."""
    with httpx.Client(timeout=60) as client:
        # A push creates no organization whose name is reserved, or close to that of another one.
        for org in sorted({package.partition("/")[0] for package in packages}):
            create_organization(server, client, org)
        for patch in range(VERSIONS):
            padding = LARGE if patch == 0 else 0
            push(server, client, bala(f"{PACKAGE}:1.0.{patch}", padding=padding))
        for release in packages.values():
            push(server, client, archive(release))
        push(server, client, bala(f"{PRIVATE}:{VERSION}", visibility="private"))


def paths(packages: dict[str, dict[str, object]]) -> dict[str, tuple[Asked, list[Asked]]]:
    """Return for each read path a request to repeat, and those that are sent once."""
    exact = {f"{each}/{release['version']}" for each, release in packages.items()}
    releases, known = [f"{BASE}/{each}" for each in sorted(exact)], f"{BASE}/{PACKAGE}/{VERSION}"
    names = list(packages)
    groups = [names[at : at + RESOLVED] for at in range(0, len(names), RESOLVED)]
    resolve = f"{BASE}/resolve-dependencies"
    return {
        "pull, hop one": (Asked(known, ARCHIVE), [Asked(each, ARCHIVE) for each in releases]),
        "metadata": (Asked(known), [Asked(each) for each in releases]),
        "versions": (Asked(f"{BASE}/{PACKAGE}"), [Asked(f"{BASE}/{each}") for each in names]),
        "index file": (
            Asked(f"/index/{PACKAGE}/index.json"),
            [Asked(f"/index/{each}/index.json") for each in names],
        ),
        "search": (
            Asked(f"{BASE}?q=greet&limit=20"),
            [Asked(f"{BASE}?q={each.partition('/')[2]}&limit=20") for each in names],
        ),
        RESOLVE: (
            Asked(resolve, body=_wanted(groups[0])),
            [Asked(resolve, body=_wanted(each)) for each in groups[1:]],
        ),
    }


def pulls(server: Server) -> dict[str, Asked]:
    """Return pulls that the Function answers each time, as under the host of Azure: of public and
    of private packages, with a token in memory."""
    token = {"Authorization": f"Bearer {token_of(server)}"}
    public, private = (f"{BASE}/{each}/{VERSION}" for each in (PACKAGE, PRIVATE))
    return {
        PUBLIC_PULL: Asked(public, ARCHIVE),
        "pull with a token, each time": Asked(public, ARCHIVE | token),
        PRIVATE_PULL: Asked(private, ARCHIVE | token),
    }


def anew(server: Server, asked: Asked) -> Cost:
    """Load a request that the Function answers each time."""
    return cost(
        server,
        lambda: load_each(
            server.url, [asked.path], headers=asked.headers, connections=FEW, anew=True
        ),
    )


def one_by_one(servers: Sequence[Server], asked: Asked) -> list[float]:
    """Send a request to each server in turn, which makes its answer anew from what is in memory;
    return the median of milliseconds for each. What disturbs one of a round disturbs the others.
    """
    taken = [list[float]() for _ in servers]
    with ExitStack() as opened:
        clients = [
            opened.enter_context(httpx.Client(base_url=each.url, timeout=60)) for each in servers
        ]
        for each in clients:
            asked.send(each)  # Reads what is not in memory.
        for sent in range(ROUNDS):
            for client, times in zip(clients, taken, strict=True):
                began = time.perf_counter()
                asked.send(client, Pragma=str(sent))
                times.append(1_000 * (time.perf_counter() - began))
    return [median(each) for each in taken]


def show_pulls(costs: dict[str, Cost]) -> None:
    """Print what pulls take that the Function answers, and whether a private one is within its
    bar."""
    print()
    for name, each in costs.items():
        print(f"{name:40}{each}")
    times = costs[PRIVATE_PULL].processor_ms / costs[PUBLIC_PULL].processor_ms
    print(f"{PRIVATE_PULL}: {times:.2f} times a public one{verdict(times, MOST_OF_A_PRIVATE_PULL)}")


def show_one_by_one(embedded: Server, azure: Server, asked: Asked) -> None:
    """Print how long a resolution takes in both worlds, and whether the bar holds."""
    ours, theirs = one_by_one((embedded, azure), asked)
    print(f"\n{RESOLVE}, one by one")
    print(f"  one machine {ours:6.2f} ms")
    print(f"  cloud       {theirs:6.2f} ms")
    print(f"  {theirs / ours:.2f} times one machine{verdict(theirs / ours, MOST_TIMES)}")


def show(name: str, embedded: Cost, azure: Cost, first_ms: float | None = None) -> None:
    """Print one read path in both worlds, and whether the cloud is within its aims."""
    aims = AIMS.get(name)
    print(f"\n{name}")
    print(f"  one machine, in memory {embedded}")
    print(f"  cloud, in memory       {azure}{verdict(azure.processor_ms, aims and aims.in_memory)}")
    if first_ms is not None:
        of_first = verdict(first_ms, aims and aims.first_time)
        print(f"  cloud, first time      {'':44}processor {first_ms:6.2f} ms{of_first}", flush=True)


def verdict(figure: float, aim: float | None) -> str:
    """Return whether a figure is within an aim; an empty text if there is none."""
    if aim is None:
        return ""
    return f"  (aim {aim:g}: {'reached' if figure <= aim else 'MISSED'})"


def _wanted(packages: list[str]) -> bytes:
    named = [dict(zip(("org", "name"), each.split("/"), strict=True)) for each in packages]
    return json.dumps({"packages": named}).encode()


def _archive(server: Server) -> Asked:
    """Ask for the bytes from the registry itself, as who sends a token on both hops."""
    headers = {**ARCHIVE, "Authorization": f"Bearer {token_of(server)}"}
    url = f"{server.url}{BASE}/{PACKAGE}/1.0.0"
    return Asked(httpx.get(url, headers=headers).headers["location"].removeprefix(server.url))


if __name__ == "__main__":
    main()

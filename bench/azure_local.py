"""The cloud's read paths on this machine, beside those of one machine: `make run-azure-local`.

The same host and Functions, one worker each, the same packages. Embedded, the stores are files
of the process. In the cloud each is a request to a double of Cosmos DB, in Python, or to Azurite,
in Node. Our host gives answers that stand again in both worlds; that of Azure asks the Functions
every time (`pull_cost`). So this is what the real clients and the code around them cost, beside
stores that take processor time of the same machine and are nearer than the real ones.

Each path is measured twice: "in memory" repeats one request; "first time" sends each of many once,
for packages that the process, which was just started, has not read.

The last figure of a line is the processor time that the registry itself took for a request, its
stores left aside: it depends little on what else the machine does.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx

from bench.load_generator import SECONDS, WARM_SECONDS, Load, load, load_each, require_wrk
from bench.sample_packages import archive, real_releases
from bench.servers import (
    UNREACHED,
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
PACKAGES = 400  # Of the real index, each read once.
BASE = "/2.0/registry/packages"
LARGE = 1024 * 1024  # Bytes of the archive that is fetched.
ARCHIVE = {"Accept": "application/octet-stream"}
IDLE_SECONDS = 0.05  # Of processor in a second.
FEW = 8  # Connections: what an instance on Flex Consumption takes at once.
ROUNDS = 300  # Of requests that are sent one by one.
MOST_TIMES = 3  # One machine: how long a resolution in the cloud may take, one by one.


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
        **{f"BALLROOM_LIMIT_{each}": UNREACHED for each in ("READ", "WRITE", "PUSH")},
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


def wait_until_idle(server: Server) -> None:
    """Wait until a registry that was started has loaded its search index."""
    for _ in range(30):
        before = processor_seconds(server.pid)
        time.sleep(1)
        if processor_seconds(server.pid) - before < IDLE_SECONDS:
            return


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
                with process(there, settings) as azure:
                    first = first_time(azure, known, several)
                    show(name, in_memory(embedded, known), in_memory(azure, known), first)
            with process(there, settings) as azure:
                for name, known in pulls(azure).items():
                    print(f"{name:40}{anew(azure, known)}")
            with process(there, settings) as azure:
                ours, theirs = (in_memory(each, _archive(each)) for each in (embedded, azure))
                show("archive of 1 MiB", ours, theirs)
            with process(there, settings) as azure:
                show_one_by_one(embedded, azure, paths(packages)[RESOLVE][0])


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
        "pull, each time": Asked(public, ARCHIVE),
        "pull with a token, each time": Asked(public, ARCHIVE | token),
        "private pull with a token, each time": Asked(private, ARCHIVE | token),
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


def show_one_by_one(embedded: Server, azure: Server, asked: Asked) -> None:
    """Print how long a resolution takes in both worlds, and whether the bar holds."""
    ours, theirs = one_by_one((embedded, azure), asked)
    verdict = "" if theirs <= MOST_TIMES * ours else ": missed"
    print(f"\n{RESOLVE}, one by one")
    print(f"  one machine {ours:6.2f} ms")
    print(f"  cloud       {theirs:6.2f} ms, {theirs / ours:.1f} times (bar {MOST_TIMES}){verdict}")


def show(name: str, embedded: Cost, azure: Cost, first_ms: float | None = None) -> None:
    """Print one read path in both worlds."""
    print(f"\n{name}")
    print(f"  one machine, in memory {embedded}")
    print(f"  cloud, in memory       {azure}")
    if first_ms is not None:
        print(f"  cloud, first time      {'':44}processor {first_ms:6.2f} ms")


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

"""First requests: the processor time of a registry for addresses that nobody asked for before.

Many packages are published, the registry is started again, and each address is asked for once, with
a few connections. A row is the server's processor time of one request, in microseconds, the median
of `ROUNDS=5` rounds; each row and each round has packages of its own, so that neither answers nor
records are in memory. With `REVISION=81950573` the registry of that commit is measured in turns
with this one, and the last column is how many times as long it takes. The limit beside the pulls is
Starlette alone under the same server with one read of SQLite by its key.

`PACKAGES=20000` are published to each registry first, which takes minutes.
"""

import asyncio
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import httptools
import httpx

from bench.support.processor_time import processor_seconds, wait_until_idle
from bench.support.requested import Requested
from bench.support.revisions import Tree, checked_out
from bench.support.servers import (
    Server,
    ballroom,
    create_organization,
    push,
    running_server,
    workspace,
)
from bench.support.synthetic_packages import Synthetic
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala
from tests.support.processes import free_port
from tests.support.upstreams import BASE

REVISION = os.environ.get("REVISION", "")
PACKAGES = int(os.environ.get("PACKAGES", "20000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))

PUSHERS = 4  # Threads that publish to one registry.
CONNECTIONS = 8
RESOLVED = 50  # Packages of one request.
MOST_REQUESTS = 400  # Requests in one round.
PUBLIC = "acme"
PRIVATE = "hidden"
ARCHIVE = {"Accept": "application/octet-stream"}
PAGE = {"Accept": "text/html"}
Item = TypeVar("Item")


@dataclass(frozen=True)
class Row:
    """One kind of request: how it is made from the name of a package, or of several."""

    make: Callable[[Sequence[str]], Requested]
    status: int = 200
    org: str = PUBLIC
    has_token: bool = False
    is_documented: bool = False
    packages: int = 1  # Packages in one request.


def _below_base(path: str, headers: dict[str, str], names: Sequence[str]) -> Requested:
    return Requested(BASE + path.format(*names), headers)


@cache
def _words() -> Sequence[str]:
    """Return the words of summaries and searches: making them takes a fifth of a second."""
    return Synthetic().words[:500]


def _search(names: Sequence[str]) -> Requested:
    """Return a search for two words that no other request has together."""
    chance = random.Random(names[0])  # noqa: S311 - the point is to repeat it.
    words = chance.sample(_words(), 2)
    return Requested(f"{BASE}/packages?q={'+'.join(words)}", {})


def _resolution(names: Sequence[str]) -> Requested:
    wanted = {"packages": [{"org": PUBLIC, "name": name} for name in names]}
    path = f"{BASE}/packages/resolve-dependencies"
    return Requested(path, {}, json.dumps(wanted).encode())


ROWS: dict[str, Row] = {
    "pulls": Row(partial(_below_base, f"/packages/{PUBLIC}/{{}}/1.0.0", ARCHIVE), 302),
    "pulls, with a token": Row(
        partial(_below_base, f"/packages/{PUBLIC}/{{}}/1.0.0", ARCHIVE), 302, has_token=True
    ),
    "pulls, private": Row(
        partial(_below_base, f"/packages/{PRIVATE}/{{}}/1.0.0", ARCHIVE),
        302,
        org=PRIVATE,
        has_token=True,
    ),
    "metadata": Row(partial(_below_base, f"/packages/{PUBLIC}/{{}}/1.0.0", {})),
    "versions": Row(partial(_below_base, f"/packages/{PUBLIC}/{{}}", {})),
    "index lines": Row(lambda names: Requested(f"/index/{PUBLIC}/{names[0]}/index.json", {})),
    "package pages": Row(lambda names: Requested(f"/packages/{PUBLIC}/{names[0]}", PAGE)),
    "API pages": Row(
        lambda names: Requested(f"/packages/{PUBLIC}/{names[0]}/1.0.0/docs", PAGE),
        is_documented=True,
    ),
    "searches": Row(_search),
    f"resolutions of {RESOLVED}": Row(_resolution, packages=RESOLVED),
}


@dataclass(frozen=True)
class Subject:
    """A registry to measure: its tree, its folder, and the server while it runs."""

    folder: Path
    root: Path = ROOT
    python: Path = Path(sys.executable)

    @contextmanager
    def serving(self) -> Generator[Server]:
        with ballroom(self.folder, root=self.root, python=self.python) as server:
            yield server

    def document(self) -> None:
        """Make the API documentation that is not made yet, so that none is made meanwhile."""
        command = [str(self.python), "-m", "shared.cli", "upkeep", "run", "generate-api-docs"]
        env = os.environ | {"BALLROOM_DATA": str(self.folder / "data")}
        subprocess.run(command, cwd=self.root, env=env, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(workspace())
        (folder / "ours").mkdir()
        subjects = [Subject(folder / "ours")]
        if REVISION:
            tree: Tree = stack.enter_context(checked_out(REVISION))
            (folder / "theirs").mkdir()
            subjects.append(Subject(folder / "theirs", tree.root, tree.python))
        for subject in subjects:
            fill(subject)
        # Started again, so that nothing of what was published is in memory.
        servers = [stack.enter_context(each.serving()) for each in subjects]
        for server in servers:
            wait_until_idle(server, of=b"")
        print(f"{'microseconds of processor':26}{'this':>9}{REVISION or '':>11}{'times':>7}")
        for name, row in ROWS.items():
            compare(name, row, servers)
        limit = stack.enter_context(_limit(folder))
        _print_row("limit: Starlette, one read", [[_limit_of(limit) for _ in range(ROUNDS)]])


def names_of(row: Row) -> list[str]:
    """Return the packages of a row, which no other row asks for."""
    share = max(PACKAGES // len(ROWS), row.packages * (ROUNDS + 1))
    first = list(ROWS.values()).index(row) * share
    return [f"p{number}" for number in range(first, first + share)]


def fill(subject: Subject) -> None:
    """Publish the packages of all rows, and make their documentation."""
    with subject.serving() as server:
        with httpx.Client(timeout=60) as client:
            create_organization(server, client, PUBLIC)
            create_organization(server, client, PRIVATE, defaultVisibility="private")
        wanted = [(row, name) for row in ROWS.values() for name in names_of(row)]
        with ThreadPoolExecutor(PUSHERS) as threads:
            list(threads.map(lambda part: _publish(server, part), batched(wanted, 500)))
    subject.document()


def _publish(server: Server, wanted: Sequence[tuple[Row, str]]) -> None:
    with httpx.Client(timeout=120) as client:
        for row, name in wanted:
            push(server, client, _archive(row, name))


def _archive(row: Row, name: str) -> bytes:
    chance = random.Random(name)  # noqa: S311 - the point is to repeat it.
    summary = " ".join(chance.sample(_words(), 10))
    if row.is_documented:
        return documented_bala(f"{row.org}/{name}:1.0.0", summary=summary)
    return bala(f"{row.org}/{name}:1.0.0", summary=summary)


def compare(name: str, row: Row, servers: Sequence[Server]) -> None:
    """Measure a row of all registries in turns, and print it."""
    requests = [row.make(each) for each in batched(names_of(row), row.packages)]
    first, *rounds = _parts(requests, ROUNDS + 1)
    taken = [list[float]() for _ in servers]
    # So that the code has run before; the measured rounds ask for other packages.
    for server in servers:
        measure(server, first, row)
    for number, part in enumerate(rounds):
        turns = list(zip(servers, taken, strict=True))
        for server, times in turns if number % 2 else reversed(turns):
            times.append(measure(server, part, row))
    _print_row(name, taken)


def batched(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """Yield the items in tuples of a size; Python has this from 3.12 on."""
    left = iter(items)
    while batch := tuple(islice(left, size)):
        yield batch


def _parts(requests: Sequence[Requested], count: int) -> list[list[Requested]]:
    size = min(MOST_REQUESTS, len(requests) // count)
    left = iter(requests)
    return [list(islice(left, size)) for _ in range(count)]


def measure(server: Server, requests: Sequence[Requested], row: Row) -> float:
    """Send each request once; return the microseconds of processor that one took."""
    token = server.token if row.has_token else ""
    before = processor_seconds(server.pid)
    asyncio.run(send(server, [each.encoded(token) for each in requests], row.status))
    return 1e6 * (processor_seconds(server.pid) - before) / len(requests)


async def send(server: Server, requests: Sequence[bytes], status: int) -> None:
    """Send requests over a few connections, each one after the answer before it."""
    left = iter(requests)

    async def client() -> None:
        url = httpx.URL(server.url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        for request in left:
            writer.write(request)
            answer = Answer()
            while not answer.is_complete:
                answer.parser.feed_data(await reader.read(1 << 20))
            found = answer.parser.get_status_code()
            assert found == status, (request, found)
        writer.close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))


class Answer:
    """An answer as it arrives; its bytes are read and not kept."""

    def __init__(self) -> None:
        """Begin before its first byte."""
        self.parser = httptools.HttpResponseParser(self)
        self.is_complete = False

    def on_message_complete(self) -> None:
        self.is_complete = True


@contextmanager
def _limit(folder: Path) -> Generator[Server]:
    """Serve redirects that take one read of SQLite each."""
    with sqlite3.connect(folder / "limit.db") as database:
        database.execute("create table link (name text primary key, target text) without rowid")
        rows = ((f"p{number}", f"/target/{number}") for number in range(PACKAGES))
        database.executemany("insert into link values (?, ?)", rows)
    database.close()
    port = free_port()
    command = [sys.executable, "-m", "bench.support.bare_starlette", str(port), str(folder)]
    with running_server("limit", command, port=port, folder=folder) as server:
        yield server


def _limit_of(server: Server) -> float:
    requests = [Requested(f"/read/p{number}") for number in range(MOST_REQUESTS)]
    before = processor_seconds(server.pid, of=b"")
    asyncio.run(send(server, [each.encoded("") for each in requests], 302))
    return 1e6 * (processor_seconds(server.pid, of=b"") - before) / len(requests)


def _print_row(name: str, taken: Sequence[Sequence[float]]) -> None:
    medians = [statistics.median(each) for each in taken]
    line = f"{name:26}{medians[0]:9.0f}"
    if len(medians) > 1:
        times = statistics.median(theirs / ours for ours, theirs in zip(*taken, strict=True))
        line += f"{medians[1]:11.0f}{times:7.2f}"
    print(line, flush=True)


if __name__ == "__main__":
    main()

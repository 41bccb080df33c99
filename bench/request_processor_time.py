"""Handling: the processor time of one request that is not answered from memory, within one process.

No server, no load generator and no connection are counted, so the figures depend little on what
else the machine does. Packages and words are those of the demonstration (`make demo`). Each row is
the fastest and the median of 15 rounds of 100 requests, in milliseconds.
"""

import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.demo import filled
from bench.support.requested import Requested
from bench.support.servers import UNLIMITED
from shared import localhost
from shared.adapters.search.index import SqliteSearchIndex
from shared.domain.search import ANYONE, Query, ResultPage, Sort
from shared.hosting.host import Host
from shared.hosting.requests import Scope
from shared.settings import Settings
from tests.support.registry_process import administrator_token
from tests.unit.shared.hosting.asgi import ask, scope

ROUNDS = 15
REQUESTS = 100
WARM = 200  # Requests before the first round.
SHORTEST = 3  # Letters of the shortest beginning of a word.
FEW = 600  # Packages whose records stay in memory.
RESOLVED = 20  # Packages of a build.


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        filled(data)
        os.environ["BALLROOM_DATA"] = str(data)
        os.environ |= UNLIMITED
        token = administrator_token(Path(folder) / "data")
        asyncio.run(measure(localhost.build_host(Settings.load()), data, token))


async def measure(host: Host, data: Path, token: str) -> None:
    rows = requests(await packages_of(data), token)
    print(f"{'':<28}{'fastest':>9}{'median':>9}  ms of processor")
    async with host.running():
        for name, request in rows.items():
            fastest, median = await _timed(host, request)
            print(f"{name:<28}{fastest:>9.3f}{median:>9.3f}", flush=True)


def requests(packages: Sequence[str], token: str) -> dict[str, Callable[[int], Requested]]:
    """Return what makes a request of each kind from its number."""
    words = beginnings(packages)
    bearer = {"Authorization": f"Bearer {token}"}
    return {
        "search page, new words": lambda n: Requested(f"/search?q={words[n % len(words)]}"),
        "package page": lambda n: Requested(f"/packages/{packages[n % len(packages)]}?n={n}"),
        "versions": lambda n: Requested(_versions(packages, n), _different(n)),
        "versions, with a token": lambda n: Requested(
            _versions(packages, n), _different(n) | bearer
        ),
        f"resolve of {RESOLVED}": lambda n: _resolve(packages, n),
    }


def callers(token: str) -> dict[str, dict[str, str]]:
    """Return the headers of a caller without and with a token."""
    return {"anonymous": {}, "with a token": {"Authorization": f"Bearer {token}"}}


async def cached_versions(host: Host, package: str, headers: dict[str, str]) -> Scope:
    """Return a request for versions that the host answers from its cache from now on."""
    sent = scope("GET", f"/2.0/registry/packages/{package}", headers)
    assert (await ask(host, sent)).status == 200
    return sent


def _versions(packages: Sequence[str], number: int) -> str:
    return f"/2.0/registry/packages/{packages[number % FEW]}"


def _resolve(packages: Sequence[str], number: int) -> Requested:
    first = number * RESOLVED % FEW
    pairs = [each.split("/") for each in packages[first : first + RESOLVED]]
    wanted = {"packages": [{"org": org, "name": name} for org, name in pairs]}
    path = "/2.0/registry/packages/resolve-dependencies"
    body = json.dumps(wanted).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return Requested(path, headers, body)


def _different(number: int) -> dict[str, str]:
    # The cookie is a part of the key of kept answers, and nothing else reads it.
    return {"Cookie": str(number)}


async def _timed(host: Host, request: Callable[[int], Requested]) -> tuple[float, float]:
    numbers = iter(range(WARM + ROUNDS * REQUESTS))
    times = list[float]()
    for number in [next(numbers) for _ in range(WARM)]:
        await send(host, request(number))
    for _ in range(ROUNDS):
        begin = time.process_time()
        for number in [next(numbers) for _ in range(REQUESTS)]:
            await send(host, request(number))
        times.append(1_000 * (time.process_time() - begin) / REQUESTS)
    return min(times), statistics.median(times)


async def send(host: Host, request: Requested) -> None:
    """Send a request, which the host answers by a Function."""
    sent = scope(request.method, request.path, request.headers)
    assert host.cached_answer(sent) is None, request.path
    answer = await ask(host, sent, request.body)
    assert answer.status == 200, (request.path, answer.status)


async def packages_of(data: Path) -> list[str]:
    """Return the public packages in an order that is the same each time."""
    index = SqliteSearchIndex(data / "search.db")
    everything = ResultPage(limit=10_000, sort=Sort.NAME)
    found = await index.search(Query(), everything, ANYONE)
    index.close()
    packages = [str(hit.listing.head.package) for hit in found.hits]
    random.Random(7).shuffle(packages)  # noqa: S311 - the point is to repeat it.
    return packages


def beginnings(packages: Sequence[str]) -> list[str]:
    """Return all beginnings of the names of packages, as people type them, in no order."""
    names = [each.rpartition("/")[2] for each in packages]
    words = sorted({name[:end] for name in names for end in range(SHORTEST, len(name) + 1)})
    random.Random(7).shuffle(words)  # noqa: S311 - the point is to repeat it.
    return words


if __name__ == "__main__":
    main()

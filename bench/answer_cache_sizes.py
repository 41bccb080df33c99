"""The answer cache at several sizes, under one mixed load.

Clients ask for the packages of the demonstration (`make demo`) as Zipf has them: pulls, metadata,
lists of versions and index files, by several kinds of clients, whose answers are cached separately,
and pages. `REQUESTS=20000` go to a host of its own for each size, within this process, after as
many that fill its caches. A row has the entries at the end, the share of requests that the cache
answered, and the processor time of a request in microseconds, the smaller of two rounds.
"""

import asyncio
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from unittest import mock

from bench.demo import published
from bench.request_processor_time import packages_of
from bench.support.real_packages import zipf
from bench.support.request_kinds import ARCHIVE, PAGE
from bench.support.requested import Requested
from bench.support.servers import UNLIMITED, workspace
from shared import localhost
from shared.hosting.answer_cache import AnswerCache
from shared.hosting.host import Host
from shared.settings import Settings
from tests.support.upstreams import BASE
from tests.unit.shared.hosting.asgi import ask, scope

REQUESTS = int(os.environ.get("REQUESTS", "20000"))
MEBIBYTES = (64, 32, 16, 8, 4, 1, 0)
ROUNDS = 2
SEED = 7

# Of a hundred requests: how many are of each kind.
SHARES = {"pull": 50, "metadata": 15, "versions": 15, "index file": 10, "page": 10}
PATHS = {
    "pull": f"{BASE}/packages/{{0}}/*",
    "metadata": f"{BASE}/packages/{{0}}/*",
    "versions": f"{BASE}/packages/{{0}}",
    "index file": "/index/{0}/index.json",
    "page": "/packages/{0}",
}
AGENTS = ("ballerina/2201.10.0", "ballerina/2201.11.0", "ballerina/2201.12.0", "renovate/41")


@dataclass(frozen=True)
class Row:
    """The result of one size."""

    entries: int
    answered: float  # The share of requests that the cache answered.
    microseconds: float  # Processor time of a request.


def main() -> None:
    with workspace() as folder:
        data = folder / "data"
        published(data)
        os.environ["BALLROOM_DATA"] = str(data)
        os.environ |= UNLIMITED
        packages = asyncio.run(packages_of(data))
        print(f"{'MiB':>6}{'entries':>10}{'answered':>10}{'us a request':>14}", flush=True)
        for size in MEBIBYTES:
            row = asyncio.run(measured(size, packages))
            figures = f"{row.entries:10}{row.answered:10.1%}{row.microseconds:14.1f}"
            print(f"{size:6}{figures}", flush=True)


async def measured(mebibytes: int, packages: Sequence[str]) -> Row:
    """Return the result of one size of the cache."""
    with mock.patch.dict(AnswerCache.__init__.__kwdefaults__, capacity=mebibytes << 20):
        host = localhost.build_host(Settings.load())
    wanted = requests(packages)
    fastest = Row(0, 0.0, float("inf"))
    async with host.running():
        for request in islice(wanted, REQUESTS):
            await is_answered_by_cache(host, request)
        for _ in range(ROUNDS):
            batch = list(islice(wanted, REQUESTS))
            began = time.process_time()
            answered = [await is_answered_by_cache(host, each) for each in batch]
            taken = (time.process_time() - began) / len(batch)
            if taken * 1e6 < fastest.microseconds:
                fastest = Row(entries_of(host), sum(answered) / len(batch), taken * 1e6)
    return fastest


def requests(packages: Sequence[str]) -> Iterator[Requested]:
    """Yield requests without end, the same for each size."""
    chance = random.Random(SEED)  # noqa: S311 - the point is to repeat it.
    popularity = zipf(len(packages))
    kinds = list(SHARES)
    shares = list(SHARES.values())
    while True:
        [package] = chance.choices(packages, cum_weights=popularity)
        [kind] = chance.choices(kinds, shares)
        yield Requested(PATHS[kind].format(package), headers_of(kind, chance.choice(AGENTS)))


def headers_of(kind: str, agent: str) -> Mapping[str, str]:
    if kind == "page":
        return PAGE
    return {"User-Agent": agent} | (ARCHIVE if kind == "pull" else {})


async def is_answered_by_cache(host: Host, request: Requested) -> bool:
    """Send a request as the server does; return whether it needed no Function."""
    sent = scope(request.method, request.path, request.headers)
    if host.cached_answer(sent) is not None:
        return True
    answer = await ask(host, sent, request.body)
    assert answer.status in (200, 302), (request.path, answer.status)
    return False


def entries_of(host: Host) -> int:
    return len(host._answer_cache._answers)  # type: ignore[union-attr]


if __name__ == "__main__":
    main()

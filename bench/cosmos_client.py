"""The cost of reads of Cosmos DB in Microsoft's client: processor time, requests and request units.

The double answers from another process, so its own processor time is not counted. The adapters use
what is cheapest here for what they read; the rest is shown for comparison.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from azure.cosmos.aio import ContainerProxy, CosmosClient

from shared.adapters.cloud import http_transport
from shared.adapters.cosmos.client import CHARGE_HEADER, CosmosContainer, CosmosDatabase
from shared.adapters.system import SystemClock, SystemRandomness
from tests.fakes.cosmos.serving import served
from tests.support.cloud_stores import ANY_KEY, account

PACKAGES = 40
SEVERAL = 20
CONCURRENT = 8
CALLS = 1_000
SERVE = "serve"
BODY = {"text": "x" * 400, "list": [{"org": "acme", "name": "greet"}] * 8}
ONE, OTHER = "head", "release:1.0.0"
TWO_IDS = "SELECT * FROM c WHERE c.id IN ('head', @release)"
KINDS = "SELECT * FROM c WHERE c.kind IN ('head', 'entry')"


@dataclass
class Charges:
    """The requests and request units of answers."""

    requests: int = 0
    units: float = 0.0

    def add(self, response: Any) -> None:
        """Add an answer; for `raw_response_hook` of the client."""
        self.requests += 1
        self.units += float(response.http_response.headers.get(CHARGE_HEADER) or 0)


@dataclass
class Reads:
    """Ways to read some packages of a container."""

    container: CosmosContainer
    proxy: ContainerProxy
    charges: Charges = field(default_factory=Charges)

    def ways(self) -> dict[str, Callable[[int], Awaitable[object]]]:
        """Return each way to read, which takes the number of a package."""
        return {
            "a point read": lambda n: self.container.read(_key(n), ONE),
            "two items of a partition: two point reads": self._two_reads,
            "two items of a partition: a query": lambda n: self.container.query(
                TWO_IDS, _key(n), release=OTHER
            ),
            "two items of a partition: a batch of reads": lambda n: self.proxy.execute_item_batch(
                [("read", (ONE,)), ("read", (OTHER,))], _key(n)
            ),
            "two items of a partition: read_items": lambda n: self.proxy.read_items(
                [(ONE, _key(n)), (OTHER, _key(n))]
            ),
            "20 items of 20 partitions: 20 point reads": lambda n: asyncio.gather(
                *(self.container.read(key, ONE) for key in _keys(n))
            ),
            "20 items of 20 partitions: read_items": lambda n: self.proxy.read_items(
                [(ONE, key) for key in _keys(n)]
            ),
            "20 items of 20 partitions: a query": lambda n: self.container.read_each(_keys(n), ONE),
            "60 items of 20 partitions: 20 queries": lambda n: asyncio.gather(
                *(self.container.query(KINDS, key) for key in _keys(n))
            ),
            "60 items of 20 partitions: a query": lambda n: self.container.query_keys(
                KINDS, _keys(n)
            ),
            "60 items of 20 partitions: a query without a range": lambda n: _all(
                self.proxy.query_items(
                    f"{KINDS} AND ARRAY_CONTAINS(@keys, c.pk)",
                    parameters=[{"name": "@keys", "value": _keys(n)}],
                )
            ),
        }

    async def _two_reads(self, number: int) -> None:
        key = _key(number)
        await asyncio.gather(self.container.read(key, ONE), self.container.read(key, OTHER))


def main() -> None:
    if SERVE in sys.argv:
        serve()
        return
    with double() as address:
        print(f"{'':52} processor   requests      units")
        asyncio.run(compare(address))


def serve() -> None:
    """Serve a double until the input ends."""
    with served(account(SystemClock())) as address:
        print(address, flush=True)
        sys.stdin.read()


@contextmanager
def double() -> Generator[str]:
    """Run a double in another process; lend its address."""
    command = [sys.executable, "-m", "bench.cosmos_client", SERVE]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


async def compare(address: str) -> None:
    """Print the costs of each way to read; the first once more with a search for proxies."""
    charges = Charges()

    def client(*, is_direct: bool = True) -> CosmosClient:
        options = {"transport": http_transport()} if is_direct else {}
        return CosmosClient(address, ANY_KEY, raw_response_hook=charges.add, **options)

    cosmos = CosmosDatabase(client, SystemRandomness())
    reads = Reads(cosmos.container("packages"), cosmos.proxy("packages"), charges)
    await fill(reads.container)
    for name, read in reads.ways().items():
        await show(name, read, charges)
    await cosmos.close()
    looking = CosmosDatabase(lambda: client(is_direct=False), SystemRandomness())
    other = looking.container("packages")
    await show("a point read that looks for a proxy", lambda n: other.read(_key(n), ONE), charges)
    await looking.close()


async def fill(container: CosmosContainer) -> None:
    """Store packages of four items."""
    for number in range(PACKAGES):
        for id_ in (ONE, OTHER, "entry:1.0.0", "entry:1.1.0"):
            kind = id_.partition(":")[0]
            await container.put({"id": id_, "pk": _key(number), "kind": kind, "body": BODY})


async def show(name: str, read: Callable[[int], Awaitable[object]], charges: Charges) -> None:
    """Print the processor time, requests and request units of a call."""
    for number in range(CONCURRENT):
        await read(number)
    numbers = iter(range(CALLS))
    charges.requests, charges.units, before = 0, 0.0, time.process_time()

    async def call() -> None:
        for number in numbers:
            await read(number)

    await asyncio.gather(*(call() for _ in range(CONCURRENT)))
    taken = 1_000 * (time.process_time() - before) / CALLS
    requests, units = charges.requests / CALLS, charges.units / CALLS
    print(f"{name:52} {taken:6.2f} ms {requests:10.1f} {units:10.1f}", flush=True)


async def _all(found: AsyncIterable[object]) -> list[object]:
    return [item async for item in found]


def _key(number: int) -> str:
    return f"acme/p{number % PACKAGES}"


def _keys(number: int) -> list[str]:
    return [_key(number + place) for place in range(SEVERAL)]


if __name__ == "__main__":
    main()

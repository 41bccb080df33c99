"""What the queries of first reads take at least: the same queries of the same double, sent with
aiohttp and nothing else, as the registry sends them, and by Microsoft's client.

Milliseconds of processor time of this thread, because the double answers in others of the process.
Nothing is decoded but the JSON.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
import orjson
from azure.cosmos.aio import CosmosClient

from shared.adapters.cloud import http_transport
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.system import SystemRandomness
from tests.support.cloud_stores import ANY_KEY

RELEASE = "SELECT * FROM c WHERE c.id IN ('head', 'release:1.0.0')"
SURVEYS = "SELECT * FROM c WHERE c.kind IN ('head', 'entry')"
ROUNDS = 3  # The fastest counts.

Ask = Callable[["Question"], Awaitable[object]]


@dataclass(frozen=True)
class Question:
    """A query in one partition, or among the packages of a build if there is no key."""

    text: str
    key: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])

    def named(self) -> list[dict[str, Any]]:
        return [{"name": f"@{name}", "value": value} for name, value in self.parameters.items()]

    @classmethod
    def of_build(cls, keys: Sequence[str]) -> Self:
        parameters = {f"k{place}": key for place, key in enumerate(keys)}
        among = ", ".join(f"@{name}" for name in parameters)
        return cls(f"{SURVEYS} AND (c.pk IN ({among}))", None, parameters)


async def show_floors(endpoint: str, packages: Sequence[str], of_a_build: int) -> None:
    """Print what the queries of a pull and of a resolution take, in each way to send them."""
    keys = [each.lower() for each in packages]
    builds = [keys[at : at + of_a_build] for at in range(0, len(keys), of_a_build)]
    pulls, resolutions = (
        [Question(RELEASE, key) for key in keys],
        list(map(Question.of_build, builds)),
    )
    cosmos = CosmosDatabase(
        lambda: CosmosClient(endpoint, ANY_KEY, transport=http_transport()), SystemRandomness()
    )
    container, proxy = cosmos.container("packages"), cosmos.proxy("packages")

    [whole] = await container.ranges()

    async def by_client(asked: Question) -> None:
        scope: Any = {"partition_key": asked.key} if asked.key else {"feed_range": whole}
        named = asked.named()
        found: Any = proxy.query_items(asked.text, parameters=named, max_item_count=1_000, **scope)
        assert [item async for item in found]

    async with aiohttp.ClientSession() as session:
        ways: Mapping[str, Ask] = {
            "aiohttp alone": _by_aiohttp(session, endpoint, proxy.container_link),
            "the registry": lambda each: container.query(each.text, each.key, **each.parameters),
            "Microsoft's client": by_client,
        }
        print(f"\n{'milliseconds of processor for the':40} query of a pull   query of a resolution")
        for name, ask in ways.items():
            first, second = await _fastest(ask, pulls), await _fastest(ask, resolutions)
            print(f"  {name:38} {first:15.2f} {second:23.2f}", flush=True)
    await cosmos.close()


def _by_aiohttp(session: aiohttp.ClientSession, endpoint: str, link: str) -> Ask:
    url = f"{endpoint.rstrip('/')}/{link}/docs/"

    async def ask(asked: Question) -> None:
        of_scope = (
            {"x-ms-documentdb-partitionkey": orjson.dumps([asked.key]).decode()}
            if asked.key
            else {"x-ms-documentdb-query-enablecrosspartition": "true"}
        )
        headers = {
            **of_scope,
            "x-ms-documentdb-isquery": "true",
            "x-ms-max-item-count": "1000",
            "Content-Type": "application/query+json",
        }
        body = orjson.dumps({"query": asked.text, "parameters": asked.named()})
        async with session.post(url, data=body, headers=headers) as response:
            assert orjson.loads(await response.read())["Documents"]

    return ask


async def _fastest(ask: Ask, queries: Sequence[Question]) -> float:
    await ask(queries[0])
    taken = list[float]()
    for _ in range(ROUNDS):
        before = time.thread_time()
        for each in queries:
            await ask(each)
        taken.append(1_000 * (time.thread_time() - before) / len(queries))
    return min(taken)

"""What the queries of first reads take at least: the same queries of the same double, sent with
aiohttp and nothing else, as the registry sends them, and by Microsoft's client.

Milliseconds of processor time of this process; nothing is decoded but the JSON.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

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

Ask = Callable[[str, str | None], Awaitable[object]]


async def show_floors(endpoint: str, packages: Sequence[str], of_a_build: int) -> None:
    """Print what the queries of a pull and of a resolution take, in each way to send them."""
    keys = [each.lower() for each in packages]
    builds = [keys[at : at + of_a_build] for at in range(0, len(keys), of_a_build)]
    pulls: list[tuple[str, str | None]] = [(RELEASE, key) for key in keys]
    resolutions: list[tuple[str, str | None]] = [
        (f"{SURVEYS} AND c.pk IN ({', '.join(map(_literal, each))})", None) for each in builds
    ]
    cosmos = CosmosDatabase(
        lambda: CosmosClient(endpoint, ANY_KEY, transport=http_transport()), SystemRandomness()
    )
    container, proxy = cosmos.container("packages"), cosmos.proxy("packages")

    async def by_client(text: str, key: str | None) -> None:
        scope: Any = {"partition_key": key} if key else {"enable_cross_partition_query": True}
        found: Any = proxy.query_items(text, max_item_count=1_000, **scope)
        assert [item async for item in found]

    async with aiohttp.ClientSession() as session:
        ways: Mapping[str, Ask] = {
            "aiohttp alone": _by_aiohttp(session, endpoint, proxy.container_link),
            "the registry": container.query,
            "Microsoft's client": by_client,
        }
        print(f"\n{'milliseconds of processor for the':40} query of a pull   query of a resolution")
        for name, ask in ways.items():
            first, second = await _fastest(ask, pulls), await _fastest(ask, resolutions)
            print(f"  {name:38} {first:15.2f} {second:23.2f}", flush=True)
    await cosmos.close()


def _by_aiohttp(session: aiohttp.ClientSession, endpoint: str, link: str) -> Ask:
    url = f"{endpoint.rstrip('/')}/{link}/docs/"

    async def ask(text: str, key: str | None) -> None:
        of_scope = (
            {"x-ms-documentdb-partitionkey": orjson.dumps([key]).decode()}
            if key
            else {"x-ms-documentdb-query-enablecrosspartition": "true"}
        )
        headers = {
            **of_scope,
            "x-ms-documentdb-isquery": "true",
            "x-ms-max-item-count": "1000",
            "Content-Type": "application/query+json",
        }
        body = orjson.dumps({"query": text, "parameters": []})
        async with session.post(url, data=body, headers=headers) as response:
            assert orjson.loads(await response.read())["Documents"]

    return ask


async def _fastest(ask: Ask, queries: Sequence[tuple[str, str | None]]) -> float:
    await ask(*queries[0])
    taken = list[float]()
    for _ in range(ROUNDS):
        before = time.process_time()
        for each in queries:
            await ask(*each)
        taken.append(1_000 * (time.process_time() - before) / len(queries))
    return min(taken)


def _literal(key: str) -> str:
    return f"'{key}'"

"""Short-lived state in Cosmos DB."""

import asyncio
from collections.abc import Sequence

from shared.adapters.cosmos.client import CosmosDatabase, Item
from shared.domain.times import CLOCK_DIFFERENCE_MS
from shared.ports.conflicts import Stale
from shared.ports.system import Clock
from shared.ports.work import Counter
from shared.runtime.retries import retried_when_stale

# Items are kept after they expire, because clocks differ; the code itself checks expiry.
_WORK_KEPT_SECONDS = 3_600


class CosmosWork:
    """The WorkStore of a registry in the cloud."""

    def __init__(self, cosmos: CosmosDatabase, clock: Clock) -> None:
        self._container = cosmos.container("work")
        self._clock = clock

    async def put(self, kind: str, key: str, value: str, expires_ms: int) -> None:
        await self._container.put(self._item(kind, key, expires_ms, value=value))

    async def take(self, kind: str, key: str, now_ms: int) -> str | None:
        where = f"c.expires_ms > {now_ms} AND c.taken = false"
        taken = await self._container.change(_pk(kind, key), "value", {"taken": True}, where=where)
        return None if taken is None else taken["value"]

    async def peek(self, kind: str, key: str, now_ms: int) -> str | None:
        item = await self._container.read(_pk(kind, key), "value")
        return item["value"] if item is not None and _counts(item, now_ms) else None

    async def claim(self, kind: str, key: str, value: str, *, expires_ms: int, now_ms: int) -> bool:
        item = self._item(kind, key, expires_ms, value=value)
        if await self._container.create(item):
            return True
        there = await self._container.read(item["pk"], item["id"])
        if there is None or _counts(there, now_ms):
            return False
        return await self._container.replace(item, there["_etag"])

    async def count(self, counters: Sequence[Counter], now_ms: int) -> list[int]:
        return list(await asyncio.gather(*(self._count(each, now_ms) for each in counters)))

    async def lease(self, name: str, owner: str, now_ms: int, until_ms: int) -> bool:
        item = self._item("lease", name, until_ms, value=owner)
        if await self._container.create(item):
            return True
        there = await self._container.read(item["pk"], item["id"])
        if there is None:
            return False
        is_held = now_ms < there["expires_ms"] <= until_ms + CLOCK_DIFFERENCE_MS
        if is_held and there["value"] != owner:
            return False
        return await self._container.replace(item, there["_etag"])

    async def end_lease(self, name: str, owner: str) -> None:
        there = await self._container.read(_pk("lease", name), "value")
        if there is not None and there["value"] == owner:
            await self._container.delete(there["pk"], there["id"], there["_etag"])

    async def remove_expired(self, before_ms: int) -> int:
        found = await self._container.query_all(
            "SELECT c.id, c.pk, c._etag FROM c WHERE c.expires_ms < @before", before=before_ms
        )
        # Deletes only the version that was read, because a lease may have been taken again.
        delete = self._container.delete
        return sum([await delete(item["pk"], item["id"], item["_etag"]) for item in found])

    @retried_when_stale
    async def _count(self, counter: Counter, now_ms: int) -> int:
        pk = _pk(counter.kind, counter.key)
        where = f"c.expires_ms > {now_ms}"
        adding = {"total": counter.amount}
        added = await self._container.change(pk, "count", {}, where=where, adding=adding)
        if added is not None:
            return added["total"]
        if await self._begin(counter, now_ms):
            return counter.amount
        raise Stale

    async def _begin(self, counter: Counter, now_ms: int) -> bool:
        item = self._item(counter.kind, counter.key, counter.expires_ms, total=counter.amount)
        item["id"] = "count"
        if await self._container.create(item):
            return True
        there = await self._container.read(item["pk"], "count")
        if there is None or there["expires_ms"] > now_ms:
            return False
        return await self._container.replace(item, there["_etag"])

    def _item(self, kind: str, key: str, expires_ms: int, **fields: object) -> Item:
        left = (expires_ms - self._clock.now_ms()) // 1000
        return {
            "id": "value",
            "pk": _pk(kind, key),
            "schema": 1,
            "expires_ms": expires_ms,
            "taken": False,
            "ttl": max(left, 0) + _WORK_KEPT_SECONDS,
            **fields,
        }


def _pk(kind: str, key: str) -> str:
    return f"{kind}:{key}"


def _counts(item: Item, now_ms: int) -> bool:
    return not item["taken"] and item["expires_ms"] > now_ms

"""The change feed of the containers, read by ranges of partition keys and under leases."""

from collections.abc import Mapping
from typing import Any

from shared.adapters.cosmos.client import CosmosDatabase, Item
from shared.ports import Lease


class CosmosChangeFeed:
    """The ChangeSource over the registry's database."""

    def __init__(self, cosmos: CosmosDatabase) -> None:
        self._cosmos = cosmos

    async def ranges(self, container: str) -> list[str]:
        return list(await self._ranges(container))

    async def changes(
        self, container: str, range_: str, after: str, most: int
    ) -> tuple[list[Mapping[str, object]], str]:
        options: dict[str, Any] = {"continuation": after}
        if not after:
            options = {"feed_range": (await self._ranges(container))[range_], "start_time": "Now"}
        found = await self._cosmos.container(container).changes_of(max_item_count=most, **options)
        return list(found.items), found.after

    async def lease(self, container: str, name: str) -> Lease | None:
        item = await self._cosmos.container(container).read(name, name)
        return None if item is None else _lease(item)

    async def take(self, container: str, name: str, lease: Lease) -> Lease | None:
        kept = self._cosmos.container(container)
        item: Item = {
            "id": name,
            "owner": lease.owner,
            "until_ms": lease.until_ms,
            "after": lease.after,
        }
        taken = kept.replace(item, lease.version) if lease.version else kept.create(item)
        return await self.lease(container, name) if await taken else None

    async def close(self) -> None:
        await self._cosmos.close()

    async def _ranges(self, container: str) -> dict[str, Item]:
        found = await self._cosmos.container(container).ranges()
        return {f"{each['Range']['min']}-{each['Range']['max']}": each for each in found}


def _lease(item: Item) -> Lease:
    return Lease(item["owner"], item["until_ms"], item["after"], item["_etag"])

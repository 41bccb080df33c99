"""Pull counts in Cosmos DB: a pull is an item until it is rolled up into the day of its release."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from shared.adapters.cosmos.client import BatchDelete, BatchWrite, CosmosDatabase, Item
from shared.adapters.cosmos.metadata import CosmosMetadata
from shared.domain.names import OrgName, Package, PackageName
from shared.ports import Pull, PullHistory

GUARD_SECONDS = 24 * 3_600  # Counted pulls are kept, since a call may be repeated within minutes.
PULLS_PER_BATCH = 45  # With up to as many days and the total; a batch has at most 100 steps.

_TOTAL = "total"


class CosmosPulls:
    """The PullLedger of a registry in the cloud."""

    def __init__(self, cosmos: CosmosDatabase, metadata: CosmosMetadata) -> None:
        self._container = cosmos.container("stats")
        self._metadata = metadata

    async def record(self, pulls: Sequence[Pull]) -> None:
        items = {(item["pk"], item["id"]): item for item in map(_item, pulls)}
        for pk, group in _groups(items.values()):
            if not await self._container.batch(pk, [BatchWrite(item) for item in group]):
                await asyncio.gather(*(self._container.create(item) for item in group))

    async def roll_up(self, before_window: int) -> list[Package]:
        pending = await self._container.query("SELECT * FROM c WHERE c.pending = true")
        changed: dict[str, Package] = {}
        for pk, pulls in _groups(pending):
            await self._add_to_days(pk, pulls)
            changed[pk] = Package(OrgName(pulls[0]["org"]), PackageName(pulls[0]["name"]))
        for package in changed.values():
            await self._update_head(package)
        await self._delete_callers(before_window)
        return list(changed.values())

    async def restore(self, package: Package, daily: Mapping[str, Mapping[str, int]]) -> None:
        counted = [
            {"pk": package.key, "version": version, "day": day, "pulls": pulls}
            for version, days in daily.items()
            for day, pulls in days.items()
        ]
        await asyncio.gather(
            *(self._container.put({**_day(each), "pulls": each["pulls"]}) for each in counted)
        )
        if counted:
            await self._container.put(_total(package.key, counted))
            await self._update_head(package)

    async def daily(self, package: Package) -> Mapping[str, Mapping[str, int]]:
        items = await self._container.query(
            "SELECT * FROM c WHERE c.kind IN ('day', 'pull')", package.key
        )
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for item in items:
            if item["kind"] == "day" or item["pending"]:
                counts[item["version"]][item["day"]] += item.get("pulls", 1)
        return {version: dict(days) for version, days in counts.items()}

    async def history(self, package: Package, since: str) -> PullHistory:
        total, items = await asyncio.gather(
            self._container.read(package.key, _TOTAL),
            self._container.query(
                "SELECT * FROM c WHERE c.kind = 'day' AND c.day >= @since", package.key, since=since
            ),
        )
        days: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for item in items:
            days[item["day"]][item["version"]] = item["pulls"]
        kept = total or {}
        return PullHistory(kept.get("versions", {}), kept.get("months", {}), dict(days))

    async def _add_to_days(self, pk: str, pulls: list[Item]) -> None:
        """Add pulls to their days and the total, all or none; after a failure they stay pending."""
        added = Counter(_day_id(pull) for pull in pulls)
        days = {_day_id(pull): pull for pull in pulls}
        there = await asyncio.gather(*(self._container.read(pk, id_) for id_ in added))
        total = await self._container.read(pk, _TOTAL)
        steps = [
            _step(item or _day(days[id_]), added[id_])
            for id_, item in zip(added, there, strict=True)
        ]
        total = total or {"id": _TOTAL, "pk": pk, "kind": _TOTAL}
        steps.append(_step({**total, **_all_time_sums(total, pulls)}, len(pulls)))
        steps += [BatchWrite({**pull, "pending": False}, pull["_etag"]) for pull in pulls]
        await self._container.batch(pk, steps)

    async def _update_head(self, package: Package) -> None:
        total = await self._container.read(package.key, _TOTAL)
        if total is not None:
            await self._metadata.set_pulls(package, total["pulls"])

    async def _delete_callers(self, before_window: int) -> None:
        old = await self._container.query(
            "SELECT c.id, c.pk FROM c WHERE c.pending = false AND c.window < @before",
            before=before_window,
        )
        for pk, group in _groups(old):
            await self._container.batch(pk, [BatchDelete(item) for item in group])


def _item(pull: Pull) -> Item:
    package, version = pull.coordinate.package, pull.coordinate.version.text
    return {
        "id": f"pull:{pull.window}:{version}:{pull.caller}",
        "pk": package.key,
        "schema": 1,
        "kind": "pull",
        "org": package.org,
        "name": package.name,
        "version": version,
        "window": pull.window,
        "day": pull.day,
        "pending": True,
        "ttl": GUARD_SECONDS,
    }


def _day(pull: Item) -> Item:
    fields = {name: pull[name] for name in ("pk", "version", "day")}
    return {"id": _day_id(pull), "schema": 1, "kind": "day", **fields}


def _all_time_sums(total: Item, pulls: list[Item]) -> Item:
    """Return the sums by version and month, which are stored so that no reader adds up days."""
    versions = Counter[str](total.get("versions", {}))
    months = Counter[str](total.get("months", {}))
    versions.update(pull["version"] for pull in pulls)
    months.update(pull["day"][:7] for pull in pulls)
    return {"versions": dict(versions), "months": dict(months)}


def _total(pk: str, counted: list[Item]) -> Item:
    versions, months = Counter[str](), Counter[str]()
    for each in counted:
        versions[each["version"]] += each["pulls"]
        months[each["day"][:7]] += each["pulls"]
    sums = {"versions": dict(versions), "months": dict(months)}
    return {"id": _TOTAL, "pk": pk, "kind": _TOTAL, **sums, "pulls": versions.total()}


def _step(item: Item, pulls: int) -> BatchWrite:
    return BatchWrite({**item, "pulls": item.get("pulls", 0) + pulls}, item.get("_etag", ""))


def _day_id(pull: Item) -> str:
    return f"day:{pull['version']}:{pull['day']}"


def _groups(items: Iterable[Item]) -> Iterator[tuple[str, list[Item]]]:
    """Yield the items of each partition, up to as many as fit into a batch."""
    for pk, found in groupby(sorted(items, key=_pk), key=_pk):
        group = list(found)
        for start in range(0, len(group), PULLS_PER_BATCH):
            yield pk, group[start : start + PULLS_PER_BATCH]


def _pk(item: Item) -> str:
    return item["pk"]

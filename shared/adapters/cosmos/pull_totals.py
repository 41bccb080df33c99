"""The rolled-up pulls of packages in Cosmos DB: their sums, and their days."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from shared.adapters.cosmos.client import BatchWrite, CosmosContainer, Item
from shared.adapters.cosmos.waiting_pulls import FIRST_PARTITION, Days, add_days, by_version
from shared.ports import PullHistory

# A package has one item with its sums of all time and the days of the current month. Days of
# earlier months are items of their own, so that the sums do not grow with each day.

TOTAL, DAYS, LISTED = "total", "days", "listed"
LISTED_GROWTH = 0.1  # A smaller one moves a package past no other that anybody would miss.
MOST_DAY_COUNTS = 4_000  # Of days and versions beside the sums: 80 KB; more are moved before.

# Older items: one for each pull, which is pending until it is rolled up, and one for each day of a
# version.
OLD_PULL, OLD_DAY = "pull", "day"
OLD_PULLS_A_BATCH = 45


@dataclass(frozen=True)
class PullTotals:
    """Adds pulls to packages, each once, and reads them."""

    container: CosmosContainer

    async def read(self, pk: str) -> Item:
        """Return the item with the sums of a package, or a new one."""
        return await self.container.read(pk, TOTAL) or _new_total(pk)

    async def add(self, pk: str, days: Days, round_: Item) -> Item:
        """Add the pulls of a round unless it was added before; return the item with the sums.

        Rounds of a partition that have a higher number come later.
        """
        while True:
            total = await self.read(pk)
            if _rounds(total).get(round_["pk"], 0) >= round_["round"]:
                return total
            steps = _steps(_with_round(total, round_), days)
            if await self.container.batch(pk, steps):
                return steps[0].item

    async def add_old(self, pk: str, pulls: Sequence[Item]) -> Item | None:
        """Add older pulls, all or none, and return the item with the sums; after a failure they
        stay pending. They stay stored, as a process may repeat them, until they expire."""
        days = Days()
        for pull in pulls:
            add_days(days, {pull["day"]: {pull["version"]: 1}})
        steps = _steps(await self.read(pk), days)
        counted = [BatchWrite({**pull, "pending": False}, pull["_etag"]) for pull in pulls]
        added = await self.container.batch(pk, [*steps, *counted])
        return steps[0].item if added else None

    async def restore(self, pk: str, daily: Mapping[str, Mapping[str, int]]) -> Item:
        """Replace all pulls of a package by these, by version and day."""
        days = Days()
        for version, day, pulls in by_version(daily):
            add_days(days, {day: {version: pulls}})
        total, *others = (step.item for step in _steps(_new_total(pk), days))
        await asyncio.gather(*(self.container.put(each) for each in others))
        await self.container.put(total)
        return total

    async def days(self, pk: str, since: str = "") -> Days:
        """Return the days from `since` on that are not beside the sums."""
        text = "SELECT * FROM c WHERE c.kind IN ('day', 'days') AND c.day >= @since"
        days = Days()
        for item in await self.container.query(text, pk, since=since):
            add_days(days, item.get(DAYS) or {item["day"]: {item["version"]: item["pulls"]}})
        return days


def is_listed_with(total: Item) -> bool:
    """Check whether the search has to list the package with its latest sum."""
    return total[LISTED] == total["pulls"]


def days_of(total: Item) -> Days:
    return total.get(DAYS, {})


def history_of(total: Item, days: Days, since: str) -> PullHistory:
    add_days(days, days_of(total))
    recent = {day: versions for day, versions in days.items() if day >= since}
    return PullHistory(total.get("versions", {}), total.get("months", {}), recent)


def by_package(old_pulls: Iterable[Item]) -> Iterator[tuple[str, list[Item]]]:
    """Yield the older pulls of each package, up to as many as fit into a batch."""
    for pk, found in groupby(sorted(old_pulls, key=_pk), key=_pk):
        group = list(found)
        for start in range(0, len(group), OLD_PULLS_A_BATCH):
            yield pk, group[start : start + OLD_PULLS_A_BATCH]


def _pk(item: Item) -> str:
    return item["pk"]


def _new_total(pk: str) -> Item:
    sums: Item = {"versions": {}, "months": {}, "pulls": 0}
    return {"id": TOTAL, "pk": pk, "schema": 1, "kind": TOTAL, **sums}


def _rounds(total: Item) -> dict[str, int]:
    """Return the number of the last round of each partition that was added."""
    return {FIRST_PARTITION: total.get("round", 0), **total.get("rounds", {})}


def _with_round(total: Item, round_: Item) -> Item:
    if round_["pk"] == FIRST_PARTITION:  # In the field that earlier versions read.
        return {**total, "round": round_["round"]}
    return {**total, "rounds": {**total.get("rounds", {}), round_["pk"]: round_["round"]}}


def _steps(total: Item, days: Days) -> list[BatchWrite]:
    """Return the writes that add pulls to the sums, that of the sums first."""
    kept = Days()
    add_days(kept, days_of(total))
    add_days(kept, days)
    moved = _moved(kept)
    return [
        BatchWrite({**total, **_sums(total, days), DAYS: kept}, total.get("_etag", "")),
        *(BatchWrite(_days_item(total, each)) for each in moved),
    ]


def _sums(total: Item, days: Days) -> Item:
    """Return the sums with more days, and with which of them the search has to list the package."""
    versions = Counter[str](total.get("versions", {}))
    months = Counter[str](total.get("months", {}))
    for day, version, pulls in by_version(days):
        versions[version] += pulls
        months[day[:7]] += pulls
    pulls = total["pulls"] + sum(pulls for _, _, pulls in by_version(days))
    listed = total.get(LISTED, 0)
    has_grown = pulls > listed * (1 + LISTED_GROWTH)
    return {
        "versions": dict(versions),
        "months": dict(months),
        "pulls": pulls,
        LISTED: pulls if has_grown else listed,
    }


def _moved(kept: Days) -> list[Days]:
    """Take out the days of earlier months, and all but the last day if there are too many."""
    last = max(kept, default="")
    is_full = sum(map(len, kept.values())) > MOST_DAY_COUNTS
    months = defaultdict[str, Days](Days)
    for day in sorted(kept):
        if day[:7] < last[:7] or (is_full and day != last):
            months[day[:7]][day] = kept.pop(day)
    return list(months.values())


def _days_item(total: Item, days: Days) -> Item:
    # The sum before tells items apart that end with the same day.
    day = max(days)
    return {
        "id": f"{DAYS}:{day}:{total['pulls']}",
        "pk": total["pk"],
        "schema": 1,
        "kind": DAYS,
        "day": day,
        DAYS: days,
    }

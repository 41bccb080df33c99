"""Pull counts in Cosmos DB: a process writes its pulls as one item, and the roll-up adds them to
the sums of their packages, each once.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from shared.adapters.cosmos.client import BatchDelete, BatchWrite, CosmosDatabase, Item
from shared.adapters.cosmos.metadata import CosmosMetadata
from shared.adapters.cosmos.pull_totals import (
    PullTotals,
    by_package,
    days_of,
    history_of,
    is_listed_with,
)  # fmt: skip
from shared.adapters.cosmos.waiting_pulls import (
    PULLS,
    ROUND,
    WAITING,
    Days,
    PackageDays,
    WaitingPulls,
    add_days,
    batch_item,
    by_version,
    packages_of,
    round_item,
)  # fmt: skip
from shared.domain.names import OrgName, Package, PackageName
from shared.ports import PullBatch, PullHistory

T = TypeVar("T")

BATCHES_AT_ONCE = 95  # Merged in one write, which has at most 100 steps: the query says it, too.
FEW_BATCHES = 20
WINDOWS_AN_HOUR = 6
WRITES_A_RUN = 50  # The next run goes on, in minutes.
PACKAGES_AT_ONCE = 16

_STATE = "SELECT * FROM c WHERE c.kind IN ('waiting', 'round')"
_BATCHES = "SELECT TOP 95 * FROM c WHERE c.kind = 'batch' ORDER BY c.id"
_COUNT_BATCHES = "SELECT VALUE COUNT(1) FROM c WHERE c.kind = 'batch'"
_OLD_PULLS = "SELECT * FROM c WHERE c.pending = true"


class CosmosPulls:
    """The PullLedger of a registry in the cloud; it knows no callers."""

    def __init__(self, cosmos: CosmosDatabase, metadata: CosmosMetadata) -> None:
        self._container = cosmos.container("stats")
        self._totals = PullTotals(self._container)
        self._metadata = metadata

    async def record(self, batch: PullBatch) -> None:
        await self._container.put(batch_item(batch))

    async def roll_up(self, before_window: int, today: str) -> list[Package]:
        old, batches = await asyncio.gather(
            self._container.query(_OLD_PULLS), self._container.query(_COUNT_BATCHES, PULLS)
        )
        listed = await self._add_old_pulls(old)
        if _is_worthwhile(batches[0], before_window):
            listed += await self._roll_up_batches(before_window, today)
        return [_package(pk) for pk in dict.fromkeys(listed)]

    async def _roll_up_batches(self, window: int, today: str) -> list[str]:
        listed = list[str]()
        for _ in range(WRITES_A_RUN):
            (waiting, rounds), batches = await asyncio.gather(
                self._state(), self._container.query(_BATCHES, PULLS)
            )
            for each in rounds:  # Of a run that did not end, or of one that is under way.
                listed += await self._add_round(each)
            merged = waiting.merge(batches, window)
            await self._look_up_sums(waiting, today)
            taken = waiting.take_due(today)
            waiting.forget(window, today)
            if not await self._write(waiting, merged, taken):
                break
            if taken:
                listed += await self._add_round(round_item(waiting.round, taken))
            if len(merged) < BATCHES_AT_ONCE and len(merged) == len(batches):
                break
        return listed

    async def restore(self, package: Package, daily: Mapping[str, Mapping[str, int]]) -> None:
        if any(daily.values()):
            await self._show(await self._totals.restore(package.key, daily))

    async def daily(self, package: Package) -> Mapping[str, Mapping[str, int]]:
        total, days = await asyncio.gather(
            self._totals.read(package.key), self._totals.days(package.key)
        )
        versions = Days()
        for day, version, pulls in (*by_version(days), *by_version(days_of(total))):
            add_days(versions, {version: {day: pulls}})
        return versions

    async def history(self, package: Package, since: str) -> PullHistory:
        total, days = await asyncio.gather(
            self._totals.read(package.key), self._totals.days(package.key, since)
        )
        return history_of(total, days, since)

    async def _state(self) -> tuple[WaitingPulls, list[Item]]:
        """Return what waits, and the rounds that may not be added yet."""
        items = await self._container.query(_STATE, PULLS)
        waiting = next((each for each in items if each["kind"] == WAITING), None)
        return WaitingPulls.of(waiting), [each for each in items if each["kind"] == ROUND]

    async def _look_up_sums(self, waiting: WaitingPulls, today: str) -> None:
        for some in _chunks(waiting.without_sums(today), PACKAGES_AT_ONCE):
            totals = await asyncio.gather(*(self._totals.read(pk) for pk in some))
            waiting.sums |= {each["pk"]: each["pulls"] for each in totals}

    async def _write(self, waiting: WaitingPulls, merged: list[Item], taken: PackageDays) -> bool:
        """Store what waits and what was taken out of it in place of the merged batches, all or
        nothing; return whether this run did. Otherwise there is nothing to do, or another does."""
        if not merged and not taken:
            return False
        steps = [BatchWrite(waiting.item(), waiting.etag)]
        if taken:
            steps.append(BatchWrite(round_item(waiting.round, taken)))
        return await self._container.batch(PULLS, [*steps, *map(BatchDelete, merged)])

    async def _add_round(self, round_: Item) -> list[str]:
        """Add the pulls of a round to their packages; return those that the search has to list."""
        listed = list[str]()
        for some in _chunks(packages_of(round_).items(), PACKAGES_AT_ONCE):
            totals = await asyncio.gather(
                *(self._totals.add(pk, days, round_=round_["round"]) for pk, days in some)
            )
            listed += await self._show(*totals)
        await self._container.delete(PULLS, round_["id"])
        return listed

    async def _add_old_pulls(self, old: list[Item]) -> list[str]:
        listed = list[str]()
        for pk, pulls in by_package(old):
            total = await self._totals.add_old(pk, pulls)
            listed += await self._show(total) if total else []
        return listed

    async def _show(self, *totals: Item) -> list[str]:
        """Show sums in the heads of packages; return those that the search has to list."""
        await asyncio.gather(
            *(self._metadata.set_pulls(_package(each["pk"]), each["pulls"]) for each in totals)
        )
        return [each["pk"] for each in totals if is_listed_with(each)]


def _is_worthwhile(batches: int, window: int) -> bool:
    """Check whether a run merges so many batches: few if what they are merged into is small, and
    many, but otherwise only once in an hour."""
    return batches <= FEW_BATCHES or batches >= BATCHES_AT_ONCE or window % WINDOWS_AN_HOUR == 0


def _package(pk: str) -> Package:
    org, _, name = pk.partition("/")
    return Package(OrgName(org), PackageName(name))


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = list(items)
    for start in range(0, len(left), size):
        yield left[start : start + size]

"""Pull counts in Cosmos DB: a process writes its pulls in batches, the roll-up merges those into a
record, and takes out of that in rounds what it adds to the sums of packages, each pull once.

There are 16 partitions, and each process writes to one of them. Each has a record and rounds of its
own, so that a batch and the record change together or not at all:
https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch

Why pulls are not added to their packages by patches that increment. A patch costs as much as a
write of the whole item, about 7 request units, for each package that a process counted in half a
minute. At 100 million pulls a month that is 3.8 units a pull. These batches take 0.12, and a pull
itself takes 2.3, because most answers come from memory. A patch that is sent again after its answer
was lost would also count twice, unless each package remembered the last batch of each process.

Why the contents are compressed and then encoded. An item is charged by its size, and as plain JSON
the batches and the record are three times as large: a pull takes 0.16 units instead of 0.10.
Decision 0021 has the figures of each size.
"""

import asyncio
import bz2
import hashlib
import json
from base64 import b85decode, b85encode
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, TypeVar

from msgspec import Struct, field

from shared.adapters.cosmos.client import (
    BatchDelete,
    BatchWrite,
    CosmosContainer,
    CosmosDatabase,
    Item,
)
from shared.adapters.cosmos.metadata import CosmosMetadata
from shared.adapters.cosmos.queries import ANY_REPLICA
from shared.domain.coordinates import Package
from shared.domain.names import OrgName, PackageName
from shared.ports.conflicts import Stale
from shared.ports.pull_ledger import PullBatch, PullHistory, RollUp
from shared.runtime.retries import retried_with_back_off

# Partitions of packages have a slash. Versions before 16 partitions have only the first one.
FIRST_PARTITION = "pulls"
PARTITIONS = (FIRST_PARTITION, *(f"pulls:{number}" for number in range(1, 16)))

BATCH = "batch"
WAITING = "waiting"
ROUND = "round"

# The service takes 2 MB an item, and a batch of writes. A batch of a process has 300 KB at most.
LARGEST_MERGED_BYTES = 1_200_000
FULL_BYTES = 800_000  # If a record is larger, packages are taken out of it before they are due.

PACKAGES_A_ROUND = 2_000
# The share of a package's pulls that may wait in all partitions, so that shown numbers are close.
DUE_SHARE = 0.1
PROCESS_KEPT_WINDOWS = 144  # A day: no process repeats a batch for that long.

Days = dict[str, dict[str, int]]  # Pulls by day and version.
PackageDays = dict[str, Days]  # By the key of the package.


class WaitingPulls(Struct):
    """The pulls of a partition that wait to be added to their packages."""

    partition: str = FIRST_PARTITION
    packages: PackageDays = field(default_factory=PackageDays)
    # Their sums without those that wait, of packages that were pulled today or the day before. If
    # other partitions have added more, a sum is too low.
    sums: dict[str, int] = field(default_factory=dict[str, int])
    # The last merged batch of each process, and the window in which it was merged. A batch that is
    # written again after it was merged is recognized by it.
    merged: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    round: int = 0  # The number of the last round.
    etag: str = ""
    size: int = 0  # Bytes as stored.

    @classmethod
    def of(cls, partition: str, item: Item | None) -> "WaitingPulls":
        """Read the record; without one nothing waits."""
        if item is None:
            return cls(partition)
        content = unpacked(item["content"])
        return cls(
            partition,
            packages={key: days for key, _, days in content["packages"]},
            sums={key: pulls for key, pulls, _ in content["packages"] if pulls is not None},
            merged={process: (number, window) for process, number, window in content["merged"]},
            round=item["round"],
            etag=item["_etag"],
            size=len(item["content"]),
        )

    def item(self) -> Item:
        packages = [[key, self.sums.get(key), self.packages[key]] for key in sorted(self.packages)]
        merged = [[process, *last] for process, last in self.merged.items()]
        content = {"packages": packages, "merged": merged}
        return {
            "id": WAITING,
            "pk": self.partition,
            "schema": 1,
            "kind": WAITING,
            "round": self.round,
            "pulls": sum(map(_pulls, self.packages.values())),
            "content": packed(content),
        }

    @property
    def is_full(self) -> bool:
        return self.size >= FULL_BYTES

    def merge(self, batches: Iterable[Item], window: int) -> list[Item]:
        """Merge batches, in the order of their ids, as long as they fit; return those."""
        merged = list[Item]()
        for item in batches:
            self.size += len(item["content"])
            if merged and self.size > LARGEST_MERGED_BYTES:
                break
            merged.append(item)
            if item["number"] > self.merged.get(item["process"], (-1, 0))[0]:
                self.merged[item["process"]] = item["number"], window
                for key, days in unpacked(item["content"]).items():
                    there = self.packages.get(key, {})
                    self.packages[key] = {day: pulls for day, pulls in there.items() if pulls}
                    add_days(self.packages[key], days)
        return merged

    def forget(self, window: int, today: str) -> None:
        """Forget processes that wrote nothing for a day, and packages that nobody pulled then."""
        since = window - PROCESS_KEPT_WINDOWS
        self.merged = {name: each for name, each in self.merged.items() if each[1] >= since}
        yesterday = str(date.fromisoformat(today) - timedelta(days=1))
        for key, days in list(self.packages.items()):
            if not _pulls(days) and (self.is_full or max(days) < yesterday):
                del self.packages[key]
                self.sums.pop(key, None)

    def without_sums(self, today: str, share: float) -> list[str]:
        """Return the packages whose sum decides whether they are due, and is unknown or may be too
        low."""
        return [
            key
            for key, days in self.packages.items()
            if min(days) >= today and (key not in self.sums or self._may_be_too_low(key, share))
        ]

    def take_due(self, today: str, share: float) -> PackageDays:
        """Take out the packages of a round: days that are over, then the most pulls, first. A
        package is due if it has this share of its sum."""
        due = sorted(
            (min(days), -pulls, key)
            for key, days in self.packages.items()
            if (pulls := _pulls(days))
            and (self.is_full or min(days) < today or self._has_share(key, pulls, share))
        )
        taken = {key: self.packages[key] for _, _, key in due[:PACKAGES_A_ROUND]}
        for key, days in taken.items():
            self.packages[key] = {max(days): {}}  # Only the day of the last pull is kept.
            if key in self.sums:
                self.sums[key] += _pulls(days)
        self.round += bool(taken)
        return taken

    def _has_share(self, key: str, pulls: int, share: float) -> bool:
        return pulls >= share * self.sums.get(key, 0)

    def _may_be_too_low(self, key: str, share: float) -> bool:
        pulls = _pulls(self.packages[key])
        return share < DUE_SHARE and pulls > 0 and self._has_share(key, pulls, share)


def batch_item(batch: PullBatch) -> Item:
    """Return a batch as it is stored; the ids of a process are in the order of its batches."""
    packages = PackageDays()
    for pull, times in batch.counts.items():
        days = packages.setdefault(pull.coordinate.package.key, {})
        versions = days.setdefault(pull.day, {})
        version = pull.coordinate.version.text
        versions[version] = versions.get(version, 0) + times
    return {
        "id": f"{BATCH}:{batch.process}:{batch.number:012}",
        "pk": PARTITIONS[hashlib.sha256(batch.process.encode()).digest()[0] % len(PARTITIONS)],
        "schema": 1,
        "kind": BATCH,
        "process": batch.process,
        "number": batch.number,
        "content": packed(packages),
    }


def round_item(waiting: WaitingPulls, taken: PackageDays) -> Item:
    """Return the pulls that were taken out, as stored until all are added to their packages."""
    return {
        "id": f"{ROUND}:{waiting.round}",
        "pk": waiting.partition,
        "schema": 1,
        "kind": ROUND,
        "round": waiting.round,
        "content": packed(taken),
    }


def packages_of(round_: Item) -> PackageDays:
    return unpacked(round_["content"])


def by_version(days: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, str, int]]:
    """Yield each day and version with its pulls."""
    for day, versions in days.items():
        for version, pulls in versions.items():
            yield day, version, pulls


def add_days(days: Days, more: Mapping[str, Mapping[str, int]]) -> None:
    for day, version, pulls in by_version(more):
        versions = days.setdefault(day, {})
        versions[version] = versions.get(version, 0) + pulls


def _pulls(days: Days) -> int:
    return sum(pulls for _, _, pulls in by_version(days))


# Packed, 160 packages take 3 KiB instead of 10, and each KiB costs a unit to write and one to read.
# Base 85 uses no character that JSON escapes.


def packed(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return b85encode(bz2.compress(text.encode())).decode()


def unpacked(text: str) -> Any:
    return json.loads(bz2.decompress(b85decode(text)))


T = TypeVar("T")

BATCHES_AT_ONCE = 95  # Merged in one write, which has at most 100 steps: the query says it, too.
FEW_BATCHES = 20
MANY_BATCHES = 60  # As many as a process writes in half an hour.
WINDOWS_AN_HOUR = 6
WRITES_A_RUN = 50  # Writes of one partition in a run; the next run continues some minutes later.
PACKAGES_AT_ONCE = 16
PARTITIONS_AT_ONCE = 4  # A record may take 50 MB of memory while it is changed.

_WAITING = (
    "SELECT c.pk, c.kind FROM c WHERE c.kind IN ('batch', 'round') OR (c.kind = 'waiting'"
    " AND (NOT IS_DEFINED(c.pulls) OR c.pulls > 0))"
)
_STATE = "SELECT * FROM c WHERE c.kind IN ('waiting', 'round')"
_BATCHES = "SELECT TOP 95 * FROM c WHERE c.kind = 'batch' ORDER BY c.id"


class CosmosPulls:
    """The PullLedger of a registry in the cloud; it knows no callers."""

    def __init__(self, cosmos: CosmosDatabase, metadata: CosmosMetadata) -> None:
        self._container = cosmos.container("stats")
        self._totals = PullTotals(self._container)
        self._metadata = metadata

    async def record(self, batch: PullBatch) -> None:
        await self._container.put(batch_item(batch))

    async def roll_up(self, before_window: int, today: str) -> RollUp:
        items = await self._container.query(_WAITING)
        listed = list[str]()
        partitions = {each["pk"] for each in items}
        batches = Counter(each["pk"] for each in items if each["kind"] == BATCH)
        run = RollUpRun(before_window, today, DUE_SHARE / max(1, len(partitions)))
        merged = [pk for pk in partitions if _is_worthwhile(batches[pk], before_window)]
        parts = self._container, self._totals, self._show
        failures = list[Exception]()
        for some in _chunks(sorted(merged), PARTITIONS_AT_ONCE):
            _, failed = await _outcomes(
                PullPartition(pk, *parts).roll_up(run, listed) for pk in some
            )
            failures += failed
        is_behind = max(batches.values(), default=0) >= BATCHES_AT_ONCE
        changed = [_package(pk) for pk in dict.fromkeys(listed)]
        return RollUp(changed, is_behind, next(iter(failures), None))

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
        return await self._totals.history(package.key, since)

    async def _show(self, *totals: Item) -> list[str]:
        """Show sums in the heads of packages; return those that the search has to list."""
        _, failures = await _outcomes(
            self._metadata.set_pulls(_package(each["pk"]), each["pulls"]) for each in totals
        )
        if failures:
            raise failures[0]
        return [each["pk"] for each in totals if is_listed_with(each)]


class RollUpRun(Struct, frozen=True):
    """When a roll-up runs, and which share of its pulls a package may have in each partition."""

    window: int
    today: str
    share: float


class PullPartition(Struct, frozen=True):
    """One of the partitions of the waiting pulls."""

    pk: str
    container: CosmosContainer
    totals: "PullTotals"
    show: Callable[..., Awaitable[list[str]]]

    async def roll_up(self, run: RollUpRun, listed: list[str]) -> None:
        """Merge the batches, and add what is due to the packages; add those to `listed` that the
        search has to list, also if a failure of others is raised then."""
        for _ in range(WRITES_A_RUN):
            (waiting, rounds), batches = await asyncio.gather(
                self._state(), self.container.query(_BATCHES, self.pk)
            )
            for each in rounds:  # Rounds of a run that did not end, or that is still under way.
                await self._add_round(each, listed)
            merged = waiting.merge(batches, run.window)
            await self._look_up_sums(waiting, run)
            taken = waiting.take_due(run.today, run.share)
            waiting.forget(run.window, run.today)
            if not await self._write(waiting, merged, taken):
                break
            if taken:
                await self._add_round(round_item(waiting, taken), listed)
            if len(merged) < BATCHES_AT_ONCE and len(merged) == len(batches):
                break

    async def _state(self) -> tuple[WaitingPulls, list[Item]]:
        """Return the waiting pulls, and the rounds that may not be added yet."""
        items = await self.container.query(_STATE, self.pk)
        waiting = next((each for each in items if each["kind"] == WAITING), None)
        return WaitingPulls.of(self.pk, waiting), [each for each in items if each["kind"] == ROUND]

    async def _look_up_sums(self, waiting: WaitingPulls, run: RollUpRun) -> None:
        for some in _chunks(waiting.without_sums(run.today, run.share), PACKAGES_AT_ONCE):
            totals = await asyncio.gather(*(self.totals.read(pk) for pk in some))
            waiting.sums |= {each["pk"]: each["pulls"] for each in totals}

    async def _write(self, waiting: WaitingPulls, merged: list[Item], taken: PackageDays) -> bool:
        """Store what waits and what was taken out of it in place of the merged batches, all or
        nothing; return whether this run did. Otherwise there is nothing to do, or another does."""
        if not merged and not taken:
            return False
        steps = [BatchWrite(waiting.item(), waiting.etag)]
        if taken:
            steps.append(BatchWrite(round_item(waiting, taken)))
        return await self.container.batch(self.pk, [*steps, *map(BatchDelete, merged)])

    async def _add_round(self, round_: Item, listed: list[str]) -> None:
        """Add the pulls of a round to their packages; add those to `listed` that the search has to
        list. Pulls of a package that cannot be added delay no others of the round, which stays
        then."""
        failures = list[Exception]()
        for some in _chunks(packages_of(round_).items(), PACKAGES_AT_ONCE):
            totals, failed = await _outcomes(self.totals.add(pk, days, round_) for pk, days in some)
            failures += failed
            listed += await self.show(*totals)
        if failures:
            raise failures[0]
        await self.container.delete(self.pk, round_["id"])


async def _outcomes(calls: Iterable[Awaitable[T]]) -> tuple[list[T], list[Exception]]:
    """Await all calls, also if some fail; return their results, and the failures."""
    results = list[T]()
    failures = list[Exception]()
    for each in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(each, Exception):
            failures.append(each)
        elif isinstance(each, BaseException):
            raise each
        else:
            results.append(each)
    return results, failures


def _is_worthwhile(batches: int, window: int) -> bool:
    """Check whether a run merges this many batches: always if they are few, because what they are
    merged into is small, and if they are many; otherwise only once in an hour."""
    return batches <= FEW_BATCHES or batches >= MANY_BATCHES or window % WINDOWS_AN_HOUR == 0


def _package(pk: str) -> Package:
    org, _, name = pk.partition("/")
    return Package(OrgName(org), PackageName(name))


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = list(items)
    for start in range(0, len(left), size):
        yield left[start : start + size]


# --- The sums of packages, and their days -------------------------------------------------------

# A package has one item with its sums of all time and the days of the current month. Days of
# earlier months are items of their own, so that the sums do not grow with each day. Older items,
# which are of the kind "day", are of one version and one day.

TOTAL = "total"
DAYS = "days"
LISTED = "listed"
LISTED_GROWTH = 0.1  # With less growth, the place of a package in lists hardly changes.
# Counts of days and versions stored with the sums: 80 KB. If there are more, they are moved
# earlier.
MOST_DAY_COUNTS = 4_000


class PullTotals(Struct, frozen=True):
    """Adds pulls to packages, each once, and reads them."""

    container: CosmosContainer

    async def read(self, pk: str) -> Item:
        """Return the item with the sums of a package, or a new one."""
        return await self.container.read(pk, TOTAL) or _new_total(pk)

    @retried_with_back_off
    async def add(self, pk: str, days: Days, round_: Item) -> Item:
        """Add the pulls of a round unless it was added before; return the item with the sums.

        Rounds of a partition that have a higher number come later. Raises `Busy` if other rounds
        are faster again and again: the next run adds this one.
        """
        total = await self.read(pk)
        if _rounds(total).get(round_["pk"], 0) >= round_["round"]:
            return total
        steps = _steps(_with_round(total, round_), days)
        if not await self.container.batch(pk, steps):
            raise Stale
        return steps[0].item

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
        return _days_in(await self.container.query(text, pk, since=since))

    async def history(self, pk: str, since: str) -> PullHistory:
        """Return the sums of a package, and the days from `since` on. Roll-ups add to them every
        quarter of an hour, so a replica that is a moment behind the others may answer."""
        text = (
            "SELECT * FROM c WHERE c.kind = 'total'"
            " OR (c.kind IN ('day', 'days') AND c.day >= @since)"
        )
        items = await self.container.query(text, pk, as_of=ANY_REPLICA, since=since)
        totals = [item for item in items if item["id"] == TOTAL]
        others = [item for item in items if item["id"] != TOTAL]
        return history_of(totals[0] if totals else _new_total(pk), _days_in(others), since)


def _days_in(items: Iterable[Item]) -> Days:
    """Return the days of items that are not beside the sums."""
    days = Days()
    for item in items:
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


def _new_total(pk: str) -> Item:
    sums: Item = {"versions": {}, "months": {}, "pulls": 0}
    return {"id": TOTAL, "pk": pk, "schema": 1, "kind": TOTAL, **sums}


def _rounds(total: Item) -> dict[str, int]:
    """Return the number of the last round of each partition that was added."""
    return {FIRST_PARTITION: total.get("round", 0), **total.get("rounds", {})}


def _with_round(total: Item, round_: Item) -> Item:
    # The first partition uses the field that earlier versions read.
    if round_["pk"] == FIRST_PARTITION:
        return {**total, "round": round_["round"]}
    return {**total, "rounds": {**total.get("rounds", {}), round_["pk"]: round_["round"]}}


def _steps(total: Item, days: Days) -> list[BatchWrite]:
    """Return the writes that add pulls to the sums; the write of the sums is the first."""
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

"""Counted pulls until they are added to their packages: batches of processes, the record into which
the roll-up merges them, and what it takes out of that record in one round.

There are 16 partitions, and each process writes to one of them. Each has a record and rounds of its
own, so that a batch and the record change together or not at all:
https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch
"""

import bz2
import hashlib
import json
from base64 import b85decode, b85encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from shared.adapters.cosmos.client import Item
from shared.ports import PullBatch

# Partitions of packages have a slash. Versions before 16 partitions have the first one alone.
FIRST_PARTITION = "pulls"
PARTITIONS = (FIRST_PARTITION, *(f"pulls:{number}" for number in range(1, 16)))

BATCH, WAITING, ROUND = "batch", "waiting", "round"

# The service takes 2 MB an item, and a batch of writes. A batch of a process has 300 KB at most.
LARGEST_MERGED_BYTES = 1_200_000
FULL_BYTES = 800_000  # From here on packages leave the record before they are due.

PACKAGES_A_ROUND = 2_000
DUE_SHARE = 0.1  # Of its pulls may wait in all partitions, so that what is shown is close.
PROCESS_KEPT_WINDOWS = 144  # A day: no process repeats a batch for that long.

Days = dict[str, dict[str, int]]  # Pulls by day and version.
PackageDays = dict[str, Days]  # By the key of the package.


@dataclass
class WaitingPulls:
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
        content = _unpacked(item["content"])
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
            "content": _packed(content),
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
                _add(self.packages, _unpacked(item["content"]))
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
            self.packages[key] = {max(days): {}}  # When it was pulled last.
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
        "content": _packed(packages),
    }


def round_item(waiting: WaitingPulls, taken: PackageDays) -> Item:
    """Return the pulls that were taken out, as stored until all are added to their packages."""
    return {
        "id": f"{ROUND}:{waiting.round}",
        "pk": waiting.partition,
        "schema": 1,
        "kind": ROUND,
        "round": waiting.round,
        "content": _packed(taken),
    }


def packages_of(round_: Item) -> PackageDays:
    return _unpacked(round_["content"])


def by_version(days: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, str, int]]:
    """Yield each day and version with its pulls."""
    for day, versions in days.items():
        for version, pulls in versions.items():
            yield day, version, pulls


def add_days(days: Days, more: Mapping[str, Mapping[str, int]]) -> None:
    for day, version, pulls in by_version(more):
        versions = days.setdefault(day, {})
        versions[version] = versions.get(version, 0) + pulls


def _add(packages: PackageDays, more: PackageDays) -> None:
    for key, days in more.items():
        waiting = {day: pulls for day, pulls in packages.get(key, {}).items() if pulls}
        add_days(waiting, days)
        packages[key] = waiting


def _pulls(days: Days) -> int:
    return sum(pulls for _, _, pulls in by_version(days))


# Packed, 160 packages take 3 KiB instead of 10, and each KiB costs a unit to write and one to read.
# Base 85 uses no character that JSON escapes.


def _packed(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return b85encode(bz2.compress(text.encode())).decode()


def _unpacked(text: str) -> Any:
    return json.loads(bz2.decompress(b85decode(text)))

"""Counts of pulls."""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple, Protocol

from msgspec import Struct

from shared.domain.coordinates import Coordinate, Package

NO_DAY = "9999"  # A history of pulls since this day has totals, and no single days.


class Pull(Struct, frozen=True):
    """A pull of a release, by one caller or, without one, by any."""

    coordinate: Coordinate
    day: str  # 2026-11-20, UTC.
    caller: str = ""  # A keyed hash.
    window: int = 0  # Ten-minute windows since 1970: clients repeat a pull for each platform.


class CallerScope(Enum):
    """Where a caller is recognized who pulls a release again in the same window."""

    REGISTRY = "registry"  # The ledger recognizes callers in all processes.
    # The ledger knows no callers, so each process leaves out the repeated pulls that it sees.
    PROCESS = "process"


class PullBatch(Struct, frozen=True):
    """The pulls that a process counted since its last batch."""

    process: str  # Random.
    number: int  # Higher than that of the last batch of the process.
    counts: Mapping[Pull, int]


class PullHistory(Struct, frozen=True):
    """The pulls of a package, without versions and days that have none."""

    versions: Mapping[str, int]  # All pulls, by version.
    months: Mapping[str, int]  # All pulls, by month such as 2026-11.
    days: Mapping[str, Mapping[str, int]]  # Pulls since the requested day, by day and version.


class RollUp(NamedTuple):
    """The result of a roll-up."""

    changed: list[Package]  # Their place in the search may be another now.
    # So many pulls wait that the next roll-up should start before its scheduled time.
    is_behind: bool
    # What kept some pulls from being added, if anything; the next roll-up adds them.
    stopped_by: Exception | None = None


class PullLedger(Protocol):
    """Pull counts by release and day."""

    async def record(self, batch: PullBatch) -> None:
        """Count the pulls of a batch. The call may be repeated until it returns, and before it does
        the next batch of the process must not be recorded.

        A pull with a caller counts once for each release, caller and window, and `pulls` of the
        head and the history have it at once; a ledger with `CallerScope.PROCESS` takes no callers,
        and they have it after a roll-up."""
        ...

    async def roll_up(self, before_window: int, today: str) -> RollUp:
        """Add counted pulls that are in no head yet to `pulls` of the heads, which keep their
        revisions, each pull once, and delete the callers of windows before that one. Return the
        packages whose pulls changed since the last call, also if others fail.

        All pulls of the days before today are added, if one call is enough for all packages that
        have some. Of today some may wait: at most a tenth of the pulls of a package."""
        ...

    async def restore(self, package: Package, daily: Mapping[str, Mapping[str, int]]) -> None:
        """Replace all rolled-up pulls of a package by these, by version and day; for restoring a
        registry."""
        ...

    async def daily(self, package: Package) -> Mapping[str, Mapping[str, int]]:
        """Return at least the rolled-up pulls by version, then by day."""
        ...

    async def history(self, package: Package, since: str) -> PullHistory:
        """Return the pulls of all time that the head has, and those of each day from `since` on.
        The cost does not grow with earlier days."""
        ...

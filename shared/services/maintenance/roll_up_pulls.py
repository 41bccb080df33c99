"""Adds counted pulls to the packages, and updates their rank in the search."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from shared.ports import Clock, PullLedger
from shared.services.derived_data import DerivedData
from shared.services.maintenance.task import Task, TaskReport
from shared.services.pulls import FLUSH_AFTER, pull_window, utc_day

ROLL_UP_PAUSE = timedelta(minutes=1)
ROLL_UP_TIME = timedelta(minutes=8)  # Its last roll-up ends within the time of a run.

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class RollUpPulls(Task):
    id = "roll-up-pulls"
    title = "Roll up pulls"
    sentence = "Adds counted pulls to the totals of packages, which search uses for ranking."
    schedule = "0 */15 * * * *"
    earlier_id = "roll-up"

    ledger: PullLedger
    derived_data: DerivedData
    clock: Clock
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def run(self) -> TaskReport:
        """Roll up all counts, and again each minute while many instances write them: they would be
        too many for a run at its next time."""
        until_ms = self.clock.now_ms() + ROLL_UP_TIME // _MS
        is_behind = await self.ledger.is_behind()
        packages = await self._roll_up()
        while is_behind and self.clock.now_ms() < until_ms:
            await self.sleep(ROLL_UP_PAUSE.total_seconds())
            if is_behind := await self.ledger.is_behind():
                packages += await self._roll_up()
        return TaskReport(packages, packages)

    async def _roll_up(self) -> int:
        """Roll up once; keep the callers of the current and the previous window."""
        now_ms = self.clock.now_ms()
        # A day is over when the processes have written the last pulls of it.
        today = utc_day(now_ms - 2 * FLUSH_AFTER // _MS)
        packages = await self.ledger.roll_up(pull_window(now_ms) - 1, today)
        for package in packages:
            await self.derived_data.update_search(package)
        return len(packages)

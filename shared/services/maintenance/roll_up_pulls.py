"""Task `roll-up-pulls`, every 15 minutes: adds counted pulls to the totals of packages, which
search uses for ranking."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.domain.pull_records import pull_window
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.pull_ledger import PullLedger, RollUp
from shared.ports.system import Clock
from shared.services.maintenance.tasks import Task
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.pull_counter import FLUSH_AFTER, utc_day

SCHEDULE = "0 */15 * * * *"

ROLL_UP_PAUSE = timedelta(minutes=1)
ROLL_UP_TIME = timedelta(minutes=13)  # Its last roll-up ends before the task is due again.


class RollUpPulls(Task, frozen=True):
    id = "roll-up-pulls"
    title = "Roll up pulls"
    sentence = "Adds counted pulls to the totals of packages, which search uses for ranking."
    schedule = SCHEDULE
    longest_run = timedelta(minutes=15)  # Until it is due again.

    ledger: PullLedger
    derived_data: DerivedData
    clock: Clock
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def run(self) -> TaskReport:
        """Roll up all counts, and again each minute while many instances write them: they would be
        too many for a run at its next time."""
        until_ms = self.clock.now_ms() + ROLL_UP_TIME // MS
        rolled_up = await self._roll_up()
        packages = len(rolled_up.changed)
        while rolled_up.is_behind and self.clock.now_ms() < until_ms:
            await self.sleep(ROLL_UP_PAUSE.total_seconds())
            rolled_up = await self._roll_up()
            packages += len(rolled_up.changed)
        return TaskReport(packages, packages)

    async def _roll_up(self) -> RollUp:
        """Roll up once; keep the callers of the current and the previous window.

        If some pulls could not be added, this failure is raised when the search has the others.
        """
        now_ms = self.clock.now_ms()
        # A day is over when the processes have written the last pulls of it.
        today = utc_day(now_ms - 2 * FLUSH_AFTER // MS)
        rolled_up = await self.ledger.roll_up(pull_window(now_ms) - 1, today)
        for package in rolled_up.changed:
            await self.derived_data.update_search(package)
        if rolled_up.stopped_by is not None:
            raise rolled_up.stopped_by
        return rolled_up

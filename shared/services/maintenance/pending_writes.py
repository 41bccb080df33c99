"""Finishes what was written down for later: counted pulls, and events in outboxes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.errors.base import Refusal
from shared.domain.packages import Head, Release
from shared.domain.records import PendingEvents
from shared.domain.task_runs import TaskReport
from shared.domain.times import MS
from shared.ports import Clock, DirectoryStore, EventStore, MetadataStore, PullLedger, RollUp
from shared.services.maintenance.task import Task
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.pulls import FLUSH_AFTER, pull_window, utc_day
from shared.services.records import RECORDS_AT_ONCE

ROLL_UP_PAUSE = timedelta(minutes=1)
ROLL_UP_TIME = timedelta(minutes=13)  # Its last roll-up ends before the task is due again.


@dataclass(frozen=True)
class RollUpPulls(Task):
    id = "roll-up-pulls"
    title = "Roll up pulls"
    sentence = "Adds counted pulls to the totals of packages, which search uses for ranking."
    schedule = "0 */15 * * * *"
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
        """Roll up once; keep the callers of the current and the previous window."""
        now_ms = self.clock.now_ms()
        # A day is over when the processes have written the last pulls of it.
        today = utc_day(now_ms - 2 * FLUSH_AFTER // MS)
        rolled_up = await self.ledger.roll_up(pull_window(now_ms) - 1, today)
        for package in rolled_up.changed:
            await self.derived_data.update_search(package)
        return rolled_up


@dataclass(frozen=True)
class ProcessOutboxes(Task):
    id = "process-outboxes"
    title = "Process outboxes"
    sentence = "Adds changes to lists, search and logs that a crash left out."
    schedule = "15 * * * * *"  # A crash is repaired within a minute.

    metadata: MetadataStore
    derived_data: DerivedData
    directory: DirectoryStore
    events: EventStore

    async def run(self) -> TaskReport:
        """Process all outboxes; a record that cannot be processed now delays no other one."""
        seen, problems = 0, list[str]()
        while batch := await self._read_batch():
            refused = [each for record in batch if (each := await self._process(record))]
            seen, problems = seen + len(batch), problems + refused
            if refused:
                break  # The same records would come again; the next run is a minute away.
        return TaskReport(seen, seen - len(problems), tuple(problems))

    async def _read_batch(self) -> list[Head | Release | PendingEvents]:
        return [
            *await self.metadata.unpublished_events(RECORDS_AT_ONCE),
            *await self.directory.unpublished(RECORDS_AT_ONCE),
        ]

    async def _process(self, record: Head | Release | PendingEvents) -> str | None:
        """Process the outbox of a record, or return the reason why that has to wait."""
        try:
            if isinstance(record, PendingEvents):
                await self.events.publish(record)
            else:
                await self.derived_data.update(record)
        except Refusal as refusal:
            return str(refusal)
        return None

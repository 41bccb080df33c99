"""Task `process-outboxes`, every minute: adds changes to lists, search and logs that a crash left
out."""

from collections.abc import Collection
from datetime import timedelta
from itertools import islice

from shared.domain.entities import PendingEvents
from shared.domain.errors.base import Refusal
from shared.domain.packages import Head, Release
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.event_appender import EventAppender
from shared.services.maintenance.tasks import RUN_TIME, Task
from shared.services.packages.derived_data import DerivedData
from shared.services.record_batches import RECORDS_AT_ONCE
from shared.telemetry.log import log

_Record = Head | Release | PendingEvents

# Each batch reads again what failed before it, so a run reads a few times as many records.
MOST_FAILURES = 3 * RECORDS_AT_ONCE
# Names of failed records that are stored from run to run: a run reads their records as well.
MAX_FAILED_KEPT = 10_000
MAX_FAILED_BYTES = 1024 * 1024  # Of these names; an item of the cloud has 2 MiB at most.
_FAILED_KEPT_FOR = timedelta(hours=1)  # Longer than any two runs are apart.
_KIND = "failed-outboxes"
_NO_NAMES = frozenset[str]()
SCHEDULE = "15 * * * * *"  # A crash is repaired within a minute.


class ProcessOutboxes(Task, frozen=True):
    id = "process-outboxes"
    title = "Process outboxes"
    sentence = "Adds changes to lists, search and logs that a crash left out."
    schedule = SCHEDULE

    metadata: MetadataStore
    derived_data: DerivedData
    directory: DirectoryStore
    event_appender: EventAppender
    work: WorkStore
    clock: Clock

    async def run(self) -> TaskReport:
        """Process all outboxes; a record that cannot be processed now delays no other one.

        While a store is out of reach every record fails, so the run ends after `MOST_FAILURES`, or
        when its time is over. The next run then tries all other records before those that failed.
        """
        until_ms = self.clock.now_ms() + RUN_TIME // MS
        processed = 0
        problems = dict[str, str]()  # By the name of the record. The next run tries them again.
        batch = await self._read_batch(_NO_NAMES)
        failed_before = await self._load_failed() if batch else _NO_NAMES
        if failed_before:
            batch = await self._read_batch(failed_before)
        is_cut_off = False
        while batch or failed_before:
            if not batch:  # All others were tried.
                await self.work.take(_KIND, self.id, self.clock.now_ms())
                failed_before = _NO_NAMES
            for record in batch:
                problem = await self._process(record)
                if problem is None:
                    processed += 1
                else:
                    problems[_name(record)] = problem
                if len(problems) == MOST_FAILURES or self.clock.now_ms() >= until_ms:
                    is_cut_off = True
                    break
            if is_cut_off:
                break
            batch = await self._read_batch(failed_before | problems.keys())
        if is_cut_off and problems:
            await self._save_failed(failed_before | problems.keys())
        # A command repeats an unfinished run at once, which is useless while all records fail.
        unfinished = is_cut_off and processed > 0
        return TaskReport(
            processed + len(problems), processed, tuple(problems.values()), unfinished
        )

    async def _read_batch(self, left_out: Collection[str]) -> list[_Record]:
        """Return the oldest records without those of these names."""
        count = RECORDS_AT_ONCE + len(left_out)
        found = [
            *await self.metadata.records_with_outbox(count),
            *await self.directory.outboxes(count),
        ]
        return [record for record in found if _name(record) not in left_out]

    async def _load_failed(self) -> frozenset[str]:
        """Return the names of the records that failed since all were tried."""
        text = await self.work.peek(_KIND, self.id, self.clock.now_ms())
        return frozenset(text.split("\n")) if text else _NO_NAMES

    async def _save_failed(self, names: Collection[str]) -> None:
        ends_ms = self.clock.now_ms() + _FAILED_KEPT_FOR // MS
        # Of more than that, any are tried again early.
        kept = list[str]()
        size = 0
        for name in islice(names, MAX_FAILED_KEPT):
            size += len(name.encode()) + 2  # A line break in JSON.
            if size > MAX_FAILED_BYTES:
                break
            kept.append(name)
        await self.work.put(_KIND, self.id, "\n".join(kept), ends_ms)

    async def _process(self, record: _Record) -> str | None:
        """Process the outbox of a record, or return the reason why that has to wait."""
        try:
            if isinstance(record, PendingEvents):
                await self.event_appender.append_outbox(record)
            else:
                await self.derived_data.update(record)
        except Refusal as refusal:
            return str(refusal)
        except Exception as failure:
            name = _name(record)
            log.exception("outbox.failed", record=name)
            return f"{name}: unexpected failure ({type(failure).__name__}); the log has it."
        return None


def _name(record: _Record) -> str:
    if isinstance(record, PendingEvents):
        return " ".join([record.kind, *filter(None, record.place)])
    return str(record.package if isinstance(record, Head) else record.coordinate)

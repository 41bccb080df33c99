"""Runs: what is remembered of the last run of each task of upkeep."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from shared.domain.runs import PROBLEMS_KEPT, Result, Run, Standing, standing
from shared.ports import Clock, WorkStore
from shared.services.reporting import Report
from shared.services.schedules import schedule_of

KEPT = timedelta(days=400)  # Of a task that runs no more it is told for that long when it did.
SHOWN_AGAIN = timedelta(seconds=10)  # Whoever asks more often is shown what was read last.

_KIND = "upkeep-run"
_MS = timedelta(milliseconds=1)


class Runs:
    """Remembers the last run of each task, for all processes."""

    def __init__(self, work: WorkStore, clock: Clock) -> None:
        """Keep them beside the leases."""
        self._work = work
        self._clock = clock
        self._shown: list[Standing] = []
        self._shown_ms = 0

    async def note(self, task: str, started_ms: int, report: Report | None) -> None:
        """Remember a run that ended now; one without a report broke off."""
        now_ms = self._clock.now_ms()
        run = _run_of(task, started_ms, now_ms, report)
        ends_ms = now_ms + KEPT // _MS
        await self._work.put(_KIND, task, run.model_dump_json(), ends_ms)

    async def of(self, tasks: Iterable[str]) -> list[Standing]:
        """Return how each task stands."""
        return list(await asyncio.gather(*(self._of(task) for task in tasks)))

    async def lately(self, tasks: Iterable[str]) -> list[Standing]:
        """Return how each task stood a moment ago: for those who ask again and again."""
        now_ms = self._clock.monotonic_ms()
        if not self._shown or now_ms - self._shown_ms >= SHOWN_AGAIN // _MS:
            self._shown, self._shown_ms = await self.of(tasks), now_ms
        return self._shown

    async def _of(self, task: str) -> Standing:
        now_ms = self._clock.now_ms()
        noted = await self._work.peek(_KIND, task, now_ms)
        last = None if noted is None else Run.model_validate_json(noted)
        return standing(task, last, schedule_of(task), now_ms)


def _run_of(task: str, started_ms: int, ended_ms: int, report: Report | None) -> Run:
    if report is None:
        return Run(task=task, started_ms=started_ms, ended_ms=ended_ms, result=Result.FAILED)
    return Run(
        task=task,
        started_ms=started_ms,
        ended_ms=ended_ms,
        result=Result.PROBLEMS if report.problems else Result.DONE,
        seen=report.seen,
        changed=report.changed,
        problems=report.problems[:PROBLEMS_KEPT],
        unfinished=report.unfinished,
    )

"""The timer, which runs every maintenance task that is due.

There is one timer for all tasks, because the cloud keeps instances for each timer Function. The
host starts no second call of a timer while the first lasts, so a call goes on while a slow task
runs, and starts what becomes due meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Set
from datetime import timedelta

import azure.functions as func

from functions.host_functions import TIMER, TIMER_SCHEDULE
from functions.http.calls import declare_context, traceparent_of
from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import TakesNoChanges
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.registry import Registry
from shared.runtime.schedules import next_run
from shared.services.maintenance.tasks import LONGEST_CALL, Task, TaskRunner
from shared.telemetry.activities import Activity
from shared.telemetry.log import log
from shared.telemetry.metrics import UPKEEP, UPKEEP_PROBLEMS, record_metric

_A_MINUTE = timedelta(minutes=1)

Jobs = Set[asyncio.Task[None]]
Wait = Callable[[Jobs, float], Awaitable[object]]


async def _wait(jobs: Jobs, seconds: float) -> None:
    """Wait until all jobs have ended, but not longer than `seconds`."""
    await asyncio.wait(jobs, timeout=seconds)


def blueprint(registry: Registry, wait: Wait = _wait) -> func.Blueprint:
    bp = func.Blueprint()

    async def timer_upkeep(timer: func.TimerRequest, context: func.Context | None = None) -> None:
        await _TimerCall(registry, context, wait).run()

    declared = declare_context(timer_upkeep)
    triggered = bp.timer_trigger(arg_name="timer", schedule=TIMER_SCHEDULE)(declared)
    bp.function_name(TIMER)(triggered)
    return bp


class _TimerCall:
    """One call of the timer, with the jobs that it has started."""

    def __init__(self, registry: Registry, context: func.Context | None, wait: Wait) -> None:
        self._task_runner = registry.maintenance.task_runner
        self._clock = registry.clock
        self._context = context
        self._wait = wait
        self._began_ms = self._clock.now_ms()
        self._jobs: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Start what is due, and again each minute until all jobs have ended.

        Raises `Unavailable` if the first look at the records of runs fails.
        """
        due = await self._task_runner.due()
        async with asyncio.TaskGroup() as group:
            while True:
                self._start(due, group)
                if self._jobs:
                    await self._wait({*self._jobs.values()}, self._seconds_to_next_look())
                self._jobs = {name: job for name, job in self._jobs.items() if not job.done()}
                if not self._jobs:
                    return
                due = await self._due_again()

    def _start(self, due: list[Task], group: asyncio.TaskGroup) -> None:
        for task in due:
            if task.id not in self._jobs and self._may_begin(task):
                self._jobs[task.id] = group.create_task(
                    _run(self._task_runner, task.id, self._context)
                )

    def _may_begin(self, task: Task) -> bool:
        """Check whether the host would let the task run as long as it may."""
        minutes = (self._clock.now_ms() - self._began_ms) // (_A_MINUTE // MS)
        return minutes * _A_MINUTE + task.longest_run <= LONGEST_CALL

    def _seconds_to_next_look(self) -> float:
        now_ms = self._clock.now_ms()
        return (next_run(TIMER_SCHEDULE, now_ms) - now_ms) / 1000

    async def _due_again(self) -> list[Task]:
        try:
            return await self._task_runner.due()
        except Unavailable:
            return []  # The jobs continue, and the next check is a minute later.


async def _run(task_runner: TaskRunner, task: str, context: func.Context | None) -> None:
    """Run the task, and record its outcome."""
    activity = Activity.begin(traceparent_of(context, ""), is_hosted=context is not None)
    started = time.perf_counter()
    result = "failed"
    try:
        report = await task_runner.run_due(task)
        result = _result_of(report)
        _log_report(task, report, time.perf_counter() - started)
    except TakesNoChanges:  # It is tried again each minute until the mode ends, so no line.
        result = "read-only"
    except Exception:
        # Caught here, so that one task that fails does not stop the others of the call.
        log.exception("upkeep.failed", task=task)
    finally:
        shown = {"task": task, "result": result}
        record_metric(UPKEEP, time.perf_counter() - started, shown)
        # Tasks may take minutes, so a slow one tells nothing.
        failed = result == "failed"
        activity.end(f"upkeep.{task}", lambda: shown, is_failed=failed, keep_slow=False)


def _result_of(report: TaskReport | None) -> str:
    """Return the result of a run; there is no report if another instance ran the task."""
    if report is None:
        return "elsewhere"
    return "problems" if report.problems else "done"


def _log_report(task: str, report: TaskReport | None, seconds: float) -> None:
    if report is None:
        log.info("upkeep.elsewhere", task=task)
        return
    log.info("upkeep.done", task=task, **report.as_event(), seconds=round(seconds, 3))
    # Recorded for 0 problems, too, so that an alert can compare with the value before.
    record_metric(UPKEEP_PROBLEMS, len(report.problems), {"task": task})

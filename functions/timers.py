"""Timers: each runs a task of upkeep, on one instance at a time; one also what was asked for."""

import time
from collections.abc import Awaitable, Callable
from functools import partial

import azure.functions as func

from functions._hosted import takes_context, trace_of
from shared.domain.errors import TakesNoChanges
from shared.log import log
from shared.registry import Registry
from shared.services.reporting import Report
from shared.services.schedules import SCHEDULES, TAKES_UP
from shared.telemetry import recording
from shared.telemetry.activities import Activity
from shared.telemetry.catalog import UPKEEP, UPKEEP_PROBLEMS
from shared.telemetry.recording import Part

_Call = Callable[[func.Context | None], Awaitable[object]]


def blueprint(registry: Registry) -> func.Blueprint:
    """Return one timer Function for each task that this registry has and that has a schedule."""
    bp = func.Blueprint()
    for task, schedule in SCHEDULES.items():
        if task in registry.upkeep.tasks:
            run = _run_with_asked if task == TAKES_UP else _run
            _add_timer(bp, task, schedule, partial(run, registry, task))
    return bp


def _add_timer(bp: func.Blueprint, name: str, schedule: str, call: _Call) -> None:
    async def like(timer: func.TimerRequest) -> None:
        """Have the parameters that the binding gives."""

    async def run(timer: func.TimerRequest, context: func.Context | None = None) -> None:
        await call(context)

    run.__name__ = f"timer_{name.replace('-', '_')}"
    timed = bp.timer_trigger(arg_name="timer", schedule=schedule)(takes_context(run, like))
    bp.function_name(run.__name__)(timed)


async def _run_with_asked(registry: Registry, task: str, context: func.Context | None) -> None:
    try:
        await _run(registry, task, context)
    finally:
        await registry.wishing.serve(lambda asked: _run(registry, asked, context))


async def _run(registry: Registry, task: str, context: func.Context | None) -> Report | None:
    """Run the task; what goes wrong is the host's to log."""
    part = Part.SERVED if context is None else Part.HOSTED
    activity = Activity.begin(f"upkeep.{task}", part, trace_of(context, ""))
    started, result = time.perf_counter(), "failed"
    try:
        report = await registry.upkeep.run(task)
        result = _log(task, report, time.perf_counter() - started)
    except TakesNoChanges:
        log.info("upkeep.read_only", task=task)
        result, report = "read-only", None
    finally:
        told = {"task": task, "result": result}
        recording.record(UPKEEP, time.perf_counter() - started, told)
        activity.end(told)
    return report


def _log(task: str, report: Report | None, seconds: float) -> str:
    """Write what came of a run, and return it in a word."""
    if report is None:
        log.info("upkeep.elsewhere", task=task)
        return "elsewhere"
    log.info("upkeep.done", **report.as_event(), seconds=round(seconds, 3))
    # Also where there are none: an alert that asks for more than before has a before.
    recording.record(UPKEEP_PROBLEMS, len(report.problems), {"task": task})
    return "problems" if report.problems else "done"

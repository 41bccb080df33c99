"""Timers: each runs one task of upkeep, on one instance at a time."""

import time

import azure.functions as func

from functions._hosted import takes_context, trace_of
from shared.domain.errors import TakesNoChanges
from shared.log import log
from shared.registry import Registry
from shared.services.reporting import Report
from shared.services.schedules import SCHEDULES
from shared.telemetry import recording
from shared.telemetry.activities import Activity
from shared.telemetry.catalog import UPKEEP, UPKEEP_PROBLEMS
from shared.telemetry.recording import Part


def blueprint(registry: Registry) -> func.Blueprint:
    """Return one timer Function for each task that this registry has and that has a schedule."""
    bp = func.Blueprint()
    for task, schedule in SCHEDULES.items():
        if task in registry.upkeep.tasks:
            _add_timer(bp, registry, task, schedule)
    return bp


def _add_timer(bp: func.Blueprint, registry: Registry, task: str, schedule: str) -> None:
    async def like(timer: func.TimerRequest) -> None:
        """Have the parameters that the binding gives."""

    async def run(timer: func.TimerRequest, context: func.Context | None = None) -> None:
        part = Part.SERVED if context is None else Part.HOSTED
        activity = Activity.begin(f"upkeep.{task}", part, trace_of(context, ""))
        await _run(registry, task, activity)

    run.__name__ = f"timer_{task.replace('-', '_')}"
    timed = bp.timer_trigger(arg_name="timer", schedule=schedule)(takes_context(run, like))
    bp.function_name(run.__name__)(timed)


async def _run(registry: Registry, task: str, activity: Activity) -> None:
    """Run the task; what goes wrong is the host's to log."""
    started, result = time.perf_counter(), "failed"
    try:
        report = await registry.upkeep.run(task)
        result = _log(task, report, time.perf_counter() - started)
    except TakesNoChanges:
        log.info("upkeep.read_only", task=task)
        result = "read-only"
    finally:
        told = {"task": task, "result": result}
        recording.record(UPKEEP, time.perf_counter() - started, told)
        activity.end(told)


def _log(task: str, report: Report | None, seconds: float) -> str:
    """Write what came of a run, and return it in a word."""
    if report is None:
        log.info("upkeep.elsewhere", task=task)
        return "elsewhere"
    log.info("upkeep.done", **report.as_event(), seconds=round(seconds, 3))
    # Also where there are none: an alert that asks for more than before has a before.
    recording.record(UPKEEP_PROBLEMS, len(report.problems), {"task": task})
    return "problems" if report.problems else "done"

"""Timers: each runs a maintenance task on one instance at a time; one also runs task requests."""

import time
from collections.abc import Awaitable, Callable
from functools import partial

import azure.functions as func

from functions.http.handlers import declare_context, traceparent_of
from shared.composition import Registry
from shared.domain.errors.requests import TakesNoChanges
from shared.log import log
from shared.services.upkeep import SCHEDULES, TASK_THAT_RUNS_REQUESTS, TaskReport
from shared.telemetry import recording
from shared.telemetry.metrics import UPKEEP, UPKEEP_PROBLEMS
from shared.telemetry.recording import Activity, SpanOrigin

_Call = Callable[[func.Context | None], Awaitable[object]]


def blueprint(registry: Registry) -> func.Blueprint:
    """Return a timer Function for each task of the registry that has a schedule."""
    bp = func.Blueprint()
    for task, schedule in SCHEDULES.items():
        if task in registry.upkeep.tasks:
            run = _run_with_requests if task == TASK_THAT_RUNS_REQUESTS else _run
            _add_timer(bp, task, schedule, partial(run, registry, task))
    return bp


def _add_timer(bp: func.Blueprint, name: str, schedule: str, call: _Call) -> None:
    async def like(timer: func.TimerRequest) -> None:
        """Declare the parameter of the binding."""

    async def run(timer: func.TimerRequest, context: func.Context | None = None) -> None:
        await call(context)

    run.__name__ = f"timer_{name.replace('-', '_')}"
    timed = bp.timer_trigger(arg_name="timer", schedule=schedule)(declare_context(run, like))
    bp.function_name(run.__name__)(timed)


async def _run_with_requests(registry: Registry, task: str, context: func.Context | None) -> None:
    try:
        await _run(registry, task, context)
    finally:
        await registry.task_requests.run_requested(lambda name: _run(registry, name, context))


async def _run(registry: Registry, task: str, context: func.Context | None) -> TaskReport | None:
    """Run the task; the host logs its exceptions."""
    origin = SpanOrigin.SERVED if context is None else SpanOrigin.HOSTED
    activity = Activity.begin(f"upkeep.{task}", origin, traceparent_of(context, ""))
    started, result = time.perf_counter(), "failed"
    try:
        report = await registry.upkeep.run(task)
        result = _log(task, report, time.perf_counter() - started)
    except TakesNoChanges:
        log.info("upkeep.read_only", task=task)
        result, report = "read-only", None
    finally:
        attributes = {"task": task, "result": result}
        recording.record_metric(UPKEEP, time.perf_counter() - started, attributes)
        activity.end(attributes)
    return report


def _log(task: str, report: TaskReport | None, seconds: float) -> str:
    """Log the report of a run, and return its result; there is none if another instance ran it."""
    if report is None:
        log.info("upkeep.elsewhere", task=task)
        return "elsewhere"
    log.info("upkeep.done", **report.as_event(), seconds=round(seconds, 3))
    # Recorded for 0 problems, too, so that an alert can compare with the value before.
    recording.record_metric(UPKEEP_PROBLEMS, len(report.problems), {"task": task})
    return "problems" if report.problems else "done"

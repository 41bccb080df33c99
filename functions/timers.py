"""Timers: each runs one task of upkeep, on one instance at a time."""

import azure.functions as func

from shared.log import log
from shared.registry import Registry

SCHEDULES = {
    "settle": "15 * * * * *",  # What a crash left half listed is listed within a minute.
    "roll-up": "0 */5 * * * *",
    "expire": "30 7 * * * *",
    "remind": "30 37 * * * *",
    "sweep": "0 20 3 * * *",
    "audit": "0 40 3 * * *",
    "forget": "0 50 3 * * *",
    "prove": "0 10 4 * * *",
    "keep": "0 15 */6 * * *",
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return one timer Function for each task that has a schedule."""
    bp = func.Blueprint()
    for task, schedule in SCHEDULES.items():
        _add_timer(bp, registry, task, schedule)
    return bp


def _add_timer(bp: func.Blueprint, registry: Registry, task: str, schedule: str) -> None:
    @bp.function_name(f"timer_{task.replace('-', '_')}")
    @bp.timer_trigger(arg_name="timer", schedule=schedule)
    async def run(timer: func.TimerRequest) -> None:
        report = await registry.upkeep.run(task)
        if report is None:
            log.info("upkeep.elsewhere", task=task)
        else:
            log.info("upkeep.done", **report.as_event())

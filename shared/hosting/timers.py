"""Timers, each run on schedule by one of the processes and never twice at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from azure.functions.timer import TimerRequest

from shared.hosting.triggers import TimerFunction, unsupported
from shared.log import log
from shared.ports import Clock
from shared.runtime.background_tasks import is_schedule, next_run
from shared.runtime.private_files import make_private_folder, try_file_lock

Sleep = Callable[[float], Awaitable[object]]

OWNER_CHECK_SECONDS = 5.0  # How soon another process takes over from one that died.
LONGEST_SLEEP_SECONDS = 30.0  # A sleep does not count the time that a laptop was suspended.


class Timers:
    """Runs the timers of an app; the folder is shared by all processes that serve it.

    A run that was missed while no process ran is not made up for here: the maintenance tasks know
    when each of them ran last.
    """

    def __init__(
        self,
        functions: Sequence[TimerFunction],
        folder: Path,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        for each in functions:
            if not is_schedule(each.schedule):
                reason = f"its schedule '{each.schedule}' is not six fields, seconds first"
                raise unsupported(each.name, reason)
        self._functions = tuple(functions)
        self._folder = folder
        self._clock = clock
        self._sleep = sleep

    async def run(self) -> None:
        """Run each timer on its schedule until cancelled, once this process owns them all."""
        make_private_folder(self._folder)
        while (lock := try_file_lock(self._folder / "owner.lock")) is None:
            await self._sleep(OWNER_CHECK_SECONDS)
        with lock:
            async with asyncio.TaskGroup() as group:
                for each in self._functions:
                    group.create_task(self._follow(each))

    async def _follow(self, timer: TimerFunction) -> None:
        while True:
            due_ms = next_run(timer.schedule, self._clock.now_ms())
            while (left_ms := due_ms - self._clock.now_ms()) > 0:
                await self._sleep(min(left_ms / 1000, LONGEST_SLEEP_SECONDS))
            try:
                await timer.call(TimerRequest(past_due=False))
            except Exception:
                log.exception("function.failed", function=timer.name)

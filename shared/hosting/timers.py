"""Timers, each run on schedule by one of the processes and never twice at the same time."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from azure.functions.timer import TimerRequest

from shared.hosting.triggers import TimerFunction, unsupported
from shared.log import log
from shared.ports import Clock
from shared.runtime.background_tasks import is_schedule, next_run
from shared.runtime.private_files import make_private_folder, open_private, try_file_lock

Sleep = Callable[[float], Awaitable[object]]

OWNER_CHECK_SECONDS = 5.0  # How soon another process takes over from one that died.
LONGEST_SLEEP_SECONDS = 30.0  # A sleep does not count the time that a laptop was suspended.
BUSY_CHECK_SECONDS = 0.2
PAST_DUE_MS = 60_000  # A run that begins later than this is past due.


class Timers:
    """Runs the timers of an app; the folder is shared by all processes that serve it."""

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
        async with self._holding("owner.lock", OWNER_CHECK_SECONDS), asyncio.TaskGroup() as group:
            for each in self._functions:
                group.create_task(self._follow(each))

    async def _follow(self, timer: TimerFunction) -> None:
        last_ms = self._last_run(timer)
        if timer.run_on_startup:
            await self._call(timer, TimerRequest(past_due=False))
        while True:
            due_ms = next_run(timer.schedule, last_ms)
            await self._wait_until(due_ms)
            # Runs that were missed while no process ran are made up for by a single run.
            last_ms = self._clock.now_ms()
            past_due = last_ms - due_ms > PAST_DUE_MS
            await self._call(timer, TimerRequest(past_due=past_due))
            self._note_run(timer, last_ms)

    async def _wait_until(self, due_ms: int) -> None:
        while (left_ms := due_ms - self._clock.now_ms()) > 0:
            await self._sleep(min(left_ms / 1000, LONGEST_SLEEP_SECONDS))

    async def _call(self, timer: TimerFunction, request: TimerRequest) -> None:
        async with self._holding(f"{timer.name}.lock", BUSY_CHECK_SECONDS):
            try:
                await timer.call(request)
            except Exception:
                log.exception("function.failed", function=timer.name)

    @asynccontextmanager
    async def _holding(self, name: str, check_seconds: float) -> AsyncGenerator[None]:
        while (lock := try_file_lock(self._folder / name)) is None:
            await self._sleep(check_seconds)
        with lock:
            yield

    def _last_run(self, timer: TimerFunction) -> int:
        """Return when the timer last ran; now if it never did."""
        try:
            return self._record(timer).stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            self._note_run(timer, self._clock.now_ms())
            return self._clock.now_ms()

    def _note_run(self, timer: TimerFunction, at_ms: int) -> None:
        record = self._record(timer)
        open_private(record, "ab").close()
        os.utime(record, ns=(at_ms * 1_000_000, at_ms * 1_000_000))

    def _record(self, timer: TimerFunction) -> Path:
        return self._folder / f"{timer.name}.last"

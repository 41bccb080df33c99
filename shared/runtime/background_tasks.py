"""Background tasks: what no request waits for; and the schedules of timers."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime


class BackgroundTasks:
    """Runs coroutines in the background, such as writes that finish before the process ends."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Start what handles its own failures."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what was started."""
        await asyncio.gather(*self._tasks)

    async def cancel(self) -> None:
        """Stop what was started."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


_FIELDS = 6


def is_schedule(text: str) -> bool:
    from croniter import croniter  # noqa: PLC0415 - its import takes 40 ms, and few requests need it.

    return len(text.split()) == _FIELDS and croniter.is_valid(text, second_at_beginning=True)


def next_run(schedule: str, after_ms: int) -> int:
    """Return when the schedule is due next after a time, in milliseconds since 1970."""
    from croniter import croniter  # noqa: PLC0415 - the same.

    start = datetime.fromtimestamp(after_ms / 1000, UTC)
    following = croniter(schedule, start, second_at_beginning=True).get_next(datetime)
    return round(following.timestamp() * 1000)

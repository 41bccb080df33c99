"""Background tasks: writes that no request waits for, and that finish before the process ends;
and the schedules of timers."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime


class BackgroundTasks:
    """Runs writes in the background; `close` waits for all of them."""

    def __init__(self) -> None:
        self._writes: set[asyncio.Task[None]] = set()

    def start(self, write: Coroutine[None, None, None]) -> None:
        """Start a write, which handles its own failures."""
        task = asyncio.create_task(write)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Wait for the writes that were started."""
        await asyncio.gather(*self._writes)


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

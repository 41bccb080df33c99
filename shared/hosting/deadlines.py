"""How long a Function may take to answer.

A timer a request would cost four of the ten microseconds that this host adds to one, so requests
only note when they began, and `sweep` looks through them once a second.
"""

import asyncio
from collections.abc import Callable


class Deadlines:
    """Cancels tasks that have been answering for too long."""

    def __init__(self, seconds: float, time: Callable[[], float]) -> None:
        self._seconds = seconds
        self._time = time
        self._began: dict[asyncio.Task[object], float] = {}
        self._missed: set[asyncio.Task[object]] = set()

    def enter(self) -> asyncio.Task[object]:
        """Note that the current task begins, and return it."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - requests are answered in tasks.
        self._began[task] = self._time()
        return task

    def leave(self, task: asyncio.Task[object]) -> None:
        """Note that the task is done."""
        del self._began[task]

    def excuse(self, task: asyncio.Task[object]) -> bool:
        """Tell whether the task was cancelled by the sweep, and let it go on if so."""
        if task not in self._missed:
            return False
        self._missed.discard(task)
        task.uncancel()
        return True

    def sweep(self) -> None:
        """Cancel what began too long ago."""
        oldest = self._time() - self._seconds
        for task in [task for task, began in self._began.items() if began < oldest]:
            self._missed.add(task)
            task.cancel()

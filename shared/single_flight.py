"""Single flight: callers who ask the same at the same time share one answer."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class SingleFlight(Generic[Answer]):
    """The answers that are being made."""

    def __init__(self) -> None:
        """Begin with none."""
        self._under_way: dict[Hashable, asyncio.Task[Answer]] = {}

    async def answer(
        self, question: Hashable, make: Callable[[], Coroutine[object, object, Answer]]
    ) -> Answer:
        """Return what `make` returns, or what a call under way for the same question returns."""
        task = self._under_way.get(question)
        if task is None:
            task = self._under_way[question] = asyncio.create_task(make())
            task.add_done_callback(lambda _done: self._under_way.pop(question))
        # Whoever goes away while others wait leaves them the answer.
        return await asyncio.shield(task)

"""Walking: over all there is, as far as the time of one run reaches, and on from there the next."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from shared.domain.package import Head
from shared.ports import Clock, MetadataStore, WorkStore
from shared.services.reporting import BATCH

A_RUN = timedelta(minutes=7)  # Less than a lease: the last package may take a while.
MARK_KEPT = timedelta(days=30)

_KIND = "upkeep-mark"
_MS = timedelta(milliseconds=1)

T = TypeVar("T")
Visit = Callable[[T], Awaitable[None]]


@dataclass(frozen=True)
class Walking:
    """Visits all there is, in several runs where one is too short."""

    metadata: MetadataStore
    work: WorkStore
    clock: Clock

    async def over_packages(self, task: str, visit: Visit[Head]) -> bool:
        """Visit packages in order of key, from where the task stopped or died last; say whether the
        last one was reached. One that is visited when the time is up is the last of this run.
        """
        until_ms, after = self._until(), await self._marked(task)
        while heads := await self.metadata.packages(after, BATCH):
            for head in heads:
                await visit(head)
                after = head.package.key
                if self.clock.now_ms() >= until_ms:
                    await self._mark(task, after)
                    return False
            await self._mark(task, after)
        await self._mark(task, "")
        return True

    async def over(self, task: str, things: AsyncIterator[T], visit: Visit[T]) -> bool:
        """Visit things, from where the task stopped last; say whether the last one was reached.

        What is passed over is counted: in a list that changed meanwhile some are visited twice,
        and some not before the next time.
        """
        until_ms, passed = self._until(), int(await self._marked(task) or 0)
        place = 0
        async for thing in things:
            place += 1
            if place <= passed:
                continue
            await visit(thing)
            if self.clock.now_ms() >= until_ms:
                await self._mark(task, str(place))
                return False
        await self._mark(task, "")
        return True

    def _until(self) -> int:
        return self.clock.now_ms() + A_RUN // _MS

    async def _marked(self, task: str) -> str:
        return await self.work.peek(_KIND, task, self.clock.now_ms()) or ""

    async def _mark(self, task: str, after: str) -> None:
        ends_ms = self.clock.now_ms() + MARK_KEPT // _MS
        await self.work.put(_KIND, task, after, ends_ms)

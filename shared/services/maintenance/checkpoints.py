"""Checkpoints: how far a maintenance task has come that needs several runs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from shared.domain.packages import Head
from shared.domain.times import MS
from shared.ports import Clock, MetadataStore, WorkStore
from shared.services.maintenance.task import Task
from shared.services.records import RECORDS_AT_ONCE, package_batches

RUN_TIME = timedelta(minutes=7)  # Less than a run may take: the last package may take a while.
CHECKPOINT_KEPT_FOR = timedelta(days=30)

_CHECKPOINT_KIND = "upkeep-mark"

T = TypeVar("T")
Visit = Callable[[T], Awaitable[None]]


@dataclass(frozen=True)
class Checkpoints:
    """Visits all packages or things, in several runs if one is too short."""

    metadata: MetadataStore
    work: WorkStore
    clock: Clock

    async def visit_packages(self, task: Task, visit: Visit[Head]) -> bool:
        """Visit packages by key, from the last checkpoint on; return whether all were visited.

        The run ends after the package during which its time is over.
        """
        until_ms, after = self._until(), await self._checkpoint(task)
        async for heads in package_batches(self.metadata, RECORDS_AT_ONCE, after=after):
            for head in heads:
                await visit(head)
                after = head.package.key
                if self.clock.now_ms() >= until_ms:
                    await self._save(task, after)
                    return False
            await self._save(task, after)
        await self._save(task, "")
        return True

    async def visit(self, task: Task, things: AsyncIterator[T], visit: Visit[T]) -> bool:
        """Visit things, from the last checkpoint; return whether all were visited.

        The checkpoint is a count: of things that change between two runs, some may be visited
        twice, and some not before the next round.
        """
        until_ms, visited = self._until(), int(await self._checkpoint(task) or 0)
        count = 0
        async for thing in things:
            count += 1
            if count <= visited:
                continue
            await visit(thing)
            if self.clock.now_ms() >= until_ms:
                await self._save(task, str(count))
                return False
        await self._save(task, "")
        return True

    def _until(self) -> int:
        return self.clock.now_ms() + RUN_TIME // MS

    async def _checkpoint(self, task: Task) -> str:
        return await self.work.peek(_CHECKPOINT_KIND, task.id, self.clock.now_ms()) or ""

    async def _save(self, task: Task, after: str) -> None:
        ends_ms = self.clock.now_ms() + CHECKPOINT_KEPT_FOR // MS
        await self.work.put(_CHECKPOINT_KIND, task.id, after, ends_ms)

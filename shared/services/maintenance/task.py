"""A maintenance task, and checkpoints at which a long one continues."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, TypeVar

from shared.domain.errors.base import InvalidRequest
from shared.domain.packages import Head
from shared.domain.task_runs import TaskReport
from shared.domain.times import MS
from shared.ports import Clock, MetadataStore, WorkStore
from shared.services.records import RECORDS_AT_ONCE, package_batches


@dataclass(frozen=True)
class Task(ABC):
    """A maintenance task: all that the timer, pages, commands and documentation say of it, and its
    work. A run is safe to repeat and to stop halfway.

    The fields of a subclass are what the registry creates it with. A registry has no task that
    requires an adapter or service that is None there.
    """

    id: ClassVar[str]  # Verb and noun; in commands, logs, metrics and stored runs.
    title: ClassVar[str]
    sentence: ClassVar[str]  # For administrators.
    schedule: ClassVar[str | None]  # Of equal intervals; None for a task that runs on request.
    runs_first: ClassVar[bool] = False  # At the first call of the timer if it never ran.
    longest_run: ClassVar[timedelta] = timedelta(minutes=10)
    runs_in_read_only_mode: ClassVar[bool] = False  # Only if it changes no records.

    @abstractmethod
    async def run(self) -> TaskReport: ...


LONGEST_CALL = timedelta(minutes=30)  # The host ends a Function that runs longer.

MaintenanceTasks = Mapping[str, Task]  # By id.


def require_task(tasks: MaintenanceTasks, name: str) -> Task:
    """Return the task of this id, or raise `InvalidRequest`."""
    task = tasks.get(name)
    if task is None:
        known = ", ".join(tasks)
        sentence = f"This registry has no task of that name. There are: {known}."
        raise InvalidRequest(sentence)
    return task


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

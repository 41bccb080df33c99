"""What a maintenance task is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from shared.domain.errors.base import InvalidRequest
from shared.domain.task_runs import TaskReport


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
    longest_run: ClassVar[timedelta] = timedelta(minutes=10)
    runs_in_read_only_mode: ClassVar[bool] = False  # Only if it changes no records.
    # The id in the previous version, which may run at the same time, and be requested by it.
    earlier_id: ClassVar[str]

    @abstractmethod
    async def run(self) -> TaskReport: ...

    @property
    def stored_ids(self) -> tuple[str, str]:
        """The ids under which leases and runs are stored; the previous version knows the first."""
        return self.earlier_id, self.id


LONGEST_CALL = timedelta(minutes=30)  # The host ends a Function that runs longer.

MaintenanceTasks = Mapping[str, Task]  # By id.


def find_task(tasks: MaintenanceTasks, name: str) -> Task | None:
    """Return the task of this id, which may be that of the previous version."""
    return next((each for each in tasks.values() if name in each.stored_ids), None)


def require_task(tasks: MaintenanceTasks, name: str) -> Task:
    """Return the task of this id, as `find_task` does, or raise `InvalidRequest`."""
    task = find_task(tasks, name)
    if task is None:
        known = ", ".join(tasks)
        sentence = f"This registry has no task of that name. There are: {known}."
        raise InvalidRequest(sentence)
    return task

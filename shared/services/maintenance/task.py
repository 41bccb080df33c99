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

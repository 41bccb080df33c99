"""All maintenance tasks, also those that a registry on one machine does not have."""

from collections.abc import Iterator

import shared.registry as imports_all
from shared.services.maintenance.tasks import Task

_FOLDER = f"{imports_all.__name__.partition('.')[0]}."


def _tasks_below(kind: type[Task]) -> Iterator[type[Task]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith(_FOLDER):
            yield each
        yield from _tasks_below(each)


TASKS = tuple(_tasks_below(Task))

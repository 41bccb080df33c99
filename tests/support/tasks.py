"""All maintenance tasks, also those that a registry on one machine does not have."""

import shared.services.maintenance.group as imports_all
from shared.services.maintenance.task import Task

_FOLDER = str(imports_all.__package__)

TASKS = tuple(each for each in Task.__subclasses__() if each.__module__.startswith(_FOLDER))

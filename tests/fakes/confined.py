"""The confined process without a process: tasks run on a thread of the test, without limits."""

import asyncio
import importlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from shared.confined.budget import Budget
from shared.confined.jobs import Exceeded, Json, Order, PartResult
from shared.confined.tasks import Job

MUCH = Budget(processor_seconds=1e9, memory_bytes=1 << 40, output_bytes=1 << 40)


class NoLimits:
    """A process that takes no time."""

    def used_seconds(self) -> float:
        return 0

    def allow(self, seconds: float, output_bytes: int) -> None:
        pass


def order_of(folder: Path, request: Json = None, skip: Set[str] = frozenset()) -> Order:
    """Return the order of a job that may take all it wants."""
    return Order("", str(folder), request, frozenset(skip), MUCH, MUCH.processor_seconds)


@dataclass
class InProcess:
    """Has the interface of `ConfinedProcess`; notes the tasks that it ran."""

    tasks: str = "shared.confined.tasks"
    ran: list[str] = field(default_factory=list)

    async def run(self, task: str, folder: Path, request: Json) -> list[PartResult]:
        """Run the task on a thread; a part that raises is refused as in the child."""
        self.ran.append(task)
        return await asyncio.to_thread(self._run, task, order_of(folder, request))

    async def close(self) -> None:
        """Do nothing: nothing was started."""

    def _run(self, task: str, order: Order) -> list[PartResult]:
        results = list[PartResult]()

        def report(line: Mapping[str, Json]) -> None:
            if "end" in line:
                results.append(PartResult(str(line["end"]), None, line["result"]))
            if "refused" in line:
                refused = Exceeded(line["reason"]).sentence(MUCH)
                results.append(PartResult(str(line["refused"]), refused, None))

        module, _, function = importlib.import_module(self.tasks).TASKS[task].partition(":")
        Job(order, NoLimits(), report).run_task(getattr(importlib.import_module(module), function))
        return results

"""What the child runs: it reads jobs from its standard input and reports lines about their parts.

It was started with a fresh interpreter and an empty environment, has one thread and no descriptor
but its standard streams, and ends when its standard input does. The system enforces
time, memory and priority on it.
"""

import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from shared.confined.access import restrict_access
from shared.confined.jobs import Json, Order
from shared.confined.process_limits import ProcessLimits, resident_bytes
from shared.confined.tasks import Job

_NICENESS = 10  # Users who read or push wait for the registry, and nobody waits for most jobs.
_DESCRIPTORS = 65_536  # More than a process opens by default.
_PR_SET_PDEATHSIG = 1  # The constant of the same name for prctl(2).


def leave_the_parent() -> None:
    """Keep nothing of the parent, let it go first, and end when it is killed, also in the middle of
    a job."""
    os.environ.clear()
    if sys.platform != "win32":
        os.closerange(3, _DESCRIPTORS)
        os.nice(_NICENESS)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


Report = Callable[[Mapping[str, Json]], None]
Task = Callable[[Job], None]

_ERROR_CHARACTERS = 4000


class Worker:
    """Runs one job after the other with the tasks of a module."""

    def __init__(self, tasks: str, limits: ProcessLimits, report: Report) -> None:
        self._names: Mapping[str, str] = importlib.import_module(tasks).TASKS
        self._limits = limits
        self._report = report
        self._loaded: dict[str, Task] = {}
        self._empty_bytes = 0

    def serve(self, lines: BinaryIO) -> None:
        """Run the jobs of these lines until they end."""
        for line in lines:
            self._run(msgspec.json.decode(line, type=Order))
            self._limits.lift()
            gc.collect()
            self._report({"done": True, "idle_bytes": self._held_bytes()})

    def _run(self, order: Order) -> None:
        task = self._load(order.task)
        job = Job(order, self._limits, self._report)
        self._limits.allow_memory(order.budget.memory_bytes)
        job.run_task(task)

    def _load(self, name: str) -> Task:
        if name not in self._loaded:
            module, _, function = self._names[name].partition(":")
            self._loaded[name] = getattr(importlib.import_module(module), function)
            gc.collect()
            gc.freeze()  # What is imported stays, so it is not searched after each job.
            self._empty_bytes = resident_bytes() or 0
        return self._loaded[name]

    def _held_bytes(self) -> int | None:
        """Return the memory above that of the idle process; None where the system does not say."""
        resident = resident_bytes()
        return None if resident is None else max(0, resident - self._empty_bytes)


def main(tasks: str, jobs: str) -> None:
    """Serve standard input. The folders of all jobs are in `jobs`."""
    leave_the_parent()
    lines = _take_standard_output()

    def report(line: Mapping[str, Json]) -> None:
        lines.write(json.dumps(line).encode() + b"\n")
        lines.flush()

    try:
        # Afterwards the folder of the program cannot be listed, which the import of a package
        # in it takes whenever something was added there.
        importlib.import_module(tasks.partition(".")[0])
        restrict_access(Path(jobs), tasks)
        worker = Worker(tasks, ProcessLimits(), report)
        report({"ready": True})
        worker.serve(sys.stdin.buffer)
    except MemoryError:
        # It is too late to say so in a line; the signal says it.
        os.abort()
    except Exception:  # The outermost edge of the process.
        report({"failed": traceback.format_exc()[-_ERROR_CHARACTERS:]})
        raise SystemExit(1) from None


def _take_standard_output() -> BinaryIO:
    """Return the stream of lines; whatever else is printed from now on is lost."""
    lines = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)
    return lines

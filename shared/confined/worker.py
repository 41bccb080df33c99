"""What the child runs: it reads a job from its standard input and reports lines about its parts.

It was started with a fresh interpreter and an empty environment, has one thread and no descriptor
but its standard streams, and ends with its job. The system enforces time, memory and priority on
it.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, TypedDict

from shared.confined.access import restrict_access
from shared.confined.budget import Budget, Json
from shared.confined.tasks import Job, Order

_NICENESS = 10  # Who reads or pushes waits for the registry; nobody waits for most jobs.
_DESCRIPTORS = 65_536  # More than a process opens by default.
_PR_SET_PDEATHSIG = 1  # Of prctl(2).

if sys.platform == "win32":

    class ProcessLimits:
        """The limits of this process: Windows has none that a process sets for itself."""

        def used_seconds(self) -> float:
            return time.process_time()

        def allow(self, seconds: float, output_bytes: int) -> None:
            """Leave the time to the parent."""

        def allow_memory(self, more_bytes: int) -> None:
            """Leave memory to the parent."""

else:
    import resource

    class ProcessLimits:
        """The limits of this process, which the system enforces."""

        def __init__(self) -> None:
            _set_soft(resource.RLIMIT_CORE, 0)
            signal.signal(signal.SIGPROF, signal.SIG_DFL)  # The parent may have ignored it.

        def used_seconds(self) -> float:
            return time.process_time()

        def allow(self, seconds: float, output_bytes: int) -> None:
            # SIGPROF ends the process, also within a function of C. RLIMIT_CPU has whole seconds.
            signal.setitimer(signal.ITIMER_PROF, seconds)
            # Python ignores SIGXFSZ: a write beyond the limit fails with EFBIG.
            _set_soft(resource.RLIMIT_FSIZE, output_bytes)

        def allow_memory(self, more_bytes: int) -> None:
            """Fail allocations above what is mapped now and `more_bytes`."""
            try:
                pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
            except OSError:
                return
            mapped = pages * os.sysconf("SC_PAGE_SIZE")
            _set_soft(resource.RLIMIT_AS, mapped + more_bytes)

    def _set_soft(limit: int, value: int) -> None:
        hard = resource.getrlimit(limit)[1]
        if hard != resource.RLIM_INFINITY and not 0 <= value <= hard:
            value = hard
        resource.setrlimit(limit, (value, hard))


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

_ERROR_CHARACTERS = 4000


class _BudgetFields(TypedDict):
    processor_seconds: float
    memory_bytes: int
    output_bytes: int


class _Sent(TypedDict):
    task: str
    folder: str
    request: Json
    skip: list[str]
    budget: _BudgetFields
    left_seconds: float


def run(sent: _Sent, tasks: str, limits: ProcessLimits, report: Report) -> None:
    """Run a job with a task of the module `tasks`, which is imported before anything is limited."""
    module, _, function = importlib.import_module(tasks).TASKS[sent["task"]].partition(":")
    task = getattr(importlib.import_module(module), function)
    budget, skip = Budget(**sent["budget"]), frozenset(sent["skip"])
    order = Order(Path(sent["folder"]), sent["request"], skip, budget, sent["left_seconds"])
    limits.allow_memory(budget.memory_bytes)
    Job(order, limits, report).run_task(task)


def main(tasks: str, jobs: str) -> None:
    """Run the job of standard input. The folders of all jobs are in `jobs`."""
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
        limits = ProcessLimits()
        report({"ready": True})
        if line := sys.stdin.buffer.readline():
            run(json.loads(line), tasks, limits, report)
            report({"done": True})
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

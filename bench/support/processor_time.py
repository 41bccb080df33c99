"""Processor time of servers: of one request, and until a server has nothing left to do."""

import time
from pathlib import Path

from bench.support.servers import Server

# A part of the command of every process of a registry, and of no process of a store.
OURS = b"shared.localhost"
IDLE_SECONDS = 0.05  # Processor time in a second of an idle registry.
MOST_SECONDS = 300  # How long a server may take until it is idle.


def processor_seconds(pid: int, of: bytes = OURS) -> float:
    """Return the processor time of a process and all below it whose command contains `of`, also
    that of their threads that have ended."""
    seconds = 0.0
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if of in (each / "cmdline").read_bytes() and pid in _ancestors(int(each.name)):
                seconds += seconds_of_process(int(each.name))
        except OSError:
            continue  # It has ended meanwhile.
    return seconds


def seconds_of_process(pid: int) -> float:
    """Return the processor time of one process: that of a server, if it has no other one."""
    # The clock of C's `clock_getcpuclockid`, in nanoseconds: `stat` counts hundredths of a second.
    return time.clock_gettime((~pid << 3) | 2)


def wait_until_idle(server: Server, of: bytes = OURS) -> None:
    """Wait until a server has done what no request waits for, such as making documentation or
    loading its search index; raise `TimeoutError` if that takes minutes."""
    for _ in range(MOST_SECONDS):
        before = processor_seconds(server.pid, of)
        time.sleep(1)
        if processor_seconds(server.pid, of) - before < IDLE_SECONDS:
            return
    raise TimeoutError(server.name)


def _ancestors(pid: int) -> set[int]:
    """Return a process and those that it comes from."""
    found = set[int]()
    while pid > 1:
        found.add(pid)
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
    return found

"""The worker processes of a running registry."""

import os
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.registry_process import RegistryProcess


def workers_of(host: RegistryProcess) -> list[int]:
    """Return the process ids of its workers."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells which processes a process has started")
    pid = host.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Say whether a process is there, and more than an entry that its parent has not read yet."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@contextmanager
def only(worker: int, workers: Sequence[int]) -> Generator[None]:
    """Let one worker alone run, so that it gets every connection that is opened meanwhile."""
    others = [each for each in workers if each != worker]
    try:
        for each in others:
            os.kill(each, signal.SIGSTOP)
        yield
    finally:
        for each in others:
            os.kill(each, signal.SIGCONT)

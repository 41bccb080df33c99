"""Processes that are killed when they are about to run a statement of SQLite."""

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from types import FrameType


def killed_before(is_the_one: Callable[[str], bool], work: Callable[[], object]) -> bool:
    """Do the work in a process that is killed before it runs the first statement that is the one;
    return whether it was killed, and did not end before."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL

    def kill_at(statement: str) -> None:
        if is_the_one(statement):
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(_frame: FrameType, event: str, called: object) -> None:
        connection = getattr(called, "__self__", None)
        if event == "c_call" and isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(kill_at)

    try:
        threading.setprofile(watch)
        sys.setprofile(watch)
        work()
    finally:
        os._exit(0)  # Nothing of the test may go on in this process.

"""What a process does to its disk between two calls: statements to databases, changes of files."""

import os
import signal
import sqlite3
import sys
from pathlib import Path
from threading import Lock
from typing import Any

_READING = ("SELECT", "PRAGMA")
_CHANGES = ("os.mkdir", "os.remove", "os.rename", "os.utime")
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_SHOWN = 60  # Characters.


def count_small_steps(folder: Path, fatal: int) -> list[str]:
    """Return a list that grows by every such step from now on; the process dies before the n-th.

    There is no way back: for a process that was made for this.
    """
    steps: list[str] = []
    counting = Lock()  # Files and databases are written by several threads.

    def step(what: str) -> None:
        with counting:
            steps.append(what[:_SHOWN])
            if len(steps) == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    def statement(text: str) -> None:
        if not text.startswith(_READING):
            step(text)

    def audited(event: str, values: tuple[Any, ...]) -> None:
        if _is_change(event, values) and str(values[0]).startswith(str(folder)):
            step(f"{event} {Path(values[0]).relative_to(folder)}")

    def connected(*values: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*values, **named)
        connection.set_trace_callback(statement)
        return connection

    connect, sqlite3.connect = sqlite3.connect, connected
    sys.addaudithook(audited)
    return steps


def _is_change(event: str, values: tuple[Any, ...]) -> bool:
    return event in _CHANGES or (event == "open" and bool(values[2] & _TO_WRITE))

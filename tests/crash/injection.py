"""Points where a test counts, fails or kills: calls of ports, statements, changes of files."""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from msgspec.structs import replace

from shared.services.adapters import Adapters
from tests.support.port_doubles import Intercept, Moment, Proceed, intercepted

PORTS = ("metadata", "documents", "archives", "directory", "events", "work", "search")


def intercepting(intercept: Intercept) -> Callable[[Adapters], Adapters]:
    """Return what lets `intercept` make every call of every port: of `metadata.find`."""

    def of_port(port: str) -> Intercept:
        return lambda method, proceed: intercept(f"{port}.{method}", proceed)

    def wrap(stores: Adapters) -> Adapters:
        ports = {name: intercepted(getattr(stores, name), of_port(name)) for name in PORTS}
        return replace(stores, **ports)

    return wrap


@dataclass
class CallLog:
    """Writes down which calls there are."""

    calls: list[str] = field(default_factory=list[str])

    async def __call__(self, call: str, proceed: Proceed) -> Any:
        self.calls.append(call)
        return await proceed()


@dataclass
class Strike:
    """Does something before or after the n-th call, counted from one."""

    number: int
    moment: Moment
    strike: Callable[[], None]
    seen: int = 0

    async def __call__(self, call: str, proceed: Proceed) -> Any:
        self.seen += 1
        is_struck = self.seen == self.number
        if is_struck and self.moment is Moment.BEFORE:
            self.strike()
        result = await proceed()
        if is_struck and self.moment is Moment.AFTER:
            self.strike()
        return result


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
        changes = event in _CHANGES or (event == "open" and bool(values[2] & _TO_WRITE))
        if changes and str(values[0]).startswith(str(folder)):
            step(f"{event} {Path(values[0]).relative_to(folder)}")

    def connected(*values: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*values, **named)
        connection.set_trace_callback(statement)
        return connection

    connect = sqlite3.connect
    sqlite3.connect = connected
    sys.addaudithook(audited)
    return steps

"""Points where a test counts, fails or kills: calls of ports, statements, changes of files."""

import inspect
import os
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, cast

from msgspec.structs import replace

from shared.services.adapters import Adapters
from tests.support.port_doubles import Moment

Proceed = Callable[[], Awaitable[Any]]
Between = Callable[[str, Proceed], Awaitable[Any]]

PORTS = ("metadata", "documents", "archives", "directory", "events", "work", "search")


def tapped(between: Between) -> Callable[[Adapters], Adapters]:
    """Return what lets every call of every port pass by `between`."""

    def wrap(stores: Adapters) -> Adapters:
        ports = {name: _Tapped(name, getattr(stores, name), between) for name in PORTS}
        return replace(stores, **cast("dict[str, Any]", ports))

    return wrap


class _Tapped:
    def __init__(self, name: str, port: object, between: Between) -> None:
        self._name = name
        self._port = port
        self._between = between

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        async def passing(*values: Any, **named: Any) -> Any:
            proceed = partial(attribute, *values, **named)
            return await self._between(f"{self._name}.{name}", proceed)

        return passing


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

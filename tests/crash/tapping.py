"""A registry whose every call of a port passes by something that counts, fails or kills."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

from tests.faults import Moment
from tests.world import Stores

Proceed = Callable[[], Awaitable[Any]]
Between = Callable[[str, Proceed], Awaitable[Any]]

PORTS = ("metadata", "documents", "archives", "directory", "events", "work", "search")


def tapped(between: Between) -> Callable[[Stores], Stores]:
    """Return what lets every call of every port pass by `between`."""

    def wrap(stores: Stores) -> Stores:
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
        """Let a call through."""
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
        """Let a call through, or strike."""
        self.seen += 1
        is_struck = self.seen == self.number
        if is_struck and self.moment is Moment.BEFORE:
            self.strike()
        result = await proceed()
        if is_struck and self.moment is Moment.AFTER:
            self.strike()
        return result

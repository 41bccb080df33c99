"""Ports whose calls a test intercepts: it records them, or lets them fail."""

import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from types import NoneType
from typing import Any, TypeVar, cast

from msgspec.structs import replace

from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import Busy
from shared.services.adapters import Adapters

Port = TypeVar("Port")
Proceed = Callable[[], Any]  # Makes the call, and returns what the method returns.
Intercept = Callable[[str, Proceed], Any]  # With the name of the method; returns as `Proceed` does.

# Adapters of other systems and of this process.
NOT_STORES = frozenset(
    {
        "clock",
        "randomness",
        "keys",
        "mailer",
        "fetcher",
        "advisory_dumps",
        "confined",
        "edition",
        "archive_path",
        "close",
        "links",
        "feed",
        "copies",
        "revocations",  # Acts of operators, which the log has.
        "snapshots",
        "caller_scope",
        "edge",
        "require_disk_space",
        "disk_space",
        "connect_upstream",
        "connect_scanner",
        "scanner",
        "connect",
        "log_keys",
        "release_signer",
        "witness_keys",
        "writes_log",
        "components",
        "versions",
        "certificate_made_ms",
    }
)
# The stores of a registry, whose calls are noted, have budgets and are metrics.
STORES = tuple(name for name in Adapters.__struct_fields__ if name not in NOT_STORES)
# The ports that a request may wait for, stores and others.
_NEVER_WAITED_FOR = ("clock", "randomness", "keys", "edition", "links", "edge")
PORTS = tuple(name for name in Adapters.__struct_fields__ if name not in _NEVER_WAITED_FOR)
_VALUES = (NoneType, bool, Enum)  # Adapters that are plain values.


def intercepted(port: Port, intercept: Intercept, methods: Collection[str] | None = None) -> Port:
    """Return `port`, with `intercept` called instead of these methods, or of every coroutine
    function for None."""
    assert methods is None or methods, "nothing would be intercepted"
    missing = [each for each in methods or () if not hasattr(port, each)]
    assert not missing, f"the port has no {missing}"

    def is_intercepted(name: str, attribute: object) -> bool:
        return inspect.iscoroutinefunction(attribute) if methods is None else name in methods

    return cast("Port", _Intercepted(port, intercept, is_intercepted))


class _Intercepted:
    def __init__(
        self, port: object, intercept: Intercept, is_intercepted: Callable[[str, object], bool]
    ) -> None:
        self._port = port
        self._intercept = intercept
        self._is_intercepted = is_intercepted

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not self._is_intercepted(name, attribute):
            return attribute

        def call(*values: Any, **named: Any) -> Any:
            return self._intercept(name, partial(attribute, *values, **named))

        async def awaited(*values: Any, **named: Any) -> Any:
            return await call(*values, **named)

        # What wraps this port in turn asks whether the method is a coroutine function.
        return awaited if inspect.iscoroutinefunction(attribute) else call


def noting(port: Port, note: Callable[[str], None]) -> Port:
    """Return `port`, which tells `note` the name of each method when it is called."""

    def intercept(method: str, proceed: Proceed) -> Any:
        note(method)
        return proceed()

    def is_method(_name: str, attribute: object) -> bool:
        return callable(attribute)

    return cast("Port", _Intercepted(port, intercept, is_method))


def counting(port: Port, calls: Counter[str]) -> Port:
    """Return `port`, with every call counted in `calls` by the name of the method."""
    return noting(port, lambda method: calls.update([method]))


@dataclass
class CallRecorder:
    """Every call of some ports in the order they begin: `metadata.find`, `archives.read`; and how
    many packages and releases these calls found."""

    ports: Collection[str] = PORTS
    calls: list[str] = field(default_factory=list[str])
    found: Counter[str] = field(default_factory=Counter[str])

    def wrap(self, adapters: Adapters) -> Adapters:
        """Return the adapters with every call recorded here."""
        wrapped = {
            name: noting(port, self._record(name))
            for name in self.ports
            if not isinstance(port := getattr(adapters, name), _VALUES) and not callable(port)
        }
        wrapped["metadata"] = intercepted(wrapped["metadata"], self._find, ("survey", "find"))
        return replace(adapters, **wrapped)

    def counts(self) -> Counter[str]:
        """Return how often each method of each port was called."""
        return Counter(self.calls)

    def forget(self) -> None:
        """Begin again."""
        self.calls.clear()
        self.found.clear()

    def taken(self) -> list[str]:
        """Return what was called since this was asked last."""
        calls = self.calls
        self.calls = []
        return calls

    def taken_finds(self) -> list[str]:
        """Return how many packages and releases were found since this was asked last."""
        finds = [f"{name} found {count}" for name, count in sorted(self.found.items())]
        self.found.clear()
        return finds

    def _record(self, port: str) -> Callable[[str], None]:
        return lambda method: self.calls.append(f"{port}.{method}")

    async def _find(self, method: str, proceed: Proceed) -> Any:
        """Count the packages and releases that are found."""
        found = await proceed()
        heads = found if method == "survey" else [found.head]
        self.found[f"metadata.{method}"] += sum(each is not None for each in heads)
        return found


class Moment(Enum):
    """When something happens at a call: before it is made, or after all of it was done."""

    BEFORE = "before"
    AFTER = "after"


class _NthCall:
    """Something that happens at the n-th call of a method, or of any method for None; every other
    call goes through."""

    method: str | None
    moment: Moment
    nth: int  # Counted from 1; 0 for no call.
    calls: int

    async def happen(self) -> None:
        """Let it happen."""
        raise NotImplementedError

    async def intercept(self, _method: str, proceed: Proceed) -> Any:
        """Make a call, at which it may happen."""
        self.calls += 1
        happens = self.calls == self.nth
        if happens and self.moment is Moment.BEFORE:
            await self.happen()
        answer = await proceed()
        if happens and self.moment is Moment.AFTER:
            await self.happen()
        return answer

    def over(self, port: Port) -> Port:
        """Return `port`; it happens at one of its calls."""
        return intercepted(port, self.intercept, self.method and (self.method,))

    def at(self, port: str) -> Callable[[Adapters], Adapters]:
        """Return a `wrap` for a world; it happens at a call of this port."""
        return lambda stores: replace(stores, **{port: self.over(getattr(stores, port))})


@dataclass
class Fault(_NthCall):
    """The n-th call of a method, or of any method for None, raises an error; every other call goes
    through."""

    method: str | None
    error: BaseException
    moment: Moment = Moment.BEFORE
    nth: int = 1
    calls: int = field(default=0, init=False)

    async def happen(self) -> None:
        """Fail."""
        raise self.error


@dataclass
class OtherWriter(_NthCall):
    """Somebody else, such as another process, acts once: at the n-th call of a method, or of any
    method for None. Tests check `has_acted`, as otherwise nobody may have been there."""

    method: str | None
    act: Callable[[], Awaitable[object]]
    moment: Moment = Moment.BEFORE
    nth: int = 1
    calls: int = field(default=0, init=False)
    has_acted: bool = field(default=False, init=False)

    async def happen(self) -> None:
        """Let them act."""
        await self.act()
        self.has_acted = True


async def count_calls(fault: Fault, action: Callable[[], Awaitable[object]]) -> int:
    """Await the action without the fault; return how many of its calls may have it."""
    fault.nth = 0
    fault.calls = 0
    await action()
    assert fault.calls, "no call is intercepted"
    return fault.calls


async def with_fault(fault: Fault, nth: int, action: Callable[[], Awaitable[object]]) -> bool:
    """Await the action, whose n-th call fails, and which may fail with the error of that call;
    return whether there was such a call."""
    fault.nth = nth
    fault.calls = 0
    with suppress(type(fault.error)):
        await action()
    fault.nth = 0
    return fault.calls >= nth


@dataclass
class PortOutage:
    """While it lasts, some methods of some ports fail."""

    methods: Mapping[str, Collection[str]]  # By the port.
    lasts: bool = False
    error: Unavailable = field(default_factory=Busy)

    def wrap(self, stores: Adapters) -> Adapters:
        """Return the stores with these methods failing during the outage."""
        ports = {
            port: intercepted(getattr(stores, port), self._intercept, methods)
            for port, methods in self.methods.items()
        }
        return replace(stores, **ports)

    async def _intercept(self, _method: str, proceed: Proceed) -> Any:
        if self.lasts:
            raise self.error
        return await proceed()

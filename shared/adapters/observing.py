"""Stores that tell what is asked of them: which operation, how long it took, how it ended."""

import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from shared.composing.world import World
from shared.domain.errors import Refusal
from shared.ports import AlreadyThere, Stale
from shared.telemetry import recording
from shared.telemetry.activities import current, current_trace
from shared.telemetry.catalog import STORE_CALLS
from shared.telemetry.recording import Part

STORES = ("metadata", "documents", "archives", "directory", "events", "work", "pulls", "search")

Call = Callable[..., Awaitable[Any]]


def observed(world: World) -> World:
    """Return the world with every store observed."""
    return replace(world, **{name: Observed(name, getattr(world, name)) for name in STORES})


class Observed:
    """Stands before a store. Whoever asks pays for a look-up, and for the clock if it is heard."""

    def __init__(self, name: str, store: Any) -> None:
        """Tell of `store` by the name of its port."""
        self._name = name
        self._store = store

    def __getattr__(self, operation: str) -> Any:
        # Asked once for each operation: what it returns is an attribute from then on.
        found = getattr(self._store, operation)
        if inspect.iscoroutinefunction(found):
            found = _observing(self._name, operation, found)
            setattr(self, operation, found)
        return found


def _observing(store: str, operation: str, call: Call) -> Call:
    name = f"{store}.{operation}"

    def observing(*arguments: Any, **named: Any) -> Awaitable[Any]:
        activity = current()
        if activity is not None:
            activity.calls[name] = activity.calls.get(name, 0) + 1
        answer = call(*arguments, **named)
        return _timed(store, operation, answer) if recording.is_heard() else answer

    return observing


async def _timed(store: str, operation: str, answer: Awaitable[Any]) -> Any:
    span = recording.begin(f"{store}.{operation}", Part.CALL, current_trace())
    started, outcome = time.perf_counter(), "broken"
    try:
        value = await answer
        outcome = "answered"
    except (Refusal, AlreadyThere, Stale) as refused:
        outcome = type(refused).__name__
        raise
    else:
        return value
    finally:
        told = {"store": store, "operation": operation, "outcome": outcome}
        recording.record(STORE_CALLS, time.perf_counter() - started, told)
        if span is not None:
            span.end(told)

"""Stores that record the operation, the duration and the outcome of each call, and note whether
what is made of it depends on more than the packages that are read.
"""

import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from shared.domain.errors.base import Refusal
from shared.ports import AlreadyThere, Stale
from shared.runtime.edition import EVERYTHING, note_read
from shared.services.common import Adapters
from shared.telemetry import recording
from shared.telemetry.metrics import STORE_CALLS
from shared.telemetry.recording import SpanOrigin, current_activity, current_trace

STORES = ("metadata", "documents", "archives", "directory", "events", "work", "pulls", "search")

# Reads by digest, of what never changes once it is there. What is made of other reads depends on
# everything that is stored; the package cache notes its reads itself.
_IMMUTABLE = frozenset(
    (
        *("documents.texts", "documents.graphs", "documents.sbom", "documents.read_pieces"),
        "archives.read",
    )
)

StoreCall = Callable[..., Awaitable[Any]]


def instrumented(adapters: Adapters) -> Adapters:
    """Return the adapters with every store instrumented."""
    return replace(
        adapters, **{name: InstrumentedStore(name, getattr(adapters, name)) for name in STORES}
    )


class InstrumentedStore:
    """Wraps a store. A call costs a look-up, and reading the clock if telemetry is enabled."""

    def __init__(self, name: str, store: Any) -> None:
        self._name = name
        self._store = store

    def __getattr__(self, operation: str) -> Any:
        # Called once for each operation: the result is stored as an attribute.
        found = getattr(self._store, operation)
        if inspect.iscoroutinefunction(found):
            found = _recorded(self._name, operation, found)
            setattr(self, operation, found)
        return found


def _recorded(store: str, operation: str, call: StoreCall) -> StoreCall:
    name = f"{store}.{operation}"
    is_immutable = name in _IMMUTABLE

    def recorded(*arguments: Any, **named: Any) -> Awaitable[Any]:
        activity = current_activity()
        if activity is not None:
            activity.calls[name] = activity.calls.get(name, 0) + 1
        if not is_immutable:
            note_read(EVERYTHING)
        answer = call(*arguments, **named)
        return _timed(store, operation, answer) if recording.is_enabled() else answer

    return recorded


async def _timed(store: str, operation: str, answer: Awaitable[Any]) -> Any:
    span = recording.start_span(f"{store}.{operation}", SpanOrigin.CALL, current_trace())
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
        attributes = {"store": store, "operation": operation, "outcome": outcome}
        recording.record_metric(STORE_CALLS, time.perf_counter() - started, attributes)
        if span is not None:
            span.end(attributes)

"""Recording metrics, spans and activities (a request or a task run) with their W3C trace context.

Without a backend, recording costs one comparison.
"""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self

from shared.telemetry.metrics import Instrument

AttributeValue = str | int | float
Attributes = Mapping[str, AttributeValue]


class SpanOrigin(Enum):
    SERVED = "served"  # A request that has no span yet.
    HOSTED = "hosted"  # A request or a run that has a span of the Functions host.
    CALL = "call"  # A call of a store.


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A trace, its current span, and whether its spans are sampled."""

    trace_id: str
    span_id: str
    is_kept: bool = False

    @classmethod
    def parse(cls, traceparent: str) -> Self | None:
        """Parse a `traceparent` header; return None if it is invalid."""
        found = _TRACEPARENT.match(traceparent)
        return cls(found[1], found[2]) if found else None


class TelemetrySpan(Protocol):
    """A span of a trace that has begun."""

    @property
    def trace(self) -> TraceContext:
        """The trace, with this span as the current one."""
        ...

    def end(self, attributes: Attributes) -> None:
        """End the span; an `outcome` of `BROKEN` marks it as failed."""
        ...


# The current activity: one request, or one run of a task.
#
# It has the trace that each line of the log names, and counts the calls of stores that it causes,
# including those of asyncio tasks that it starts.


class Activity:
    """A request or a run of a task, with its trace and its counts of store calls."""

    __slots__ = ("_span", "calls", "trace", "units")

    def __init__(
        self, trace: TraceContext | None = None, span: TelemetrySpan | None = None
    ) -> None:
        self.trace = trace
        self.calls: dict[str, int] = {}
        self.units = 0.0
        self._span = span

    @classmethod
    def begin(cls, name: str, origin: SpanOrigin, traceparent: str = "") -> Self:
        """Begin the activity of the current asyncio task, in the trace of `traceparent`."""
        if not traceparent and not is_enabled():
            activity = cls()  # As for most requests of a registry on one machine.
        else:
            parent = TraceContext.parse(traceparent)
            span = start_span(name, origin, parent)
            activity = cls(parent if span is None else span.trace, span)
        _current.set(activity)
        return activity

    def log_fields(self) -> dict[str, object]:
        """Return fields for the log: the trace, and the counts of store calls."""
        fields: dict[str, object] = {}
        if self.calls:
            fields["calls"] = self.calls
        if self.units:
            fields["units"] = round(self.units, 2)
        if self.trace is not None:
            fields |= {"trace_id": self.trace.trace_id, "span_id": self.trace.span_id}
        return fields

    def end(self, attributes: Attributes) -> None:
        if self._span is not None:
            counted: dict[str, AttributeValue] = {
                "calls": sum(self.calls.values()),
                "units": self.units,
            }
            self._span.end({**attributes, **counted})


_current: ContextVar[Activity | None] = ContextVar("activity", default=None)


def current_activity() -> Activity | None:
    """Return the activity of the current asyncio task, if there is one."""
    return _current.get()


def current_trace() -> TraceContext | None:
    activity = _current.get()
    return None if activity is None else activity.trace


class TelemetryBackend(Protocol):
    """Receives metrics and spans on the thread that records them; never raises, never waits."""

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Record the value with the attributes of the instrument."""
        ...

    def begin(
        self, name: str, origin: SpanOrigin, parent: TraceContext | None
    ) -> TelemetrySpan | None:
        """Begin a span; return None if it is not sampled."""
        ...


class _Backend:
    current: TelemetryBackend | None = None


_backend = _Backend()


def set_backend(backend: TelemetryBackend | None) -> TelemetryBackend | None:
    """Send metrics and spans of this process to the backend; return the previous one."""
    previous, _backend.current = _backend.current, backend
    return previous


def current_backend() -> TelemetryBackend | None:
    """Return the backend of this process, if there is one."""
    return _backend.current


def is_enabled() -> bool:
    return _backend.current is not None


def record_metric(instrument: Instrument, value: float, attributes: Attributes) -> None:
    """Record a value; `attributes` has those of the instrument."""
    backend = _backend.current
    if backend is not None:
        backend.record(instrument, value, attributes)


def start_span(name: str, origin: SpanOrigin, parent: TraceContext | None) -> TelemetrySpan | None:
    """Begin a span if telemetry is enabled and the span is sampled."""
    backend = _backend.current
    return None if backend is None else backend.begin(name, origin, parent)


# Later versions may continue after this; ids of zeros are invalid.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-")

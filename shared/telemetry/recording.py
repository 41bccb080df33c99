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
    """What a span is of."""

    SERVED = "served"  # A request that nobody else made a span of.
    HOSTED = "hosted"  # A request or a run that the Functions host made a span of already.
    CALL = "call"  # A call of a store.


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A trace, the span of it that is current, and whether anybody keeps its spans."""

    trace_id: str
    span_id: str
    is_kept: bool = False

    @classmethod
    def parse(cls, traceparent: str) -> Self | None:
        """Read a `traceparent`; None for whatever is no such header."""
        found = _TRACEPARENT.match(traceparent)
        return cls(found[1], found[2]) if found else None


class TelemetrySpan(Protocol):
    """Something that takes time, as a part of a trace."""

    @property
    def trace(self) -> TraceContext:
        """Return the trace, with this as its current span."""
        ...

    def end(self, attributes: Attributes) -> None:
        """End it; a failure is one whose `outcome` is "broken"."""
        ...


# What is being done now: one request, or one run of a task.
#
# It knows its trace, which every line of the log names, and counts what is asked of the stores for
# its sake, wherever that happens: tasks that it starts count to it as well.


class Activity:
    """One thing that is being done."""

    __slots__ = ("_span", "calls", "trace", "units")

    def __init__(
        self, trace: TraceContext | None = None, span: TelemetrySpan | None = None
    ) -> None:
        """Begin with nothing asked of any store."""
        self.trace = trace
        self.calls: dict[str, int] = {}
        self.units = 0.0
        self._span = span

    @classmethod
    def begin(cls, name: str, part: SpanOrigin, traceparent: str = "") -> Self:
        """Begin what this task does from now on, as a part of the trace that the host tells."""
        if not traceparent and not is_enabled():
            activity = cls()  # Most requests of a registry on one machine.
        else:
            parent = TraceContext.parse(traceparent)
            span = start_span(name, part, parent)
            activity = cls(parent if span is None else span.trace, span)
        _current.set(activity)
        return activity

    def log_fields(self) -> dict[str, object]:
        """Return what the log says of it: its trace, and what was asked of the stores."""
        said: dict[str, object] = {}
        if self.calls:
            said["calls"] = self.calls
        if self.units:
            said["units"] = round(self.units, 2)
        if self.trace is not None:
            said |= {"trace_id": self.trace.trace_id, "span_id": self.trace.span_id}
        return said

    def end(self, attributes: Attributes) -> None:
        """End its span, if it has one."""
        if self._span is not None:
            counted: dict[str, AttributeValue] = {
                "calls": sum(self.calls.values()),
                "units": self.units,
            }
            self._span.end({**attributes, **counted})


_current: ContextVar[Activity | None] = ContextVar("activity", default=None)


def current_activity() -> Activity | None:
    """Return what is being done now, if that is known."""
    return _current.get()


def current_trace() -> TraceContext | None:
    """Return the trace of what is being done now, if it has one."""
    activity = _current.get()
    return None if activity is None else activity.trace


class TelemetryBackend(Protocol):
    """Takes what happens, on the thread where it happens; never raises, never waits."""

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Count the value."""
        ...

    def begin(
        self, name: str, part: SpanOrigin, parent: TraceContext | None
    ) -> TelemetrySpan | None:
        """Begin a span; None where no span is wanted."""
        ...


class _Backend:
    """Who listens in this process."""

    listener: TelemetryBackend | None = None


_backend = _Backend()


def set_backend(listener: TelemetryBackend | None) -> TelemetryBackend | None:
    """Let it hear everything from now on, and return who did before."""
    before, _backend.listener = _backend.listener, listener
    return before


def is_enabled() -> bool:
    """Tell whether anybody listens."""
    return _backend.listener is not None


def record_metric(instrument: Instrument, value: float, attributes: Attributes) -> None:
    """Tell a value; its attributes are those that the catalog names."""
    listener = _backend.listener
    if listener is not None:
        listener.record(instrument, value, attributes)


def start_span(name: str, part: SpanOrigin, parent: TraceContext | None) -> TelemetrySpan | None:
    """Begin a span, if anybody listens and wants it."""
    listener = _backend.listener
    return None if listener is None else listener.begin(name, part, parent)


# Of other versions this is the beginning; an id of zeros is none.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-")

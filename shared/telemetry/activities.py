"""Activities, such as a request or a task run: the calls that each made, its trace, and the
backend that records traces. Without a backend, recording costs one comparison.
"""

import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Protocol, Self

from msgspec import Struct

from shared.telemetry.log_sampling import SLOW_SECONDS
from shared.telemetry.metrics import BROKEN, Attributes
from shared.telemetry.trace_context import TraceContext


class Span(Struct, frozen=True):
    """An activity, or a call that it made: of a store, or of another server.

    `began` and `ended` are seconds of `time.perf_counter`.
    """

    name: str
    began: float
    ended: float
    attributes: Attributes
    is_failed: bool


# A call of a store as it is noted: the store, the operation, the outcome, and when it began and
# ended. It becomes a span only if its trace is exported, since most are not.
_StoreCall = tuple[str, str, str, float, float]


def _span_of(noted: Span | _StoreCall) -> Span:
    if isinstance(noted, Span):
        return noted
    store, operation, outcome, began, ended = noted
    attributes = {"store": store, "operation": operation, "outcome": outcome}
    name = f"{store}.{operation}"
    return Span(name, began, ended, attributes, is_failed=outcome == BROKEN)


MAX_SPANS = 200  # Spans of one activity: a task may call stores many thousand times.


class Activity:
    """A request or a run of a task, with its trace and its counts of store calls.

    `spans` are its calls, for its trace; None where there are no traces, and once it has ended.
    `is_hosted` says that the Functions host makes a span of the activity itself.
    """

    __slots__ = ("began", "calls", "is_hosted", "spans", "trace", "units")

    def __init__(self, trace: TraceContext | None, *, is_hosted: bool = False) -> None:
        self.trace = trace
        self.is_hosted = is_hosted
        self.calls: dict[str, int] = {}
        self.units = 0.0
        self.began = 0.0
        self.spans: list[Span | _StoreCall] | None = None

    @classmethod
    def begin(cls, traceparent: str = "", *, is_hosted: bool = False) -> Self:
        """Begin the activity of the current asyncio task, in the trace of `traceparent`."""
        activity = cls.detached(traceparent, is_hosted=is_hosted)
        _activity.set(activity)
        return activity

    @classmethod
    def detached(cls, traceparent: str, *, is_hosted: bool = False) -> Self:
        """Begin an activity that is not that of its task: calls of stores do not count for it."""
        trace = TraceContext.parse(traceparent) if traceparent else None
        activity = cls(trace, is_hosted=is_hosted)
        if _traces.current is not None:
            activity.began = time.perf_counter()
            activity.spans = []
        return activity

    def add_span(self, name: str, began: float, attributes: Attributes, *, is_failed: bool) -> None:
        """Add a call that ends now to the trace, unless the activity has ended."""
        if self.spans is not None and len(self.spans) < MAX_SPANS:
            ended = time.perf_counter()
            self.spans.append(Span(name, began, ended, attributes, is_failed))

    def add_store_call(
        self, store: str, operation: str, outcome: str, began: float, ended: float
    ) -> None:
        """Add a call of a store to the trace, unless the activity has ended."""
        spans = self.spans
        if spans is not None and len(spans) < MAX_SPANS:
            spans.append((store, operation, outcome, began, ended))

    def end(
        self,
        name: str,
        attributes: Callable[[], Attributes],
        *,
        is_failed: bool,
        keep_slow: bool = True,
    ) -> None:
        """End the activity; `attributes` is called if its trace is exported.

        A trace that took long is kept whatever its share, but for activities that usually do.
        """
        spans = self.spans
        self.spans = None
        traces = _traces.current
        if spans is None or traces is None:
            return
        ended = time.perf_counter()
        is_slow = keep_slow and ended - self.began >= SLOW_SECONDS
        sample_weight = traces.sample_weight(self, ended, must_keep=is_failed or is_slow)
        if sample_weight:
            counted = {"calls": sum(self.calls.values()), "units": round(self.units, 2)}
            shown = {**attributes(), **counted}
            whole = Span(name, self.began, ended, shown, is_failed)
            traces.export(self, whole, [_span_of(each) for each in spans], sample_weight)

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


# Calls of the asyncio tasks that an activity starts count for it as well.
_activity: ContextVar[Activity | None] = ContextVar("activity", default=None)


def current_activity() -> Activity | None:
    """Return the activity of the current asyncio task, if there is one."""
    return _activity.get()


def current_trace() -> TraceContext | None:
    activity = _activity.get()
    return None if activity is None else activity.trace


class TraceBackend(Protocol):
    """Receives activities that ended, on the thread that ended them; never raises, never waits."""

    def sample_weight(self, activity: Activity, ended: float, *, must_keep: bool) -> float:
        """Return how many traces that of the activity counts for; 0 if it is not exported."""
        ...

    def export(
        self, activity: Activity, whole: Span, calls: Sequence[Span], sample_weight: float
    ) -> None:
        """Export the trace of an activity with its calls."""
        ...


class _Traces:
    current: TraceBackend | None = None


_traces = _Traces()


def set_traces(backend: TraceBackend | None) -> TraceBackend | None:
    """Send traces of this process to the backend; return the previous one."""
    previous = _traces.current
    _traces.current = backend
    return previous


def is_tracing() -> bool:
    return _traces.current is not None

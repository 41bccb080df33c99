"""What is being done now: one request, or one run of a task.

It knows its trace, which every line of the log names, and counts what is asked of the stores for
its sake, wherever that happens: tasks that it starts count to it as well.
"""

from contextvars import ContextVar
from typing import Self

from shared.telemetry import recording
from shared.telemetry.recording import Attributes, Part, Span, Value
from shared.telemetry.tracing import Trace


class Activity:
    """One thing that is being done."""

    __slots__ = ("_span", "calls", "trace", "units")

    def __init__(self, trace: Trace | None = None, span: Span | None = None) -> None:
        """Begin with nothing asked of any store."""
        self.trace = trace
        self.calls: dict[str, int] = {}
        self.units = 0.0
        self._span = span

    @classmethod
    def begin(cls, name: str, part: Part, traceparent: str = "") -> Self:
        """Begin what this task does from now on, as a part of the trace that the host tells."""
        if not traceparent and not recording.is_heard():
            activity = cls()  # Most requests of a registry on one machine.
        else:
            parent = Trace.parse(traceparent)
            span = recording.begin(name, part, parent)
            activity = cls(parent if span is None else span.trace, span)
        _current.set(activity)
        return activity

    def told(self) -> dict[str, object]:
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
            counted: dict[str, Value] = {"calls": sum(self.calls.values()), "units": self.units}
            self._span.end({**attributes, **counted})


_current: ContextVar[Activity | None] = ContextVar("activity", default=None)


def current() -> Activity | None:
    """Return what is being done now, if that is known."""
    return _current.get()


def current_trace() -> Trace | None:
    """Return the trace of what is being done now, if it has one."""
    activity = _current.get()
    return None if activity is None else activity.trace

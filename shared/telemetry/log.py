"""The log: events on standard error without secrets, one JSON object a line, or short lines for
people if that is a terminal; which requests have a line; the activity that each line names (a
request or a task run, in its W3C trace) with the calls that it made; and metrics and traces, which
cost one comparison without a backend.
"""

import asyncio
import atexit
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from itertools import count
from traceback import TracebackException
from typing import Protocol, Self, cast

import orjson
from msgspec import Struct

from shared.telemetry.metrics import BROKEN, LOG_ERRORS, Instrument

AttributeValue = str | int | float
Attributes = Mapping[str, AttributeValue]


class TraceContext(Struct, frozen=True):
    """A trace, and its current span."""

    trace_id: str
    span_id: str

    @classmethod
    def parse(cls, traceparent: str) -> Self | None:
        """Parse a `traceparent` header; return None if it is invalid."""
        found = _TRACEPARENT.match(traceparent)
        return cls(found[1], found[2]) if found else None


class CallSpan(Struct, frozen=True):
    """A call that an activity made: of a store, or of another server.

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


def _span_of(noted: CallSpan | _StoreCall) -> CallSpan:
    if isinstance(noted, CallSpan):
        return noted
    store, operation, outcome, began, ended = noted
    attributes = {"store": store, "operation": operation, "outcome": outcome}
    name = f"{store}.{operation}"
    return CallSpan(name, began, ended, attributes, is_failed=outcome == BROKEN)


MAX_SPANS = 200  # Spans of one activity: a task may call stores many thousand times.

# The current activity: one request, or one run of a task.
#
# It has the trace that each line of the log names, and counts the calls of stores that it causes,
# including those of asyncio tasks that it starts.


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
        self.spans: list[CallSpan | _StoreCall] | None = None

    @classmethod
    def begin(cls, traceparent: str = "", *, is_hosted: bool = False) -> Self:
        """Begin the activity of the current asyncio task, in the trace of `traceparent`."""
        activity = cls.detached(traceparent, is_hosted=is_hosted)
        _activity.set(activity)
        return activity

    @classmethod
    def detached(cls, traceparent: str = "", *, is_hosted: bool = False) -> Self:
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
            self.spans.append(CallSpan(name, began, ended, attributes, is_failed))

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
        stands_for = traces.weigh(self, ended, must_keep=is_failed or is_slow)
        if stands_for:
            counted = {"calls": sum(self.calls.values()), "units": round(self.units, 2)}
            shown = {**attributes(), **counted}
            whole = CallSpan(name, self.began, ended, shown, is_failed)
            traces.export(self, whole, [_span_of(each) for each in spans], stands_for)

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


_activity: ContextVar[Activity | None] = ContextVar("activity", default=None)


def current_activity() -> Activity | None:
    """Return the activity of the current asyncio task, if there is one."""
    return _activity.get()


def current_trace() -> TraceContext | None:
    activity = _activity.get()
    return None if activity is None else activity.trace


class TelemetryBackend(Protocol):
    """Receives metrics on the thread that records them; never raises, never waits."""

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Record the value with the attributes of the instrument."""
        ...


class _Backend:
    current: TelemetryBackend | None = None


_backend = _Backend()


def set_backend(backend: TelemetryBackend | None) -> TelemetryBackend | None:
    """Send metrics of this process to the backend; return the previous one."""
    previous = _backend.current
    _backend.current = backend
    return previous


def current_backend() -> TelemetryBackend | None:
    """Return the backend of this process, if there is one."""
    return _backend.current


def is_recording() -> bool:
    return _backend.current is not None


def record_metric(instrument: Instrument, value: float, attributes: Attributes) -> None:
    """Record a value; `attributes` has those of the instrument."""
    backend = _backend.current
    if backend is not None:
        backend.record(instrument, value, attributes)


class TraceBackend(Protocol):
    """Receives activities that ended, on the thread that ended them; never raises, never waits."""

    def weigh(self, activity: Activity, ended: float, *, must_keep: bool) -> float:
        """Return how many traces that of the activity stands for, 0 if it is not exported."""
        ...

    def export(
        self, activity: Activity, whole: CallSpan, calls: Sequence[CallSpan], stands_for: float
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


# Later versions may continue after this; ids of zeros are invalid.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-")


FLUSH_SECONDS = 0.1  # A killed process loses at most the lines of this time.
LINES_AT_ONCE = 200  # Writing them delays requests by less than a millisecond.
MOST_FRAMES = 50  # The last frames of an exception that are logged.
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

Event = dict[str, object]
_Request = tuple[float, Event]  # When it ended, in seconds, and the fields of its line.
_FIRST_ERROR_STATUS = 400
_FIRST_FAILURE_STATUS = 500


class _Lines:
    """Writes lines to standard error: in batches if an event loop runs, otherwise at once.

    Writing and encoding each line during its request would make up a fifth of the cost of the
    request, so both are done for many lines after their responses.
    """

    def __init__(self) -> None:
        self._buffered: list[bytes | _Request] = []
        self.form: Callable[[str, str, float, Event], bytes] = _json_line
        self.is_quiet = False  # Whether requests that were answered have no line.
        atexit.register(self.flush)

    def later(self, line: bytes | _Request) -> None:
        """Write a line, or the event of a request, within a tenth of a second."""
        self._buffered.append(line)
        if len(self._buffered) >= LINES_AT_ONCE:
            self.flush()
        elif len(self._buffered) == 1:
            self._flush_soon()

    def _flush_soon(self) -> None:
        try:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        except RuntimeError:
            self.flush()

    def now(self, line: bytes) -> None:
        """Write the buffered lines and this one at once."""
        self._buffered.append(line)
        self.flush()

    def flush(self) -> None:
        buffered = self._buffered
        self._buffered = []
        if buffered:
            lines = [
                each if isinstance(each, bytes) else self.form("request", "info", *each)
                for each in buffered
            ]
            sys.stderr.buffer.write(b"\n".join(lines) + b"\n")
            sys.stderr.buffer.flush()


class Log:
    """Writes events, which are named `subject.verb`, with fields.

    `sink` takes the level, the name and the fields of each event; tests replace it.
    """

    def __init__(self) -> None:
        self.threshold = LEVELS["info"]
        self.sink: Callable[[str, str, Event], None] = self._write

    def info(self, event: str, /, **fields: object) -> None:
        self.sink("info", event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        self.sink("warning", event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        """Write an event at once; `exc_info` is an exception that belongs to it."""
        self.sink("error", event, fields)

    def exception(self, event: str, /, **fields: object) -> None:
        """Write an error with the exception that is being handled."""
        self.sink("error", event, {**fields, "exc_info": sys.exception()})

    def _write(self, level: str, event: str, fields: Event) -> None:
        if LEVELS[level] < self.threshold:
            return
        failure = fields.pop("exc_info", None)
        trace = current_trace()
        if trace is not None:
            fields.update(trace_id=trace.trace_id, span_id=trace.span_id)
        if isinstance(failure, BaseException):
            fields["exception"] = _parts(
                TracebackException.from_exception(failure, limit=-MOST_FRAMES, lookup_lines=False)
            )
        if level == "error":
            record_metric(LOG_ERRORS, 1, {"event": event})
        line = _lines.form(event, level, time.time(), fields)
        # Problems are written at once: the process may be about to end.
        (_lines.now if LEVELS[level] >= LEVELS["warning"] else _lines.later)(line)


log = Log()


def configure(level: str) -> None:
    """Write events of at least `level`, in short lines if a terminal shows them.

    There only failed requests have one, except with `debug`: the lines of others would move what
    the start printed, such as the sign-in link, off the screen.
    """
    log.threshold = LEVELS[level]
    is_terminal = sys.stderr.isatty()
    _lines.form = _terminal_line if is_terminal else _json_line
    _lines.is_quiet = is_terminal and level != "debug"


def log_request(**fields: object) -> None:
    """Write the line of a request, as `log.info` would, at a tenth of its cost."""
    if _lines.is_quiet and cast(int, fields["status"]) < _FIRST_FAILURE_STATUS:
        return
    if log.threshold <= LEVELS["info"]:
        _lines.later((time.time(), fields))


def _json_line(event: str, level: str, at: float, fields: Event) -> bytes:
    whole = {
        **fields,
        "event": event,
        "level": level,
        "timestamp": datetime.fromtimestamp(at, UTC),
    }
    return orjson.dumps(whole, default=str, option=orjson.OPT_UTC_Z)


def _terminal_line(event: str, level: str, at: float, fields: Event) -> bytes:
    """Return the line for a person: `19:02:11  200  central_pull  4 ms`."""
    clock = datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M:%S")
    if event == "request":
        words = _request_words(fields)
    else:
        words = [level, event, *(f"{name}={_word(each)}" for name, each in fields.items())]
    return "  ".join([clock, *words]).encode()


def _request_words(fields: Event) -> list[str]:
    status = cast(int, fields["status"])
    seconds = cast(float, fields["seconds"])
    words = [str(status), str(fields["operation"]), f"{max(round(seconds * 1000), 1)} ms"]
    if status >= _FIRST_ERROR_STATUS:
        words += [str(fields["outcome"]), f"request {fields['request_id']}"]
    return words


def _word(value: object) -> str:
    """Return a value as text, and as JSON if a terminal would not show it as it is."""
    is_plain = isinstance(value, str) and value.isprintable() and value and " " not in value
    return str(value) if is_plain else orjson.dumps(value, default=str).decode()


_lines = _Lines()


def _parts(error: TracebackException) -> list[Event]:
    """Return an exception and its causes, without the values of variables, which may be secrets."""
    frames = [
        {"filename": each.filename, "lineno": each.lineno, "name": each.name}
        for each in error.stack
    ]
    part: Event = {"exc_type": _class_name(error), "exc_value": str(error), "frames": frames}
    if error.exceptions:
        part["exceptions"] = [_parts(each) for each in error.exceptions]
    context = None if error.__suppress_context__ else error.__context__
    cause = error.__cause__ or context
    return [part, *(_parts(cause) if cause else ())]


def _class_name(error: TracebackException) -> str:
    if sys.version_info >= (3, 13):  # The class itself is deprecated there.
        return error.exc_type_str.rpartition(".")[2]
    return error.exc_type.__name__ if error.exc_type else ""


# --- Which requests have a line ----------------------------------------------------------------

# Requests that change something, fail, are refused or are slow have a line in the log, and so does
# a share of those that only read (docs/decisions/0024).
SLOW_SECONDS = 1.0  # As long as the alert `latency-p95` allows.
# Whole lines of each process; requests beyond that are sampled as reads are.
WHOLE_LINES_A_SECOND = 50
STACKS_A_SECOND = 5  # Stack traces of each process; each has some kilobytes.


class LogSampling:
    """Says for each request how many its line stands for."""

    def __init__(self, share: float) -> None:
        """`share` is of the requests that succeed and only read, from 0 to 1."""
        self._share = share
        self._stands_for = max(round(1 / share), 1) if share else 0
        self._numbers = count()
        self._lines = RateBound(WHOLE_LINES_A_SECOND)
        self._stacks = RateBound(STACKS_A_SECOND)

    def weigh(self) -> int:
        """Return how many requests the line of one that succeeded stands for, 0 for no line."""
        number = next(self._numbers)
        return self._stands_for if number % (self._stands_for or 1) == 0 else 0

    def weigh_whole(self, now: float) -> int:
        """Return the same for a request of which each has a line, but not any number a second: who
        asks for what is not there as fast as possible would fill the log. `now` is in seconds."""
        return 1 if self._share == 1 or self._lines.allows(now) else self.weigh()

    def has_room_for_a_stack(self, now: float) -> bool:
        """Return whether the stack of another failed request may be written."""
        return self._share == 1 or self._stacks.allows(now)


class RateBound:
    """Allows a number in each second."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = -1
        self._allowed = 0

    def allows(self, now: float) -> bool:
        if int(now) != self._second:
            self._second = int(now)
            self._allowed = 0
        self._allowed += 1
        return self._allowed <= self._most


class _Current:
    sampling = LogSampling(1)


_current = _Current()


def set_log_share(share: float) -> None:
    """Write lines of this share of the requests that succeed and only read, in this process."""
    _current.sampling = LogSampling(share)


def log_sampling() -> LogSampling:
    """Return the choice of this process."""
    return _current.sampling

"""Logs are events: one JSON object a line on standard error, and never a secret in it."""

import asyncio
import atexit
import sys
import time
from datetime import UTC, datetime
from typing import cast

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict

from shared.telemetry.recording import current_trace

FLUSH_SECONDS = 0.1  # What a killed process may leave unsaid.
LINES_AT_ONCE = 200  # Writing them down keeps requests waiting for less than a millisecond.
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "exception": 40}


def configure(level: str) -> None:
    """Write events of at least `level`, from now on."""
    _threshold.level = LEVELS[level]
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS["debug"]),
        logger_factory=lambda *_: _lines,
        cache_logger_on_first_use=True,
    )


def _to_bytes(event: object, **_options: object) -> bytes:
    return orjson.dumps(event, default=str)


class _Lines:
    """Writes lines to standard error: together and soon where an event loop runs, else at once.

    A write for each request would be a tenth of what a request costs, and so would its JSON: it is
    made for many at once, when nobody waits for an answer.
    """

    def __init__(self) -> None:
        self._waiting: list[bytes | EventDict] = []
        atexit.register(self.flush)

    def later(self, line: bytes | EventDict) -> None:
        """Write a line, or the event of a request, with those of the next tenth of a second."""
        self._waiting.append(line)
        if len(self._waiting) >= LINES_AT_ONCE:
            self.flush()
        elif len(self._waiting) == 1:
            self._flush_soon()

    def _flush_soon(self) -> None:
        try:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        except RuntimeError:
            self.flush()

    def now(self, line: bytes) -> None:
        """Write the line, and those that wait before it."""
        self._waiting.append(line)
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            lines = [each if isinstance(each, bytes) else _request_line(each) for each in waiting]
            sys.stderr.buffer.write(b"\n".join(lines) + b"\n")
            sys.stderr.buffer.flush()

    debug = info = later
    # What goes wrong is written at once: it may be the last that this process says.
    warning = error = exception = now


_lines = _Lines()


class _Threshold:
    """Drops events below a level; a logger keeps its class for ever, but asks this each time."""

    level = LEVELS["info"]

    def __call__(self, _logger: object, method: str, event: EventDict) -> EventDict:
        """Return the event, or drop it."""
        if LEVELS[method] < self.level:
            raise structlog.DropEvent
        return event


_threshold = _Threshold()

_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _add_trace(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Name the trace, where what is being done is part of one."""
    trace = current_trace()
    if trace is not None:
        event.update(trace_id=trace.trace_id, span_id=trace.span_id)
    return event


# One list for ever: a logger keeps the list of its first event, and tests read events through it.
_PROCESSORS: list[structlog.typing.Processor] = [
    _threshold,
    structlog.processors.add_log_level,
    _stamp,
    _add_trace,
    # Without local variables: those of a request hold its token and its cookies.
    structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    structlog.processors.JSONRenderer(serializer=_to_bytes),
]


def log_request(**fields: object) -> None:
    """Write the line that each request leaves, as `log.info` would, at a tenth of its cost."""
    if _threshold.level <= LEVELS["info"]:
        fields["timestamp"] = time.time()
        _lines.later(fields)


def _request_line(fields: EventDict) -> bytes:
    at = datetime.fromtimestamp(fields["timestamp"], UTC).isoformat(timespec="microseconds")
    stamp = at.replace("+00:00", "Z")
    return _to_bytes({**fields, "event": "request", "level": "info", "timestamp": stamp})


log = cast(structlog.typing.FilteringBoundLogger, structlog.get_logger())

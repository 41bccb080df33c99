"""The log: events, one JSON object a line on standard error, without secrets."""

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

FLUSH_SECONDS = 0.1  # A killed process loses at most the lines of this time.
LINES_AT_ONCE = 200  # Writing them delays requests by less than a millisecond.
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "exception": 40}


def configure(level: str) -> None:
    """Write events of at least `level`."""
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
    """Writes lines to standard error: in batches if an event loop runs, otherwise at once.

    Writing and encoding each line during its request would make up a fifth of the cost of the
    request, so both are done for many lines after their responses.
    """

    def __init__(self) -> None:
        self._buffered: list[bytes | EventDict] = []
        atexit.register(self.flush)

    def later(self, line: bytes | EventDict) -> None:
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
        buffered, self._buffered = self._buffered, []
        if buffered:
            lines = [each if isinstance(each, bytes) else _request_line(each) for each in buffered]
            sys.stderr.buffer.write(b"\n".join(lines) + b"\n")
            sys.stderr.buffer.flush()

    debug = info = later
    # Problems are written at once: the process may be about to end.
    warning = error = exception = now


_lines = _Lines()


class _Threshold:
    """Drops events below a level, which may change after loggers were created."""

    level = LEVELS["info"]

    def __call__(self, _logger: object, method: str, event: EventDict) -> EventDict:
        if LEVELS[method] < self.level:
            raise structlog.DropEvent
        return event


_threshold = _Threshold()

_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _add_trace(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Add the ids of the current trace, if there is one."""
    trace = current_trace()
    if trace is not None:
        event.update(trace_id=trace.trace_id, span_id=trace.span_id)
    return event


# Always the same list: a logger keeps the list of its first event, and tests capture events by it.
_PROCESSORS: list[structlog.typing.Processor] = [
    _threshold,
    structlog.processors.add_log_level,
    _stamp,
    _add_trace,
    # Without local variables, which contain tokens and cookies of requests.
    structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    structlog.processors.JSONRenderer(serializer=_to_bytes),
]


def log_request(**fields: object) -> None:
    """Write the line of a request, as `log.info` would, at a tenth of its cost."""
    if _threshold.level <= LEVELS["info"]:
        fields["timestamp"] = time.time()
        _lines.later(fields)


def _request_line(fields: EventDict) -> bytes:
    at = datetime.fromtimestamp(fields["timestamp"], UTC).isoformat(timespec="microseconds")
    stamp = at.replace("+00:00", "Z")
    return _to_bytes({**fields, "event": "request", "level": "info", "timestamp": stamp})


log = cast(structlog.typing.FilteringBoundLogger, structlog.get_logger())

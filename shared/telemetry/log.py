"""The log: events on standard error without secrets, one JSON object a line, or short lines for
people if standard error is a terminal.
"""

import asyncio
import atexit
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from traceback import TracebackException
from typing import cast

import orjson

from shared.telemetry.activities import current_trace
from shared.telemetry.metrics import (
    FIRST_ERROR_STATUS,
    FIRST_FAILURE_STATUS,
    LOG_ERRORS,
    record_metric,
)

FLUSH_SECONDS = 0.1  # A killed process loses at most the lines of this time.
LINES_AT_ONCE = 200  # Writing them delays requests by less than a millisecond.
MOST_FRAMES = 50  # The last frames of an exception that are logged.
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

Event = dict[str, object]
_Request = tuple[float, Event]  # When it ended, in seconds, and the fields of its line.


class _Lines:
    """Writes lines to standard error: in batches if an event loop runs, otherwise at once.

    Writing and encoding each line during its request would make up a fifth of the cost of the
    request, so both are done for many lines after their responses.
    """

    def __init__(self) -> None:
        self._buffered: list[bytes | _Request] = []
        self._lost = 0  # Lines that could not be written since one was.
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
        """Write the buffered lines; drop them if that fails, such as on a full disk."""
        buffered = self._buffered
        self._buffered = []
        if not buffered:
            return
        lines = [
            each if isinstance(each, bytes) else self.encoded("request", "info", *each)
            for each in buffered
        ]
        try:
            sys.stderr.buffer.write(b"\n".join(lines) + b"\n")
            sys.stderr.buffer.flush()
        except (OSError, ValueError):  # ValueError: standard error is closed.
            # What is logged has happened: its request must not fail afterwards.
            self._lost += len(lines)
            return
        if lost := self._lost:
            self._lost = 0
            log.warning("log.lines_lost", count=lost)

    def encoded(self, event: str, level: str, at: float, fields: Event) -> bytes:
        """Return the line of an event; as JSON with one text if its fields cannot be encoded."""
        try:
            return self.form(event, level, at, fields)
        except (TypeError, ValueError):  # Such as for half of a surrogate pair.
            return _json_line(event, level, at, {"fields": ascii(fields)})


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
        line = _lines.encoded(event, level, time.time(), fields)
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
    if _lines.is_quiet and cast(int, fields["status"]) < FIRST_FAILURE_STATUS:
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
    if status >= FIRST_ERROR_STATUS:
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

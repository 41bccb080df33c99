"""One connection of a client: its timeouts and limits, and answers that need no task."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.hosting.asgi import Scope
from shared.hosting.requests import (
    EMPTY_QUERY,
    LONGEST_HEADERS,
    LONGEST_LINE,
    MOST_HEADERS,
    RawHeader,
    RequestHeadRefused,
    host_header,
    origin_form,
    require_head_limits,
)
from shared.hosting.responses import (
    PreparedAnswer,
    RawHeaders,
    encode_head,
    lines_of,
    status_answer,
)

AnswerAtOnce = Callable[[Scope], PreparedAnswer | None]

MAX_PIPELINED_REQUESTS = (
    32  # Requests sent before the answers to those before them; each takes memory.
)
RATE_WINDOW_SECONDS = (
    5.0  # A rate is measured over so long, so a pause of that length is no matter.
)
_LONGEST_HEAD = LONGEST_HEADERS + LONGEST_LINE
_USUAL_BYTES = 4 * 1024  # A head in one piece of this size keeps every limit of a head.
_HEADERS_TAKEN: Sequence[RawHeader] = ()  # Stands for the headers of a request whose head is over.


@dataclass(frozen=True, slots=True)
class ConnectionTimeouts:
    """How slow a client may be before its connection is cut, without an answer."""

    sending_seconds: float = 30.0  # Between two pieces of a request it has begun.
    head_seconds: float = 20.0  # From the first byte of a request to the end of its head.
    body_seconds: float = 900.0  # From there to the end of its body.
    least_rate: int = 1024  # Bytes a second of a body or an answer.
    idle_seconds: float = 120.0  # Between two requests, as at the real host.
    reading_seconds: float = 60.0  # An answer is measured over so long: systems buffer a lot.


@dataclass(slots=True)
class _Measured:
    """How a client sends a request or takes an answer, as far as it was looked at."""

    what: object  # The request, or None for an answer.
    began: float
    since: float  # Begin of the time that its rate is measured over.
    count: int  # Bytes at that moment.


class Connection(HttpToolsProtocol):
    """A connection that knows how long its client has been silent.

    An application may have a method `at_once`, which returns the answer to a request if it takes
    nothing to make it. Then uvicorn makes no task for it, nor what a task is told and tells.
    """

    heard_at = 0.0
    stuck_since: float | None = None
    idle_since: float | None = None  # Between two requests: the end of the first.
    _received = 0
    _sending: _Measured | None = None
    _taking: _Measured | None = None
    _is_usual = True  # Every head until now came in one small piece of ASCII.
    _idle_bytes = 0  # Since a body went on or a request ended: those of a head, or of trailers.
    _refusal: RequestHeadRefused | None = None  # Nothing that follows it is read.
    _is_answered = False  # The request that is being read has its answer already.
    _default_headers: RawHeaders | None = None  # Of every answer, as the server has them now.
    _default_lines = b""  # The same, as they are sent.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self.heard_at = self.loop.time()
        self._joining = HeadJoiningTransport(transport)
        app: Any = cast("Any", self).app
        self._at_once: AnswerAtOnce = getattr(app, "at_once", _never)
        super().connection_made(self._joining)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._refusal is not None:
            return
        self.heard_at = self.loop.time()
        size = len(data)
        self._received += size
        self._idle_bytes += size
        if size > _USUAL_BYTES or self._is_in_head() or not data.isascii():
            self._is_usual = False
        super().data_received(data)
        if self._idle_bytes > _LONGEST_HEAD and self._refusal is None:
            is_line = self._is_in_head() and len(self.url) > LONGEST_LINE
            self._refuse(RequestHeadRefused(414 if is_line else 431))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header line; ignore trailers, which follow a body."""
        # In place of uvicorn's own, which knows no limit, and takes trailers for headers.
        headers: Any = self.headers
        if headers is _HEADERS_TAKEN:
            return
        if len(headers) >= MOST_HEADERS:
            self._refusal = RequestHeadRefused(431)
            raise self._refusal
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Answer the request at once, or begin to ask the application."""
        if len(self.pipeline) >= MAX_PIPELINED_REQUESTS:
            self.transport.abort()
            self._is_answered = True
            return
        try:
            self._take_head()
        except RequestHeadRefused as refusal:
            self._refusal = refusal
            raise  # The parser stops, and reports it by `send_400_response`.
        answer = self._ready() if self._is_free() else None
        if answer is None:
            self._ask()
        else:
            self._send(answer)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, as the real host does: without a body."""
        del msg
        self._refuse(self._refusal or RequestHeadRefused(400))

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body, unless it does not matter any more."""
        self._idle_bytes = 0
        if not self._is_answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._idle_bytes = 0
        if self._is_answered:
            self._is_answered = False
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, or wait for one."""
        # In place of uvicorn's own, which sets a timer after each: `has_idled` takes its place.
        self._joining.flush()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.idle_since = self.loop.time()

    def _unset_keepalive_if_required(self) -> None:
        self.idle_since = None

    def pause_writing(self) -> None:
        """Note that the client does not take its answer as fast as it comes."""
        self.stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that it takes it again."""
        self.stuck_since = None
        super().resume_writing()

    def has_timed_out(self, now: float, timeouts: ConnectionTimeouts) -> bool:
        """Tell whether everybody waits for the client, and has waited for too long."""
        return self._takes_too_slowly(now, timeouts) or self._sends_too_slowly(now, timeouts)

    def has_idled(self, now: float, timeouts: ConnectionTimeouts) -> bool:
        """Tell whether no request has followed the last one for too long."""
        if self.idle_since is None or self._is_in_head():
            return False
        return now - self.idle_since > timeouts.idle_seconds

    @property
    def pending_bytes(self) -> int:
        """Return how much of its answers the client has yet to take from this process."""
        return self.transport.get_write_buffer_size()

    @property
    def address(self) -> str:
        """Return where the client is, or an empty text."""
        return self.client[0] if self.client else ""

    @property
    def precedence(self) -> tuple[bool, float]:
        """Return the order of closing: first those that have waited longest for their client."""
        cycle: Any = self.cycle
        is_answering = cycle is not None and not cycle.response_complete and not cycle.more_body
        return is_answering, self.heard_at

    def _takes_too_slowly(self, now: float, timeouts: ConnectionTimeouts) -> bool:
        if self.stuck_since is None:
            self._taking = None
            return False
        left = self.pending_bytes
        taking = self._taking or _Measured(None, now, self.stuck_since, left)
        self._taking = taking
        if now - taking.since <= timeouts.reading_seconds:
            return False
        is_slow = taking.count - left < timeouts.least_rate * (now - taking.since)
        taking.since, taking.count = now, left
        return is_slow

    def _sends_too_slowly(self, now: float, timeouts: ConnectionTimeouts) -> bool:
        if not self._is_sending():
            if self._sending is not None:
                self._sending.since, self._sending.count = now, self._received
            return False
        if now - self.heard_at > timeouts.sending_seconds:
            return True
        request: object = cast("Any", self).scope
        if request is None:
            return False  # A browser connects before it has anything to ask.
        if self._sending is None or self._sending.what is not request:
            self._sending = _Measured(request, now, now, self._received)
        sending = self._sending
        if self._is_in_head():
            return now - sending.began > timeouts.head_seconds
        return now - sending.began > timeouts.body_seconds or self._falls_behind(
            sending, now, timeouts
        )

    def _falls_behind(self, sending: _Measured, now: float, timeouts: ConnectionTimeouts) -> bool:
        if now - sending.since <= RATE_WINDOW_SECONDS:
            return False
        is_slow = self._received - sending.count < timeouts.least_rate * (now - sending.since)
        sending.since, sending.count = now, self._received
        return is_slow

    def _is_free(self) -> bool:
        """Tell whether the request is next, and the connection stays when it is answered."""
        cycle: Any = self.cycle
        is_next = (cycle is None or cycle.response_complete) and not self.pipeline
        is_open = not self.flow.write_paused and not self.transport.is_closing()
        parser: Any = self.parser
        stays = parser.get_http_version() == "1.1" and parser.should_keep_alive()
        return is_next and is_open and stays and not parser.should_upgrade()

    def _take_head(self) -> None:
        """Check the head, and note its path and query; raise `RequestHeadRefused`."""
        headers, parser, scope = self.headers, cast("Any", self.parser), cast("Any", self.scope)
        method: bytes = parser.get_method()
        if not self._is_usual:
            require_head_limits(method, self.url, headers)
        target = origin_form(method, self.url, host_header(headers))
        path, mark, query = target.partition(b"?")
        scope["method"], scope["raw_path"], scope["query_string"] = method.decode(), path, query
        if mark and not query:
            scope[EMPTY_QUERY] = True
        self.headers = cast("Any", _HEADERS_TAKEN)

    def _ask(self) -> None:
        """Let the application answer."""
        self.idle_since = None  # Set where the request before it came in the same piece.
        parser: Any = self.parser
        if parser.get_http_version() not in ("1.0", "1.1"):
            self._refusal = RequestHeadRefused(505)
            raise self._refusal
        scope: Any = self.scope
        # uvicorn reads the target as an address of its own, so that "//" and "#" may divide it.
        self.url, taken = b"/", (scope["raw_path"], scope["query_string"])
        super().on_headers_complete()
        scope["raw_path"], scope["query_string"] = taken
        scope["path"] = unquote(taken[0].decode("ascii"))

    def _ready(self) -> PreparedAnswer | None:
        return self._at_once(cast("Any", self.scope))

    def _send(self, answer: PreparedAnswer) -> None:
        headers = self.server_state.default_headers
        if headers is not self._default_headers:
            self._default_headers, self._default_lines = headers, lines_of(headers)
        head = b"".join((answer.head, self._default_lines, lines_of(answer.fresh), b"\r\n"))
        self._joining.send(head, answer.body)
        self._is_answered = True
        self.on_response_complete()

    def _refuse(self, refusal: RequestHeadRefused) -> None:
        """Answer with a bare status and close, or close when what was asked before is answered."""
        self._refusal = refusal
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self._answer_last(refusal)
        elif self.pipeline or not cycle.more_body:
            cycle.keep_alive = False  # Its client learns of it by the end, and asks again.
        elif cycle.response_started:
            self.transport.close()
        else:
            self._answer_last(refusal)

    def _answer_last(self, refusal: RequestHeadRefused) -> None:
        start, _ = status_answer(refusal.status, *refusal.headers, (b"connection", b"close"))
        headers: RawHeaders = [*self.server_state.default_headers, *start["headers"]]
        self.transport.write(encode_head({**start, "headers": headers}) + b"\r\n")
        self.transport.close()

    def _is_sending(self) -> bool:
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            return self.idle_since is None or self._is_in_head()
        return cycle.more_body and not self.flow.read_paused

    def _is_in_head(self) -> bool:
        # The scope is begun with the first byte of a request and gets its method with the last
        # of the head.
        scope: Any = self.scope
        return scope is not None and "method" not in scope


def _never(_scope: Scope) -> None:
    """Answer nothing at once."""


# A transport that sends the head of an answer together with the beginning of its body.
#
# uvicorn writes them one after the other. Each write is a call of the system, and the first of them
# wakes the client for a head that it can do nothing with: a third of what a small answer takes.

COPIED_BYTES = 64 * 1024  # Up to this size it costs less to copy a piece than to send two.

_HEAD = b"HTTP/1.1 "
_GO_ON = b"HTTP/1.1 100 "  # A client waits for this line before it sends its body.


class HeadJoiningTransport(asyncio.Transport):
    """Holds a head back until the first piece of its body, or until there is none."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._head = b""
        # Asked for with every request, so without a step of ours in between.
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.abort = transport.abort
        self.get_write_buffer_size = transport.get_write_buffer_size

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport knows of itself."""
        return self._transport.get_extra_info(name, default)

    def write(self, data: Any) -> None:
        """Send the piece, with the head before it; hold it if it is a head.

        What comes after the end of the connection is dropped: of several requests under way uvicorn
        tells only the last, and uvloop raises for the others.
        """
        if self.is_closing():
            self._head = b""
        elif self._head:
            head, self._head = self._head, b""
            self.send(head, data)
        elif data[: len(_HEAD)] == _HEAD and data[: len(_GO_ON)] != _GO_ON:
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Send the head of an answer that has no body."""
        head, self._head = self._head, b""
        if head:
            self._transport.write(head)

    def close(self) -> None:
        """Send what is held, and close."""
        self.flush()
        self._transport.close()

    def send(self, head: bytes, data: Any) -> None:
        """Send a head and the first piece of its body; a large one is not copied."""
        if len(data) <= COPIED_BYTES:
            self._transport.write(head + data)
        else:
            self._transport.writelines((head, data))

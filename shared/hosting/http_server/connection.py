"""One connection of a client: its timeouts and limits, and answers that need no task."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Protocol, cast, runtime_checkable
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from httptools import HttpParserError
from msgspec import Struct
from uvicorn.server import ServerState

from shared.hosting.http_server.heads import (
    LONGEST_HEADERS,
    LONGEST_LINE,
    MOST_HEADERS,
    HeadJoiningTransport,
    RawHeader,
    RepeatedHead,
    RequestHeadRefused,
    UpgradeIgnored,
    host_header,
    origin_form,
    require_head_limits,
)
from shared.hosting.requests import Scope
from shared.hosting.responses import (
    PreparedAnswer,
    RawHeaders,
    encode_head,
    lines_of,
    status_answer,
)

REQUESTS_OF_A_TURN = 4  # Answers from memory take 50 µs each.


class PostponedReader(Protocol):
    """Something that was sent, and is not read yet."""

    def read_postponed(self) -> None:
        """Read it now, unless that happened before."""
        ...


class Turns:
    """Counts what the connections of a server read in one turn of the loop; postpones the rest.

    A loop reads from every connection that has sent something before it continues a request that
    waited for a thread or a store. With 32 busy connections that takes two milliseconds, and a push
    waits twenty times. So while requests are under way, each turn reads few new ones, and the
    others wait in the order in which they came.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        """Begin turns by `call_soon` of the event loop."""
        self._call_soon = call_soon
        self._count = 0
        self._postponed = deque[PostponedReader]()

    def admits(self, reader: PostponedReader) -> bool:
        """Count a read; if there were enough since the last turn, return False and postpone it."""
        if self._count == REQUESTS_OF_A_TURN:
            self._postponed.append(reader)
            return False
        self._add(1)
        return True

    def _begin(self) -> None:
        self._count = 0
        first = [
            self._postponed.popleft() for _ in range(min(len(self._postponed), REQUESTS_OF_A_TURN))
        ]
        self._add(len(first))
        for reader in first:
            reader.read_postponed()

    def _add(self, count: int) -> None:
        """Count reads; once there were enough, the next turn counts anew. Not each turn does: the
        loop would wait for the interpreter once more for each request."""
        self._count += count
        if self._count == REQUESTS_OF_A_TURN:
            self._call_soon(self._begin)


_turns = WeakKeyDictionary[ServerState, Turns]()


def turns_of(state: ServerState, call_soon: Callable[[Callable[[], None]], object]) -> Turns:
    """Return the turns that all connections of a server share."""
    found = _turns.get(state)
    if found is None:
        found = _turns[state] = Turns(call_soon)
    return found


AnswerAtOnce = Callable[[Scope], PreparedAnswer | None]

MAX_PIPELINED_REQUESTS = 32  # Requests sent before earlier ones are answered; each takes memory.
RATE_WINDOW_SECONDS = 5.0  # Rates are measured over this time, so a shorter pause does not count.
_LONGEST_HEAD = LONGEST_HEADERS + LONGEST_LINE
_USUAL_BYTES = 4 * 1024  # A head that arrives in one piece of this size is within all limits.
_OF_CONNECTIONS = (b"connection", b"proxy-connection")
_HEADERS_TAKEN: Sequence[
    RawHeader
] = ()  # In place of the headers of a request whose head was read.


@runtime_checkable
class HasPreparedAnswers(Protocol):
    """An application that has answers at hand."""

    def at_once(self, scope: Scope) -> PreparedAnswer | None:
        """The answer to a request, if it is prepared."""
        ...


class ConnectionTimeouts(Struct, frozen=True):
    """How slow a client may be before its connection is closed without an answer."""

    sending_seconds: float = 30.0  # Between two pieces of one request.
    head_seconds: float = 20.0  # From the first byte of a request to the end of its head.
    body_seconds: float = 900.0  # From there to the end of its body.
    least_rate: int = 1024  # Bytes a second of a body or an answer.
    idle_seconds: float = 120.0  # Between two requests, as in the real host.
    reading_seconds: float = (
        60.0  # The rate of an answer is measured over this time, as systems buffer a lot.
    )


class Phase(Enum):
    """How far the last request of a connection is read."""

    NOTHING = "nothing"  # A browser may connect before it has a request.
    HEAD = "head"  # Its first byte has come, and not the last one of its head.
    TAKEN = "taken"  # Its head is read; a body may follow.


class _Progress(Struct):
    """How fast a client sends a request or reads an answer."""

    what: object  # The request, or None for an answer.
    began: float
    since: float  # When the current measurement began.
    count: int  # Bytes at that time.


class Connection(UpgradeIgnored):
    """A connection with time-outs and limits.

    A prepared answer of an application that has them is sent without a task and without ASGI
    messages.
    """

    received_at = 0.0
    blocked_since: float | None = None
    idle_since: float | None = None  # Between two requests: the end of the first.
    _phase = Phase.NOTHING
    _received = 0
    _sending: _Progress | None = None
    _reading: _Progress | None = None
    _is_usual = True  # Every head so far arrived in one small piece of ASCII.
    _idle_bytes = 0  # Of a head or of trailers: received since the last piece of a body or request.
    _refusal: RequestHeadRefused | None = None  # Nothing after it is read.
    _is_answered = False  # The request that is being read is answered already.
    _has_ended = False  # The client sends nothing more, and waits for its answers.
    _begun = 0  # Requests that the parser has begun to read,
    _ended = 0  # and read to their end.
    _answered: Scope | None = None  # The request that was answered last without a task.
    _head: RepeatedHead | None = None  # Of that request, if it came alone and in one piece.
    _looked_up: Scope | None = None  # A request that is parsed because it had no prepared answer.
    _postponed = b""  # A piece that came first of a request, and is read in a later turn.
    _turns: Turns
    _default_headers: RawHeaders | None = None  # Headers that the server adds to every answer.
    _default_lines = b""  # The same as bytes.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.received_at = self.loop.time()
        self._joining = HeadJoiningTransport(transport)
        app: Any = cast("Any", self).app
        self._at_once: AnswerAtOnce = app.at_once if isinstance(app, HasPreparedAnswers) else _never
        self._turns = turns_of(self.server_state, self.loop.call_soon)
        super().connection_made(self._joining)

    def data_received(self, data: bytes) -> None:
        """Read the data, or postpone it while requests of others are under way."""
        if self._postponed:
            data = self._postponed + data
            self._postponed = b""
        elif self.tasks and self._can_wait(data) and not self._turns.admits(self):
            self._postponed = data
            self.idle_since = None
            return
        self._read(data)

    def read_postponed(self) -> None:
        """Read what was postponed, unless more came meanwhile and all was read."""
        data = self._postponed
        self._postponed = b""
        if data:
            self._read(data)

    def _can_wait(self, data: bytes) -> bool:
        """Check whether the data begins a request, rather than belonging to one under way."""
        cycle: Any = self.cycle
        is_idle = cycle is None or cycle.response_complete
        return is_idle and self._phase is not Phase.HEAD and len(data) <= _USUAL_BYTES

    def _read(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        self.received_at = self.loop.time()
        size = len(data)
        self._received += size
        self.idle_since = None
        begun = self._begun
        may_repeat = self._begun == self._ended and size <= _USUAL_BYTES
        if may_repeat and self._answers_repeated_head(data):
            return
        self._idle_bytes += size
        if size > _USUAL_BYTES or self._phase is Phase.HEAD or not data.isascii():
            self._is_usual = False
        try:
            self.parse(data)
        except HttpParserError:
            self.send_400_response("")
        answered = self._answered
        self._answered = None
        self._looked_up = None
        if answered and may_repeat and self._begun == self._ended == begun + 1:
            self._head = RepeatedHead.of(data, answered)
        if self._idle_bytes > _LONGEST_HEAD and self._refusal is None:
            is_line = self._phase is Phase.HEAD and len(self.url) > LONGEST_LINE
            self._refuse(RequestHeadRefused(414 if is_line else 431))

    def _answers_repeated_head(self, data: bytes) -> bool:
        """Answer a request with the head of an earlier one, if it is next and its answer is
        prepared; else return False."""
        scope = self._head.scope_of(data) if self._head and self._is_next() else None
        if scope is None:
            return False
        answer = self._at_once(scope)
        if answer is None:
            self._looked_up = scope
            return False
        self._send(answer)
        # As after a request that the parser read.
        self._idle_bytes = 0
        self._sending = None
        return True

    def on_message_begin(self) -> None:
        self._phase = Phase.HEAD
        self._begun += 1
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; ignore trailers, which follow a body."""
        # Replaces the method of uvicorn, which has no limit and treats trailers as headers.
        headers: Any = self.headers
        if headers is _HEADERS_TAKEN:
            if name.lower() in _OF_CONNECTIONS:  # The parser would obey, and read nothing more.
                self._refusal = RequestHeadRefused(400)
                raise self._refusal
            return
        if len(headers) >= MOST_HEADERS:
            self._refusal = RequestHeadRefused(431)
            raise self._refusal
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Send a prepared answer, or call the application."""
        if len(self.pipeline) >= MAX_PIPELINED_REQUESTS:
            self.transport.abort()
            self._is_answered = True
            return
        if self.withholds_upgrade():
            return
        try:
            self._take_head()
        except RequestHeadRefused as refusal:
            self._refusal = refusal
            raise  # The parser stops, and uvicorn calls `send_400_response`.
        answer = self._ready() if self._is_next() and self._stays_open() else None
        if answer is None:
            self._ask()
        else:
            self._answered = cast("Scope", self.scope)
            self._is_answered = True
            self._send(answer)

    def send_400_response(self, msg: str) -> None:
        """Refuse an invalid request without a body, as the real host does."""
        del msg
        self._refuse(self._refusal or RequestHeadRefused(400))

    def on_body(self, body: bytes) -> None:
        """Add a piece of a body, unless the request is answered already."""
        self._idle_bytes = 0
        if not self._is_answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._idle_bytes = 0
        self._ended += 1
        if self._second_head:
            return
        if self._is_answered:
            self._is_answered = False
        else:
            # Replaces the method of uvicorn, which does not note the end of an answered request.
            cycle: Any = self.cycle
            cycle.more_body = False
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Start the next request of the pipeline, or wait for one."""
        # Replaces the method of uvicorn, which sets a timer; `has_idled` is checked instead.
        self._joining.flush()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if not self.pipeline:
            self.idle_since = self.loop.time()
            return
        cycle, app = self.pipeline.pop()
        if cycle.more_body and (self._has_ended or self._refusal):
            self.transport.close()  # The rest of the request never comes.
        else:
            self._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what nobody waits for any more."""
        self._postponed = b""
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Return whether the client, which sends nothing more, still waits for an answer."""
        self.read_postponed()
        cycle: Any = self.cycle
        if self.scheme == "https" or cycle is None or cycle.response_complete:
            return False  # asyncio has no TLS connection that is closed on one side.
        if cycle.more_body and not self.pipeline:
            return False
        self._has_ended = True
        cycle.keep_alive = False
        return True

    def _unset_keepalive_if_required(self) -> None:
        self.idle_since = None

    def pause_writing(self) -> None:
        """Record that the client reads more slowly than the answer is written."""
        self.blocked_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Record that the client has caught up."""
        self.blocked_since = None
        super().resume_writing()

    def has_timed_out(self, now: float, timeouts: ConnectionTimeouts) -> bool:
        """Check whether the client sends or reads more slowly than it may."""
        return self._reads_too_slowly(now, timeouts) or self._sends_too_slowly(now, timeouts)

    def has_idled(self, now: float, timeouts: ConnectionTimeouts) -> bool:
        """Check whether the time between two requests is over."""
        if self.idle_since is None or self._phase is Phase.HEAD:
            return False
        return now - self.idle_since > timeouts.idle_seconds

    @property
    def pending_bytes(self) -> int:
        """How many bytes of answers wait in this process for the client to read them."""
        return self.transport.get_write_buffer_size()

    @property
    def address(self) -> str:
        """The address of the client, or an empty text."""
        return self.client[0] if self.client else ""

    @property
    def closing_order(self) -> tuple[bool, float]:
        """A sort key: connections that wait longest for their client are closed first."""
        cycle: Any = self.cycle
        is_answering = cycle is not None and not cycle.response_complete and not cycle.more_body
        return is_answering, self.received_at

    def _reads_too_slowly(self, now: float, timeouts: ConnectionTimeouts) -> bool:
        if self.blocked_since is None:
            self._reading = None
            return False
        left = self.pending_bytes
        progress = self._reading or _Progress(None, now, self.blocked_since, left)
        self._reading = progress
        if now - progress.since <= timeouts.reading_seconds:
            return False
        is_slow = progress.count - left < timeouts.least_rate * (now - progress.since)
        progress.since = now
        progress.count = left
        return is_slow

    def _sends_too_slowly(self, now: float, timeouts: ConnectionTimeouts) -> bool:
        if not self._is_sending():
            if self._sending is not None:
                self._sending.since = now
                self._sending.count = self._received
            return False
        if now - self.received_at > timeouts.sending_seconds:
            return True
        if self._phase is Phase.NOTHING:
            return False
        request: object = cast("Any", self).scope
        if self._sending is None or self._sending.what is not request:
            self._sending = _Progress(request, now, now, self._received)
        sending = self._sending
        if self._phase is Phase.HEAD:
            return now - sending.began > timeouts.head_seconds
        return now - sending.began > timeouts.body_seconds or self._falls_behind(
            sending, now, timeouts
        )

    def _falls_behind(self, sending: _Progress, now: float, timeouts: ConnectionTimeouts) -> bool:
        if now - sending.since <= RATE_WINDOW_SECONDS:
            return False
        is_slow = self._received - sending.count < timeouts.least_rate * (now - sending.since)
        sending.since = now
        sending.count = self._received
        return is_slow

    def _is_next(self) -> bool:
        """Check whether a request that arrives now can be answered now."""
        cycle: Any = self.cycle
        is_idle = (cycle is None or cycle.response_complete) and not self.pipeline
        return is_idle and not self.flow.write_paused and not self.transport.is_closing()

    def _stays_open(self) -> bool:
        """Check whether the connection stays open after the answer."""
        parser: Any = self.parser
        stays = parser.get_http_version() == "1.1" and parser.should_keep_alive()
        # The parser checks a transfer encoding after this, and may refuse the request.
        return stays and not self._has_transfer_encoding()

    def _has_transfer_encoding(self) -> bool:
        headers: Sequence[RawHeader] = cast("Any", self.scope)["headers"]
        return any(name == b"transfer-encoding" for name, _ in headers)

    def _take_head(self) -> None:
        """Check the head, and set method, path and query; raise `RequestHeadRefused`."""
        headers = self.headers
        parser = cast("Any", self.parser)
        scope = cast("Any", self.scope)
        method: bytes = parser.get_method()
        if not self._is_usual:
            require_head_limits(method, self.url, headers)
        target = origin_form(method, self.url, host_header(headers))
        path, _, query = target.partition(b"?")
        scope["method"] = method.decode()
        scope["raw_path"] = path
        scope["query_string"] = query
        self.headers = cast("Any", _HEADERS_TAKEN)
        self._phase = Phase.TAKEN

    def _ask(self) -> None:
        """Call the application."""
        self.idle_since = None  # It is set if the previous request arrived in the same piece.
        parser: Any = self.parser
        version = parser.get_http_version()
        if version not in ("1.0", "1.1"):
            self._refusal = RequestHeadRefused(505)
            raise self._refusal
        if version == "1.0":
            self.expect_100_continue = False  # Its clients know no such answer.
        scope: Any = self.scope
        # uvicorn parses the target as a URL, in which "//" and "#" are delimiters.
        self.url = b"/"
        taken = (scope["raw_path"], scope["query_string"])
        super().on_headers_complete()
        scope["raw_path"], scope["query_string"] = taken
        scope["path"] = unquote(taken[0].decode("ascii"))

    def _ready(self) -> PreparedAnswer | None:
        scope: Scope = cast("Any", self.scope)
        if self._looked_up is None:
            return self._at_once(scope)
        scope.update(self._looked_up)
        return None

    def _send(self, answer: PreparedAnswer) -> None:
        headers = self.server_state.default_headers
        if headers is not self._default_headers:
            self._default_headers = headers
            self._default_lines = lines_of(headers)
        head = b"".join((answer.head, self._default_lines, lines_of(answer.fresh), b"\r\n"))
        self._joining.send(head, answer.body)
        self.on_response_complete()

    def _refuse(self, refusal: RequestHeadRefused) -> None:
        """Answer with a bare status and close, unless the request is answered already.

        Earlier requests are answered first; then the connection is closed.
        """
        self._refusal = refusal
        cycle: Any = self.cycle
        if self._is_answered or (cycle and cycle.response_complete and cycle.more_body):
            self.transport.close()  # A second answer would be taken for that of another request.
        elif cycle is None or cycle.response_complete:
            self._answer_last(refusal)
        elif self.pipeline or not cycle.more_body:
            cycle.keep_alive = (
                False  # The connection ends after its answer, and the client asks again.
            )
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
            return self.idle_since is None or self._phase is Phase.HEAD
        return cycle.more_body and not self.flow.read_paused


def _never(_scope: Scope) -> None:
    """Return no answer, for an application that has none prepared."""

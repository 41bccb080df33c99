"""One connection of a client: its timeouts and limits, and cached answers, which need no task."""

import asyncio
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from enum import Enum
from typing import Any, Protocol, cast, runtime_checkable
from urllib.parse import unquote

from httptools import HttpParserError
from msgspec import Struct

from shared.hosting.http_server.heads import (
    LONGEST_HEADERS,
    LONGEST_LINE,
    MOST_HEADERS,
    RepeatedHead,
    RequestHeadRefused,
    UpgradeIgnored,
    host_header,
    origin_form,
    require_head_limits,
)
from shared.hosting.http_server.served_request import ServedRequest, send_joined
from shared.hosting.http_server.turns import Turns
from shared.hosting.requests import ASGIApp, Scope
from shared.hosting.responses import (
    STATUS_LINES,
    CachedAnswer,
    RawHeaders,
    bare_response,
    expects_continue,
    lines_of,
)

FindCachedAnswer = Callable[[Scope], CachedAnswer | None]

MAX_PIPELINED_REQUESTS = 32  # Requests sent before earlier ones are answered; each takes memory.
# A client that still sends has this long to read the last answer. A large archive takes longer than
# a few seconds through a proxy on a busy machine.
LINGER_SECONDS = 30.0
RATE_WINDOW_SECONDS = 5.0  # Rates are measured over this time, so a shorter pause does not count.
_LONGEST_HEAD = LONGEST_HEADERS + LONGEST_LINE
_USUAL_BYTES = 4 * 1024  # A head that arrives in one piece of this size is within all limits.
_OF_CONNECTIONS = (b"connection", b"proxy-connection")


@runtime_checkable
class HasAnswerCache(Protocol):
    """An application with a cache of answers."""

    def cached_answer(self, scope: Scope) -> CachedAnswer | None:
        """The answer to a request, if it is cached."""
        ...


class ConnectionTimeouts(Struct, frozen=True):
    """How slow a client may be before its connection is closed without an answer."""

    handshake_seconds: float = 10.0  # From the connection to the end of its TLS handshake.
    sending_seconds: float = 30.0  # Between two pieces of one request.
    head_seconds: float = 20.0  # From the first byte of a request to the end of its head.
    body_seconds: float = 900.0  # From there to the end of its body.
    least_rate: int = 1024  # Bytes a second of a body or an answer.
    idle_seconds: float = 120.0  # Between two requests, as in the real host.
    # The rate of an answer is measured over this time, because systems buffer a lot.
    reading_seconds: float = 60.0


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


class ServerState:
    """What the connections of a server share."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.cached_answer: FindCachedAnswer = (
            app.cached_answer if isinstance(app, HasAnswerCache) else _no_answer
        )
        self.connections = set[Connection]()
        self.tasks = set[asyncio.Task[None]]()  # The tasks of requests under way.
        self.turns = Turns()
        self.default_headers: RawHeaders = []  # Added to every answer.
        self.default_lines = b""  # The same as bytes.

    def update_default_headers(self) -> None:
        """Write the time of day into the headers of the answers that follow."""
        date = formatdate(usegmt=True).encode()
        self.default_headers = [(b"date", date), (b"server", b"ballroom")]
        self.default_lines = lines_of(self.default_headers)


class Connection(asyncio.Protocol, UpgradeIgnored):
    """A connection with time-outs and limits.

    A cached answer of an application with a cache is sent without a task and without ASGI messages.
    Requests that come before earlier ones are answered wait for their turn.
    """

    transport: asyncio.Transport
    received_at = 0.0
    blocked_since: float | None = None  # Since when the client reads less than is written to it.
    # The end of the previous request or of its answer, while no other one has begun.
    idle_since: float | None = None
    is_reading_paused = False
    _phase = Phase.NOTHING
    _received = 0
    _upload_progress: _Progress | None = None
    _download_progress: _Progress | None = None
    _is_usual = True  # Every head so far arrived in one small piece of ASCII.
    # Bytes of a head or of trailers that were received since the last piece of a body or request.
    _idle_bytes = 0
    _refusal: RequestHeadRefused | None = None  # Nothing after it is read.
    _is_answered = False  # Whether the request that is being read is answered already.
    _expects_continue = False  # The client of that request sent `Expect: 100-continue`.
    _client_sent_eof = False  # The client sends nothing more, and waits for its answers.
    _closing: asyncio.TimerHandle | None = None  # After the last answer, what comes is ignored.
    _requests_begun = 0  # Requests that the parser has begun to read.
    _requests_read = 0  # Requests that it has read to their end.
    # The last request that was answered from the cache, while its piece of data is being read.
    _cache_hit_scope: Scope | None = None
    # The head of the last cache hit, if it arrived alone and in one piece.
    _head: RepeatedHead | None = None
    # A request with a known head whose answer is not cached, so that it is parsed.
    _cache_miss_scope: Scope | None = None
    _postponed = b""  # The first piece of a request that is read in a later turn of the event loop.

    def __init__(self, server: ServerState) -> None:
        super().__init__()
        self.loop = asyncio.get_running_loop()
        self.server = server
        self.scope: Scope = {}  # The scope of the request that is being read, or was read last.
        self.request: ServedRequest | None = None  # The one that the application got last.
        self.pipeline = deque[ServedRequest]()  # Those that wait for the answers before theirs.
        self._under_way: ServedRequest | None = None  # The one that is being answered.
        self._writable = asyncio.Event()
        self._writable.set()

    # --- What the event loop calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.received_at = self.loop.time()
        self.transport = cast("asyncio.Transport", transport)
        self._connection_scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": _host_and_port(transport.get_extra_info("sockname")),
            "client": _peer_of(self.transport),
            "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
            "root_path": "",
        }
        self.server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Read the data, or postpone it while requests of others are under way."""
        if self._postponed:
            data = self._postponed + data
            self._postponed = b""
        elif self.server.tasks and self._can_wait(data) and not self.server.turns.admits(self):
            self._postponed = data
            self.received_at = self.loop.time()
            self.idle_since = None
            return
        self._read(data)

    def eof_received(self) -> bool:
        """Return whether the client, which sends nothing more, still waits for an answer."""
        self.read_postponed()
        request = self.request
        is_secure = self._connection_scope["scheme"] == "https"
        if is_secure or request is None or request.is_complete:
            return False  # asyncio has no TLS connection that is closed on one side.
        if request.more_body and not self.pipeline:
            return False
        self._client_sent_eof = True
        request.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """End what nobody waits for any more."""
        del exc
        self._postponed = b""
        if self._closing is not None:
            self._closing.cancel()
        self.server.connections.discard(self)
        if self._under_way is not None:
            self._under_way.disconnect()
        for request in self.pipeline:
            request.disconnect()
        self.resume_writing()
        del self.parser  # It refers to this connection.

    def pause_writing(self) -> None:
        """Record that the client reads more slowly than the answer is written."""
        self.blocked_since = self.loop.time()
        self._writable.clear()

    def resume_writing(self) -> None:
        self.blocked_since = None
        self._writable.set()

    # --- Reading ---

    def read_postponed(self) -> None:
        """Read what was postponed, unless more came meanwhile and all was read."""
        data = self._postponed
        self._postponed = b""
        if data:
            self._read(data)

    def _can_wait(self, data: bytes) -> bool:
        """Check whether the data begins a request, rather than belonging to one under way."""
        is_idle = self.request is None or self.request.is_complete
        return is_idle and self._phase is not Phase.HEAD and len(data) <= _USUAL_BYTES

    def _read(self, data: bytes) -> None:
        if self._refusal is not None or self._closing is not None:
            return
        self.received_at = self.loop.time()
        size = len(data)
        self._received += size
        self.idle_since = None
        begun = self._requests_begun
        may_be_one_head = self._requests_begun == self._requests_read and size <= _USUAL_BYTES
        if may_be_one_head and self._answers_repeated_head(data):
            return
        self._idle_bytes += size
        if size > _USUAL_BYTES or self._phase is Phase.HEAD or not data.isascii():
            self._is_usual = False
        try:
            self.parse(data)
        except HttpParserError:
            self._refuse(self._refusal or RequestHeadRefused(400))
        hit_scope = self._cache_hit_scope
        self._cache_hit_scope = None
        self._cache_miss_scope = None
        if (
            hit_scope
            and may_be_one_head
            and self._requests_begun == self._requests_read == begun + 1
        ):
            self._head = RepeatedHead.of(data, hit_scope)
        if self._idle_bytes > _LONGEST_HEAD and self._refusal is None:
            is_line = self._phase is Phase.HEAD and len(self.url) > LONGEST_LINE
            self._refuse(RequestHeadRefused(414 if is_line else 431))

    def _answers_repeated_head(self, data: bytes) -> bool:
        """Answer a request with the head of an earlier one, if it is next and its answer is
        cached; else return False."""
        scope = self._head.scope_of(data) if self._head and self._can_answer_now() else None
        if scope is None:
            return False
        answer = self.server.cached_answer(scope)
        if answer is None:
            self._cache_miss_scope = scope
            return False
        self._send(answer)
        # The same state as after a request that the parser read.
        self._idle_bytes = 0
        self._upload_progress = None
        return True

    # --- What the parser calls ---

    def on_message_begin(self) -> None:
        self._phase = Phase.HEAD
        self._requests_begun += 1
        self._expects_continue = False
        self.url = b""
        self.raw_headers = []
        self.scope = {**self._connection_scope, "headers": self.raw_headers}

    def on_url(self, url: bytes) -> None:
        """Add a piece of the target."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; ignore trailers, which follow a body."""
        name = name.lower()
        if self._phase is Phase.TAKEN:
            if name in _OF_CONNECTIONS:  # The parser would obey, and read nothing more.
                self._refusal = RequestHeadRefused(400)
                raise self._refusal
            return
        if len(self.raw_headers) >= MOST_HEADERS:
            self._refusal = RequestHeadRefused(431)
            raise self._refusal
        if name == b"expect" and expects_continue(value):
            self._expects_continue = True
        self.raw_headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Send a cached answer, or call the application."""
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
            raise  # The parser stops, and raises an error of its own.
        answer = self._cached_answer() if self._can_answer_now() and self._stays_open() else None
        if answer is None:
            self._call_application()
        else:
            self._cache_hit_scope = self.scope
            self._is_answered = True
            self._send(answer)

    def on_body(self, body: bytes) -> None:
        """Add a piece of a body, unless the request is answered already."""
        self._idle_bytes = 0
        if not self._is_answered and self.request is not None:
            self.request.add_body(body)

    def on_message_complete(self) -> None:
        self._idle_bytes = 0
        self._requests_read += 1
        if self._second_head:
            return
        request = self.request
        if self._is_answered:
            self._is_answered = False
        elif request is not None:
            request.end_body()
        if self.idle_since is None and not self.pipeline and (not request or request.is_complete):
            self.idle_since = self.loop.time()  # It was answered before its body had arrived.

    # --- What a request that is served calls ---

    @property
    def default_lines(self) -> bytes:
        """The headers that the server adds to every answer."""
        return self.server.default_lines

    def on_answered(self) -> None:
        """Start the next request of the pipeline, or wait for one."""
        if self.transport.is_closing():
            return
        self.resume_reading()
        if not self.pipeline:
            self.idle_since = self.loop.time()
            return
        request = self.pipeline.popleft()
        if request.more_body and (self._client_sent_eof or self._refusal):
            self.close_after_answer()  # The rest of the request never comes.
        else:
            self._start(request)

    def pause_reading(self) -> None:
        """Read nothing more from the client."""
        if not self.is_reading_paused:
            self.is_reading_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read from the client again."""
        if self.is_reading_paused:
            self.is_reading_paused = False
            self.received_at = self.loop.time()  # It could send nothing until now.
            self.transport.resume_reading()

    async def drain(self) -> None:
        """Wait until the client has read enough of what was sent."""
        await self._writable.wait()

    def close_after_answer(self) -> None:
        """Send nothing more, and close the connection when the client closes it, or after
        `LINGER_SECONDS`.

        The system resets a connection that is closed while the client sends, and a client or a
        proxy that sees the reset loses the answer (RFC 9112, section 9.6).
        """
        if self._closing is not None:
            return
        if self._under_way is not None:
            self._under_way.disconnect()  # The application may still answer a refused request.
        if self._client_sent_eof:
            self.transport.close()
            return
        self._closing = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        if self.transport.can_write_eof():  # Not over TLS.
            self.transport.write_eof()
        self.resume_reading()

    # --- What the server asks, and calls ---

    def shut_down(self) -> None:
        """Close the connection, after the answer to the last request that came."""
        self.read_postponed()
        if self.request is None or self.request.is_complete:
            self.transport.close()
        else:
            self.request.keep_alive = False

    def abort(self) -> None:
        """Close the connection at once; drop what is not sent yet."""
        self.transport.abort()

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
        client = self._connection_scope["client"]
        return client[0] if client else ""

    @property
    def closing_order(self) -> tuple[bool, float]:
        """A sort key: connections that wait longest for their client are closed first."""
        request = self.request
        is_answering = not (request is None or request.is_complete or request.more_body)
        return is_answering, self.received_at

    def _reads_too_slowly(self, now: float, timeouts: ConnectionTimeouts) -> bool:
        if self.blocked_since is None:
            self._download_progress = None
            return False
        left = self.pending_bytes
        progress = self._download_progress or _Progress(None, now, self.blocked_since, left)
        self._download_progress = progress
        if now - progress.since <= timeouts.reading_seconds:
            return False
        is_slow = progress.count - left < timeouts.least_rate * (now - progress.since)
        progress.since = now
        progress.count = left
        return is_slow

    def _sends_too_slowly(self, now: float, timeouts: ConnectionTimeouts) -> bool:
        if not self._is_uploading():
            if self._upload_progress is not None:
                self._upload_progress.since = now
                self._upload_progress.count = self._received
            return False
        if now - self.received_at > timeouts.sending_seconds:
            return True
        if self._phase is Phase.NOTHING:
            return False
        if self._upload_progress is None or self._upload_progress.what is not self.scope:
            self._upload_progress = _Progress(self.scope, now, now, self._received)
        upload = self._upload_progress
        if self._phase is Phase.HEAD:
            return now - upload.began > timeouts.head_seconds
        return now - upload.began > timeouts.body_seconds or self._falls_behind(
            upload, now, timeouts
        )

    def _falls_behind(self, upload: _Progress, now: float, timeouts: ConnectionTimeouts) -> bool:
        if now - upload.since <= RATE_WINDOW_SECONDS:
            return False
        is_slow = self._received - upload.count < timeouts.least_rate * (now - upload.since)
        upload.since = now
        upload.count = self._received
        return is_slow

    # --- Answering ---

    def _can_answer_now(self) -> bool:
        """Check whether a request that arrives now can be answered now."""
        is_idle = (self.request is None or self.request.is_complete) and not self.pipeline
        return is_idle and self.blocked_since is None and not self.transport.is_closing()

    def _stays_open(self) -> bool:
        """Check whether the connection stays open after the answer."""
        parser: Any = self.parser
        if parser.get_http_version() != "1.1" or not parser.should_keep_alive():
            return False
        # The parser checks a transfer encoding after this, and may refuse the request.
        return b"transfer-encoding" not in [name for name, _ in self.raw_headers]

    def _take_head(self) -> None:
        """Check the head, and set method, path and query; raise `RequestHeadRefused`."""
        parser: Any = self.parser
        method: bytes = parser.get_method()
        if not self._is_usual:
            require_head_limits(method, self.url, self.raw_headers)
        target = origin_form(method, self.url, host_header(self.raw_headers))
        path, _, query = target.partition(b"?")
        self.scope["method"] = method.decode()
        self.scope["raw_path"] = path
        self.scope["query_string"] = query
        self._phase = Phase.TAKEN

    def _call_application(self) -> None:
        """Call the application, now or after the answers before."""
        self.idle_since = None  # It is set if the previous request arrived in the same piece.
        parser: Any = self.parser
        version = parser.get_http_version()
        if version not in ("1.0", "1.1"):
            self._refusal = RequestHeadRefused(505)
            raise self._refusal
        is_current = version == "1.1"  # Clients of 1.0 know neither `Expect` nor `Connection`.
        self.scope["http_version"] = version
        self.scope["path"] = unquote(self.scope["raw_path"].decode("ascii"))
        last = self.request
        self.request = ServedRequest(
            self.scope,
            self,
            keep_alive=is_current and parser.should_keep_alive(),
            expects_continue=is_current and self._expects_continue,
        )
        if last is None or last.is_complete:
            self._start(self.request)
        else:
            self.pause_reading()
            self.pipeline.append(self.request)

    def _start(self, request: ServedRequest) -> None:
        self._under_way = request
        task = self.loop.create_task(request.run(self.server.app))
        task.add_done_callback(self.server.tasks.discard)
        self.server.tasks.add(task)

    def _cached_answer(self) -> CachedAnswer | None:
        if self._cache_miss_scope is None:
            return self.server.cached_answer(self.scope)
        self.scope.update(self._cache_miss_scope)
        return None

    def _send(self, answer: CachedAnswer) -> None:
        lines = (answer.head, self.server.default_lines, lines_of(answer.added_headers), b"\r\n")
        send_joined(self.transport, b"".join(lines), answer.body)
        self.on_answered()

    def _refuse(self, refusal: RequestHeadRefused) -> None:
        """Answer with a bare status and close, unless the request is answered already.

        Earlier requests are answered first; then the connection is closed.
        """
        self._refusal = refusal
        request = self.request
        if self._is_answered or (request and request.is_complete and request.more_body):
            # A second answer would be taken for that of another request.
            self.close_after_answer()
        elif request is None or request.is_complete:
            self._answer_last(refusal)
        elif self.pipeline or not request.more_body:
            # The connection ends after its answer, and the client asks again.
            request.keep_alive = False
        elif request.has_started:
            request.close()
        else:
            self._answer_last(refusal)

    def _answer_last(self, refusal: RequestHeadRefused) -> None:
        if self.transport.is_closing():
            return
        response = bare_response(refusal.status, *refusal.headers, (b"connection", b"close"))
        lines = (self.server.default_lines, lines_of(response.headers), b"\r\n")
        self.transport.write(b"".join((STATUS_LINES[response.status], *lines)))
        self.close_after_answer()

    def _is_uploading(self) -> bool:
        if self._closing is not None:
            return False  # What it sends is ignored, for `LINGER_SECONDS` at most.
        request = self.request
        if request is None or request.is_complete:
            return self.idle_since is None or self._phase is Phase.HEAD
        waits_for_us = self.is_reading_paused or request.expects_continue
        return request.more_body and not waits_for_us


def _peer_of(transport: asyncio.Transport) -> tuple[str, int] | None:
    try:
        return _host_and_port(transport.get_extra_info("peername"))
    except OSError:  # uvloop asks the system, and the client may be gone already.
        return None


def _host_and_port(name: tuple[Any, ...] | str | None) -> tuple[str, int] | None:
    """Return the first two parts of the name of a socket: one of IPv6 has four."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None


def _no_answer(_scope: Scope) -> None:
    """Return no answer, for an application without a cache."""

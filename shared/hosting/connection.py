"""One connection to a client: how long it may be silent, and what is answered at once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.hosting.joining import Joining
from shared.hosting.responses import Ready

AtOnce = Callable[[Scope], Ready | None]

LONGEST_HEAD = 64 * 1024  # Bytes before a body. Twice what the real host takes.
MOST_QUEUED = 32  # Requests sent before the answers to those before them; each takes memory.
RATE_SECONDS = 5.0  # A rate is measured over so long, so a pause of that length is no matter.


@dataclass(frozen=True, slots=True)
class Patience:
    """How slow a client may be before its connection is cut, without an answer."""

    sending_seconds: float = 30.0  # Between two pieces of a request it has begun.
    head_seconds: float = 20.0  # From the first byte of a request to the end of its head.
    body_seconds: float = 900.0  # From there to the end of its body.
    least_rate: int = 1024  # Bytes a second of a body or an answer.
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
    _head_bytes = 0
    _received = 0
    _sending: _Measured | None = None
    _taking: _Measured | None = None
    _is_answered = False  # The request that is being read has its answer already.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self.heard_at = self.loop.time()
        self._joining = Joining(transport)
        app: Any = cast("Any", self).app
        self._at_once: AtOnce = getattr(app, "at_once", _never)
        super().connection_made(self._joining)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        self.heard_at = self.loop.time()
        self._received += len(data)
        super().data_received(data)
        if self._is_in_head():
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD:
                self.transport.abort()
        else:
            self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Answer the request at once, or begin to ask the application."""
        if len(self.pipeline) >= MOST_QUEUED:
            self.transport.abort()
            self._is_answered = True
            return
        answer = self._ready() if self._is_free() else None
        if answer is None:
            super().on_headers_complete()
        else:
            self._send(answer)

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body, unless it does not matter any more."""
        if not self._is_answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        if self._is_answered:
            self._is_answered = False
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request."""
        self._joining.flush()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Note that the client does not take its answer as fast as it comes."""
        self.stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that it takes it again."""
        self.stuck_since = None
        super().resume_writing()

    def has_stalled(self, now: float, patience: Patience) -> bool:
        """Tell whether everybody waits for the client, and has waited for too long."""
        return self._takes_too_slowly(now, patience) or self._sends_too_slowly(now, patience)

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
        """Return what orders connections: those come first that wait for their client longest."""
        cycle: Any = self.cycle
        is_answering = cycle is not None and not cycle.response_complete and not cycle.more_body
        return is_answering, self.heard_at

    def _takes_too_slowly(self, now: float, patience: Patience) -> bool:
        if self.stuck_since is None:
            self._taking = None
            return False
        left = self.pending_bytes
        taking = self._taking or _Measured(None, now, self.stuck_since, left)
        self._taking = taking
        if now - taking.since <= patience.reading_seconds:
            return False
        is_slow = taking.count - left < patience.least_rate * (now - taking.since)
        taking.since, taking.count = now, left
        return is_slow

    def _sends_too_slowly(self, now: float, patience: Patience) -> bool:
        if not self._is_sending():
            if self._sending is not None:
                self._sending.since, self._sending.count = now, self._received
            return False
        if now - self.heard_at > patience.sending_seconds:
            return True
        request: object = cast("Any", self).scope
        if request is None:
            return False  # A browser connects before it has anything to ask.
        if self._sending is None or self._sending.what is not request:
            self._sending = _Measured(request, now, now, self._received)
        sending = self._sending
        if self._is_in_head():
            return now - sending.began > patience.head_seconds
        return now - sending.began > patience.body_seconds or self._falls_behind(
            sending, now, patience
        )

    def _falls_behind(self, sending: _Measured, now: float, patience: Patience) -> bool:
        if now - sending.since <= RATE_SECONDS:
            return False
        is_slow = self._received - sending.count < patience.least_rate * (now - sending.since)
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

    def _ready(self) -> Ready | None:
        url = httptools.parse_url(self.url)
        scope, parser = cast("Any", self.scope), cast("Any", self.parser)
        scope["method"] = parser.get_method().decode("ascii")
        scope["raw_path"], scope["query_string"] = url.path, url.query or b""
        return self._at_once(scope)

    def _send(self, answer: Ready) -> None:
        pieces = [answer.head]
        for name, value in (*self.server_state.default_headers, *answer.fresh):
            pieces += (name, b": ", value, b"\r\n")
        pieces.append(b"\r\n")
        self._joining.send(b"".join(pieces), answer.body)
        self._is_answered = True
        self.on_response_complete()

    def _is_sending(self) -> bool:
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            # Between two requests the server itself counts the seconds.
            return self.timeout_keep_alive_task is None
        return cycle.more_body and not self.flow.read_paused

    def _is_in_head(self) -> bool:
        # The scope is begun with the first byte of a request and gets its method with the last
        # of the head.
        scope: Any = self.scope
        return scope is not None and "method" not in scope


def _never(_scope: Scope) -> None:
    """Answer nothing at once."""

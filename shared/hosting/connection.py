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


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may be silent before its connection is cut, without an answer."""

    sending_seconds: float = 30.0  # Between two pieces of a request it has begun.
    reading_seconds: float = 60.0  # Without taking anything of an answer.


class Connection(HttpToolsProtocol):
    """A connection that knows how long its client has been silent.

    An application may have a method `at_once`, which returns the answer to a request if it takes
    nothing to make it. Then uvicorn makes no task for it, nor what a task is told and tells.
    """

    heard_at = 0.0
    stuck_since: float | None = None
    _head_bytes = 0
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
        super().data_received(data)
        if self._is_in_head():
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD:
                self.transport.abort()
        else:
            self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Answer the request at once, or begin to ask the application."""
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
        if self.stuck_since is not None and now - self.stuck_since > patience.reading_seconds:
            return True
        return self._is_sending() and now - self.heard_at > patience.sending_seconds

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
        pieces += (b"\r\n", answer.body)
        self._joining.write(b"".join(pieces))
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

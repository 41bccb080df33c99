"""One request and its answer, as the application receives and sends them (ASGI)."""

import asyncio
import re
from collections.abc import Iterable
from typing import Protocol

from shared.hosting.requests import ASGIApp, Message, Scope
from shared.hosting.responses import STATUS_LINES, RawHeaders
from shared.runtime.answers import WITHOUT_BODY
from shared.telemetry.log import log

# With more bytes waiting, nothing is read from the connection until the application reads.
MOST_BODY_BYTES_WAITING = 64 * 1024
COPIED_BYTES = 64 * 1024  # Up to this size, copying a piece costs less than sending two.

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE = b"connection: close\r\n"
_CHUNKED = b"transfer-encoding: chunked\r\n"
_FRAMING = frozenset((b"content-length", b"transfer-encoding", b"connection"))
_LAST_CHUNK = b"0\r\n\r\n"

# Neither ends a line, so that no value of an answer becomes a header of its own.
_INVALID_NAME = re.compile(rb'[\x00-\x1f\x7f()<>@,;:\[\]={} \t\\"]').search
_INVALID_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search

_FAILED: tuple[Message, Message] = (
    {
        "type": "http.response.start",
        "status": 500,
        "headers": [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"21"),
            (b"connection", b"close"),
        ],
    },
    {"type": "http.response.body", "body": b"Internal Server Error"},
)


class InvalidAnswer(Exception):
    """The application sent an invalid answer; the message names the part that is wrong."""


class AnsweringConnection(Protocol):
    """What a request needs of its connection."""

    transport: asyncio.Transport
    blocked_since: float | None  # Since when the client reads less than is written to it.

    @property
    def default_lines(self) -> bytes:
        """The headers that the server adds to every answer."""
        ...

    async def drain(self) -> None:
        """Wait until the client has read enough of what was sent."""
        ...

    def pause_reading(self) -> None:
        """Read nothing more from the client."""
        ...

    def resume_reading(self) -> None:
        """Read from the client again."""
        ...

    def on_answered(self) -> None:
        """Go on with the next request."""
        ...

    def close_after_answer(self) -> None:
        """Close the connection so that a client that still sends can read its answer."""
        ...


class ServedRequest:
    """A request whose head was read, and its answer.

    The head of an answer is sent together with the first piece of its body: each write is a system
    call, and the first one would wake the client for a head without a body. Writes after the end
    of the connection are dropped.
    """

    __slots__ = (
        "_body",
        "_changed",
        "_connection",
        "_head",
        "_is_chunked",
        "_left",
        "expects_continue",
        "has_started",
        "is_complete",
        "is_disconnected",
        "keep_alive",
        "more_body",
        "scope",
    )

    def __init__(
        self,
        scope: Scope,
        connection: AnsweringConnection,
        *,
        keep_alive: bool,
        expects_continue: bool,
    ) -> None:
        self.scope = scope
        self.keep_alive = keep_alive  # Whether the connection stays open after the answer.
        self.more_body = True  # Whether the end of the request is not read yet.
        self.has_started = False  # Whether the application has sent a status and headers.
        self.is_complete = False  # Whether it has sent all of its answer.
        self.is_disconnected = False
        # Whether the client has sent `Expect: 100-continue`, and got no such answer yet.
        self.expects_continue = expects_continue
        self._connection = connection
        self._body = bytearray()  # Received, and not taken by the application.
        self._changed = asyncio.Event()
        self._head = b""  # The head, which is sent together with the first piece of the body.
        self._is_chunked = False
        self._left = 0  # Bytes of the body until its declared length.

    # --- What the connection reads ---

    def add_body(self, piece: bytes) -> None:
        """Give the application a piece of the body, unless it has answered."""
        if self.is_complete:
            return
        self._body += piece
        if len(self._body) > MOST_BODY_BYTES_WAITING:
            self._connection.pause_reading()
        self._changed.set()

    def end_body(self) -> None:
        self.more_body = False
        self._changed.set()

    def disconnect(self) -> None:
        """Tell the application that nobody waits for an answer any more."""
        if not self.is_complete:
            self.is_disconnected = True
        self._changed.set()

    # --- What the application does ---

    async def run(self, app: ASGIApp) -> None:
        """Have the application answer. An exception is logged and answered, also that of a task
        that is cancelled."""
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException:
            try:
                log.exception("application.failed")
            finally:  # Without an answer the connection would never end.
                await self._end_failed()
        else:
            if not self.is_complete and not self.is_disconnected:
                log.error("application.did_not_answer")
                await self._end_failed()

    async def _end_failed(self) -> None:
        if self.has_started:
            self.close()
        else:
            for message in _FAILED:
                await self.send(message)

    async def receive(self) -> Message:
        """Return the next piece of the body; wait for it, or for the end of the connection."""
        connection = self._connection
        if not self.is_disconnected and not self.is_complete:
            if self.expects_continue and not connection.transport.is_closing():
                connection.transport.write(_CONTINUE)
                self.expects_continue = False
            connection.resume_reading()
            await self._changed.wait()
            self._changed.clear()
        if self.is_disconnected or self.is_complete:
            return {"type": "http.disconnect"}
        body = bytes(self._body)
        self._body = bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Message) -> None:
        """Send the head of an answer, or the next piece of its body.

        Raises `InvalidAnswer` for messages in another order, for headers that are not one line,
        and for a body that has another length than its headers say.
        """
        if self._connection.blocked_since is not None and not self.is_disconnected:
            await self._connection.drain()
        if self.is_disconnected:
            return
        kind = message["type"]
        if not self.has_started and kind == "http.response.start":
            self.has_started = True
            self.expects_continue = False
            self._take_head(message["status"], message.get("headers", ()))
        elif self.has_started and not self.is_complete and kind == "http.response.body":
            more = message.get("more_body", False)
            self._send_piece(message.get("body", b""), is_last=not more)
        else:
            raise InvalidAnswer(kind)

    def close(self) -> None:
        """Send the head that waits, and close the connection."""
        self._write(b"")
        self._connection.transport.close()

    def _take_head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        lines = [STATUS_LINES[status], self._connection.default_lines]
        length: int | None = None
        closes = False
        given = list(headers)
        _require_lines(given)
        for sent, value in given:
            lines.append(b"%b: %b\r\n" % (sent, value))
            name = sent.lower()
            if name not in _FRAMING:
                continue
            if name == b"content-length" and length is None and not self._is_chunked:
                length = int(value)
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                self._is_chunked = True
            elif name == b"connection" and b"close" in _tokens(value):
                closes = True
        if closes:
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(_CLOSE)
        has_no_body = self.scope["method"] == "HEAD" or status in WITHOUT_BODY
        if length is None and not self._is_chunked and not has_no_body:
            self._is_chunked = True
            lines.append(_CHUNKED)
        self._left = 0 if self._is_chunked else length or 0
        lines.append(b"\r\n")
        self._head = b"".join(lines)

    def _send_piece(self, body: bytes, *, is_last: bool) -> None:
        if self.scope["method"] == "HEAD":
            self._left = 0
            self._write(b"")
        elif self._is_chunked:
            self._write(_chunk(body, is_last=is_last))
        elif len(body) > self._left:
            raise InvalidAnswer("content-length")
        else:
            self._left -= len(body)
            self._write(body)
        if is_last:
            self._complete()

    def _complete(self) -> None:
        if self._left:
            raise InvalidAnswer("content-length")
        self.is_complete = True
        self._changed.set()
        if self.keep_alive:
            self._connection.on_answered()
        elif self.more_body:
            self._connection.close_after_answer()
        else:
            self._connection.transport.close()

    def _write(self, data: bytes) -> None:
        """Send a piece, after the head if that waits."""
        head = self._head
        self._head = b""
        if self._connection.transport.is_closing():
            return
        if head:
            send_joined(self._connection.transport, head, data)
        elif data:
            self._connection.transport.write(data)


def send_joined(transport: asyncio.Transport, head: bytes, data: bytes) -> None:
    """Send a head and the first piece of its body; a large piece is not copied."""
    if len(data) <= COPIED_BYTES:
        transport.write(head + data)
    else:
        transport.writelines((head, data))


def _require_lines(headers: RawHeaders) -> None:
    """Raise `InvalidAnswer` for a header that is not one line."""
    # Two searches for all headers take a third of the time of two for each.
    names = b"".join([name for name, _ in headers])
    values = b"".join([value for _, value in headers])
    if _INVALID_NAME(names) or _INVALID_VALUE(values):
        raise InvalidAnswer(next(n for n, v in headers if _INVALID_NAME(n) or _INVALID_VALUE(v)))


def _chunk(body: bytes, *, is_last: bool) -> bytes:
    end = _LAST_CHUNK if is_last else b""
    return b"%x\r\n%b\r\n%b" % (len(body), body, end) if body else end


def _tokens(value: bytes) -> list[bytes]:
    return [token.lower().strip() for token in value.split(b",")]

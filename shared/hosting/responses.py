"""Responses of Functions, and the headers of every response: those of host.json."""

import gzip
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from msgspec import Struct

from shared.hosting.requests import (
    Message,
    Receive,
    Scope,
    Send,
    body_length,
)
from shared.runtime.answers import WITHOUT_BODY, AnswerCachePolicy, FunctionResponse

RawHeaders = list[tuple[bytes, bytes]]
AnswerMessages = tuple[Message, Message]


class CachedAnswer(Struct, frozen=True):
    """An answer of the answer cache, as bytes. `added_headers` are new each time, such as the id of
    the request; the server adds them and its own, and the end of the head."""

    head: bytes
    added_headers: RawHeaders
    body: bytes


def encode_head(start: Message) -> bytes:
    """Return the status line and the headers as bytes."""
    return STATUS_LINES[start["status"]] + lines_of(start["headers"])


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


STATUS_LINES = {status: _status_line(status) for status in range(100, 600)}


def lines_of(headers: RawHeaders) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


async def send_answer(given: AnswerMessages, send: Send) -> None:
    """Send both messages; if the second has `more_body`, the server closes the connection."""
    start, body = given
    await send(start)
    await send(body)


class FileContent(Struct, frozen=True):
    """An open file, and how many bytes of it are sent from where it stands."""

    file: BinaryIO | BufferedIOBase
    length: int


class HostResponse(Struct, frozen=True):
    """What the host answers a request: whole, or with `content` in place of a body. Only a response
    with a `cache_policy` may be cached."""

    status: int
    headers: RawHeaders
    body: bytes = b""
    content: FileContent | None = None
    cache_policy: AnswerCachePolicy | None = None


# Answers a request, whose body it may receive.
Respond = Callable[[Scope, Receive], Awaitable[HostResponse]]


def bare_response(status: int, *headers: tuple[bytes, bytes]) -> HostResponse:
    """Return a response of the host itself, which has no body."""
    return HostResponse(status, [*headers, (b"content-length", b"0")])


def response_of(returned: object, method: str) -> HostResponse:
    """Return the response for what a Function returned; raise `ValueError` for a header that is not
    one line of ASCII."""
    answer = cast("FunctionResponse", returned).answer
    named = {name.lower(): value for name, value in answer.headers.items()}
    if "content-type" not in named:
        named["content-type"] = _with_charset(answer.media_type)
    lines = [*named.items(), *[("set-cookie", each) for each in answer.cookies]]
    if not "".join([value for _, value in lines]).isprintable():
        raise ValueError(named.keys())
    headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in lines]
    has_no_body = method == "HEAD" or answer.status in WITHOUT_BODY
    content = None
    if answer.gzipped_body and not has_no_body:
        decompressed = gzip.GzipFile(fileobj=BytesIO(answer.gzipped_body))
        content = FileContent(decompressed, int(named["content-length"]))
    body = b"" if has_no_body else answer.body
    return HostResponse(answer.status, headers, body, content, answer.cache_policy)


def _with_charset(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


# --- Headers of every answer ------------------------------------------------------------------

HOST_FILE = Path(__file__).resolve().parents[2] / "host.json"


def configured_headers(address: str) -> RawHeaders:
    """Return the headers that host.json adds to each answer of a host at this address.

    Strict-Transport-Security is added only where the address is https.
    """
    http = json.loads(HOST_FILE.read_text("utf-8"))["extensions"]["http"]
    headers: RawHeaders = [
        (name.lower().encode("ascii"), value.encode("ascii"))
        for name, value in http["customHeaders"].items()
    ]
    if http["hsts"]["isEnabled"] and address.startswith("https://"):
        lifetime = timedelta(days=int(http["hsts"]["maxAge"]))
        seconds = lifetime // timedelta(seconds=1)
        headers.append((b"strict-transport-security", b"max-age=%d" % seconds))
    return headers


def with_configured(given: RawHeaders, configured: RawHeaders) -> RawHeaders:
    """Return the headers of a response, and each of the configured ones whose name it lacks."""
    names = {name for name, _ in given}
    return [*given, *[each for each in configured if each[0] not in names]]


# --- Expect: 100-continue ---------------------------------------------------------------------


class ContinueGate:
    """Notes whether a client that expects `100 Continue` got it, and may send its body.

    A client that did not get it may send its next request instead of the body, and that request
    would be read as the body. Behind a proxy it may be the request of another client. So the
    connection is closed after such a response.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_open = False

    def receive(self) -> Awaitable[Message]:
        self._is_open = True
        return self._receive()

    def close_unless_open(self, given: RawHeaders) -> RawHeaders:
        """Return the headers of a response, which close the connection if the client was not told
        to continue."""
        if self._is_open:
            return given
        return [*[each for each in given if each[0].lower() != _CLOSE[0]], _CLOSE]


_CLOSE = (b"connection", b"close")


_CONTINUE = b"100-continue"


def expects_continue(value: bytes) -> bool:
    """Check whether this `Expect` is answered by `100 Continue`. Like the real host, the server
    does so for exactly this expectation, and ignores lists."""
    return value.lower() == _CONTINUE


def may_expect_continue(headers: RawHeaders) -> bool:
    """Check whether a request has a body that its client, or a proxy, may send only after
    `100 Continue`.

    Proxies read lists and odd values of `Expect` in different ways, so every value that has the
    words counts, also one that gets no `100 Continue`.
    """
    for name, value in headers:
        if name == b"expect" and _CONTINUE in value.lower():
            return body_length(headers) > 0
    return False

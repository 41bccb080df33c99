"""Responses of Functions as the two ASGI messages that answer a request, and the headers of every
answer: those of host.json, and those for pages of other sites (CORS)."""

import json
from collections.abc import Awaitable, Collection
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import cast

from msgspec import Struct

from shared.hosting.requests import (
    REPEAT,
    ASGIApp,
    MalformedPath,
    Message,
    Receive,
    Scope,
    Send,
    body_length,
    decode_path,
)
from shared.runtime.answers import FunctionResponse

RawHeaders = list[tuple[bytes, bytes]]
AnswerMessages = tuple[Message, Message]

PACKED = "ballroom.packed"  # Of a message with a body: a gzip file, which is sent unpacked.

WITHOUT_BODY = frozenset((204, 304))


class PreparedAnswer(Struct, frozen=True):
    """An answer as bytes; only the headers of the moment and the end of the head are added."""

    head: bytes
    fresh: RawHeaders
    body: bytes


def encode_head(start: Message) -> bytes:
    """Return the status line and the headers as bytes."""
    status = HTTPStatus(start["status"])
    return b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) + lines_of(start["headers"])


def lines_of(headers: RawHeaders) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def status_answer(status: int, *headers: tuple[bytes, bytes]) -> AnswerMessages:
    """Return an answer of the host itself, which has no body."""
    return _messages(status, [*headers, (b"content-length", b"0")], b"")


async def send_answer(given: AnswerMessages, send: Send) -> None:
    """Send both messages; if the second has `more_body`, the server closes the connection."""
    start, body = given
    await send(start)
    await send(body)


def answer_messages(returned: object, method: str) -> AnswerMessages:
    """Return the messages of what a Function returned; raise `ValueError` for a header that is not
    one line of ASCII."""
    answer = cast("FunctionResponse", returned).answer
    named = {name.lower(): value for name, value in answer.headers.items()}
    named.setdefault("content-type", _with_charset(answer.media_type))
    lines = [*named.items(), *(("set-cookie", each) for each in answer.cookies)]
    if not all(value.isascii() and value.isprintable() for _, value in lines):
        raise ValueError(named.keys())
    headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in lines]
    has_no_body = method == "HEAD" or answer.status in WITHOUT_BODY
    start, body = _messages(answer.status, headers, b"" if has_no_body else answer.body)
    return (
        {**start, REPEAT: answer.repeat},
        {**body, PACKED: answer.packed, "more_body": bool(answer.packed)},
    )


def _with_charset(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def _messages(status: int, headers: RawHeaders, body: bytes) -> AnswerMessages:
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )


# --- Headers of every answer ------------------------------------------------------------------

HOST_FILE = Path(__file__).resolve().parents[2] / "host.json"


def configured_headers(address: str, file: Path = HOST_FILE) -> RawHeaders:
    """Return the headers that host.json adds to each answer of a host at this address.

    Strict-Transport-Security is added only where the address is https.
    """
    http = json.loads(file.read_text("utf-8"))["extensions"]["http"]
    headers: RawHeaders = [
        (name.lower().encode("ascii"), value.encode("ascii"))
        for name, value in http["customHeaders"].items()
    ]
    if http["hsts"]["isEnabled"] and address.startswith("https://"):
        lifetime = timedelta(days=int(http["hsts"]["maxAge"]))
        seconds = lifetime // timedelta(seconds=1)
        headers.append((b"strict-transport-security", b"max-age=%d" % seconds))
    return headers


def with_headers(app: ASGIApp, headers: RawHeaders) -> ASGIApp:
    """Add each header to answers that have no header of its name."""

    # These functions are not coroutines, so that passing a call on costs no task frame.
    def answering(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        def sending(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                given = message["headers"]
                names = {name for name, _ in given}
                added = [each for each in headers if each[0] not in names]
                message = {**message, "headers": [*given, *added]}
            return send(message)

        return app(scope, receive, sending)

    return answering


def closing_without_leave(app: ASGIApp) -> ASGIApp:
    """Close the connection after an answer to a client that still waits for leave to send its body.

    Such a client (`Expect: 100-continue`) may send its next request instead of the body, and that
    request would be read as the body. Behind a proxy it may be the request of another client.
    """

    def answering(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        headers = scope["headers"]
        if not _waits_for_leave(headers):
            return app(scope, receive, send)
        has_leave = False

        def receiving() -> Awaitable[Message]:
            nonlocal has_leave
            has_leave = True
            return receive()

        def sending(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start" and not has_leave:
                others = [each for each in message["headers"] if each[0].lower() != _CLOSE[0]]
                message = {**message, "headers": [*others, _CLOSE]}
            return send(message)

        return app(scope, receiving, sending)

    return answering


_CLOSE = (b"connection", b"close")


def _waits_for_leave(headers: RawHeaders) -> bool:
    for name, value in headers:
        if name == b"expect" and b"100-continue" in value.lower():
            return body_length(headers) > 0
    return False


# Requests from pages of other sites (CORS) are answered as `allowedOrigins: ['*']` makes the real
# host answer them.
#
# The host answers each preflight before any Function, and lets every page read public answers:
# browsers hide an answer with `*` from a page that sends cookies. A plain `OPTIONS` is not a
# preflight.

_ALLOW_ORIGIN = b"access-control-allow-origin"
_ANY = (_ALLOW_ORIGIN, b"*")
_METHOD = b"access-control-request-method"
_HEADERS = b"access-control-request-headers"


def with_cors(app: ASGIApp, closed: Collection[str] = ()) -> ASGIApp:
    """Answer preflights, and allow every origin on all other answers to an `Origin`.

    Nothing is allowed, and no preflight is answered, for the paths that are `closed`.
    """

    def answering(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        asked = dict(scope["headers"])
        if b"origin" not in asked or _is_one_of(closed, scope):
            return app(scope, receive, send)
        if scope["method"] == "OPTIONS" and _METHOD in asked:
            return send_answer(_preflight(asked[_METHOD], asked.get(_HEADERS, b"")), send)

        def sending(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                others = [each for each in message["headers"] if each[0].lower() != _ALLOW_ORIGIN]
                message = {**message, "headers": [*others, _ANY]}
            return send(message)

        return app(scope, receive, sending)

    return answering


def _is_one_of(paths: Collection[str], scope: Scope) -> bool:
    """Check whether the path of a request leads to the route of one of these paths."""
    try:
        path = decode_path(scope["raw_path"])
    except MalformedPath:  # No route has it.
        return False
    return path.removesuffix("/").lower() in paths


def _preflight(method: bytes, headers: bytes) -> AnswerMessages:
    """Allow what the preflight requests, as the real host does."""
    allowed = [_ANY, (b"access-control-allow-methods", method)]
    if headers:
        allowed.append((b"access-control-allow-headers", headers))
    return (
        {"type": "http.response.start", "status": 204, "headers": allowed},
        {"type": "http.response.body", "body": b""},
    )

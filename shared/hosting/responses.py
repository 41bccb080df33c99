"""Responses of Functions as the two ASGI messages that answer a request, and the headers of every
answer: those of host.json, and those for pages of other sites (CORS)."""

import json
import re
import time
from collections.abc import Awaitable
from datetime import timedelta
from http import HTTPStatus
from http.cookies import CookieError, Morsel, SimpleCookie
from pathlib import Path
from urllib.parse import quote

import azure.functions as func
from msgspec import Struct

from shared.hosting.requests import REPEAT, ASGIApp, Message, Receive, Scope, Send, body_length
from shared.runtime.answers import FunctionResponse

RawHeaders = list[tuple[bytes, bytes]]
AnswerMessages = tuple[Message, Message]

PACKED = "ballroom.packed"  # Of a message with a body: a gzip file, which is sent unpacked.

WITHOUT_BODY = frozenset((204, 304))
_RESET = 205  # Its length is 0, whatever was returned.
_WITHOUT_CONTENT = WITHOUT_BODY | {_RESET}
_WITHOUT_LENGTH = frozenset((204, _RESET))  # A 304 may name the length of what it does not send.
_LONGEST_LENGTH = 19  # Digits of the greatest number of 64 bits.
_STATUSES = range(200, 600)

_SERVER_HEADERS = frozenset(("server", "date"))  # Set by the server, whatever a Function sets.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # The characters of a header name.


class PreparedAnswer(Struct, frozen=True):
    """An answer as bytes; only the headers of the moment and the end of the head are added."""

    head: bytes
    fresh: RawHeaders
    body: bytes


class UnusableAnswer(Exception):
    """A Function returned an answer that the real host does not send.

    `is_cut` if the real host closes the connection with its 500.
    """

    def __init__(self, reason: str, *, is_cut: bool = False) -> None:
        super().__init__(reason)
        self.is_cut = is_cut


def encode_head(start: Message) -> bytes:
    """Return the status line and the headers as bytes."""
    status = HTTPStatus(start["status"])
    return b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) + lines_of(start["headers"])


def lines_of(headers: RawHeaders) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def status_answer(status: int, *headers: tuple[bytes, bytes]) -> AnswerMessages:
    """Return an answer of the host itself, which has no body."""
    return _messages(status, [*headers, (b"content-length", b"0")], b"")


def failure_answer(method: str, failure: Exception | None = None) -> AnswerMessages:
    """Return the answer of the host to a request whose Function failed."""
    is_cut = isinstance(failure, UnusableAnswer) and failure.is_cut
    headers: RawHeaders = [] if method == "HEAD" else [(b"content-length", b"0")]
    return _messages(500, [*headers, *([(b"connection", b"close")] if is_cut else [])], b"")


async def send_answer(given: AnswerMessages, send: Send) -> None:
    """Send both messages; if the second has `more_body`, the server closes the connection."""
    start, body = given
    await send(start)
    await send(body)


def answer_messages(returned: object, method: str) -> AnswerMessages:
    """Return the answer that the real host sends for the value that a Function returned.

    Raises `UnusableAnswer` where the real host answers with a 500. A body that is not allowed, or
    shorter than its `Content-Length`, ends the connection.
    """
    if isinstance(returned, func.HttpResponse):
        return _answer(returned, method)
    if isinstance(returned, str):
        return _answer(func.HttpResponse(returned), method)
    message = f"it returned {type(returned).__name__}, not an HttpResponse"
    raise UnusableAnswer(message)


def _answer(response: func.HttpResponse, method: str) -> AnswerMessages:
    packed = response.answer.packed if isinstance(response, FunctionResponse) else b""
    status, body = int(response.status_code), b"" if packed else response.get_body()
    method = "HEAD" if packed else method  # The length is that of what is sent later.
    if status not in _STATUSES:
        # Below 200 clients wait for another status, and none is above 599.
        message = f"it returned status {status}"
        raise UnusableAnswer(message)
    given = _last_of_each(response)
    cookies = given.pop("set-cookie", None)
    _require_lines_of_ascii(given)
    if status != HTTPStatus.NOT_MODIFIED:
        _require_framed(given, body, has_length=status not in _WITHOUT_LENGTH, method=method)
    headers = [
        (_raw_name(name), value.strip(" \t").encode("ascii"))
        for name, value in given.items()
        if value or name != "content-type"  # An empty type is no type.
    ]
    if "content-type" not in given and response.mimetype:
        headers.append((b"content-type", _content_type(response)))
    if cookies is not None:
        for each in response.headers.get_all("set-cookie"):
            headers += [(b"set-cookie", one.encode("ascii")) for one in rewrite_cookies(each)]
    content = b"" if method == "HEAD" or status in _WITHOUT_CONTENT else body
    has_length = "content-length" in given or content or method == "HEAD"
    if status not in WITHOUT_BODY and not has_length:  # Another body is sent in chunks.
        headers.append((b"content-length", b"0"))
    messages = _messages(status, headers, content)
    if isinstance(response, FunctionResponse):
        messages[0][REPEAT] = response.answer.repeat
        messages[1][PACKED] = packed
    messages[1]["more_body"] = bool(packed) or (method != "HEAD" and _is_cut(status, given, body))
    return messages


def _last_of_each(response: func.HttpResponse) -> dict[str, str]:
    """Return the headers by name in lower case; the last of repeated headers counts."""
    by_spelling: dict[str, str] = dict(iter(response.headers))
    values: dict[str, str] = {}
    for name, value in by_spelling.items():
        # Of two spellings the real host takes the first.
        values.setdefault(name.lower(), value)
    for name in _SERVER_HEADERS.intersection(values):
        del values[name]
    return values


def _raw_name(name: str) -> bytes:
    if not _TOKEN.fullmatch(name):
        raise _header_unusable(name)
    return name.encode("ascii")


def _header_unusable(name: str) -> UnusableAnswer:
    return UnusableAnswer(f"the header {name!r} cannot be written")


def _require_lines_of_ascii(headers: dict[str, str]) -> None:
    whole = "".join(headers.values())
    if whole.isascii() and whole.isprintable():
        return
    for name, value in headers.items():
        if not (value.isascii() and value.replace("\t", "").isprintable()):
            raise _header_unusable(name)


def _content_type(response: func.HttpResponse) -> bytes:
    kind: str = response.mimetype
    if kind.startswith("text/"):
        kind = f"{kind}; charset={response.charset}"
    return kind.encode("ascii")


# --- Lengths -----------------------------------------------------------------------------------


def _require_framed(given: dict[str, str], body: bytes, *, has_length: bool, method: str) -> None:
    """Raise `UnusableAnswer` for headers that the real host cannot send."""
    if "transfer-encoding" in given:
        message = "it returned a Transfer-Encoding of its own"
        raise UnusableAnswer(message)
    promised = given.get("content-length")
    if promised is None:
        return
    wrong = f"it promised {promised} bytes and returned {len(body)}"
    if not promised.isdecimal() or len(promised) > _LONGEST_LENGTH:
        raise UnusableAnswer(wrong)
    length = int(promised)
    if length and not (has_length and (body or method == "HEAD")):
        raise UnusableAnswer(wrong)
    if length < len(body):
        raise UnusableAnswer(wrong, is_cut=True)
    given["content-length"] = str(length)  # Without zeros at its start.


def _is_cut(status: int, given: dict[str, str], body: bytes) -> bool:
    if status in _WITHOUT_CONTENT:
        return bool(body)
    return int(given.get("content-length", len(body))) > len(body)


def _messages(status: int, headers: RawHeaders, body: bytes) -> AnswerMessages:
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )


_EXPIRY = "%a, %d %b %Y %H:%M:%S GMT"
_SAME_SITE = frozenset(("lax", "strict", "none"))


def rewrite_cookies(header: str) -> list[str]:
    """Return the cookies of one header; the worker drops those that it cannot read.

    Raises `UnusableAnswer` for those that it reads and cannot write.
    """
    try:
        return [_written(morsel) for morsel in SimpleCookie(header).values()]
    except (CookieError, ValueError) as reason:
        message = f"a cookie cannot be written: {reason}"
        raise UnusableAnswer(message) from None


def _written(morsel: "Morsel[str]") -> str:
    parts = [f"{morsel.key}={quote(morsel.value, safe='~')}"]
    if morsel["expires"]:
        time.strptime(morsel["expires"], _EXPIRY)
        parts.append(f"expires={morsel['expires']}")
    if morsel["max-age"]:
        parts.append(f"max-age={morsel['max-age']}")
    # The real host writes both, even empty; browsers ignore an empty one.
    parts.append(f"domain={morsel['domain']}")
    parts.append(f"path={morsel['path']}")
    if morsel["secure"]:
        parts.append("secure")
    same_site = morsel["samesite"].lower()
    if same_site in _SAME_SITE:
        parts.append(f"samesite={same_site}")
    if morsel["httponly"]:
        parts.append("httponly")
    return "; ".join(parts)


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


def with_cors(app: ASGIApp) -> ASGIApp:
    """Answer preflights, and allow every origin on all other answers to an `Origin`."""

    def answering(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        asked = dict(scope["headers"])
        if b"origin" not in asked:
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


def _preflight(method: bytes, headers: bytes) -> AnswerMessages:
    """Allow what the preflight requests, as the real host does."""
    allowed = [_ANY, (b"access-control-allow-methods", method)]
    if headers:
        allowed.append((b"access-control-allow-headers", headers))
    return (
        {"type": "http.response.start", "status": 204, "headers": allowed},
        {"type": "http.response.body", "body": b""},
    )

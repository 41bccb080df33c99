"""What a Function returns, as the two ASGI messages that answer a request."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

import azure.functions as func
from starlette.types import Message, Send

from shared.hosting.cookies import rewritten
from shared.standing import again_of

RawHeaders = list[tuple[bytes, bytes]]
Answer = tuple[Message, Message]

_WITHOUT_BODY = frozenset((204, 304))


@dataclass(frozen=True, slots=True)
class Ready:
    """An answer whose head is written down, but for headers of the moment and its last line."""

    head: bytes
    fresh: RawHeaders
    body: bytes


class UnusableAnswer(Exception):
    """A Function returned what the real host would turn into a 500 as well."""


class NotAResponse(UnusableAnswer):
    """It returned something else than an `HttpResponse`."""

    def __init__(self, returned: object) -> None:
        super().__init__(f"it returned {type(returned).__name__}, not an HttpResponse")


class BodyNotAllowed(UnusableAnswer):
    """It returned a body with a status that allows none."""

    def __init__(self, status: int) -> None:
        super().__init__(f"it returned a body with status {status}")


class WrongLength(UnusableAnswer):
    """Its `Content-Length` is not the length of its body."""

    def __init__(self, promised: str, returned: int) -> None:
        super().__init__(f"it promised {promised} bytes and returned {returned}")


def head_of(start: Message) -> bytes:
    """Return the status and the headers of an answer as they are sent, line by line."""
    status = HTTPStatus(start["status"])
    lines = [b"%b: %b\r\n" % header for header in start["headers"]]
    return b"".join((b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()), *lines))


def bare(status: int, *headers: tuple[bytes, bytes]) -> Answer:
    """Return an answer without a body, as the host gives them itself."""
    return _messages(status, [*headers, (b"content-length", b"0")], b"")


async def send_answer(given: Answer, send: Send) -> None:
    """Send both messages."""
    start, body = given
    await send(start)
    await send(body)


def answer(returned: object, method: str) -> Answer:
    """Turn what a Function returned into an answer; raise `UnusableAnswer` for what is none."""
    if isinstance(returned, func.HttpResponse):
        return _answer(returned, method)
    if isinstance(returned, str):
        return _answer(func.HttpResponse(returned), method)
    raise NotAResponse(returned)


def _answer(response: func.HttpResponse, method: str) -> Answer:
    status, body = int(response.status_code), response.get_body()
    if status in _WITHOUT_BODY and body:
        raise BodyNotAllowed(status)
    given = _last_of_each(response)
    cookies = given.pop("set-cookie", None)
    headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in given.items()]
    if "content-type" not in given:
        headers.append((b"content-type", _content_type(response)))
    if cookies is not None:
        headers += _cookies(response.headers.get_all("set-cookie"))
    if status not in _WITHOUT_BODY:
        _put_length(headers, given.get("content-length"), body, method)
    messages = _messages(status, headers, b"" if method == "HEAD" else body)
    messages[0]["again"] = again_of(response)
    return messages


def _last_of_each(response: func.HttpResponse) -> dict[str, str]:
    """Return the headers by name in lower case; of one sent twice the last counts."""
    by_spelling: dict[str, str] = dict(iter(response.headers))
    values: dict[str, str] = {}
    for name, value in by_spelling.items():
        # Of two spellings the real host takes the first.
        values.setdefault(name.lower(), value)
    return values


def _content_type(response: func.HttpResponse) -> bytes:
    kind: str = response.mimetype
    if kind.startswith("text/"):
        kind = f"{kind}; charset={response.charset}"
    return kind.encode("ascii")


def _cookies(headers: Iterable[str]) -> RawHeaders:
    return [
        (b"set-cookie", cookie.encode("ascii")) for each in headers for cookie in rewritten(each)
    ]


def _put_length(headers: RawHeaders, given: str | None, body: bytes, method: str) -> None:
    if given is None:
        headers.append((b"content-length", b"%d" % len(body)))
    elif given != str(len(body)) and not (method == "HEAD" and not body):
        raise WrongLength(given, len(body))


def _messages(status: int, headers: RawHeaders, body: bytes) -> Answer:
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )

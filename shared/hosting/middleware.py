"""ASGI middleware: the headers of host.json, CORS, and following redirects to this host."""

import json
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.hosting.asgi import ASGIApp, Message, Receive, Scope, Send
from shared.hosting.requests import body_length
from shared.hosting.responses import AnswerMessages, RawHeaders, send_answer
from shared.runtime.answers import Repeatable

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


# Requests from pages of other sites (CORS), answered as `allowedOrigins: ['*']` of the real host.
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


_REDIRECT = 302


@dataclass(frozen=True, slots=True)
class FollowedRedirects:
    """Redirects below a path to the address of this registry."""

    below: str
    address: str  # Without a slash at its end.


class RedirectFollower:
    """Answers a redirect to this host with the answer of its target.

    The redirecting Function has checked rights, counted and signed, so nothing is checked here.
    """

    def __init__(self, app: ASGIApp, shortcut: FollowedRedirects) -> None:
        self._app = app
        self._below = shortcut.below.encode("ascii")
        self._address = shortcut.address.encode("ascii")

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["raw_path"].startswith(self._below):
            return self._serve(scope, receive, send)
        return self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        target: Scope | None = None
        repeat: Repeatable | None = None

        async def sending(message: Message) -> None:
            nonlocal target, repeat
            if target is None:
                target, repeat = self._target(scope, message), message.get("repeat")
            if target is None:
                await send(message)

        await self._app(scope, receive, sending)
        if target is not None:
            await self._app(target, receive, _cacheable_as(repeat, send))

    def _target(self, scope: Scope, message: Message) -> Scope | None:
        """Return the request for the target of the answer, if it is a redirect to this host."""
        if message.get("status") != _REDIRECT:
            return None
        location: bytes = dict(message["headers"]).get(b"location", b"")
        if not location.startswith(self._address + b"/"):
            return None
        raw_path, _, query = location.removeprefix(self._address).partition(b"?")
        path = raw_path.decode("ascii")
        return {**scope, "raw_path": raw_path, "path": path, "query_string": query}


def _cacheable_as(repeat: Repeatable | None, send: Send) -> Send:
    """Return a `send` that lets an answer be cached if the redirect may be cached, too.

    A repeat of both is one request, recorded as a repeat of the redirect.
    """

    async def sending(message: Message) -> None:
        await send({**message, "repeat": repeat} if message.get("repeat") else message)

    return sending

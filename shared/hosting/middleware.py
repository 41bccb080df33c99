"""ASGI middleware: the headers of host.json, CORS, and redirects to this host that are followed
here.
"""

import json
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.answer_cache import RepeatAnswer
from shared.hosting.asgi import ASGIApp, Message, Receive, Scope, Send
from shared.hosting.responses import AnswerMessages, RawHeaders, send_answer

HOST_FILE = Path(__file__).resolve().parents[2] / "host.json"


def configured_headers(address: str, file: Path = HOST_FILE) -> RawHeaders:
    """Return what the file adds to each answer of a host that clients know by this address.

    Browsers are told to come by https alone only where they come by https.
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
    """Add the headers to each answer that has none of that name."""

    # Not coroutines themselves: a step that only passes on costs no frame of its own.
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


# Requests from pages of other sites (CORS), answered as `allowedOrigins: ['*']` of the real host.
#
# It answers every preflight itself, before any Function, and lets every page read what everybody
# may: browsers hide an answer with `*` from a page that sends cookies. A plain `OPTIONS` is no
# preflight.

_ALLOW_ORIGIN = b"access-control-allow-origin"
_ANY = (_ALLOW_ORIGIN, b"*")
_METHOD = b"access-control-request-method"
_HEADERS = b"access-control-request-headers"


def with_cors(app: ASGIApp) -> ASGIApp:
    """Answer preflights, and say on every other answer to an `Origin` that any may read it."""

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
    """Allow what is asked for, as the real host does."""
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
    """Redirects below a path of ours to the address that clients know us by."""

    below: str
    address: str  # Without a slash at its end.


class RedirectFollower:
    """Answers with what a redirect leads to, where the client would only come back for it.

    Whoever redirects has decided, counted and signed, so nothing is decided here.
    """

    def __init__(self, app: ASGIApp, shortcut: FollowedRedirects) -> None:
        self._app = app
        self._below = shortcut.below.encode("ascii")
        self._address = shortcut.address.encode("ascii")

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        if scope["raw_path"].startswith(self._below):
            return self._serve(scope, receive, send)
        return self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        ahead: Scope | None = None
        repeat: RepeatAnswer | None = None

        async def sending(message: Message) -> None:
            nonlocal ahead, repeat
            if ahead is None:
                ahead, repeat = self._ahead(scope, message), message.get("repeat")
            if ahead is None:
                await send(message)

        await self._app(scope, receive, sending)
        if ahead is not None:
            await self._app(ahead, receive, _cacheable_as(repeat, send))

    def _ahead(self, scope: Scope, message: Message) -> Scope | None:
        """Return the request for what the answer leads to, if it is a redirect to ourselves."""
        if message.get("status") != _REDIRECT:
            return None
        location: bytes = dict(message["headers"]).get(b"location", b"")
        if not location.startswith(self._address + b"/"):
            return None
        raw_path, _, query = location.removeprefix(self._address).partition(b"?")
        path = raw_path.decode("ascii")
        return {**scope, "raw_path": raw_path, "path": path, "query_string": query}


def _cacheable_as(repeat: RepeatAnswer | None, send: Send) -> Send:
    """Return a `send` that lets an answer be repeated if the redirect to it may be, too.

    A repeat of both is one request, recorded as one of the redirect.
    """

    async def sending(message: Message) -> None:
        await send({**message, "repeat": repeat} if message.get("repeat") else message)

    return sending

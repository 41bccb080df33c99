"""Requests from pages of other sites (CORS), answered as `allowedOrigins: ['*']` of the real host.

It answers every preflight itself, before any Function, and lets every page read what everybody may:
browsers hide an answer with `*` from a page that sends cookies. A plain `OPTIONS` is no preflight.
"""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.hosting.responses import Answer, send_answer

_ALLOW_ORIGIN = b"access-control-allow-origin"
_ANY = (_ALLOW_ORIGIN, b"*")
_METHOD = b"access-control-request-method"
_HEADERS = b"access-control-request-headers"


def crossing(app: ASGIApp) -> ASGIApp:
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


def _preflight(method: bytes, headers: bytes) -> Answer:
    """Allow what is asked for, as the real host does."""
    allowed = [_ANY, (b"access-control-allow-methods", method)]
    if headers:
        allowed.append((b"access-control-allow-headers", headers))
    return (
        {"type": "http.response.start", "status": 204, "headers": allowed},
        {"type": "http.response.body", "body": b""},
    )

"""Redirects to files of this machine, followed here: the client gets the bytes in one trip."""

from collections.abc import Awaitable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.standing import Again

_REDIRECT = 302


@dataclass(frozen=True, slots=True)
class Shortcut:
    """Redirects below a path of ours to the address that clients know us by."""

    below: str
    address: str  # Without a slash at its end.


class Following:
    """Answers with what a redirect leads to, where the client would only come back for it.

    Whoever redirects has decided, counted and signed, so nothing is decided here.
    """

    def __init__(self, app: ASGIApp, shortcut: Shortcut) -> None:
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
        first: Again | None = None

        async def sending(message: Message) -> None:
            nonlocal ahead, first
            if ahead is None:
                ahead, first = self._ahead(scope, message), message.get("again")
            if ahead is None:
                await send(message)

        await self._app(scope, receive, sending)
        if ahead is not None:
            await self._app(ahead, receive, _standing_on(first, send))

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


def _standing_on(first: Again | None, send: Send) -> Send:
    """Return a way to send an answer that stands where the redirect to it stands, too.

    Given again it is one request, which is noted as the redirect was.
    """

    async def sending(message: Message) -> None:
        await send({**message, "again": first} if message.get("again") else message)

    return sending

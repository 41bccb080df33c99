"""Requests as a server hands them to an application, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.hosting.requests import ASGIApp, Message, Scope

HOST = (b"host", b"registry.test")


def scope(
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    *,
    client: str | None = "127.0.0.1",
) -> Scope:
    """Return the scope of a request for `target`, a path with its query."""
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [
            HOST,
            *((name.lower().encode(), value.encode()) for name, value in (headers or {}).items()),
        ],
        "client": client and (client, 50_000),
    }


@dataclass
class Exchange:
    """One request with its body in pieces, and the messages that answered it."""

    pieces: list[bytes]
    sent: list[Message]

    async def receive(self) -> Message:
        """Return the next piece of the body; after the last the client is gone."""
        if not self.pieces:
            return {"type": "http.disconnect"}
        piece = self.pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    async def send(self, message: Message) -> None:
        """Keep a message."""
        self.sent.append(message)

    @property
    def status(self) -> int:
        """Return the status of the answer."""
        return self.sent[0]["status"]

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of the answer."""
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        """Return the whole body of the answer."""
        return b"".join(message["body"] for message in self.sent[1:])


async def ask(app: ASGIApp, request: Scope, *pieces: bytes) -> Exchange:
    """Ask an application."""
    exchange = Exchange([*pieces] or [b""], [])
    await app(request, exchange.receive, exchange.send)
    return exchange

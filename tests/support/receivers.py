"""A receiver of webhooks on a port of loopback, which answers as a test says."""

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import Any

from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.server import served_app


@dataclass(frozen=True)
class Received:
    """A request of a webhook."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.body)["data"]

    def is_signed_with(self, secret: str) -> bool:
        name = self.headers["webhook-id"]
        at = int(self.headers["webhook-timestamp"])
        signed = Webhook(secret).sign(name, datetime.fromtimestamp(at, UTC), self.body)
        return signed in self.headers["webhook-signature"].split()


@dataclass
class Receiver:
    """What arrived, and how the next requests are answered."""

    url: str = ""
    status: int = 204
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    hangs: bool = False
    received: list[Received] = field(default_factory=list[Received])
    arrived: Event = field(default_factory=Event)  # Set by the first request.
    ended: Event = field(default_factory=Event)

    async def answer(self, request: Request) -> Response:
        body = (await request.body()).decode()
        self.received.append(Received(request.url.path, dict(request.headers), body))
        self.arrived.set()
        if self.hangs:
            await asyncio.to_thread(self.ended.wait)
        return Response(self.body, self.status, self.headers)


@contextmanager
def receiving() -> Generator[Receiver]:
    """Run a receiver for as long as the block lasts; its host is `127.0.0.1`."""
    receiver = Receiver()
    with served_app(
        Starlette(routes=[Route("/{path:path}", receiver.answer, methods=["POST"])])
    ) as address:
        receiver.url = f"{address.url}/hook"
        try:
            yield receiver
        finally:
            receiver.ended.set()

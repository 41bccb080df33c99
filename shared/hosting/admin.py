"""`POST /admin/functions/{name}`: fire a timer by hand, from this machine alone."""

import asyncio
import ipaddress
import json
from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.hosting.bodies import Disconnected, body_length, read_body
from shared.hosting.responses import Answer, bare, send_answer
from shared.hosting.timing import Timers

_PREFIX = b"/admin/functions/"
_LONGEST_BODY = 64 * 1024

# A request that carries one of these was relayed for somebody else, or made by a web page.
_FOREIGN = frozenset((b"forwarded", b"x-forwarded-for", b"origin"))


class Admin:
    """Fires timers, and passes everything else on."""

    def __init__(self, app: ASGIApp, timers: Timers) -> None:
        self._app = app
        self._timers = timers
        self._running: set[asyncio.Task[None]] = set()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        raw: bytes = scope["raw_path"]
        if raw.startswith(_PREFIX) and scope["method"] == "POST":
            return self._serve(raw[len(_PREFIX) :].decode("ascii"), scope, receive, send)
        return self._app(scope, receive, send)

    async def _serve(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send_answer(await self._answer(name, scope, receive), send)
        except Disconnected:
            return

    async def _answer(self, name: str, scope: Scope, receive: Receive) -> Answer:
        if not _is_local(scope):
            return bare(401)
        if not self._timers.knows(name):
            return bare(404)
        if not 0 < body_length(scope["headers"]) <= _LONGEST_BODY:
            return bare(400)
        if not _is_object(await read_body(receive)):
            return bare(400)
        task = asyncio.create_task(self._timers.fire(name))
        # The loop keeps no strong reference to a task.
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return bare(202)


def _is_local(scope: Scope) -> bool:
    client = scope.get("client")
    if client is None or any(name in _FOREIGN for name, _ in scope["headers"]):
        return False
    return ipaddress.ip_address(client[0]).is_loopback


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False

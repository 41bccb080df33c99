"""The double of Cosmos DB for other processes: the same answers over HTTP, on loopback."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from urllib.parse import unquote

import uvicorn
from starlette.types import Receive, Scope, Send

from tests.fakes.cosmos.protocol import Answer, CosmosDouble, Request
from tests.support.waiting import eventually_in_tasks

# Is awaited before each answer, and returns another one to send instead.
BeforeAnswer = Callable[[Request], Awaitable[Answer | None]]


class DoubleApp:
    """The double as an ASGI application."""

    def __init__(self, double: CosmosDouble, before: BeforeAnswer | None = None) -> None:
        """Answer for `double`."""
        self._double = double
        self._before = before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            part = await receive()
            body = body + part.get("body", b"")
            more = part.get("more_body", False)
        headers = {name.decode(): unquote(value.decode()) for name, value in scope["headers"]}
        path = scope["raw_path"].decode()
        answer = await self._answer(Request(scope["method"], path, headers, body))
        sent = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        length = (b"content-length", str(len(answer.content)).encode())
        start = {"type": "http.response.start", "status": answer.status}
        await send({**start, "headers": [*sent, length]})
        await send({"type": "http.response.body", "body": answer.content})

    async def _answer(self, request: Request) -> Answer:
        instead = await self._before(request) if self._before else None
        return instead or self._double.answer(request)


@contextmanager
def served(double: CosmosDouble, before: BeforeAnswer | None = None) -> Generator[str]:
    """Serve the double on a free port of this machine while the context lasts; lend its address."""
    config = uvicorn.Config(DoubleApp(double, before), port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    ready = threading.Event()

    async def serve() -> None:
        serving = asyncio.create_task(server.serve())
        await eventually_in_tasks(lambda: server.started)
        ready.set()
        await serving

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    ready.wait(timeout=10)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        double.address = f"http://127.0.0.1:{port}"
        yield double.address
    finally:
        server.should_exit = True
        thread.join(timeout=10)

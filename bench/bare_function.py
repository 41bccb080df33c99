"""One function under the server that the registry uses: the least cost of a Python answer."""

import sys
from functools import cache
from pathlib import Path

from shared.hosting.http_server.server import bind, create_server, listen
from shared.hosting.requests import Message, Receive, Scope, Send
from shared.hosting.responses import RawHeaders

FOLDER = Path(sys.argv[2])

_HEADERS: RawHeaders = [
    (b"content-type", b"application/octet-stream"),
    (b"etag", b'"0123456789abcdef0123456789abcdef"'),
    (b"accept-ranges", b"bytes"),
    (b"cache-control", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-request-id", b"0123456789abcdef"),
]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, or follow the server's start and stop."""
    if scope["type"] == "lifespan":
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})
        return
    start, body = _answer(scope["path"])
    await send(start)
    await send(body)


@cache
def _answer(path: str) -> tuple[Message, Message]:
    content = (FOLDER / path[1:]).read_bytes()
    headers = [*_HEADERS, (b"content-length", b"%d" % len(content))]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    return start, {"type": "http.response.body", "body": content}


if __name__ == "__main__":
    bound = bind("127.0.0.1", int(sys.argv[1]))
    listen(bound)
    create_server(app).serve_until_stopped(bound)

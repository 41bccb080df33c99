"""Starlette alone under the server that the registry uses: the cost of a request without work."""

import sqlite3
import sys
from functools import cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from shared.hosting.http_server.server import bind, create_server, listen

FOLDER = Path(sys.argv[2])


async def redirect(request: Request) -> Response:
    """Answer as hop one of a pull does."""
    return Response(status_code=302, headers={"location": request.path_params["name"]})


async def read(request: Request) -> Response:
    """Answer as hop one of a pull does, with what one read by its key finds."""
    query = "select target from link where name = ?"
    (target,) = _database().execute(query, (request.path_params["name"],)).fetchone()
    return Response(status_code=302, headers={"location": target})


async def file(request: Request) -> Response:
    """Send a file as Starlette does."""
    return FileResponse(FOLDER / request.path_params["name"])


async def content(request: Request) -> Response:
    """Send the bytes of a file from memory, or say that the client has them."""
    held = _read(FOLDER / request.path_params["name"])
    headers = {"etag": f'"{hash(held)}"'}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(held, headers=headers)


@cache
def _database() -> sqlite3.Connection:
    return sqlite3.connect(FOLDER / "limit.db")


@cache
def _read(path: Path) -> bytes:
    return path.read_bytes()


app = Starlette(
    routes=[
        Route("/redirect/{name}", redirect),
        Route("/read/{name}", read),
        Route("/file/{name}", file),
        Route("/bytes/{name}", content),
        Route("/{name:path}", content),
    ]
)

if __name__ == "__main__":
    bound = bind("127.0.0.1", int(sys.argv[1]))
    listen(bound)
    create_server(app).serve_until_stopped(bound)

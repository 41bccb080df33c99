"""Starlette alone under the server that the registry uses: what a request costs before any work."""

import sys
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from shared.hosting.serving import bind, listen, server

FOLDER = Path(sys.argv[2])


async def redirect(request: Request) -> Response:
    """Answer as hop one of a pull does."""
    return Response(status_code=302, headers={"location": request.path_params["name"]})


async def file(request: Request) -> Response:
    """Send a file as Starlette does."""
    return FileResponse(FOLDER / request.path_params["name"])


app = Starlette(routes=[Route("/redirect/{name}", redirect), Route("/file/{name}", file)])

if __name__ == "__main__":
    bound = bind("127.0.0.1", int(sys.argv[1]))
    listen(bound)
    server(app).serve_until_stopped(bound)

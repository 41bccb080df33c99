"""/2.0/maven: one Maven repository that `bal` pushes to and pulls from, and a proxy of Central."""

import azure.functions as func

from functions._documents import Document, document_answer
from functions._http import caller_of, headers_of, upload_of
from functions._maven import TEXT, maven_errors
from functions._maven_paths import Target
from functions.maven_reading import answer_to_read
from functions.maven_writing import take
from shared.domain.errors import RepositoryTokenMissing
from shared.registry import Registry

ROUTE = "2.0/maven/{*path}"

# Repositories that stand in front of others ask for the root alone, to see whether it is there.
_WELCOME = Document(b"This is the Maven repository of a Ballroom.\n", TEXT, is_public=True)

# No `DAV` header, ever: after one the clients speak WebDAV.
_ALLOWED = {"Allow": "GET, HEAD, OPTIONS, PUT", "Content-Length": "0"}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the Maven face."""
    bp = func.Blueprint()

    @bp.route(ROUTE, methods=["GET", "HEAD"])
    @maven_errors
    async def maven_read(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        if not _path(req):
            return document_answer(req, _WELCOME)
        target = Target.to_read(_path(req))
        return await answer_to_read(registry, req, target, caller)

    @bp.route(ROUTE, methods=["PUT"])
    @maven_errors
    async def maven_write(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        if caller.is_anonymous:
            raise RepositoryTokenMissing
        target = Target.to_write(_path(req))
        content = upload_of(req, registry.settings.max_archive_bytes)
        await take(registry, target, content, caller)
        return func.HttpResponse(status_code=201, headers={"Content-Length": "0"})

    @bp.route(ROUTE, methods=["OPTIONS"])
    @maven_errors
    async def maven_options(req: func.HttpRequest) -> func.HttpResponse:
        # Clients ask this before each push. Challenged here, they send the archive once, and not a
        # second time after a 401.
        caller = await caller_of(headers_of(req), registry)
        if caller.is_anonymous:
            raise RepositoryTokenMissing
        return func.HttpResponse(headers=_ALLOWED)

    return bp


def _path(req: func.HttpRequest) -> str:
    return req.route_params.get("path", "")

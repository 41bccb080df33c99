"""/2.0/docs: the API documentation of a module, as `bal discover` and tools for AI read it."""

import asyncio

import azure.functions as func

from functions.central.responses import CORS_HEADERS, central_errors
from functions.http.answer_cache import cacheable
from functions.http.callers import caller_of
from functions.http.compression import accepts_gzip
from functions.http.requests import READ_METHODS, headers_of
from functions.http.responses import CACHE_PRIVATE, JSON
from shared.composition import Registry
from shared.conditional_requests import is_known
from shared.domain.documents import etag_of
from shared.domain.errors.packages import ApiDocsNotFound
from shared.services.api_docs import ModuleName
from shared.services.pieces import StoredPiece

# A version never changes. A newer generator may document it better, which caches learn in a year.
CACHE_IMMUTABLE = "public, max-age=31536000, immutable"

ON_THE_LOOP_BYTES = 1024 * 1024  # Unpacked in two milliseconds.

_DOC_UI = "The page bundle of bal doc"


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.route("2.0/docs/{org}/{module}/{version}", methods=READ_METHODS)
    @central_errors
    @cacheable(registry)
    async def central_docs(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        params = req.route_params
        name = ModuleName(params["org"], params["module"], params["version"])
        found, document = await registry.api_docs.document(name, by=caller)
        return await document_response(req, document, is_public=found.is_public)

    @bp.route("2.0/docs/doc-ui", methods=READ_METHODS)
    @central_errors
    async def central_doc_ui(req: func.HttpRequest) -> func.HttpResponse:
        # `bal doc` then uses the pages that it brings.
        raise ApiDocsNotFound(_DOC_UI)

    return bp


async def document_response(
    req: func.HttpRequest, document: StoredPiece, *, is_public: bool
) -> func.HttpResponse:
    """Return the document, compressed as it is stored if the client accepts it, or a 304.

    A private one is sent uncompressed, as everything that is not for everybody.
    """
    etag = etag_of(document.content)
    headers = {**CORS_HEADERS, "ETag": etag, "Vary": "Accept-Encoding"}
    headers["Cache-Control"] = CACHE_IMMUTABLE if is_public else CACHE_PRIVATE
    is_packed = is_public and document.is_packed and accepts_gzip(headers_of(req))
    if is_packed:
        headers["ETag"] = f"W/{etag}"
    if is_known(headers_of(req), etag=etag):
        return func.HttpResponse(status_code=304, headers=headers)
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    place = document.place
    headers["Content-Length"] = str(place.length if is_packed else place.unpacked_length)
    body = b""
    if req.method != "HEAD":
        body = document.content if is_packed else await _unpacked(document)
    return func.HttpResponse(body, headers=headers, mimetype=JSON)


async def _unpacked(document: StoredPiece) -> bytes:
    if document.place.unpacked_length <= ON_THE_LOOP_BYTES:
        return document.unpack()
    async with _unpacking:
        return await asyncio.to_thread(document.unpack)


_unpacking = asyncio.Semaphore(2)  # A document has up to 64 MiB.

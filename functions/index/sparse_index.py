"""GET /index/…: one file for each package, its configuration, and the feed of changes."""

import re
from email.utils import formatdate

import azure.functions as func
import orjson

from functions.http.answer_cache import cacheable
from functions.http.callers import caller_of
from functions.http.compression import accepts_gzip
from functions.http.edge_requests import with_client_credentials
from functions.http.handlers import api_errors
from functions.http.requests import READ_METHODS, headers_of
from functions.http.responses import JSON, NO_STORE
from shared.composition import Registry
from shared.conditional_requests import is_known
from shared.domain.documents import DerivedDocument
from shared.domain.errors.base import InvalidRequest
from shared.domain.events import PackageChange
from shared.domain.index import INDEX_TYPE, index_config
from shared.domain.names import Package
from shared.services.index import PackageChanges

DEFAULT_CHANGES = 100
MAX_CHANGES = 500

_NUMBER = re.compile(r"\d{1,15}", re.ASCII)  # Every store can hold a number of that length.


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()
    config = DerivedDocument.of(index_config(registry.settings.base_url))

    @bp.route("index/config.json", methods=READ_METHODS)
    @api_errors
    async def index_settings(req: func.HttpRequest) -> func.HttpResponse:
        return index_response(req, config, mimetype=JSON, caching=CACHE_PUBLIC)

    @bp.route("index/{org}/{name}/index.json", methods=READ_METHODS)
    @api_errors
    @with_client_credentials(registry)
    @cacheable(registry)
    async def index_file(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        package = Package.parse(req.route_params["org"], req.route_params["name"])
        found = await registry.index.file(package, by=caller)
        caching = CACHE_PUBLIC if found.is_public else CACHE_PRIVATE
        return index_response(req, found.document, mimetype=INDEX_TYPE, caching=caching)

    @bp.route("index/changes", methods=READ_METHODS)
    @api_errors
    @with_client_credentials(registry)
    @cacheable(registry)
    async def index_changes(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        since, limit = _number(req, "since", 0), _number(req, "limit", DEFAULT_CHANGES)
        count = min(max(limit, 1), MAX_CHANGES)
        found = await registry.index.changes(since, count, by=caller)
        return _changes_response(found)

    return bp


def _number(req: func.HttpRequest, name: str, default: int) -> int:
    text = req.params.get(name, str(default))
    if not _NUMBER.fullmatch(text):
        reason = f"{name} is not a whole number. Send digits alone, such as {name}={default}."
        raise InvalidRequest(reason)
    return int(text)


def _changes_response(found: PackageChanges) -> func.HttpResponse:
    model = {"changes": [_change_model(each) for each in found.changes], "next": found.next}
    body = orjson.dumps(model)
    headers = {**NO_STORE, "Content-Length": str(len(body))}
    return func.HttpResponse(body, headers=headers, mimetype=JSON)


def _change_model(change: PackageChange) -> dict[str, object]:
    return {
        "seq": change.number,
        "time": change.at_ms,
        "kind": change.change.value,
        "org": change.package.org,
        "name": change.package.name,
        "version": change.version,
    }


CACHE_PUBLIC = "public, max-age=60"  # Withheld releases vanish from shared caches within a minute.
CACHE_PRIVATE = "private, no-store"


def index_response(
    req: func.HttpRequest, document: DerivedDocument, *, mimetype: str, caching: str
) -> func.HttpResponse:
    """Return the document, compressed if the client accepts gzip, or a 304."""
    headers = _headers(document, caching)
    if is_known(headers_of(req), etag=document.tag):
        return func.HttpResponse(status_code=304, headers=headers)
    body = document.content
    if len(document.gzipped) < len(body) and accepts_gzip(headers_of(req)):
        headers["Content-Encoding"] = "gzip"
        body = document.gzipped
    headers["Content-Length"] = str(len(body))  # The host counts only bodies that are sent.
    sent = b"" if req.method == "HEAD" else body
    return func.HttpResponse(sent, headers=headers, mimetype=mimetype)


def _headers(document: DerivedDocument, caching: str) -> dict[str, str]:
    # The ETag is weak, since it is that of the plain and of the compressed bytes.
    headers = {
        "ETag": f"W/{document.tag}",
        "Cache-Control": caching,
        "Vary": "Accept-Encoding",
    }
    if document.changed_ms is not None:
        headers["Last-Modified"] = formatdate(document.changed_ms // 1000, usegmt=True)
    return headers

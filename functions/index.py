"""GET /index/…: the sparse index, one file a package, and the feed of its changes."""

import re

import azure.functions as func
import orjson

from functions._api import NO_STORE, api_errors
from functions._http import JSON, caller_of, headers_of, tags_to_trust
from functions._index import PRIVATE, PUBLIC, document_answer
from functions._standing import stands
from shared.domain.change import PackageChange
from shared.domain.derived_index import index_config
from shared.domain.document import Document
from shared.domain.errors import InvalidRequest
from shared.domain.names import Package
from shared.registry import Registry
from shared.services.indexing import Changes

LINES = "application/x-ndjson"
CHANGES = 100  # In one answer, unless the request asks for fewer or more.
MOST_CHANGES = 500

_NUMBER = re.compile(r"\d{1,15}", re.ASCII)  # Every store holds a number of that length.


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the sparse index."""
    bp = func.Blueprint()
    config = Document.of(index_config(registry.settings.base_url))

    @bp.route("index/config.json", methods=["GET", "HEAD"])
    @api_errors
    async def index_settings(req: func.HttpRequest) -> func.HttpResponse:
        return document_answer(req, config, mimetype=JSON, caching=PUBLIC)

    @bp.route("index/{org}/{name}/index.json", methods=["GET", "HEAD"])
    @api_errors
    async def index_file(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        package = Package.parse(req.route_params["org"], req.route_params["name"])
        found = await registry.indexing.file(package, by=caller, known=tags_to_trust(req))
        caching = PUBLIC if found.is_public else PRIVATE
        answer = document_answer(req, found.document, mimetype=LINES, caching=caching)
        return answer if found.is_remembered else stands(answer, registry)

    @bp.route("index/changes", methods=["GET", "HEAD"])
    @api_errors
    async def index_changes(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        since, limit = _number(req, "since", 0), _number(req, "limit", CHANGES)
        count = min(max(limit, 1), MOST_CHANGES)
        found = await registry.indexing.changes(since, count, by=caller)
        return stands(_changes_answer(found), registry)

    return bp


def _number(req: func.HttpRequest, name: str, default: int) -> int:
    text = req.params.get(name, str(default))
    if not _NUMBER.fullmatch(text):
        reason = f"{name} is not a whole number. Send digits alone, such as {name}={default}."
        raise InvalidRequest(reason)
    return int(text)


def _changes_answer(found: Changes) -> func.HttpResponse:
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

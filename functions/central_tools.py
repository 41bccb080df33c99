"""Tools: what `bal tool search` and `bal tool pull` call."""

from dataclasses import replace

import azure.functions as func

from functions._central import (
    OPEN,
    central_errors,
    central_errors_without_404,
    package_model,
    page_model,
    page_of,
    problem_model,
)
from functions._http import caller_of, client_of, headers_of, json_answer
from functions.central_search import query_of
from shared.domain.query import Kind
from shared.domain.version import parse_version_or_range
from shared.registry import Registry


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the Central face that find tools."""
    bp = func.Blueprint()

    @bp.route("2.0/registry/tools", methods=["GET", "HEAD"])
    @central_errors_without_404
    async def central_tools(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        page, query = page_of(req), replace(query_of(req), kind=Kind.TOOLS)
        results = await registry.searching.search(query, page, by=caller)
        items = [
            package_model(registry, hit.listing)
            | {"balToolId": hit.listing.release.tool_named(req.params.get("q", ""))}
            for hit in results.hits
        ]
        model = page_model("tools", items, count=results.count, page=page)
        return json_answer(model | problem_model(query), 200, OPEN)

    @bp.route("2.0/registry/tools/{id}/{version?}", methods=["GET", "HEAD"])
    @central_errors
    async def central_tool(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        wanted = parse_version_or_range(req.route_params.get("version") or "*")
        tool = req.route_params["id"]
        listing = await registry.pulling.tool(tool, wanted, client=client_of(req), by=caller)
        model = package_model(registry, listing)
        return json_answer(model | {"balToolId": tool}, headers=OPEN)

    return bp

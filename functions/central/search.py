"""Search for packages and tools, and `bal tool`."""

from dataclasses import replace

import azure.functions as func

from functions.central.metadata import package_model
from functions.central.responses import (
    OPEN_HEADERS,
    central_errors,
    central_errors_without_404,
    page_model,
    page_of,
    problem_model,
)
from functions.http.callers import caller_of
from functions.http.requests import READ_METHODS, client_profile_of, headers_of
from functions.http.responses import json_response
from shared.composition import Registry
from shared.domain.errors.requests import PostWanted
from shared.domain.names import OrgName, parse_org
from shared.domain.packages import numeric_id
from shared.domain.search import Hit, Query, ResultPage, Results, SearchKind
from shared.domain.versions import parse_version_or_range

_EVERYTHING = Query()
_POST_OPERATIONS = ("resolve-dependencies", "resolve-modules")


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()
    _add_search(bp, registry)
    _add_tools(bp, registry)
    return bp


def _add_search(bp: func.Blueprint, registry: Registry) -> None:
    @bp.route("2.0/registry/packages", methods=READ_METHODS)
    @central_errors_without_404
    async def central_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        page, query = page_of(req), query_of(req)
        results = await registry.search.search(query, page, by=caller)
        return _packages(registry, req, results, page, query=query)

    @bp.route("2.0/registry/packages/{org}", methods=READ_METHODS)
    @central_errors_without_404
    async def central_organization(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        org, page = _organization(req.route_params["org"]), page_of(req)
        results = await registry.search.search_organization(org, page, by=caller)
        return _packages(registry, req, results, page)

    @bp.route("2.0/registry/search-packages", methods=READ_METHODS)
    @central_errors_without_404
    async def central_search(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        page, query = page_of(req), query_of(req)
        results = await registry.search.search(query, page, by=caller)
        items = [_search_result(registry, req, hit) for hit in results.hits]
        model = page_model("packages", items, count=results.count, page=page)
        return json_response(
            model | _highlighting_model(results) | problem_model(query), 200, OPEN_HEADERS
        )

    @bp.route("2.0/registry/search-suggestions", methods=READ_METHODS)
    @central_errors_without_404
    async def central_suggest(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        text = req.params.get("q", "")
        found = await registry.search.suggest(text, by=caller)
        return json_response(
            {"suggestions": [f"{each.org}/{each.name}" for each in found]}, 200, OPEN_HEADERS
        )


def query_of(req: func.HttpRequest) -> Query:
    """Parse the parameters of a list operation."""
    params = req.params
    query = replace(
        Query.parse(params.get("q", "")),
        package=params.get("package", ""),
        own_only=params.get("user-packages", "").lower() == "true",
        include_deprecated=params.get("deprecated", "").lower() == "true",
        client=client_profile_of(req),
    )
    return query.within(frozenset({params["org"]})) if params.get("org") else query


def _packages(
    registry: Registry,
    req: func.HttpRequest,
    results: Results,
    page: ResultPage,
    *,
    query: Query = _EVERYTHING,
) -> func.HttpResponse:
    items = [_package_result(registry, req, hit) for hit in results.hits]
    model = page_model("packages", items, count=results.count, page=page)
    return json_response(model | problem_model(query), 200, OPEN_HEADERS)


def _organization(text: str) -> OrgName:
    """Parse the organization of a list; operations that only answer POST have no such name."""
    if text in _POST_OPERATIONS:
        raise PostWanted(text)
    return parse_org(text)


def _package_result(registry: Registry, req: func.HttpRequest, hit: Hit) -> dict[str, object]:
    model = package_model(registry, hit.listing)
    return model | {"readme": ""} if req.params.get("readme") == "false" else model


def _search_result(registry: Registry, req: func.HttpRequest, hit: Hit) -> dict[str, object]:
    """Return a result for the language server, which reads modules as names."""
    return _package_result(registry, req, hit) | {"modules": hit.listing.release.modules}


def _highlighting_model(results: Results) -> dict[str, object]:
    """Return the highlighting by id, and empty suggestions, which have their own operation."""
    return {
        "suggestions": [],
        "highlighting": {
            str(numeric_id(hit.listing.release.coordinate)): _highlighting(hit)
            for hit in results.hits
        },
    }


def _highlighting(hit: Hit) -> dict[str, object]:
    release = hit.listing.release
    return {"summary": [release.summary], "keywords": release.keywords}


def _add_tools(bp: func.Blueprint, registry: Registry) -> None:
    @bp.route("2.0/registry/tools", methods=READ_METHODS)
    @central_errors_without_404
    async def central_tools(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        page, query = page_of(req), replace(query_of(req), kind=SearchKind.TOOLS)
        results = await registry.search.search(query, page, by=caller)
        items = [
            package_model(registry, hit.listing)
            | {"balToolId": hit.listing.release.tool_named(req.params.get("q", ""))}
            for hit in results.hits
        ]
        model = page_model("tools", items, count=results.count, page=page)
        return json_response(model | problem_model(query), 200, OPEN_HEADERS)

    @bp.route("2.0/registry/tools/{id}/{version?}", methods=READ_METHODS)
    @central_errors
    async def central_tool(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        version = parse_version_or_range(req.route_params.get("version") or "*")
        tool = req.route_params["id"]
        listing = await registry.packages.find_tool(
            tool, version, client=client_profile_of(req), by=caller
        )
        model = package_model(registry, listing)
        return json_response(model | {"balToolId": tool}, headers=OPEN_HEADERS)

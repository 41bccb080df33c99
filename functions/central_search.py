"""Searches: what `bal search`, the language server, stores and scripts call."""

from dataclasses import replace

import azure.functions as func

from functions._central import (
    OPEN,
    central_errors_without_404,
    package_model,
    page_model,
    page_of,
    problem_model,
)
from functions._http import caller_of, client_of, headers_of, json_answer
from shared.domain.errors import PostWanted
from shared.domain.names import OrgName, parse_org
from shared.domain.package import numeric_id
from shared.domain.query import Hit, Page, Query, Results
from shared.registry import Registry

_EVERYTHING = Query()
_POSTED = ("resolve-dependencies", "resolve-modules")  # Where a list is read from the body.


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the Central face that search."""
    bp = func.Blueprint()

    @bp.route("2.0/registry/packages", methods=["GET", "HEAD"])
    @central_errors_without_404
    async def central_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        page, query = page_of(req), query_of(req)
        results = await registry.searching.search(query, page, by=caller)
        return _packages(registry, req, results, page, query=query)

    @bp.route("2.0/registry/packages/{org}", methods=["GET", "HEAD"])
    @central_errors_without_404
    async def central_organization(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        org, page = _organization(req.route_params["org"]), page_of(req)
        results = await registry.searching.organization(org, page, by=caller)
        return _packages(registry, req, results, page)

    @bp.route("2.0/registry/search-packages", methods=["GET", "HEAD"])
    @central_errors_without_404
    async def central_search(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        page, query = page_of(req), query_of(req)
        results = await registry.searching.search(query, page, by=caller)
        items = [_found(registry, req, hit) for hit in results.hits]
        model = page_model("packages", items, count=results.count, page=page)
        return json_answer(model | _extras(results) | problem_model(query), 200, OPEN)

    @bp.route("2.0/registry/search-suggestions", methods=["GET", "HEAD"])
    @central_errors_without_404
    async def central_suggest(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        text = req.params.get("q", "")
        found = await registry.searching.suggest(text, by=caller)
        return json_answer(
            {"suggestions": [f"{each.org}/{each.name}" for each in found]}, 200, OPEN
        )

    return bp


def query_of(req: func.HttpRequest) -> Query:
    """Return what a list operation is asked for."""
    params = req.params
    query = replace(
        Query.parse(params.get("q", "")),
        package=params.get("package", ""),
        own_only=params.get("user-packages", "").lower() == "true",
        include_deprecated=params.get("deprecated", "").lower() == "true",
        client=client_of(req),
    )
    return query.within(frozenset({params["org"]})) if params.get("org") else query


def _packages(
    registry: Registry,
    req: func.HttpRequest,
    results: Results,
    page: Page,
    *,
    query: Query = _EVERYTHING,
) -> func.HttpResponse:
    items = [_listed(registry, req, hit) for hit in results.hits]
    model = page_model("packages", items, count=results.count, page=page)
    return json_answer(model | problem_model(query), 200, OPEN)


def _organization(text: str) -> OrgName:
    """Return the organization whose packages are listed; none has the name of an operation."""
    if text in _POSTED:
        raise PostWanted(text)
    return parse_org(text)


def _listed(registry: Registry, req: func.HttpRequest, hit: Hit) -> dict[str, object]:
    model = package_model(registry, hit.listing)
    return model | {"readme": ""} if req.params.get("readme") == "false" else model


def _found(registry: Registry, req: func.HttpRequest, hit: Hit) -> dict[str, object]:
    """Return a result as the language server reads it: modules are names."""
    return _listed(registry, req, hit) | {"modules": hit.listing.release.modules}


def _extras(results: Results) -> dict[str, object]:
    """Return the highlighting, by id, and the suggestions, which have their own operation."""
    return {
        "suggestions": [],
        "highlighting": {
            str(numeric_id(hit.listing.release.coordinate)): _marks(hit) for hit in results.hits
        },
    }


def _marks(hit: Hit) -> dict[str, object]:
    release = hit.listing.release
    return {"summary": [release.summary], "keywords": release.keywords}

"""Connectors, triggers and symbols, which IDEs ask for: well formed, and empty until docs are read.

The lists answer 200 whatever is asked for, because an error status crashes their clients.
"""

import azure.functions as func

from functions._central import OPEN, central_errors, page_model, page_of
from functions._http import caller_of, headers_of, json_answer
from shared.domain.errors import ApiDocsNotFound
from shared.registry import Registry

_ONE_BY_ID = "2.0/registry/{}/{{id}}"
_ONE_BY_NAME = "2.0/registry/{}/{{org}}/{{package}}/{{version}}/{{module}}/{{name}}"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the Central face that serve API documentation to IDEs."""
    bp = func.Blueprint()
    for kind in ("connectors", "triggers"):
        _add_list(bp, registry, f"central_{kind}", kind)
        _add_one(bp, registry, f"central_{kind}_by_id", _ONE_BY_ID.format(kind))
        _add_one(bp, registry, f"central_{kind}_by_name", _ONE_BY_NAME.format(kind))
    _add_list(bp, registry, "central_search_symbols", "symbols", path="search-symbols")
    return bp


def _add_list(
    bp: func.Blueprint, registry: Registry, function: str, kind: str, path: str | None = None
) -> None:
    @bp.function_name(function)
    @bp.route(f"2.0/registry/{path or kind}", methods=["GET", "HEAD"])
    @central_errors
    async def central_list(req: func.HttpRequest) -> func.HttpResponse:
        await caller_of(headers_of(req), registry)
        model = page_model(kind, [], count=0, page=page_of(req))
        return json_answer(model, headers=OPEN)


def _add_one(bp: func.Blueprint, registry: Registry, function: str, route: str) -> None:
    @bp.function_name(function)
    @bp.route(route, methods=["GET", "HEAD"])
    @central_errors
    async def central_one(req: func.HttpRequest) -> func.HttpResponse:
        await caller_of(headers_of(req), registry)
        raise ApiDocsNotFound

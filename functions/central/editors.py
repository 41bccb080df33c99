"""Connectors, triggers and symbols, as the language server and editors read them.

Lists respond with 200 whatever the parameters are, since an error status crashes their clients.
"""

from dataclasses import replace

import azure.functions as func
import orjson

from functions.central.metadata import package_model, symbol_model
from functions.central.responses import OPEN_HEADERS, central_errors, page_model, page_of
from functions.central.search import query_of
from functions.http.callers import caller_of
from functions.http.requests import READ_METHODS, headers_of
from functions.http.responses import JSON, json_response
from shared.composition import Registry
from shared.domain.search import parse_terms
from shared.services.editor_catalog import (
    CatalogEntry,
    CatalogFilter,
    CatalogItem,
    CatalogKind,
    ItemName,
)

_ONE_BY_ID = "2.0/registry/{}/{{id}}"
_ONE_BY_NAME = "2.0/registry/{}/{{org}}/{{package}}/{{version}}/{{module}}/{{name}}"


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()
    for kind in CatalogKind:
        _add_list(bp, registry, kind)
        _add_one_by_id(bp, registry, kind)
        _add_one_by_name(bp, registry, kind)
    _add_symbols(bp, registry)
    return bp


def _add_list(bp: func.Blueprint, registry: Registry, kind: CatalogKind) -> None:
    @bp.function_name(f"central_{kind.value}")
    @bp.route(f"2.0/registry/{kind.value}", methods=READ_METHODS)
    @central_errors
    async def central_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        page = page_of(req)
        found = await registry.editor_catalog.list(kind, _filter_of(req), page, by=caller)
        items = [_row(registry, each) for each in found.items]
        model = page_model(kind.value, items, count=found.count, page=page)
        return json_response(model, headers=OPEN_HEADERS)


def _add_one_by_id(bp: func.Blueprint, registry: Registry, kind: CatalogKind) -> None:
    @bp.function_name(f"central_{kind.value}_by_id")
    @bp.route(_ONE_BY_ID.format(kind.value), methods=READ_METHODS)
    @central_errors
    async def central_one(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        found = await registry.editor_catalog.by_id(kind, req.route_params["id"], by=caller)
        return _entry_response(registry, found)


def _add_one_by_name(bp: func.Blueprint, registry: Registry, kind: CatalogKind) -> None:
    @bp.function_name(f"central_{kind.value}_by_name")
    @bp.route(_ONE_BY_NAME.format(kind.value), methods=READ_METHODS)
    @central_errors
    async def central_one(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        params = req.route_params
        name = ItemName(**{key: params[key] for key in ITEM_PARAMETERS})
        found = await registry.editor_catalog.by_name(kind, name, by=caller)
        return _entry_response(registry, found)


def _entry_response(registry: Registry, entry: CatalogEntry) -> func.HttpResponse:
    """Return an item; its parts are JSON already."""
    row = orjson.dumps(_row(registry, entry.item)).decode()
    content = f"{row[:-1]},{entry.parts[1:]}"
    return func.HttpResponse(content, headers=dict(OPEN_HEADERS), mimetype=JSON)


ITEM_PARAMETERS = ("org", "package", "version", "module", "name")


def _filter_of(req: func.HttpRequest) -> CatalogFilter:
    """Parse the parameters of a list; each one is a condition."""
    params = req.params
    query = query_of(req)
    words = " ".join(params.get(each, "") for each in ("q", "description"))
    keyword = params.get("keyword", "").replace('"', "")
    terms = parse_terms(f'{words} keyword:"{keyword}"' if keyword else words)
    is_own = query.own_only or params.get("user-packages") == "1"
    query = replace(query, terms=terms, own_only=is_own)
    return CatalogFilter(query, platform=params.get("platform", ""))


def _add_symbols(bp: func.Blueprint, registry: Registry) -> None:
    @bp.route("2.0/registry/search-symbols", methods=READ_METHODS)
    @central_errors
    async def central_search_symbols(req: func.HttpRequest) -> func.HttpResponse:
        await caller_of(headers_of(req), registry)
        page = page_of(req)
        found = await registry.search.symbols(req.params.get("q", ""), page)
        items = [symbol_model(hit) for hit in found.hits]
        model = page_model("symbols", items, count=found.count, page=page)
        return json_response(model, headers=OPEN_HEADERS)


def _row(registry: Registry, item: CatalogItem) -> dict[str, object]:
    """Return the item without its functions; older editors read the names beside `package`."""
    release, summary = item.listing.release, item.summary
    display = {
        key: value for key, value in (("label", summary.label), ("iconPath", summary.icon)) if value
    }
    return {
        "id": summary.id,
        "name": summary.name,
        "displayName": summary.label or summary.module,
        "documentation": summary.documentation,
        "moduleName": summary.module,
        "orgName": release.org,
        "packageName": release.name,
        "version": release.version,
        "platform": release.platform,
        "ballerinaVersion": release.ballerina_version,
        "icon": release.icon,
        **({"displayAnnotation": display} if display else {}),
        "package": package_model(registry, item.listing),
    }

"""Search for packages and tools, and `bal tool`."""

from collections.abc import Mapping

from msgspec.structs import replace

from functions.central.central_face import (
    OPEN_HEADERS,
    CentralFace,
    page_model,
    page_of,
    problem_model,
)
from functions.central.package_model import package_model, upstream_model
from functions.http.calls import Call
from functions.http.json_answers import json_answer
from shared.domain.distributions import ClientProfile
from shared.domain.errors.base import Invalid
from shared.domain.names import OrgName, parse_org
from shared.domain.packages import numeric_id, stable_number
from shared.domain.search import Hit, Query, ResultPage, Results, SearchKind, SymbolHit, SymbolQuery
from shared.domain.versions import parse_version_or_range
from shared.runtime.answers import Answer

central_without_404 = CentralFace(shows_404=False)
central = CentralFace()
FACES = (central_without_404, central)

_EVERYTHING = Query()
_POST_OPERATIONS = ("resolve-dependencies", "resolve-modules")


@central_without_404.read("2.0/registry/packages")
async def central_list(call: Call) -> Answer:
    page = page_of(call.params)
    query = query_of(call.params, call.client)
    results = await call.registry.packages.search.search(query, page, by=call.caller)
    return _packages(call, results, page, query=query)


@central_without_404.read("2.0/registry/packages/{org}")
async def central_organization(call: Call) -> Answer:
    org = _organization(call.route_params["org"])
    page = page_of(call.params)
    query = Query(include_deprecated=_lists_deprecated(call.params)).within(frozenset({org}))
    results = await call.registry.packages.search.search(query, page, by=call.caller)
    return _packages(call, results, page)


@central_without_404.read("2.0/registry/search-packages")
async def central_search(call: Call) -> Answer:
    page = page_of(call.params)
    query = query_of(call.params, call.client)
    page = replace(page, explains=call.params.get("explain", "").lower() == "true")
    results = await call.registry.packages.search.search(query, page, by=call.caller)
    items = [_search_result(call, hit) for hit in results.hits]
    model = page_model("packages", items, count=results.count, page=page)
    highlighting = {str(item["id"]): _highlighting(item) for item in items}
    # Suggestions have their own operation.
    model |= {"suggestions": [], "highlighting": highlighting}
    return json_answer(model | problem_model(query), 200, OPEN_HEADERS)


@central_without_404.read("2.0/registry/search-suggestions")
async def central_suggest(call: Call) -> Answer:
    text = call.params.get("q", "")
    found = await call.registry.packages.search.suggest(text, by=call.caller)
    return json_answer(
        {"suggestions": [f"{each.org}/{each.name}" for each in found]}, 200, OPEN_HEADERS
    )


def query_of(params: Mapping[str, str], client: ClientProfile) -> Query:
    """Parse the parameters of a list operation."""
    query = replace(
        Query.parse(params.get("q", "")),
        package=params.get("package", ""),
        own_only=_lists_own_only(params),
        include_deprecated=_lists_deprecated(params),
        client=client,
    )
    orgs = _orgs(params)
    return query.within(orgs) if orgs else query


def _orgs(params: Mapping[str, str]) -> frozenset[str]:
    """Return the organizations of a list; editors send `ballerina,ballerinax`."""
    named = (each.strip() for each in params.get("org", "").split(","))
    return frozenset(filter(None, named))


def _lists_deprecated(params: Mapping[str, str]) -> bool:
    return params.get("deprecated", "").lower() == "true"


def _lists_own_only(params: Mapping[str, str]) -> bool:
    """Check whether a list has only what the caller's organizations have; some editors send 1."""
    return params.get("user-packages", "").lower() in ("true", "1")


def _packages(
    call: Call, results: Results, page: ResultPage, *, query: Query = _EVERYTHING
) -> Answer:
    items = [_package_result(call, hit) for hit in results.hits]
    model = page_model("packages", items, count=results.count, page=page)
    return json_answer(model | problem_model(query), 200, OPEN_HEADERS)


def _organization(text: str) -> OrgName:
    """Parse the organization of a list; operations that only answer POST have no such name."""
    if text in _POST_OPERATIONS:
        raise Invalid(
            "post-wanted",
            f"{text} is an operation, not an organization: send it a POST whose body is the JSON "
            "that lists what to resolve.",
        )
    return parse_org(text)


def _package_result(call: Call, hit: Hit) -> dict[str, object]:
    model = package_model(call.registry, hit.listing)
    return model | {"readme": ""} if call.params.get("readme") == "false" else model


def _search_result(call: Call, hit: Hit) -> dict[str, object]:
    """Return a result for the language server, which reads modules as names."""
    model = _package_result(call, hit) | {"modules": hit.listing.release.modules}
    return model if hit.score is None else model | {"score": hit.score}


def _highlighting(item: Mapping[str, object]) -> dict[str, object]:
    return {"summary": [item["summary"]], "keywords": item["keywords"]}


@central_without_404.read("2.0/registry/tools")
async def central_tools(call: Call) -> Answer:
    page = page_of(call.params)
    query = replace(query_of(call.params, call.client), kind=SearchKind.TOOLS)
    results = await call.registry.packages.search.search(query, page, by=call.caller)
    items = [
        package_model(call.registry, hit.listing)
        | {"balToolId": hit.listing.release.tool_named(call.params.get("q", ""))}
        for hit in results.hits
    ]
    model = page_model("tools", items, count=results.count, page=page)
    return json_answer(model | problem_model(query), 200, OPEN_HEADERS)


@central.read("2.0/registry/tools/{id}/{version?}")
async def central_tool(call: Call) -> Answer:
    version = parse_version_or_range(call.route_params.get("version") or "*")
    tool = call.route_params["id"]
    listing = await call.package_source.find_tool(tool, version, client=call.client, by=call.caller)
    model = package_model(call.registry, listing)
    return json_answer(model | {"balToolId": tool}, headers=OPEN_HEADERS)


# --- Symbols -------------------------------------------------------------------------------------

# The kinds of Central, for those of ours that it has other words for.
_CENTRAL_KINDS = {
    "object type": "type",
    "service type": "service",
    "configurable": "variable",
    "method": "function",
    "field": "variable",
    "enum member": "constant",
}


def symbol_query_of(params: Mapping[str, str]) -> SymbolQuery:
    """Parse the parameters of a search for symbols."""
    query = replace(SymbolQuery.parse(params.get("q", "")), own_only=_lists_own_only(params))
    if kind := params.get("symbolType", "").strip().lower():
        ours = (name for name, theirs in _CENTRAL_KINDS.items() if theirs == kind)
        query = replace(query, kinds=frozenset((kind, *ours)))
    orgs = _orgs(params)
    return query.within(orgs) if orgs else query


def symbol_model(hit: SymbolHit) -> dict[str, object]:
    """Return the Symbol of the protocol, in the order of its keys."""
    release = hit.listing.release
    symbol = hit.symbol
    return {
        "id": str(stable_number(f"{release.coordinate.key}/{symbol.module}:{symbol.path}")),
        "packageID": str(numeric_id(release.coordinate)),
        "name": release.name,
        "organization": release.org,
        "version": release.version,
        "moduleName": symbol.module,
        "createdDate": release.created_ms,
        "icon": release.icon,
        "symbolType": _CENTRAL_KINDS.get(symbol.kind, symbol.kind),
        "symbolParent": symbol.parent,
        "symbolName": symbol.name,
        "description": symbol.description,
        "symbolSignature": symbol.signature,
        "isIsolated": "is_isolated" in symbol.flags,
        "isRemote": "is_remote" in symbol.flags,
        "isResource": "is_resource" in symbol.flags,
        "isClosed": "is_closed" in symbol.flags,
        "isDistinct": "is_distinct" in symbol.flags,
        "isReadOnly": "is_read_only" in symbol.flags,
        **upstream_model(release),
    }

"""Answers of the Central protocol: refusals with statuses that its clients show, pages of lists,
and the JSON of packages, modules and symbols.

`bal` shows the message of a 400, 401, 500 and 503, and of a 404 except on push, search and resolve.
It prints a bare "failed to push" for any other status, and takes it for success on deprecate, so
a rate limit is a 503 for `bal`, and a 429 for other clients.
"""

from collections.abc import Mapping
from dataclasses import replace

from functions.http.answers import NO_STORE, failure_sentence, json_answer, retry_headers
from functions.http.calls import Call
from functions.http.operations import Face
from shared.composition import Registry
from shared.domain.errors.base import Refusal, RefusalKind
from shared.domain.listings import Listing
from shared.domain.packages import ModuleText, Release, UpstreamOrigin, numeric_id, stable_number
from shared.domain.search import Query, ResultPage, SymbolHit, SymbolQuery
from shared.domain.versions import LanguageVersion
from shared.runtime.answers import Answer

_STATUS_BY_KIND = {
    RefusalKind.INVALID: 400,
    RefusalKind.CONFLICT: 400,
    RefusalKind.FORBIDDEN: 400,
    # `bal` neither uses other methods nor sends chunked bodies, so it never sees these.
    RefusalKind.METHOD_NOT_ALLOWED: 405,
    RefusalKind.LENGTH_MISSING: 411,
    RefusalKind.TOO_LARGE: 400,
    RefusalKind.UNAUTHENTICATED: 401,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.TOO_MANY: 429,
    RefusalKind.UNAVAILABLE: 503,
}

# Web applications call the reading operations from browsers.
CORS_HEADERS = {"Access-Control-Allow-Origin": "*"}
# The client's platforms, version and token decide what an answer holds.
OPEN_HEADERS = {**CORS_HEADERS, **NO_STORE}


class CentralFace(Face[Call]):
    """Operations of the protocol; push, search and resolve do not show a 404 (`shows_404`)."""

    call_type = Call

    def __init__(self, *, shows_404: bool = True) -> None:
        super().__init__()
        self._shows_404 = shows_404

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        if refusal.kind is RefusalKind.NOT_FOUND and not self._shows_404:
            return json_answer({"message": str(refusal)}, 400, OPEN_HEADERS)
        answer = refusal_answer(refusal)
        # `bal` shows no message of a 429.
        is_ballerina = LanguageVersion.parse(call.header("user-agent")) is not None
        if is_ballerina and refusal.kind is RefusalKind.TOO_MANY:
            answer.status = _STATUS_BY_KIND[RefusalKind.UNAVAILABLE]
        return answer

    def failed(self, call: Call) -> Answer:
        message = failure_sentence(call.exchange.request_id)
        return json_answer({"message": message}, 500, OPEN_HEADERS)


def refusal_answer(refusal: Refusal) -> Answer:
    """Return the refusal as JSON with the status under which its message is shown."""
    headers = OPEN_HEADERS | retry_headers(refusal)
    return json_answer({"message": str(refusal)}, _STATUS_BY_KIND[refusal.kind], headers)


def page_of(params: Mapping[str, str]) -> ResultPage:
    """Parse the page of a list; invalid parameters have their defaults."""
    return ResultPage.parse(
        params.get("limit", ""), params.get("offset", ""), params.get("sort", "")
    )


def page_model(
    name: str, items: list[dict[str, object]], *, count: int, page: ResultPage
) -> dict[str, object]:
    return {name: items, "count": count, "offset": page.offset, "limit": page.limit}


def problem_model(query: Query) -> dict[str, object]:
    """Return the explanation of an invalid query; clients ignore unknown keys."""
    return {"message": query.problem} if query.problem else {}


# --- Packages, modules and symbols ---------------------------------------------------------------


def package_model(registry: Registry, listing: Listing) -> dict[str, object]:
    """Return the Package of the protocol, with every key and without nulls."""
    release, head = listing.release, listing.head
    page = f"/{release.org}/{release.name}/{release.version}"
    return {
        "id": numeric_id(release.coordinate),
        "organization": release.org,
        "name": release.name,
        "version": release.version,
        "platform": release.platform,
        "languageSpecificationVersion": release.language_spec_version,
        "isDeprecated": listing.deprecation is not None,
        "deprecateMessage": listing.deprecation or "",
        "URL": page,
        "balaVersion": release.bala_version,
        "balaURL": registry.packages.archive_delivery.address(head, release),
        "digest": release.content.header(),
        "summary": release.summary,
        "readme": listing.texts.readme,
        "template": release.template,
        "licenses": release.licenses,
        "authors": release.authors,
        "sourceCodeLocation": release.source_repository,
        "keywords": release.keywords,
        "ballerinaVersion": release.ballerina_version,
        "icon": release.icon,
        "ownerUUID": "",
        "createdDate": release.created_ms,
        "pullCount": min(head.pulls, 2**31 - 1),
        "visibility": head.visibility.value,
        "modules": [_module_model(listing, module) for module in _modules(listing)],
        "balToolId": release.tools[0] if release.tools else "",
        "graalvmCompatible": release.graalvm.value,
        **upstream_model(release),
    }


def upstream_model(release: Release) -> dict[str, object]:
    """Return where a mirrored release came from; nothing for a release of this registry."""
    if release.upstream is None:
        return {}
    origin = release.upstream
    facts = {"name": origin.name, "firstSeenDate": origin.first_seen_ms}
    return {"upstream": {**facts, "isStored": release.is_stored, **_left_out(origin)}}


def _left_out(origin: UpstreamOrigin) -> dict[str, object]:
    """Return the tools that a mirrored release lost, and when the upstream removed it."""
    facts = {"withoutTools": origin.without_tools, "removedDate": origin.removed_ms}
    return {name: each for name, each in facts.items() if each}


def _modules(listing: Listing) -> list[ModuleText]:
    texts = {module.name: module for module in listing.texts.modules}
    return [texts.get(name) or ModuleText(name=name) for name in listing.release.modules]


def _module_model(listing: Listing, module: ModuleText) -> dict[str, object]:
    release = listing.release
    url = f"/{release.org}/{release.name}/{release.version}"
    return {
        "name": module.name,
        "summary": module.summary,
        "readme": module.readme,
        "apiDocURL": f"/2.0/docs/{release.org}/{module.name}/{release.version}",
        "packageUrl": url,
        "packageURL": url,
        "executable": False,
    }


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
    query = SymbolQuery.parse(params.get("q", ""))
    if kind := params.get("symbolType", "").strip().lower():
        ours = (name for name, theirs in _CENTRAL_KINDS.items() if theirs == kind)
        query = replace(query, kinds=frozenset((kind, *ours)))
    return query.within(params["org"]) if params.get("org") else query


def symbol_model(hit: SymbolHit) -> dict[str, object]:
    """Return the Symbol of the protocol, in the order of its keys."""
    release, symbol = hit.listing.release, hit.symbol
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

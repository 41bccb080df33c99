"""/2.0/docs: the API documentation of a module, as `bal discover` and tools for AI read it, and the
modules of a distribution, as the library browser of Visual Studio Code does."""

import re

from msgspec.structs import replace

from functions.central.central_face import CORS_HEADERS, OPEN_HEADERS, CentralFace
from functions.http.caching_headers import CACHE_PRIVATE, IMMUTABLE, REVALIDATE
from functions.http.calls import Call
from functions.http.compression import accepts_gzip
from functions.http.json_answers import JSON, json_answer
from functions.http.representations import unchanged_answer
from shared.domain.distributions import ClientProfile
from shared.domain.documents import etag_of
from shared.domain.errors.base import InvalidRequest, NotFound
from shared.domain.errors.packages import ApiDocsNotFound
from shared.domain.names import OrgName
from shared.domain.search import MAX_LIMIT, Query, ResultPage, Sort, SymbolQuery
from shared.domain.versions import Range
from shared.runtime.answer_dependencies import ALL_THAT_IS_STORED
from shared.runtime.answers import Answer
from shared.services.api_docs.api_docs import ModuleName
from shared.services.api_docs.pieces import StoredPiece

WHOLE_BYTES = 1024 * 1024  # Unpacked in two milliseconds; a document has up to 64 MiB.

central = CentralFace()
FACES = (central,)

# The library browser of Visual Studio Code sends this instead of an organization.
LIBRARY = "stdlib"
_DOC_UI = "The page bundle of bal doc"


@central.read("2.0/docs/{org}/{module}/{version}", uses_answer_cache=True)
async def central_docs(call: Call) -> Answer:
    params = call.route_params
    if (params["org"], params["version"]) == (LIBRARY, "search"):
        return await _library_search(call, params["module"])
    name = ModuleName(params["org"], params["module"], params["version"])
    document = await call.registry.api_docs.documentation.document(
        name, call.package_source, by=call.caller
    )
    found = document.module
    answer = await document_answer(call, document.piece, is_public=found.is_public)
    if found.is_public and not await call.registry.api_docs.documentation.is_settled(found):
        answer.headers["Cache-Control"] = REVALIDATE
    answer.depends_on = document.depends_on
    return answer


@central.read("2.0/docs/doc-ui", ignores_credentials=True)
async def central_doc_ui(call: Call) -> Answer:
    # `bal doc` then uses the pages that it brings.
    raise ApiDocsNotFound(_DOC_UI)


async def document_answer(call: Call, document: StoredPiece, *, is_public: bool) -> Answer:
    """Return the document, compressed as it is stored if the client accepts it, or a 304.

    A private one is sent uncompressed, as everything that is not for everybody. A version never
    changes; a newer generator may document it better, which caches learn in a year.
    """
    etag = etag_of(document.content)
    headers = {**CORS_HEADERS, "ETag": etag, "Vary": "Accept-Encoding"}
    headers["Cache-Control"] = IMMUTABLE if is_public else CACHE_PRIVATE
    is_packed = is_public and document.is_packed and accepts_gzip(call.headers)
    if is_packed:
        headers["ETag"] = f"W/{etag}"
    if unchanged := unchanged_answer(call, Answer(headers=headers, media_type=JSON), etag=etag):
        return unchanged
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    place = document.place
    headers["Content-Length"] = str(place.length if is_packed else place.unpacked_length)
    answer = Answer(headers=headers, media_type=JSON)
    if not call.is_head:
        if not is_packed and place.unpacked_length > WHOLE_BYTES:
            answer.gzipped_body = document.content
        else:
            answer.body = document.content if is_packed else document.unpack()
    return answer


# --- The library browser of Visual Studio Code ---------------------------------------------------


LIBRARY_ORG = OrgName("ballerina")
_LANGUAGE_LIBRARY = "lang."
_LISTS_OF_KINDS = {
    "class": "classes",
    "function": "functions",
    "record": "records",
    "constant": "constants",
    "error": "errors",
    "type": "types",
    "client": "clients",
    "listener": "listeners",
    "annotation": "annotations",
    "object type": "objectTypes",
    "service type": "objectTypes",
    "enum": "enums",
}


@central.read("2.0/docs/stdlib/{distribution}")
async def central_library(call: Call) -> Answer:
    modules = await _library(call, call.route_params["distribution"])
    parts: dict[str, list[dict[str, object]]] = {"langLibs": [], "libraryModules": []}
    for each in modules:
        is_language = str(each["id"]).startswith(_LANGUAGE_LIBRARY)
        parts["langLibs" if is_language else "libraryModules"].append(each)
    return json_answer(parts, headers=OPEN_HEADERS)


async def _library_search(call: Call, distribution: str) -> Answer:
    """Return the modules and their declarations; of a module whose newest version is for later
    distributions no declarations, as the index has those of newest versions alone."""
    modules = await _library(call, distribution)
    lists: dict[str, list[dict[str, object]]] = {each: [] for each in _LISTS_OF_KINDS.values()}
    versions = {(each["id"], each["version"]) for each in modules}
    query = SymbolQuery(orgs=frozenset({LIBRARY_ORG}), kinds=frozenset(_LISTS_OF_KINDS))
    page = ResultPage(limit=MAX_LIMIT)
    is_full = True
    while is_full:
        found = await call.registry.packages.search.symbols(query, page, by=call.caller)
        for hit in found.hits:
            symbol = hit.symbol
            release = hit.listing.release
            if (symbol.module, release.version) in versions:
                entry: dict[str, object] = {"id": symbol.name, "description": symbol.description}
                entry |= {"moduleId": symbol.module, "moduleOrgName": release.org}
                lists[_LISTS_OF_KINDS[symbol.kind]].append(
                    entry | {"moduleVersion": release.version}
                )
        is_full = len(found.hits) == page.limit
        page = replace(page, offset=page.offset + page.limit)
    answer = json_answer({"modules": modules, **lists}, headers=OPEN_HEADERS)
    answer.depends_on = ALL_THAT_IS_STORED
    return answer


_DISTRIBUTION = re.compile(r"[\w.-]{1,64}", re.ASCII)


async def _library(call: Call, distribution: str) -> list[dict[str, object]]:
    """Return the modules of `ballerina` in the newest version that the distribution can use, by
    name."""
    if not _DISTRIBUTION.fullmatch(distribution):
        message = "There is no such distribution. Name one, such as 2201.13.0."
        raise InvalidRequest(message)
    client = ClientProfile.of("", distribution)
    query = Query(include_deprecated=True)
    page = ResultPage(limit=MAX_LIMIT, sort=Sort.NAME)
    packages = call.registry.packages
    found = await packages.search.search(
        query.within(frozenset({LIBRARY_ORG})), replace(page, descending=False), by=call.caller
    )
    modules = list[dict[str, object]]()
    for hit in found.hits:
        listing = hit.listing
        release = listing.release
        if not client.can_use(release.platform, release.ballerina_version):
            try:
                listing = await packages.hosted.describe(
                    release.coordinate.package, Range(), client=client, by=call.caller
                )
            except NotFound:
                continue
        release = listing.release
        texts = {each.name: each.summary for each in listing.texts.modules}
        for name in release.modules:
            summary = texts.get(name) or release.summary
            modules.append(
                {
                    "id": name,
                    "summary": summary,
                    "description": summary,
                    "orgName": release.org,
                    "version": release.version,
                    "isDefaultModule": name == release.name,
                }
            )
    return modules

"""/v1: advisories in the form of OSV's API (https://google.github.io/osv.dev/api/), which scanners
such as osv-scanner and pip-audit ask.

Scanners show the `message` of a refusal, whose `code` is that of gRPC, as OSV's own are. A token is
optional: with one, advisories about the packages that its owner may read are found, too.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
import orjson
from msgspec import Struct, field

from functions.http.caching_headers import NO_STORE
from functions.http.calls import Call
from functions.http.json_answers import (
    STATUS_BY_KIND,
    failure_sentence,
    json_answer,
    refusal_headers,
)
from functions.http.operations import Face
from functions.http.representations import Representation, conditional_answer
from shared.domain.advisories.advisories import BALLERINA, PackageVersion
from shared.domain.advisories.osv import osv_json, osv_of, osv_time
from shared.domain.advisories.package_urls import parse_purl
from shared.domain.bounded_parsing import has_at_most_values
from shared.domain.errors.base import InvalidRequest, Refusal, RefusalKind, printable
from shared.domain.rate_limits import RateLimitClass
from shared.runtime.answers import Answer
from shared.services.advisories.advisory_index import IndexedAdvisory

MAX_QUERIES = 1_000  # As OSV takes at once; osv-scanner sends as many.
MAX_QUERY_VALUES = 12 * MAX_QUERIES
IDS_OF_A_PAGE = 1_000
IDS_OF_A_BATCH = 10_000  # Ids in the answer to a batch; further ids are on pages of their own.
ADVISORIES_OF_A_PAGE = 100
BYTES_OF_A_PAGE = 4 * 1024 * 1024

_BEFORE_ALL = "-"  # The first page token: every id comes after it.
_INTERNAL = 13
_CODES = {  # https://grpc.github.io/grpc/core/md_doc_statuscodes.html
    RefusalKind.INVALID: 3,
    RefusalKind.NOT_FOUND: 5,
    RefusalKind.CONFLICT: 6,
    RefusalKind.FORBIDDEN: 7,
    RefusalKind.TOO_MANY: 8,
    RefusalKind.TOO_LARGE: 3,
    RefusalKind.LENGTH_MISSING: 3,
    RefusalKind.METHOD_NOT_ALLOWED: 12,
    RefusalKind.UNAVAILABLE: 14,
    RefusalKind.UNAUTHENTICATED: 16,
}


_EXAMPLE = '{"package": {"ecosystem": "Maven", "name": "group:artifact"}, "version": "1.0"}'


class OsvFace(Face[Call]):
    """Operations that are refused as OSV refuses."""

    call_type = Call

    def refused(self, call: Call, refusal: Refusal) -> Answer:  # noqa: ARG002 - others read it.
        problem = {"code": _CODES[refusal.kind], "message": str(refusal)}
        return json_answer(problem, STATUS_BY_KIND[refusal.kind], refusal_headers(refusal))

    def failed(self, call: Call) -> Answer:
        sentence = failure_sentence(call.exchange.request_id)
        return json_answer({"code": _INTERNAL, "message": sentence}, 500, NO_STORE)


osv = OsvFace()
FACES = (osv,)


class _Package(Struct, gc=False):
    name: str = ""
    ecosystem: str = ""
    purl: str = ""


class _Query(Struct, gc=False):
    """A query as it comes; `commit` names no package, and no advisory is found by it. Clients that
    are made of the definitions of protobuf, such as osv-scanner, spell `pageToken` so."""

    package: _Package | None = None
    version: str = ""
    commit: str = ""
    page_token: str = ""
    camel_page_token: str = field(default="", name="pageToken")

    @property
    def after(self) -> str:
        return self.page_token or self.camel_page_token


class _Batch(Struct):
    queries: list[_Query]


@osv.read("v1/querybatch", ["POST"], limit=RateLimitClass.ADVISORIES)
async def osv_query_batch(call: Call) -> Answer:
    """Answer up to 1,000 queries, each with ids and when they were modified."""
    queries = _body(call, _Batch).queries
    if len(queries) > MAX_QUERIES:
        message = (
            f"A batch has at most {MAX_QUERIES:,} queries, and this has {len(queries):,}. Send "
            "several."
        )
        raise InvalidRequest(message)
    advisories = call.registry.advisories.advisories
    asked = [_asked(call, each) for each in queries]
    found = await advisories.matches(asked, call.caller)
    left = IDS_OF_A_BATCH
    results = list[dict[str, object]]()
    for matching, query in zip(found, queries, strict=True):
        following = _after(matching, query.after)
        page = following[: min(left, IDS_OF_A_PAGE)]
        left -= len(page)
        results.append(_ids(page, query, is_last=len(page) == len(following)))
    return json_answer({"results": results})


@osv.read("v1/query", ["POST"], limit=RateLimitClass.ADVISORIES)
async def osv_query(call: Call) -> Answer:
    """Answer one query with whole advisories."""
    query = _body(call, _Query)
    advisories = call.registry.advisories.advisories
    [found] = await advisories.matches([_asked(call, query)], call.caller)
    following = _after(found, query.after)
    size = 0
    printed = list[bytes]()
    for each in following[:ADVISORIES_OF_A_PAGE]:
        text = osv_json(advisories.index.advisory(each))
        size += len(text)
        if printed and size > BYTES_OF_A_PAGE:
            break
        printed.append(text)
    fields: dict[str, object] = {}
    if printed:
        fields["vulns"] = [orjson.Fragment(each) for each in printed]
    if len(printed) < len(following):
        fields["next_page_token"] = following[len(printed) - 1].id
    return json_answer(fields)


@osv.read("v1/vulns/{id}")
async def osv_advisory(call: Call) -> Answer:
    advisories = call.registry.advisories.advisories
    found = await advisories.find_published(call.route_params["id"], call.caller)
    return json_answer(osv_of(found))


@osv.read("v1/all.zip", limit=RateLimitClass.EXPORT)
async def osv_export(call: Call) -> Answer:
    """Answer with what everybody may see, a file for each advisory, for mirrors."""
    content = await call.registry.advisories.exporting.public_zip()
    return conditional_answer(call, Representation(content, "application/zip", is_public=True))


Body = TypeVar("Body")


def _body(call: Call, kind: type[Body]) -> Body:
    """Return the body, whatever its `Content-Type`: pip-audit sends none."""
    content = call.content()
    if not has_at_most_values(MAX_QUERY_VALUES, content):
        message = f"The body has more than {MAX_QUERY_VALUES:,} values. Send several batches."
        raise InvalidRequest(message)
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = printable(str(error))
        message = f"The body must be a query of OSV: {reason}. Send JSON such as {_EXAMPLE}."
        raise InvalidRequest(message) from None


def _asked(call: Call, query: _Query) -> PackageVersion:
    if query.commit:
        return PackageVersion("", "")
    own = call.registry.advisories.advisories.ecosystem
    package = query.package or _Package()
    if package.purl:
        return _asked_by_purl(package, query.version, own)
    if not package.name or not package.ecosystem:
        message = (
            "A query has a package with its name and ecosystem, or with its purl. Add what is "
            "missing."
        )
        raise InvalidRequest(message)
    ecosystem = own if package.ecosystem == BALLERINA else package.ecosystem
    return PackageVersion(ecosystem, package.name, query.version)


def _asked_by_purl(package: _Package, version: str, own: str) -> PackageVersion:
    if package.name or package.ecosystem:
        message = "A package has a purl, or a name and an ecosystem, and not both. Leave one out."
        raise InvalidRequest(message)
    named = parse_purl(package.purl, own)
    if named.version and version:
        message = "The version is in the purl and in the query as well. Leave one of them out."
        raise InvalidRequest(message)
    return PackageVersion(named.ecosystem, named.name, named.version or version)


def _ids(page: Sequence[IndexedAdvisory], query: _Query, *, is_last: bool) -> dict[str, object]:
    fields: dict[str, object] = {}
    if page:
        fields["vulns"] = [{"id": each.id, "modified": osv_time(each.modified_ms)} for each in page]
    if not is_last:
        fields["next_page_token"] = page[-1].id if page else query.after or _BEFORE_ALL
    return fields


def _after(found: Sequence[IndexedAdvisory], token: str) -> list[IndexedAdvisory]:
    """Return what follows a page that ended with this id, in the order of ids."""
    if not found:
        return []
    return sorted((each for each in found if each.id > token), key=lambda each: each.id)

"""Paths that no other Function serves: a redirect where the target is clear, otherwise 404 or 405.

The local host asks `missing_operation` for what no route matches. In the cloud such requests get
the empty 404 of the Functions host, which allows no two routes for one path and method. Short
addresses, which `bal` prints, lead to pages: `/org/name` and `/org/name/version`.
"""

import re
from collections.abc import Iterable, Set
from contextlib import suppress
from functools import partial

from functions.central.answers import CentralFace, refusal_answer
from functions.http.answers import problem_answer
from functions.http.calls import Call
from functions.http.operations import READ_METHODS, WRITE_METHODS, Operation
from functions.http.pages import PAGE_HEADERS, PublicPageCall, PublicPages
from shared.domain.errors.base import NotFound, Refusal
from shared.domain.errors.requests import MethodNotAllowed, PageNotFound
from shared.domain.names import Package, Version
from shared.runtime.answers import Answer

central = CentralFace()

_CENTRAL, _API = "/2.0/", "/api/"
_SLASHES = re.compile("/{2,}")


@central.read("2.0/update-tool/{*path}")
async def web_update_tool(_call: Call) -> Answer:
    # `bal dist` asks for them.
    raise NotFound(
        "service-not-offered",
        "This registry has no distributions of Ballerina. Download them from "
        "https://ballerina.io/downloads/.",
    )


def missing_operation(operations: Iterable[Operation]) -> Operation:
    """Return the operation of paths and methods that none of these operations has."""
    prefixes = {each.route.split("/")[0].lower() for each in operations}
    pages, handler = PublicPages(), partial(_missing, prefixes)
    pages.read("{*path}", (*READ_METHODS, *WRITE_METHODS), name="web_missing")(handler)
    [operation] = pages
    return operation


async def _missing(prefixes: Set[str], call: PublicPageCall) -> Answer:
    path, mark, query = call.target.partition("?")
    is_read = call.method in READ_METHODS
    if "//" in path and is_read and not path.startswith(("//", _CENTRAL)):
        # From a base URL that ends in a slash; the host does not normalize slashes.
        return redirect(_SLASHES.sub("/", path) + mark + query)
    methods = call.route_params["allow"].split(",")
    allowed = [each for each in (*READ_METHODS, *WRITE_METHODS) if each in methods]
    refusal = MethodNotAllowed(call.method, path, allowed) if allowed else PageNotFound(path)
    if path.startswith(_CENTRAL):
        return refusal_answer(refusal)
    if path.startswith(_API):
        return problem_answer(refusal)
    if is_read and not allowed and (page := package_page(call.route_params["path"], prefixes)):
        return redirect(page)
    raise refusal


def package_page(path: str, prefixes: Set[str]) -> str:
    """Return the page of `org/name` or `org/name/version`, whether there is one or not; empty for
    other paths. `bal` prints such addresses, which are pages of Central."""
    org, _, rest = path.strip("/").partition("/")
    name, _, version = rest.partition("/")
    if org.lower() in prefixes:
        return ""
    with suppress(Refusal):
        page = f"/packages/{Package.parse(org, name)}"
        return f"{page}/{Version.parse(version)}" if version else page
    return ""


def redirect(path: str) -> Answer:
    """Redirect permanently, which caches may keep for an hour."""
    headers = {**PAGE_HEADERS, "Location": path, "Cache-Control": "public, max-age=3600"}
    return Answer(status=308, headers=headers)


FACES = (central,)

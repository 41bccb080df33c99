"""Paths that no other Function serves: a redirect where the target is clear, otherwise 404 or 405.

One Function has a route that matches every path, and its name is the last: the host takes the first
Function by name whose route matches (docs/decisions/0056-unknown-paths.md). Short addresses, which
`bal` prints, lead to pages: `/org/name` and `/org/name/version`. The sentence of the page for a
missing page is that of `PageNotFound` (`shared/domain/errors/missing_pages.py`), and its template
is `web/refused.html`.
"""

import re
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from typing import Any

import azure.functions as func

from functions.central.central_face import CentralFace
from functions.host_functions import CATCH_ALL, EVERY_PATH
from functions.html.pages import PAGE_HEADERS
from functions.html.public_pages import PublicPageCall, PublicPages
from functions.http.addresses import package_path, release_path
from functions.http.calls import Call
from functions.http.operations import (
    READ_METHODS,
    WRITE_METHODS,
    Effect,
    Face,
    JsonFace,
    Operation,
    answer,
)
from functions.http.rerouting import Rerouting
from functions.scim.scim_face import ScimFace
from shared.domain.coordinates import Package
from shared.domain.errors.base import NotFound, Refusal
from shared.domain.errors.identity import LinkOutdated
from shared.domain.errors.missing_pages import MethodNotAllowed, PageNotFound
from shared.domain.one_time_links import is_outdated_link
from shared.domain.versions import Version
from shared.registry import Registry
from shared.runtime.answers import Answer

central = CentralFace()

ALL_METHODS = (*READ_METHODS, *WRITE_METHODS)

_CENTRAL = "/2.0/"
_API = "/api/"
_SCIM = "/scim/"
_SLASHES = re.compile("/{2,}")


@central.read("2.0/update-tool/{*path}")
async def web_update_tool(_call: Call) -> Answer:
    # `bal dist` asks for them.
    raise NotFound(
        "service-not-offered",
        "This registry has no distributions of Ballerina. Download them from "
        "https://ballerina.io/downloads/.",
    )


class _JsonApi(JsonFace[Call]):
    call_type = Call


class UnknownPaths(PublicPages):
    """Pages about paths that nothing else serves; programs get JSON below their prefixes.

    `prefixes` are the first segments of all other routes.
    """

    def __init__(self, prefixes: Set[str]) -> None:
        super().__init__()
        self._prefixes = prefixes
        self._by_prefix: dict[str, Face[Any]] = {
            _CENTRAL: central,
            _API: _JsonApi(),
            _SCIM: ScimFace(),
        }

    async def identify(self, call: PublicPageCall) -> None:
        """Identify the caller. A directory's token does not identify one; such requests are
        answered as anonymous."""
        if call.path.lower().startswith(_SCIM):
            call.identify_as_anonymous()
        else:
            await super().identify(call)

    def page_of(self, call: PublicPageCall) -> str:
        """Return the page that a short address leads to, so that a sign-in returns there."""
        return package_page(_path_of(call.route_params), self._prefixes) or super().page_of(call)

    def refused(self, call: PublicPageCall, refusal: Refusal) -> Answer:
        face = self._of_programs(call)
        return face.refused(call, refusal) if face else super().refused(call, refusal)

    def failed(self, call: PublicPageCall) -> Answer:
        face = self._of_programs(call)
        return face.failed(call) if face else super().failed(call)

    def _of_programs(self, call: PublicPageCall) -> Face[Any] | None:
        path = call.path.lower()
        return next((face for each, face in self._by_prefix.items() if path.startswith(each)), None)


def missing_operation(operations: Sequence[Operation]) -> Operation:
    """Return the operation of paths and methods that none of these operations has.

    A request that one of them has is answered by it, so that nothing depends on the order in which
    the host compares routes.
    """
    prefixes = {each.route.split("/")[0].lower() for each in operations}
    other_paths = _OtherPaths(operations, prefixes)
    return Operation(
        CATCH_ALL,
        EVERY_PATH,
        ALL_METHODS,
        Effect.READ,
        UnknownPaths(prefixes),
        other_paths.explain,
        respond=other_paths.respond,
    )


class _OtherPaths:
    """Answers every request that reaches the last route."""

    def __init__(self, operations: Sequence[Operation], prefixes: Set[str]) -> None:
        self._rerouting = Rerouting(operations)
        self._prefixes = prefixes

    async def respond(
        self,
        missing: Operation,
        registry: Registry,
        request: func.HttpRequest,
        context: func.Context | None = None,
    ) -> func.HttpResponse:
        """Answer with the operation that the request leads to, else with this one."""
        path = _path_of(request.route_params)
        found = await self._rerouting.answer(path, registry, request, context)
        return found or await answer(missing, registry, request, context)

    async def explain(self, call: PublicPageCall) -> Answer:
        """Redirect a read where the target is clear; raise `PageNotFound` or `MethodNotAllowed`."""
        path, mark, query = call.target.partition("?")
        is_read = call.method in READ_METHODS
        if "//" in path and is_read and not path.startswith(("//", _CENTRAL)):
            # From a base URL that ends in a slash; the host does not normalize slashes.
            return redirect(_SLASHES.sub("/", path) + mark + query)
        if is_outdated_link(path):
            raise LinkOutdated
        methods = self._rerouting.methods(_path_of(call.route_params))
        if methods:
            raise MethodNotAllowed(
                call.method, path, [each for each in ALL_METHODS if each in methods]
            )
        if is_read and (page := package_page(_path_of(call.route_params), self._prefixes)):
            return redirect(page)
        raise PageNotFound(path)


def _path_of(route_params: Mapping[str, str]) -> str:
    return "/" + route_params.get("path", "")


def package_page(path: str, prefixes: Set[str]) -> str:
    """Return the page of `org/name` or `org/name/version`, whether there is one or not; empty for
    other paths. `bal` prints such addresses, which are pages of Central."""
    org, _, rest = path.strip("/").partition("/")
    name, _, version = rest.partition("/")
    if org.lower() in prefixes:
        return ""
    with suppress(Refusal):
        package = Package.parse(org, name)
        return release_path(package, Version.parse(version)) if version else package_path(package)
    return ""


def redirect(path: str) -> Answer:
    """Redirect permanently, which caches may keep for an hour."""
    headers = {**PAGE_HEADERS, "Location": path, "Cache-Control": "public, max-age=3600"}
    return Answer(status=308, headers=headers)


FACES = (central,)

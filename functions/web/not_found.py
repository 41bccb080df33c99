"""Paths that no other Function serves: a redirect where the target is clear, otherwise 404 or 405.

The Functions host allows no two routes for one path and method, so the routes here are made from
all others: they match the paths that no other route matches.
"""

import re
from collections.abc import Collection, Iterable, Iterator

import azure.functions as func

from functions.central.responses import refusal_response as central_answer
from functions.http.handlers import problem_response
from functions.http.pages import PAGE_HEADERS
from functions.http.public_pages import PageRequest, PublicPages
from functions.http.requests import READ_METHODS, WRITE_METHODS
from shared.composition import Registry
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import MethodNotAllowed, PageNotFound
from shared.domain.names import parse_org

_HOST_ROUTES = ("admin/{*path}", "runtime/{*path}")  # The host has its own below these.
_CENTRAL, _API = "/2.0/", "/api/"

_SLASHES = re.compile("/{2,}")
_CONSTRAINT = re.compile(r":[^}]*(?=\})")
_ROUTE_START = re.compile(r"\{\*\w+:regex\(\^([\w/-]+)(?![?*])")  # Of a route that ends in a regex.

Methods = Collection[str]


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the redirects of shortened addresses."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("packages/{org?}", methods=READ_METHODS)
    @pages.anonymous_page
    async def web_missing_name(request: PageRequest) -> func.HttpResponse:
        org = request.route.get("org")
        return _redirect(f"/orgs/{parse_org(org)}" if org else "/search")

    @bp.route("orgs", methods=READ_METHODS)
    @pages.anonymous_page
    async def web_missing_org_name(request: PageRequest) -> func.HttpResponse:
        return _redirect("/organizations")

    return bp


def not_found_blueprint(
    registry: Registry, routes: Iterable[tuple[str, Methods]]
) -> func.Blueprint:
    """Make the Functions of the paths and methods that none of these routes matches.

    The host responds to another method of a path with an empty 404.
    """
    bp, pages = func.Blueprint(), PublicPages(registry)
    taken = {method: _taken_paths(routes, method) for method in (*READ_METHODS, *WRITE_METHODS)}

    @pages.page
    async def web_missing(request: PageRequest) -> func.HttpResponse:
        path, mark, query = request.path.partition("?")
        if "//" in path and request.req.method in READ_METHODS and not path.startswith(_CENTRAL):
            # From a base URL that ends in a slash; the host does not normalize slashes.
            return _redirect(_SLASHES.sub("/", path) + mark + query)
        decoded = request.req.route_params["path"]
        allowed = [method for method, paths in taken.items() if _matches(paths, decoded)]
        refusal = _refusal(request.req.method, path, allowed)
        if path.startswith(_CENTRAL):
            return central_answer(refusal)
        if path.startswith(_API):
            return problem_response(refusal)
        raise refusal

    for name, methods in _FALLBACK_FUNCTIONS.items():
        unmatched = f"^(?!({'|'.join(taken[methods[0]])})/?$)"
        route = bp.route(f"{{*path:regex({unmatched})}}", methods=methods)
        bp.function_name(name)(route(web_missing))
    return bp


def _refusal(method: str, path: str, allowed: Collection[str]) -> Refusal:
    return MethodNotAllowed(method, path, allowed) if allowed else PageNotFound(path)


# The names sort last, since the host tries routes in the order of names.
_FALLBACK_FUNCTIONS = {
    "web_missing": READ_METHODS,
    **{f"web_wrong_method_{method.lower()}": [method] for method in WRITE_METHODS},
}


def _taken_paths(routes: Iterable[tuple[str, Methods]], method: str) -> list[str]:
    """Return regular expressions for the paths of all routes with this method.

    They have no colon and no braces, which the host would read as parts of the route.
    """
    own = (route for route, methods in routes if method in methods)
    return sorted({path for each in (*own, *_HOST_ROUTES) for path in _paths_of(each) if path})


def _matches(expressions: Iterable[str], path: str) -> bool:
    return any(re.fullmatch(f"{each}/?", path, re.IGNORECASE) for each in expressions)


def _paths_of(route: str) -> Iterator[str]:
    """Yield regular expressions for the paths of a route, one for each number of segments."""
    beginning = _ROUTE_START.search(route)
    if beginning:
        # The last segment of the beginning may continue in the regex.
        known = "/".join((route[: beginning.start()] + beginning[1]).split("/")[:-1])
        yield f"{re.escape(known.lower())}/{_ANYTHING}"
        return
    parts = [each for each in _CONSTRAINT.sub("", route).split("/") if each]
    optional = sum(each.endswith("?}") for each in parts)
    for count in range(len(parts) - optional, len(parts) + 1):
        yield "".join(map(_expression, parts[:count])).removeprefix("/")


_BELOW = r"(/[\s\S]*)?"  # A dot does not match line breaks, which a path may contain.
_ANYTHING = f"[^/]*{_BELOW}"


def _expression(part: str) -> str:
    if part.startswith("{*"):
        return _BELOW
    return "/[^/]+" if "{" in part else f"/{re.escape(part.lower())}"


def _redirect(path: str) -> func.HttpResponse:
    """Redirect permanently, which caches may keep for an hour."""
    headers = {**PAGE_HEADERS, "Location": path, "Cache-Control": "public, max-age=3600"}
    return func.HttpResponse(status_code=308, headers=headers)

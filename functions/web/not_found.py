"""Paths that no other Function serves: a redirect where the target is clear, otherwise 404 or 405.

The Functions host allows no two routes for one path and method, so the routes here are made from
all others: they match the paths that no other route matches.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from functools import partial

from functions.central.answers import refusal_answer
from functions.http.answers import problem_answer
from functions.http.operations import READ_METHODS, WRITE_METHODS, Operation
from functions.http.public_pages import PublicPageCall, PublicPages
from functions.web.short_addresses import package_page, redirect
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import MethodNotAllowed, PageNotFound, ServiceNotOffered
from shared.runtime.answers import Answer

_HOST_ROUTES = ("admin/{*path}", "runtime/{*path}")  # The host has its own below these.
_CENTRAL, _API = "/2.0/", "/api/"

# What editors, `bal dist` and container tools ask for, as (what it is, where it is).
_NOT_OFFERED = {
    "2.0/docs/stdlib": (
        "documentation by distribution",
        "Read that of one package at /2.0/docs/{org}/{module}/{version}.",
    ),
    "2.0/update-tool": (
        "distributions of Ballerina",
        "Download them from https://ballerina.io/downloads/.",
    ),
    "v2": ("container images", "Its packages are at /2.0/registry and /2.0/maven."),
}

_SLASHES = re.compile("/{2,}")
_CONSTRAINT = re.compile(r":[^}]*(?=\})")
_ROUTE_START = re.compile(r"\{\*\w+:regex\(\^([\w/-]+)(?![?*])")  # Of a route that ends in a regex.

Methods = Collection[str]


def not_found_pages(operations: Iterable[Operation]) -> PublicPages:
    """Return the operations of the paths and methods that none of these has.

    The host responds to another method of a path with an empty 404.
    """
    routes = [(each.route, each.methods) for each in operations]
    taken = {method: _taken_paths(routes, method) for method in (*READ_METHODS, *WRITE_METHODS)}
    prefixes = {route.split("/")[0].lower() for route, _ in routes} | _PREFIXES_WITHOUT_ROUTES
    missing, answer_missing = PublicPages(), partial(_missing, taken, prefixes)
    for name, methods in _FALLBACK_FUNCTIONS.items():
        route = f"{{*path:regex(^(?!({'|'.join(taken[methods[0]])})/?$))}}"
        declare = missing.read if methods is READ_METHODS else missing.change
        declare(route, methods, name=name)(answer_missing)
    return missing


_PREFIXES_WITHOUT_ROUTES = {"admin", "runtime", "v2"}


async def _missing(
    taken: Mapping[str, Sequence[str]], prefixes: Set[str], call: PublicPageCall
) -> Answer:
    path, mark, query = call.target.partition("?")
    if "//" in path and call.method in READ_METHODS and not path.startswith(_CENTRAL):
        # From a base URL that ends in a slash; the host does not normalize slashes.
        return redirect(_SLASHES.sub("/", path) + mark + query)
    decoded = call.route_params["path"]
    for prefix, names in _NOT_OFFERED.items():
        if f"{decoded}/".startswith(f"{prefix}/"):
            return refusal_answer(ServiceNotOffered(*names))
    allowed = [method for method, paths in taken.items() if _matches(paths, decoded)]
    refusal = _refusal(call.method, path, allowed)
    if path.startswith(_CENTRAL):
        return refusal_answer(refusal)
    if path.startswith(_API):
        return problem_answer(refusal)
    if call.method in READ_METHODS and (page := package_page(decoded, prefixes)):
        return redirect(page)
    raise refusal


def _refusal(method: str, path: str, allowed: Collection[str]) -> Refusal:
    return MethodNotAllowed(method, path, allowed) if allowed else PageNotFound(path)


# The names sort last, since the host tries routes in the order of names.
_FALLBACK_FUNCTIONS = {
    "web_missing": READ_METHODS,
    **{f"web_wrong_method_{method.lower()}": (method,) for method in WRITE_METHODS},
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

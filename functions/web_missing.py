"""Addresses that people guess or cut short: led on where that is clear, else told so by a page.

No two routes take one path, so the last one is made from all others: it takes what none does.
"""

import re
from collections.abc import Iterable, Iterator

import azure.functions as func

from functions._api import refusal_answer
from functions._pages import HEADERS
from functions._public_pages import METHODS, Look, PublicPages
from shared.domain.errors import PageNotFound
from shared.domain.names import parse_org
from shared.registry import Registry

# Programs alone ask for what is below these: `bal` reads no page, and the host has its own.
_LEFT_TO_OTHERS = ("2.0/{*path}", "admin/{*path}", "runtime/{*path}")
_API = "/api/"

_CONSTRAINT = re.compile(r":[^}]*(?=\})")


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of addresses that were cut short."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("packages/{org?}", methods=METHODS)
    @pages.same_for_all
    async def web_missing_name(look: Look) -> func.HttpResponse:
        org = look.route.get("org")
        return _elsewhere(f"/orgs/{parse_org(org)}" if org else "/search")

    @bp.route("orgs", methods=METHODS)
    @pages.same_for_all
    async def web_missing_org_name(look: Look) -> func.HttpResponse:
        return _elsewhere("/search")

    return bp


def everywhere_else(registry: Registry, routes: Iterable[str]) -> func.Blueprint:
    """Return the Function of every address that none of these routes takes."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route(f"{{*path:regex({_none_of(routes)})}}", methods=METHODS)
    @pages.page
    async def web_missing(look: Look) -> func.HttpResponse:
        path = look.path.partition("?")[0]
        refusal = PageNotFound(path)
        if path.startswith(_API):
            return refusal_answer(refusal)
        raise refusal

    return bp


def _none_of(routes: Iterable[str]) -> str:
    """Return an expression for the paths that no route takes; the host ends one at a colon, and
    reads braces as its own."""
    taken = {path for route in (*routes, *_LEFT_TO_OTHERS) for path in _paths_of(route) if path}
    return f"^(?!({'|'.join(sorted(taken))})/?$)"


def _paths_of(route: str) -> Iterator[str]:
    """Yield expressions for what a route takes, or more: one for each number of its parts."""
    parts = [each for each in _CONSTRAINT.sub("", route).split("/") if each]
    optional = sum(each.endswith("?}") for each in parts)
    for count in range(len(parts) - optional, len(parts) + 1):
        yield "".join(map(_expression, parts[:count])).removeprefix("/")


def _expression(part: str) -> str:
    if part.startswith("{*"):
        return r"(/[\s\S]*)?"  # A dot would leave out the end of a line, which a path may hold.
    return "/[^/]+" if "{" in part else f"/{re.escape(part.lower())}"


def _elsewhere(path: str) -> func.HttpResponse:
    """Lead to where such an address was meant to lead, now and for as long as it is said."""
    headers = {**HEADERS, "Location": path, "Cache-Control": "public, max-age=3600"}
    return func.HttpResponse(status_code=308, headers=headers)

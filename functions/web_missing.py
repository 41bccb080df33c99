"""Addresses that people guess or cut short: led on where that is clear, else told so by a page.

Routes are disjoint, so these are only as long or as short as none that is there.
"""

import azure.functions as func

from functions._pages import HEADERS
from functions._public_pages import METHODS, Look, PublicPages
from shared.domain.errors import PageNotFound
from shared.domain.names import parse_org
from shared.registry import Registry

# What is longer than any address below these, by the end of the Function's name.
TOO_LONG = {
    "about": "about/{page}/{more}/{*rest}",
    "account": "account/{page}/{name}/{verb}/{more}/{*rest}",
    "org": "orgs/{org}/{tab}/{more}/{*rest}",
    "package": "packages/{org}/{name}/{version}/{tab}/{more}/{*rest}",
    "search": "search/{more}/{*rest}",
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of addresses that lead nowhere by themselves."""
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

    for name, template in TOO_LONG.items():
        _add(bp, pages, f"web_missing_{name}", template)
    return bp


def _add(bp: func.Blueprint, pages: PublicPages, name: str, template: str) -> None:
    async def missing(look: Look) -> func.HttpResponse:
        raise PageNotFound(look.path.partition("?")[0])

    missing.__name__ = name
    bp.route(template, methods=METHODS)(pages.page(missing))


def _elsewhere(path: str) -> func.HttpResponse:
    """Lead to where such an address was meant to lead, now and for as long as it is said."""
    headers = {**HEADERS, "Location": path, "Cache-Control": "public, max-age=3600"}
    return func.HttpResponse(status_code=308, headers=headers)

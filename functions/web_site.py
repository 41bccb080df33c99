"""What crawlers and browsers ask a site for: /robots.txt, /sitemap.xml and /favicon.ico."""

from html import escape

import azure.functions as func

from functions._documents import Document, document_answer
from functions._pages import page_errors
from functions._paging import asked_page
from functions._public_pages import METHODS, Look, PublicPages
from functions._rendering import STATIC
from functions._words import day
from shared.domain.errors import PageNotFound
from shared.domain.identity import ANONYMOUS
from shared.domain.package import Listing
from shared.domain.query import Page, Query, Sort
from shared.registry import Registry

PLAIN, XML, ICON = "text/plain", "application/xml", "image/x-icon"
LISTED = 500  # Packages of one part of the site map; the index of parts names up to 50,000 parts.
PAGES = ("/", "/about", "/about/api", "/about/policies")
SITEMAPS = "http://www.sitemaps.org/schemas/sitemap/0.9"

# Crawlers read pages that are there once. What is made of one package in many ways, or asks for
# somebody in particular, is not for them.
_ROBOTS = """\
User-agent: *
Disallow: /account
Disallow: /api/
Disallow: /archives/
Disallow: /device
Disallow: /files/
Disallow: /search
Disallow: /sign-in
Disallow: /2.0/

Sitemap: {url}/sitemap.xml
"""


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of those files."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("robots.txt", methods=METHODS)
    @pages.page
    async def web_site_robots(look: Look) -> func.HttpResponse:
        return look.text(_ROBOTS.format(url=look.url), PLAIN)

    @bp.route("sitemap.xml", methods=METHODS)
    @pages.page
    async def web_site_map(look: Look) -> func.HttpResponse:
        count = (await registry.showcasing.showcase()).totals.packages
        parts = max(1, -(-count // LISTED))
        if "page" not in look.query:
            return look.text(_index(look.url, parts), XML)
        number = asked_page(look.query)
        if number > parts:
            raise PageNotFound(f"/sitemap.xml?page={number}")
        return look.text(_part(look.url, await _listed(registry, number), number), XML)

    @bp.route("favicon.ico", methods=METHODS)
    @page_errors
    async def web_site_icon(req: func.HttpRequest) -> func.HttpResponse:
        icon = (STATIC / "favicon.ico").read_bytes()
        answer = document_answer(req, Document(icon, ICON, is_public=True))
        answer.headers["Cache-Control"] = "public, max-age=86400"
        return answer

    return bp


async def _listed(registry: Registry, number: int) -> tuple[Listing, ...]:
    """Return the packages of one part, as everybody sees them, whoever asks."""
    page = Page((number - 1) * LISTED, LISTED, Sort.ADDED, descending=False)
    everything = Query(include_deprecated=True)
    results = await registry.searching.search(everything, page, by=ANONYMOUS)
    return tuple(hit.listing for hit in results.hits)


def _index(url: str, parts: int) -> str:
    places = "".join(
        f"<sitemap><loc>{escape(url)}/sitemap.xml?page={number}</loc></sitemap>\n"
        for number in range(1, parts + 1)
    )
    return f'{_HEAD}<sitemapindex xmlns="{SITEMAPS}">\n{places}</sitemapindex>\n'


def _part(url: str, listings: tuple[Listing, ...], number: int) -> str:
    own = [_place(url, path) for path in PAGES] if number == 1 else []
    packages = [
        _place(url, f"/packages/{each.head.org}/{each.head.name}", each.release.created_ms)
        for each in listings
    ]
    return f'{_HEAD}<urlset xmlns="{SITEMAPS}">\n{"".join([*own, *packages])}</urlset>\n'


def _place(url: str, path: str, changed_ms: int | None = None) -> str:
    changed = "" if changed_ms is None else f"<lastmod>{day(changed_ms)}</lastmod>"
    return f"<url><loc>{escape(url + path)}</loc>{changed}</url>\n"


_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

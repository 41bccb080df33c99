"""/feeds/…: releases as feed readers follow them, of public packages alone."""

import azure.functions as func

from functions._package_pages import package_of
from functions._public_pages import ATOM, METHODS, Look, PublicPages
from shared.domain.atom import Feed, FeedEntry
from shared.domain.names import parse_org
from shared.domain.package import Listing, effective_deprecation
from shared.domain.query import Page, Query, Sort
from shared.registry import Registry
from shared.services.showing import Portrait

LONGEST = 50  # Releases in a feed: readers ask every hour, and nobody reads more in one.
_NEWEST = Page(limit=LONGEST, sort=Sort.CREATED)
_EVERYTHING = Query(include_deprecated=True)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions that make feeds."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("feeds/newest.atom", methods=METHODS)
    @pages.same_for_all
    async def web_feed_newest(look: Look) -> func.HttpResponse:
        title, path = "New packages and releases", "/feeds/newest.atom"
        return await _found(look, _EVERYTHING, title, path, "/")

    @bp.route("feeds/orgs/{org}/releases.atom", methods=METHODS)
    @pages.same_for_all
    async def web_feed_organization(look: Look) -> func.HttpResponse:
        org = parse_org(look.route["org"])
        query, path = _EVERYTHING.within(frozenset({org})), f"/feeds/orgs/{org}/releases.atom"
        return await _found(look, query, f"Releases of {org}", path, f"/orgs/{org}")

    @bp.route("feeds/packages/{org}/{name}/releases.atom", methods=METHODS)
    @pages.same_for_all
    async def web_feed_package(look: Look) -> func.HttpResponse:
        portrait = await registry.showing.package(package_of(look), by=look.principal)
        return look.text(_feed_of(portrait, look.url).xml(), ATOM)

    return bp


async def _found(look: Look, query: Query, title: str, path: str, page: str) -> func.HttpResponse:
    """Return the newest release of each package that matches; only the index is asked."""
    found = await look.registry.searching.search(query, _NEWEST, by=look.principal)
    entries = tuple(_listed(hit.listing, look.url) for hit in found.hits)
    return look.text(Feed(title, look.url + path, look.url + page, entries).xml(), ATOM)


def _listed(listing: Listing, base_url: str) -> FeedEntry:
    release, package = listing.release, listing.head.package
    return FeedEntry(
        title=f"{package} {release.version}",
        url=f"{base_url}/packages/{package}/{release.version}",
        published_ms=release.created_ms,
        changed_ms=release.changed_ms or release.created_ms,
        author=listing.head.org,
        summary=_summary(release.summary, listing.deprecation),
    )


def _feed_of(portrait: Portrait, base_url: str) -> Feed:
    package, head = portrait.package, portrait.head
    newest_first = sorted(portrait.entries, key=lambda each: -each.created_ms)
    entries = tuple(
        FeedEntry(
            title=f"{package} {each.version}",
            url=f"{base_url}/packages/{package}/{each.version}",
            published_ms=each.created_ms,
            changed_ms=each.changed_ms or each.created_ms,
            author=head.org,
            summary=_summary(
                portrait.release.summary, effective_deprecation(head, each.deprecation)
            ),
        )
        for each in newest_first[:LONGEST]
    )
    own = f"{base_url}/feeds/packages/{package}/releases.atom"
    return Feed(f"Releases of {package}", own, f"{base_url}/packages/{package}", entries)


def _summary(text: str, deprecation: str | None) -> str:
    return text if deprecation is None else f"Deprecated. {deprecation} {text}".strip()

"""/feeds/…: releases of public packages as Atom feeds."""

from collections.abc import Iterable
from html import escape

from msgspec import Struct

from functions.http.pages import ATOM, AnonymousPages, PublicPageCall
from functions.web.package.frame import package_of
from shared.domain.documents import xml_document, xml_element, xml_leaf
from shared.domain.listings import Listing
from shared.domain.names import parse_org
from shared.domain.packages import effective_deprecation
from shared.domain.search import Query, ResultPage, Sort
from shared.domain.times import utc_text
from shared.runtime.answers import Answer
from shared.services.packages.package_details import ReleaseDetails

MAX_FEED_ENTRIES = 50  # Feed readers poll every hour.
_NEWEST = ResultPage(limit=MAX_FEED_ENTRIES, sort=Sort.CREATED)
_ALL_PACKAGES = Query(include_deprecated=True, stored_only=True)


pages = AnonymousPages()
FACES = (pages,)


@pages.read("feeds/newest.atom")
async def web_feed_newest(call: PublicPageCall) -> Answer:
    title, path = "New packages and releases", "/feeds/newest.atom"
    return await _search_feed(call, _ALL_PACKAGES, title, path, "/")


@pages.read("feeds/orgs/{org}/releases.atom")
async def web_feed_organization(call: PublicPageCall) -> Answer:
    org = parse_org(call.redacted_route["org"])
    query, path = _ALL_PACKAGES.within(frozenset({org})), f"/feeds/orgs/{org}/releases.atom"
    return await _search_feed(call, query, f"Releases of {org}", path, f"/orgs/{org}")


@pages.read("feeds/packages/{org}/{name}/releases.atom")
async def web_feed_package(call: PublicPageCall) -> Answer:
    details = await call.registry.packages.details.package(package_of(call), by=call.caller)
    return call.text(_package_feed(details, call.base_url).xml(), ATOM)


async def _search_feed(
    call: PublicPageCall, query: Query, title: str, path: str, page: str
) -> Answer:
    """Respond with the latest releases of the packages that match, from the search index alone."""
    found = await call.registry.packages.search.search(query, _NEWEST, by=call.caller)
    entries = tuple(_listing_entry(hit.listing, call.base_url) for hit in found.hits)
    return call.text(
        AtomFeed(title, call.base_url + path, call.base_url + page, entries).xml(), ATOM
    )


class AtomEntry(Struct, frozen=True):
    """One release in a feed; `url` is its permanent id."""

    title: str
    url: str
    published_ms: int
    changed_ms: int
    author: str
    summary: str


def _listing_entry(listing: Listing, base_url: str) -> AtomEntry:
    release, package = listing.release, listing.head.package
    return AtomEntry(
        title=f"{package} {release.version}",
        url=f"{base_url}/packages/{package}/{release.version}",
        published_ms=release.created_ms,
        changed_ms=release.changed_ms or release.created_ms,
        author=listing.head.org,
        summary=_summary(release.summary, listing.deprecation),
    )


class AtomFeed(Struct, frozen=True):
    """Releases, newest first; `url` is the feed's own address, `page` what it is about."""

    title: str
    url: str
    page: str
    entries: tuple[AtomEntry, ...]

    def xml(self) -> bytes:
        changed_ms = max((each.changed_ms for each in self.entries), default=_NEVER_MS)
        content = (
            xml_leaf("title", self.title),
            xml_leaf("id", self.url),
            xml_leaf("updated", utc_text(changed_ms)),
            _link(self.url, "self"),
            _link(self.page, "alternate"),
            xml_leaf("generator", "Ballroom"),
            *_entries(self.entries),
        )
        root = xml_element("feed", *content).replace("<feed>", f'<feed xmlns="{_NAMESPACE}">', 1)
        return xml_document(root)


def _package_feed(details: ReleaseDetails, base_url: str) -> AtomFeed:
    package, head = details.package, details.head
    newest_first = sorted(details.entries, key=lambda each: -each.created_ms)
    entries = tuple(
        AtomEntry(
            title=f"{package} {each.version}",
            url=f"{base_url}/packages/{package}/{each.version}",
            published_ms=each.created_ms,
            changed_ms=each.changed_ms or each.created_ms,
            author=head.org,
            summary=_summary(
                details.release.summary, effective_deprecation(head, each.deprecation)
            ),
        )
        for each in newest_first[:MAX_FEED_ENTRIES]
    )
    own = f"{base_url}/feeds/packages/{package}/releases.atom"
    return AtomFeed(f"Releases of {package}", own, f"{base_url}/packages/{package}", entries)


def _summary(text: str, deprecation: str | None) -> str:
    return text if deprecation is None else f"Deprecated. {deprecation} {text}".strip()


_NAMESPACE = "http://www.w3.org/2005/Atom"
_NEVER_MS = 0  # The `updated` of an empty feed, which Atom requires.


def _entries(entries: Iterable[AtomEntry]) -> Iterable[str]:
    for each in entries:
        yield xml_element(
            "entry",
            xml_leaf("title", each.title),
            xml_leaf("id", each.url),
            xml_leaf("published", utc_text(each.published_ms)),
            xml_leaf("updated", utc_text(each.changed_ms)),
            xml_element("author", xml_leaf("name", each.author)),
            _link(each.url, "alternate"),
            xml_leaf("summary", each.summary),
        )


def _link(url: str, relation: str) -> str:
    return f'<link rel="{relation}" href="{escape(url)}"/>'

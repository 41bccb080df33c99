"""The Atom feed (RFC 4287) of the releases of Ballroom, as docs/run/upgrade.md describes it.

An entry whose id ends with a version, such as `urn:ballroom:release:1.2.3`, is a release; one with
the category `security`, or whose title ends with `(security)`, fixes a vulnerability. GitHub's own
feed of releases has no categories.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.parsers.expat import ExpatError, ParserCreate

from shared.domain.product_releases import (
    RELEASES_KEPT,
    FeedUnusable,
    ProductRelease,
    version_numbers,
)

MAX_ENTRIES = 500  # Entries that are read of one feed.
MAX_LINK_LENGTH = 500

SECURITY = "security"  # The category of releases that fix a vulnerability.

_ATOM = "{http://www.w3.org/2005/Atom}"


def parse_feed(content: bytes) -> tuple[ProductRelease, ...]:
    """Return the newest releases of a feed, or raise `FeedUnusable`.

    What is no release, such as a pre-release, is left out.
    """
    try:
        _refuse_document_types(content)
        root = fromstring(content)  # noqa: S314 - Without a document type there are no entities.
    except (ParseError, ExpatError, ValueError, LookupError) as error:
        reason = "it is not XML"
        raise FeedUnusable(reason) from error
    if root.tag != f"{_ATOM}feed":
        reason = "it is not an Atom feed"
        raise FeedUnusable(reason)
    found = {each.version: each for each in _releases(root.findall(f"{_ATOM}entry")[:MAX_ENTRIES])}
    if not found:
        reason = "it lists no release: no id of an entry ends with a version such as 1.2.3"
        raise FeedUnusable(reason)
    newest = sorted(found.values(), key=lambda each: each.numbers, reverse=True)
    return tuple(newest[:RELEASES_KEPT])


def _refuse_document_types(content: bytes) -> None:
    """Raise `FeedUnusable` for XML with a document type, before one of its entities is read."""

    def refuse(*_: object) -> None:
        reason = "it is XML with a document type, which may have entities without bounds"
        raise FeedUnusable(reason)

    parser = ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(content, True)


def _releases(entries: Sequence[Element]) -> Iterator[ProductRelease]:
    for entry in entries:
        numbers = version_numbers((entry.findtext(f"{_ATOM}id") or "").strip())
        if numbers is not None:
            categories = {each.get("term") for each in entry.findall(f"{_ATOM}category")}
            title = (entry.findtext(f"{_ATOM}title") or "").strip()
            yield ProductRelease(
                version=".".join(map(str, numbers)),
                page=_page(entry.findall(f"{_ATOM}link")),
                is_security=SECURITY in categories or title.endswith(f"({SECURITY})"),
            )


def _page(links: Sequence[Element]) -> str:
    for link in links:
        address = link.get("href", "")
        is_page = link.get("rel", "alternate") == "alternate"
        if is_page and len(address) <= MAX_LINK_LENGTH and _is_https(address):
            return address
    return ""


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    is_printed = address.isascii() and address.isprintable() and " " not in address
    return is_printed and parts.scheme == "https" and bool(parts.hostname)

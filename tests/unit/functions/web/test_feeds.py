"""Atom feeds."""

from xml.etree import ElementTree

from functions.web.feeds import AtomEntry, AtomFeed

ATOM = "{http://www.w3.org/2005/Atom}"
URL = "https://registry.test"
ENTRY = AtomEntry(
    title="acme/greet 1.0.0",
    url=f"{URL}/packages/acme/greet/1.0.0",
    published_ms=1_790_000_000_000,
    changed_ms=1_790_000_060_000,
    author="acme",
    summary="Greets <people> & others\x00.",
)


def read(*entries: AtomEntry) -> ElementTree.Element:
    """Return the feed of these entries, parsed."""
    feed = AtomFeed("Releases", f"{URL}/feed?a=1&b=2", URL, entries)
    return ElementTree.fromstring(feed.xml())


def test_a_feed_names_itself_and_what_it_is_about() -> None:
    feed = read(ENTRY)
    assert feed.findtext(f"{ATOM}id") == f"{URL}/feed?a=1&b=2"
    links = {each.get("rel"): each.get("href") for each in feed.findall(f"{ATOM}link")}
    assert links == {"self": f"{URL}/feed?a=1&b=2", "alternate": URL}


def test_an_entry_has_all_that_readers_ask_for() -> None:
    [entry] = read(ENTRY).findall(f"{ATOM}entry")
    texts = {each.tag.removeprefix(ATOM): each.text for each in entry if each.text}
    assert texts == {
        "title": "acme/greet 1.0.0",
        "id": f"{URL}/packages/acme/greet/1.0.0",
        "published": "2026-09-21T14:13:20Z",
        "updated": "2026-09-21T14:14:20Z",
        "summary": "Greets <people> & others.",
    }
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == "acme"


def test_a_feed_changed_with_its_newest_entry() -> None:
    assert read(ENTRY).findtext(f"{ATOM}updated") == "2026-09-21T14:14:20Z"
    assert read().findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"

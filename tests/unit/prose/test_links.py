"""Links and pictures of a text."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.prose.rendering import TextPlace

HERE = "https://registry.test/packages/acme/greet"
FILES = "/files/acme/greet/1.0.0"
PLACE = TextPlace(FILES, folder="docs")


@pytest.mark.parametrize(
    ("written", "leads_to"),
    [
        ("https://example.com/a", "https://example.com/a"),
        ("HTTP://example.com", "HTTP://example.com"),
        ("mailto:me@example.com", "mailto:me@example.com"),
        ("//example.com/a", "https://example.com/a"),
        ("\\\\example.com", "https://example.com"),
        (" https://example.com\n", "https://example.com"),
        ("#usage", "#readme-usage"),
        ("#readme-usage", "#readme-usage"),
        ("guide.md", f"{FILES}/docs/guide.md"),
        ("./guide.md?plain=1#part", f"{FILES}/docs/guide.md#part"),
        ("../LICENSE", f"{FILES}/LICENSE"),
        ("../../../etc/passwd", f"{FILES}/etc/passwd"),
        ("..%2f..%2fetc", f"{FILES}/etc"),
        ("..\\..\\etc", f"{FILES}/etc"),
        ("/account/tokens", f"{FILES}/account/tokens"),
        ("a b/ü.md", f"{FILES}/docs/a%20b/%C3%BC.md"),
        ("a%22b", f"{FILES}/docs/a%22b"),
        ("java\tscript:alert(1)", ""),
        ("javascript:alert(1)", ""),
        ("JaVaScRiPt://example.com/%0aalert(1)", ""),
        ("vbscript:a", ""),
        ("data:text/html,a", ""),
        ("https:account", ""),
        ("https://me:secret@example.com", ""),
        ("https://registry.test@example.com", ""),
        ("mailto:me@example.com?bcc=all@example.com", ""),
        ("#", ""),
        ("", ""),
        ("a\x00b", ""),
        ("a%00b", ""),
        ("..", ""),
        ("a" * 3_000, ""),
    ],
)
def test_links(written: str, leads_to: str) -> None:
    assert PLACE.link(written, "readme") == leads_to


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("cat.png", f"{FILES}/docs/cat.png"),
        ("/docs/cat.png#a", f"{FILES}/docs/cat.png"),
        ("https://example.com/cat.png", ""),
        ("//example.com/cat.png", ""),
        ("/\\example.com/cat.png", ""),
        ("data:image/png;base64,AA", ""),
        ("#cat", ""),
    ],
)
def test_pictures_come_from_the_archive_alone(written: str, shown: str) -> None:
    assert PLACE.picture(written) == shown


def test_with_the_names_of_the_files_nothing_leads_to_a_missing_one() -> None:
    place = TextPlace(FILES, folder="docs", names=frozenset(["docs/guide.md"]))
    assert place.link("guide.md", "readme") == f"{FILES}/docs/guide.md"
    assert not place.link("other.md", "readme")
    assert not place.picture("cat.png")


def test_what_is_not_beside_the_text_is_looked_for_from_the_root() -> None:
    names = frozenset(["docs/guide.md", "guide.md", "resources/cat.png"])
    place = TextPlace(FILES, folder="docs", names=names)
    assert place.picture("resources/cat.png") == f"{FILES}/resources/cat.png"
    assert place.link("guide.md", "readme") == f"{FILES}/docs/guide.md"
    assert place.link("/guide.md", "readme") == f"{FILES}/guide.md"
    assert not place.picture("../../resources/dog.png")


def test_links_lead_to_the_pages_of_files_where_there_are_some_and_pictures_do_not() -> None:
    place = TextPlace(FILES, folder="docs", pages="/pages?path=")
    assert place.link("a guide.md#how", "readme") == "/pages?path=docs/a%20guide.md#how"
    assert place.picture("cat.png") == f"{FILES}/docs/cat.png"


@given(st.text(max_size=40) | st.text(alphabet="/\\.:#?@%2fjavscript \t\n", max_size=40))
def test_whatever_is_written_leads_out_plainly_or_stays_among_the_files(written: str) -> None:
    led = PLACE.link(written, "readme")
    whole = urlsplit(urljoin(HERE, led))
    if led and not led.startswith("#") and whole.netloc == "registry.test":
        assert led.startswith(f"{FILES}/")
        assert "/../" not in whole.path
    assert whole.scheme in ("http", "https", "mailto")
    if shown := PLACE.picture(written):
        assert shown.startswith(f"{FILES}/")

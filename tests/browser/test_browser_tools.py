"""The tools of the browser tests detect what is wrong."""

import httpx
import pytest

from tests.browser.axe import assert_accessible
from tests.browser.conftest import Open
from tests.browser.crawler import Crawl
from tests.browser.sample_registry import Site

PAGES = {
    "/": '<a href="/a#here">a</a> <a href="/a#nowhere">b</a> <a href="https://elsewhere.example">c</a>',
    "/a": '<p id="here"><img src="/missing.png"><a href="/b?page=1">b</a>',
    "/b": '<a href="/b?page=2">without end</a>',
}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("<input>", "label"),
        ('<img src="a.png">', "image-alt"),
        ('<p style="color: #ccc; background: #fff">Pale words</p>', "color-contrast"),
        ('<button aria-label="Other">Send</button>', "label-content-name-mismatch"),
    ],
)
def test_axe_names_what_is_wrong(shared_site: Site, opened: Open, content: str, rule: str) -> None:
    page = opened(shared_site.url).page
    page.set_content(f'<!doctype html><html lang="en"><title>A</title><main><h1>A</h1>{content}')
    with pytest.raises(AssertionError, match=rule):
        assert_accessible(page)


def test_the_link_checker_names_what_is_broken() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page = PAGES.get(request.url.path)
        return httpx.Response(200 if page else 404, html=page or "")

    crawl = Crawl("http://shared_site.test", httpx.Client(transport=httpx.MockTransport(answer)))
    crawl.follow("/")
    assert crawl.broken == [
        "http://shared_site.test/a leads to http://shared_site.test/missing.png: 404",
        "http://shared_site.test/ leads to #nowhere, which http://shared_site.test/a does not have",
    ]
    assert "http://shared_site.test/b?page=2" not in crawl.pages


def test_a_watched_page_reports_errors(shared_site: Site, opened: Open) -> None:
    watched = opened(shared_site.url)
    watched.page.set_content('<img src="http://elsewhere.example/a.png"><script>missing()</script>')
    watched.page.evaluate("alert('hello')")
    assert watched.foreign == ["http://elsewhere.example/a.png"]
    assert watched.dialogs == ["hello"]
    with pytest.raises(AssertionError, match=r"elsewhere\.example"):
        watched.assert_nothing_happened()

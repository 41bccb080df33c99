"""What a phone shows at first, and tables that fit or say that they go on."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.forms import WINDOWS
from tests.browser.sample_registry import Site

HEADER = "document.querySelector('header.site').offsetHeight"
HEADER_HEIGHT = 56
# Of each table: by how much it is wider than its place, and what is drawn behind it.
TABLES = """() => [...document.querySelectorAll(".prose .wide")].map(
  wide => [wide.scrollWidth - wide.clientWidth, getComputedStyle(wide).backgroundImage])"""


@pytest.mark.parametrize("path", ["/", "/packages/acme/greet", "/docs/clients"])
def test_the_header_is_one_row_whose_menu_has_the_links(
    shared_site: Site, opened: Open, path: str
) -> None:
    watched = opened(shared_site.url, form="phone", scripts="off")
    page = watched.open(path)
    assert page.evaluate(HEADER) == HEADER_HEIGHT
    links = page.get_by_role("navigation", name="Registry")
    expect(links.get_by_role("link", name="Browse")).to_be_hidden()
    links.locator("summary").click()
    for name in ("Browse", "Symbols", "Docs", "Sign in"):
        expect(links.get_by_role("link", name=name)).to_be_visible()
    watched.assert_nothing_happened()


def test_the_header_of_a_signed_in_account_is_one_row(shared_site: Site, opened: Open) -> None:
    page = opened(shared_site.url, form="phone").page
    shared_site.sign_in(page, shared_site.served.people.ann)
    assert page.evaluate(HEADER) == HEADER_HEIGHT
    page.locator(".site-nav .menu > summary").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


@pytest.mark.parametrize("tab", ["", "/1.1.0/statistics"])
def test_the_tabs_of_a_package_begin_at_its_readme(
    shared_site: Site, opened: Open, tab: str
) -> None:
    page = opened(shared_site.url, form="phone").open(f"/packages/acme/greet{tab}")
    tabs = page.get_by_role("navigation", name="Pages of acme/greet").get_by_role("link")
    width = WINDOWS["phone"]["width"]
    assert tabs.first.inner_text() == "Readme"
    for each in tabs.all():
        box = each.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


@pytest.mark.parametrize("path", ["/docs/clients", "/docs/organizations", "/docs/tokens"])
def test_tables_of_documents_fit_a_desktop_and_go_on_with_a_cue(
    shared_site: Site, opened: Open, path: str
) -> None:
    page = opened(shared_site.url).open(path)
    tables = page.evaluate(TABLES)
    assert tables
    assert max(over for over, _ in tables) <= 0
    page.set_viewport_size(WINDOWS["phone"])
    for _, background in page.evaluate(TABLES):
        assert background.count("linear-gradient") == 4

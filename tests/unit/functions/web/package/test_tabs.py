"""Every page of a tab has a handler and a template."""

from functions.http.pages import TEMPLATES
from functions.web.package.frame import FIRST_TAB, TAB_PAGES, TABS
from functions.web.package.pages import TAB_HANDLERS

TEXTS = {"llms.txt"}  # Below a release, too, and in no tab.


def test_the_handlers_are_those_of_the_tabs() -> None:
    # The first tab is the page of the package or release itself.
    assert TAB_HANDLERS.keys() == (TAB_PAGES.keys() - {FIRST_TAB}) | TEXTS


def test_no_two_pages_have_the_same_key() -> None:
    assert len(TAB_PAGES) == sum(map(len, TABS.values()))


def test_every_page_has_a_template() -> None:
    folder = TEMPLATES / "web" / "package"
    assert [key for key in TAB_PAGES if not (folder / f"{key}.html").is_file()] == []

"""Pages of API documentation: accessible in each form, in narrow windows, on paper, by keyboard."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.sample_registry import Site
from tests.browser.test_pages import problems_of
from tests.browser.test_screenshots import ALL_FORMS

RELEASE = "/packages/acme/shop/1.1.0"
MODULE = f"{RELEASE}/docs"
CHANGES = f"{RELEASE}/changes"
PAGES = (MODULE, f"{MODULE}/shop/Client", f"{MODULE}/shop/greetAll", f"{MODULE}/shop/Mood", CHANGES)
NARROW = {"width": 320, "height": 640}  # Pixels, of a window of 1280 at 400 %.


@pytest.mark.parametrize(("form", "scheme"), ALL_FORMS, ids=["-".join(each) for each in ALL_FORMS])
def test_pages_of_documentation_are_accessible(
    site: Site, opened: Open, form: str, scheme: str
) -> None:
    site.publish_documented()
    watched = opened(site.url, form=form, scheme=scheme)
    wrong = [problem for path in PAGES for problem in problems_of(watched.open(path))]
    assert not wrong, "\n".join(wrong)
    watched.assert_nothing_happened()


@pytest.mark.parametrize("media", ["screen", "print"])
def test_pages_of_documentation_fit_a_narrow_window(site: Site, opened: Open, media: str) -> None:
    site.publish_documented()
    page = opened(site.url).page
    page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    page.emulate_media(media="print" if media == "print" else "screen")
    for path in PAGES:
        page.goto(site.url + path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROW["width"], f"{path} is {width} wide"


def test_the_documentation_is_printed_without_its_controls(site: Site, opened: Open) -> None:
    site.publish_documented()
    page = opened(site.url).open(MODULE)
    page.emulate_media(media="print")
    expect(page.get_by_label("Filter symbols")).to_be_hidden()
    expect(page.get_by_role("button", name="Copy the import line")).to_be_hidden()
    expect(page.get_by_text("Connects to the greeting service.")).to_be_visible()


def test_the_filter_shows_the_symbols_that_contain_each_word(site: Site, opened: Open) -> None:
    site.publish_documented()
    watched = opened(site.url)
    page = watched.open(MODULE)
    entries, status = page.locator(".docs-entry:visible"), page.locator("#docs-filter-status")
    total = entries.count()
    page.get_by_label("Filter symbols").focus()
    page.keyboard.type("greet WORLD")
    expect(entries).to_have_count(2)  # The name of one, and the comment of the other.
    expect(status).to_have_text(f"2 of {total}")
    expect(page.get_by_role("heading", name="Clients")).to_be_hidden()
    page.get_by_label("Filter symbols").fill("nothing is called that")
    expect(entries).to_have_count(0)
    expect(status).to_have_text(f"0 of {total}")
    page.get_by_label("Filter symbols").fill("")
    expect(entries).to_have_count(total)
    expect(status).to_have_text("")
    page.get_by_label("Filter symbols").fill("greetWorld")
    expect(entries).to_have_count(2)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{MODULE}/shop/greetAll")
    watched.assert_nothing_happened()


def test_documentation_works_without_a_script(site: Site, opened: Open) -> None:
    site.publish_documented()
    page = opened(site.url, scripts="off").open(MODULE)
    expect(page.get_by_label("Filter symbols")).to_be_hidden()
    page.get_by_role("link", name="Client", exact=True).click()
    page.get_by_role("link", name="Person", exact=True).first.click()
    page.wait_for_url("**/docs/shop/Person")
    expect(page.get_by_role("heading", name="Person")).to_be_visible()
    page.goto(site.url + CHANGES)
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/changes?from=1.0.0")
    expect(page.get_by_role("heading", name="Breaking changes")).to_be_visible()

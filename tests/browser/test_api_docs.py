"""Pages of API documentation: accessible in each form, in narrow windows, on paper, by keyboard."""

from playwright.sync_api import ViewportSize, expect

from tests.browser.conftest import Open
from tests.browser.sample_registry import Site
from tests.browser.test_pages import assert_all_accessible

RELEASE = "/packages/acme/shop/1.1.0"
MODULE = f"{RELEASE}/docs"
CHANGES = f"{RELEASE}/changes"
PAGES = (MODULE, f"{MODULE}/shop/Client", f"{MODULE}/shop/greetAll", f"{MODULE}/shop/Mood", CHANGES)
NARROW: ViewportSize = {"width": 320, "height": 640}  # Pixels, of a window of 1280 at 400 %.


def test_pages_of_documentation_are_accessible(documented_site: Site, opened: Open) -> None:
    assert_all_accessible(opened(documented_site.url), PAGES)


def test_pages_of_documentation_fit_narrow_windows_and_paper(
    documented_site: Site, opened: Open
) -> None:
    page = opened(documented_site.url).page
    page.set_viewport_size(NARROW)
    for path in PAGES:
        page.goto(documented_site.url + path)
        for media in ("screen", "print"):
            page.emulate_media(media=media)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= NARROW["width"], f"{path} is {width} wide on {media}"


def test_the_documentation_is_printed_without_its_controls(
    documented_site: Site, opened: Open
) -> None:
    page = opened(documented_site.url).open(MODULE)
    page.emulate_media(media="print")
    expect(page.get_by_label("Filter symbols")).to_be_hidden()
    expect(page.get_by_role("button", name="Copy the import line")).to_be_hidden()
    expect(page.get_by_text("Connects to the greeting service.")).to_be_visible()


def test_the_filter_shows_the_symbols_that_contain_each_word(
    documented_site: Site, opened: Open
) -> None:
    watched = opened(documented_site.url)
    page = watched.open(MODULE)
    entries = page.locator(".docs-entry:visible")
    status = page.locator("#docs-filter-status")
    total = entries.count()
    page.get_by_label("Filter symbols").focus()
    page.keyboard.type("greet WORLD")
    expect(entries).to_have_count(2)  # The name of one, and the comment of the other.
    expect(status).to_have_text(f"2 of {total}")
    place = page.locator(".place")  # The index beside it lists all of them still.
    expect(place.get_by_role("heading", name="Clients")).to_be_hidden()
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


def test_documentation_works_without_a_script(documented_site: Site, opened: Open) -> None:
    page = opened(documented_site.url, scripts="off").open(MODULE)
    expect(page.get_by_label("Filter symbols")).to_be_hidden()
    page.get_by_role("link", name="Client", exact=True).first.click()
    page.get_by_role("link", name="Person", exact=True).first.click()
    page.wait_for_url("**/docs/shop/Person")
    expect(page.get_by_role("heading", name="Person")).to_be_visible()
    page.goto(documented_site.url + CHANGES)
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/changes?from=1.0.0")
    expect(page.get_by_text("breaking change", exact=False).first).to_be_visible()

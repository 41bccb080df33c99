"""The script of the site: what it adds, and pages without scripts."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Open
from tests.browser.sample_registry import Site

COMMAND = "Command to log in"


@pytest.mark.parametrize("key", ["/", "s"])
@pytest.mark.parametrize(("path", "field"), [("/", "#home-search"), ("/about", "#site-search")])
def test_a_key_leads_to_the_search(
    shared_site: Site, opened: Open, key: str, path: str, field: str
) -> None:
    watched = opened(shared_site.url)
    page = watched.open(path)
    page.keyboard.press(key)
    expect(page.locator(field)).to_be_focused()
    page.keyboard.type("s/x")  # There the keys are letters.
    expect(page.locator(field)).to_have_value("s/x")
    watched.assert_nothing_happened()


def test_the_keys_can_be_turned_off_and_stay_so(shared_site: Site, opened: Open) -> None:
    page = opened(shared_site.url).open("/about")
    page.get_by_role("button", name="Turn off keyboard shortcuts").click()
    page.goto(f"{shared_site.url}/search")
    page.keyboard.press("/")
    expect(page.locator("#site-search")).not_to_be_focused()
    page.goto(f"{shared_site.url}/about")
    page.get_by_role("button", name="Turn on keyboard shortcuts").click()
    page.goto(f"{shared_site.url}/search")
    page.keyboard.press("/")
    expect(page.locator("#site-search")).to_be_focused()


def test_a_button_copies_the_text_next_to_it(shared_site: Site, opened: Open) -> None:
    watched = opened(shared_site.url)
    page = watched.open("/about")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name=f"Copy {COMMAND}").click()
    expect(page.get_by_role("button", name=f"Copied {COMMAND}")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"curl -fsS {shared_site.url}/login.py | python3 -"
    watched.assert_nothing_happened()


def test_each_block_of_the_manual_is_copied(shared_site: Site, opened: Open) -> None:
    watched = opened(shared_site.url)
    page = watched.open("/docs/login")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the code").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"curl -fsS {shared_site.url}/login.py | python3 -\n"
    watched.assert_nothing_happened()


def test_the_chosen_colour_scheme_is_stored(shared_site: Site, opened: Open) -> None:
    page = opened(shared_site.url, scheme="light").open("/about")
    switch = page.get_by_role("button", name="Theme")
    dark = "getComputedStyle(document.documentElement).colorScheme"
    expect(switch).to_have_attribute("aria-label", "Theme: system")
    for _ in range(2):
        switch.click()
    assert page.evaluate(dark) == "dark"
    page.goto(f"{shared_site.url}/")
    assert page.evaluate(dark) == "dark"
    expect(switch).to_have_attribute("aria-label", "Theme: dark")
    switch.click()
    assert page.evaluate(dark) == "light dark"


def test_a_second_click_on_a_button_sends_its_form_once(site: Site, opened: Open) -> None:
    page = opened(site.url).page
    site.sign_in(page, site.served.people.ann)
    page.goto(f"{site.url}/account/organizations")
    sent = list[Route]()

    def wait(route: Route) -> None:
        sent.append(route)

    page.route("**/account/organizations", wait)
    page.get_by_label("Name").fill("twice")
    page.get_by_role("button", name="Create organization").hover()
    for _ in range(2):  # The second click comes before the answer to the first one.
        page.mouse.down()
        page.mouse.up()
        page.wait_for_timeout(200)
    assert len(sent) == 1
    sent[0].continue_()
    expect(page.get_by_text("Organization created.")).to_be_visible()


def test_a_form_can_be_sent_again_after_going_back(site: Site, opened: Open) -> None:
    page = opened(site.url).page
    site.sign_in(page, site.served.people.ann)
    page.goto(f"{site.url}/account/organizations")
    for name in ("first", "second"):
        page.get_by_label("Name").fill(name)
        page.get_by_role("button", name="Create organization").click()
        expect(page.get_by_text("Organization created.")).to_be_visible()
        page.go_back()
    page.reload()
    expect(page.get_by_role("link", name="second")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/about", "/search?q=x"])
def test_without_scripts_nothing_is_shown_that_needs_one(
    shared_site: Site, opened: Open, path: str
) -> None:
    page = opened(shared_site.url, scripts="off").open(path)
    expect(page.locator("[data-copy]:visible")).to_have_count(0)
    expect(page.locator("[data-theme-switch]:visible")).to_have_count(0)
    expect(page.locator("[data-keys-switch]:visible")).to_have_count(0)
    expect(page.locator("#content")).to_be_visible()

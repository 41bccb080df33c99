"""Journeys of users from beginning to end, with a browser and a terminal."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import keep_picture
from tests.browser.conftest import Open
from tests.browser.sample_registry import README, Site

RELOADS = 30  # A second each, and mostly none.


def reload_until(page: Page, shown: Locator, text: str) -> None:
    """Load a page again until it shows what is made after a push, or when somebody first asks."""
    for _ in range(RELOADS):
        try:
            expect(shown).to_have_text(text, timeout=1_000)
        except AssertionError:
            page.reload()
        else:
            return
    expect(shown).to_have_text(text)


def test_an_author_begins_publishes_and_takes_it_back(site: Site, opened: Open) -> None:
    watched = opened(site.url)
    page = watched.page
    site.sign_in(page, site.served.people.bob)
    found_organization(page, "bobs")
    token = make_token(page, "nightly build")

    site.push_with(token, "bobs/tool:1.0.0", readme=README.replace("# Greet", "# Tool"))
    page.goto(f"{site.url}/packages/bobs/tool")
    expect(page.locator(".release-name")).to_contain_text("1.0.0")
    expect(page.get_by_role("heading", name="Tool", exact=False).first).to_be_visible()

    site.push_with(token, "bobs/tool:1.1.0", readme="# Tool\n\nNow *better*.")
    page.reload()
    expect(page.locator(".release-name")).to_contain_text("1.1.0")
    reload_until(page, page.locator("article.prose em"), "better")

    revoke_token(page, "nightly build")
    expect(page.get_by_role("row", name=re.compile("nightly build"))).to_have_count(0)
    watched.assert_nothing_happened()


def test_an_owner_looks_after_an_organization(site: Site, opened: Open) -> None:
    watched = opened(site.url)
    page = watched.page
    site.sign_in(page, site.served.people.bob)
    found_organization(page, "bobs")
    page.get_by_role("link", name="bobs", exact=True).first.click()
    open_tab(page, "bobs", "Access tokens")
    token = make_token_here(page, "robot")

    site.push_with(token, "bobs/tool:1.0.0", readme="# Tool")
    page.goto(f"{site.url}/packages/bobs/tool")
    page.get_by_role("link", name="Manage", exact=True).click()
    page.get_by_label("Deprecation message", exact=True).fill("Use bobs/better.")
    page.get_by_role("button", name="Deprecate tool").click()
    expect(page.get_by_role("status")).to_contain_text("Package deprecated.")
    stranger = opened(site.url).open("/packages/bobs/tool")
    expect(stranger.get_by_text("Use bobs/better.").first).to_be_visible()

    page.get_by_role("button", name="Undeprecate tool").click()
    expect(page.get_by_role("status")).to_contain_text("undeprecated")
    stranger = opened(site.url).open("/packages/bobs/tool")
    expect(stranger.get_by_text("Use bobs/better.")).to_have_count(0)

    page.get_by_role("link", name="Audit log", exact=True).click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("bob undeprecated bobs/tool")
    open_tab(page, "bobs", "Access tokens")
    revoke_token_here(page, "robot")
    expect(page.get_by_text("No access tokens")).to_be_visible()
    watched.assert_nothing_happened()


def test_an_owner_renames_a_token_and_transfers_the_organization(site: Site, opened: Open) -> None:
    watched = opened(site.url)
    page = watched.page
    site.sign_in(page, site.served.people.ann)
    page.goto(f"{site.url}/dashboard?tab=token")
    make_token_here(page, "nightly build")
    page.goto(f"{site.url}/account/tokens")
    page.get_by_role("link", name="Rename the token nightly build").click()
    page.get_by_label("Name", exact=True).fill("weekly build")
    page.get_by_role("button", name="Rename token").click()
    expect(page.get_by_role("status")).to_contain_text("Access token renamed.")
    expect(page.get_by_role("row", name=re.compile("weekly build"))).to_have_count(1)

    page.goto(f"{site.url}/account/organizations/acme/settings")
    page.get_by_label("New owner").select_option(label="mia")
    page.get_by_label("Your role afterwards").select_option(label="Member")
    page.get_by_label("Name of the organization").fill("acne")
    page.get_by_role("button", name="Transfer acme").click()
    expect(page.get_by_text("To transfer acme, type its name.").first).to_be_visible()
    page.get_by_label("Name of the organization").fill("acme")
    page.get_by_role("button", name="Transfer acme").click()
    expect(page.get_by_role("status")).to_contain_text("Transfer scheduled.")
    page.goto(f"{site.url}/account/organizations/acme")
    expect(page.get_by_text("mia will become owner")).to_be_visible()
    page.get_by_role("button", name="Cancel change of mia").click()
    expect(page.get_by_role("status")).to_contain_text("Change canceled.")
    expect(page.get_by_text("Pending change:")).to_have_count(0)
    watched.assert_nothing_happened()


def test_a_reader_filters_versions_and_sees_what_ranks_packages(site: Site, opened: Open) -> None:
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        site.push(f"acme/filtered:{version}")
    watched = opened(site.url)
    page = watched.open("/packages/acme/filtered/versions")
    page.get_by_label("Version begins with").fill("1.")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.get_by_role("heading", name="2 versions of 3")).to_be_visible()
    page.goto(f"{site.url}/search?q=filtered")
    page.get_by_role("link", name="Show scores").click()
    expect(page.get_by_text("Score:").first).to_be_visible()
    watched.assert_nothing_happened()


def test_an_owner_decides_on_a_burst(site: Site, opened: Open) -> None:
    for number in range(20):
        site.push(f"acme/p{number}")
    for number in range(20, 23):
        site.push_held(f"acme/p{number}:1.0.0")
    watched = opened(site.url)
    page = watched.page
    site.sign_in(page, site.served.people.ann)
    page.goto(f"{site.url}/account/organizations/acme")
    page.get_by_role("link", name="Held releases").click()
    keep_picture(page, "held-releases")
    page.get_by_role("button", name="Confirm and publish p20 1.0.0").click()
    expect(page.get_by_role("status")).to_contain_text("Release published.")
    stranger = opened(site.url).open("/packages/acme/p20")
    expect(stranger.locator(".release-name")).to_contain_text("1.0.0")
    page.locator("summary").get_by_text("Refuse all").click()
    page.get_by_role("button", name="Refuse all held releases").click()
    expect(page.get_by_text("No held releases")).to_be_visible()
    watched.assert_nothing_happened()


def test_a_reader_finds_a_package_by_its_keys_and_reads_it(shared_site: Site, opened: Open) -> None:
    watched = opened(shared_site.url)
    page = watched.open("/")
    page.keyboard.press("/")
    page.keyboard.type("greet")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=greet*")
    page.get_by_role("link", name=re.compile("acme.*greet")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("greet")
    expect(page.locator("article.prose")).to_contain_text("Greets people")
    page.locator("article.prose").get_by_role("link", name="how to install").click()
    expect(page).to_have_url(re.compile("#readme-install$"))
    page.get_by_role("link", name=re.compile("^Versions")).click()
    expect(page.get_by_role("row", name=re.compile("0.9.0"))).to_contain_text(
        re.compile("deprecated", re.IGNORECASE)
    )
    page.get_by_role("link", name=re.compile("^Files")).click()
    for step in ("modules/", "greet/", "greet.bal"):
        page.get_by_role("link", name=step, exact=True).click()
    reload_until(page, page.locator("pre.source .kd").first, "public")
    watched.assert_nothing_happened()


def test_pages_of_an_account_are_used_with_keys_alone(shared_site: Site, opened: Open) -> None:
    page = opened(shared_site.url).page
    shared_site.sign_in(page, shared_site.served.people.ann)
    page.goto(f"{shared_site.url}/account")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    summary = page.locator(".menu:not(.narrow) > summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    outline = summary.evaluate("element => getComputedStyle(element).outlineStyle")
    assert outline != "none"


def found_organization(page: Page, name: str) -> None:
    page.get_by_role("link", name="Organizations", exact=True).first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create organization").click()
    expect(page.get_by_role("main")).to_contain_text(name)


def make_token(page: Page, name: str) -> str:
    """Make a token that may do everything, and return it as the page shows it once."""
    page.goto(re.sub(r"/account.*", "/account/tokens", page.url))
    return make_token_here(page, name)


def make_token_here(page: Page, name: str) -> str:
    """Make a token on the page that is open, for all that it offers."""
    page.get_by_label("Name", exact=True).fill(name)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Create token").click()
    return page.locator("input.code").first.input_value()


def revoke_token(page: Page, name: str) -> None:
    page.goto(re.sub(r"/packages/.*", "/account/tokens", page.url))
    revoke_token_here(page, name)


def revoke_token_here(page: Page, name: str) -> None:
    page.get_by_role("link", name=f"Revoke the token {name}", exact=True).click()
    page.get_by_role("button", name="Revoke token").click()


def open_tab(page: Page, org: str, tab: str) -> None:
    page.get_by_role("navigation", name=org).get_by_role("link", name=tab).click()


def test_text_typed_into_a_form_is_not_searched_for(shared_site: Site, opened: Open) -> None:
    page = opened(shared_site.url).page
    shared_site.sign_in(page, shared_site.served.people.ann)
    page.goto(f"{shared_site.url}/account/tokens")
    expect(page.get_by_role("combobox", name="Search packages")).to_have_value("")

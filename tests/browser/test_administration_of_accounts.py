"""Administration pages of accounts, organizations and names in each state."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.forms import STARTS, assert_shown_well
from tests.browser.sample_registry import Site

pytestmark = pytest.mark.slow

ACCOUNTS = "/manage/accounts"
ORGANIZATIONS = "/manage/organizations"
NAMES = "/manage/names"
LONG = "a" * 199  # With its star the longest pattern there may be.


def every_account(site: Site, page: Page) -> None:
    page.goto(f"{site.url}{ACCOUNTS}")
    expect(page.get_by_role("row")).to_have_count(5)


def nobody_found(site: Site, page: Page) -> None:
    """Look for somebody who is not there."""
    page.goto(f"{site.url}{ACCOUNTS}")
    page.get_by_role("searchbox", name="Find an account").fill("zoe")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("No accounts found")).to_be_visible()


def an_account(site: Site, page: Page) -> None:
    """Find somebody by name."""
    page.goto(f"{site.url}{ACCOUNTS}")
    page.get_by_role("searchbox", name="Find an account").fill("bob")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("link", name="bob", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("bob")


def a_sign_in_link(site: Site, page: Page) -> None:
    """Make a link, which is shown this once."""
    an_account(site, page)
    page.get_by_role("button", name="Create sign-in link").click()
    expect(page.get_by_label("Sign-in link", exact=True)).to_be_visible()


def a_name_that_is_not_meant(site: Site, page: Page) -> None:
    """Revoke every token, and type another name."""
    an_account(site, page)
    page.locator("#revoke-name").fill("somebody else")
    page.locator("#revoke-name-reason").fill("A leak.")
    page.get_by_role("button", name="Revoke 2 tokens").click()
    expect(page.locator("[aria-invalid]")).to_be_focused()


def a_locked_account(site: Site, page: Page) -> None:
    """Lock somebody, and unlock them after a look."""
    page.goto(f"{site.url}{ACCOUNTS}?q=mia")
    page.get_by_role("link", name="mia", exact=True).click()
    if page.get_by_role("button", name="Lock mia").count():
        page.locator("#reason").fill("Its laptop was stolen.")
        page.get_by_role("button", name="Lock mia").click()
    expect(page.get_by_role("button", name="Unlock mia")).to_be_visible()


def every_organization(site: Site, page: Page) -> None:
    """List the organizations."""
    page.goto(f"{site.url}{ORGANIZATIONS}")
    expect(page.get_by_role("row").filter(has_text="acme")).to_be_visible()


def an_organization_for_nobody(site: Site, page: Page) -> None:
    """Found one for somebody who is not there."""
    page.goto(f"{site.url}{ORGANIZATIONS}")
    page.get_by_label("Name", exact=True).fill("globex")
    page.get_by_label("Owner").fill("zoe")
    page.get_by_role("button", name="Create organization").click()
    expect(page.locator("[aria-invalid]")).to_be_focused()


def an_organization(site: Site, page: Page) -> None:
    """Look at one."""
    page.goto(f"{site.url}{ORGANIZATIONS}/other")
    expect(page.get_by_role("link", name="Manage organization")).to_be_visible()


def names(site: Site, page: Page) -> None:
    """List what is kept back."""
    page.goto(f"{site.url}{NAMES}")
    expect(page.get_by_role("row").filter(has_text="ballerina*")).to_be_visible()


def a_pattern_that_is_kept_back(site: Site, page: Page) -> None:
    """Keep names back."""
    page.goto(f"{site.url}{NAMES}")
    page.get_by_label("Pattern").fill(f"{LONG}*")
    page.locator("#reason").fill("w" * 400)
    page.get_by_role("button", name="Reserve names").click()
    expect(page.get_by_role("status").first).to_contain_text("Names reserved.")
    page.get_by_role("button", name=f"Remove {LONG}*").click()
    expect(page.get_by_role("row").filter(has_text="ballerina*")).to_be_visible()


STATES: list[Callable[[Site, Page], None]] = [
    every_account,
    nobody_found,
    an_account,
    a_sign_in_link,
    a_name_that_is_not_meant,
    a_locked_account,
    every_organization,
    an_organization_for_nobody,
    an_organization,
    names,
    a_pattern_that_is_kept_back,
]


@pytest.mark.timeout(600)
@STARTS
def test_pages_about_people_are_accessible(site: Site, opened: Open, form: str) -> None:
    watched = opened(site.url, form=form)
    site.sign_in(watched.page, site.served.people.admin)
    for reach in STATES:
        reach(site, watched.page)
        assert_shown_well(watched.page, reach.__name__.replace("_", "-"))
    watched.assert_nothing_happened()

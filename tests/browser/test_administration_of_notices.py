"""Notices above every page, and the pages that publish them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.forms import STARTS, assert_shown_well
from tests.browser.sample_registry import LONG, Site

NOTICES, READ_ONLY = "/manage/notices", "/manage/read-only"
HOSTILE = '<img src=x onerror=alert(1)><script>alert("1")</script> & <b>bold</b>'
RIGHT_TO_LEFT = "המרשם ייסגר לתחזוקה ביום ראשון בשעה 22:00."
TURNED = "\u202eexe.\u202cgreet is not what it seems."
USUAL = "Pushes may take a little longer this evening, as the search is made anew."
REASON = "moving house until 22:00"


def announce(site: Site, page: Page, text: str, mood: str, link: str = "") -> None:
    """Write a notice."""
    page.goto(f"{site.url}{NOTICES}")
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_label("Type", exact=True).select_option(mood)
    page.get_by_label("Link", exact=True).fill(link)
    page.get_by_role("button", name="Publish notice").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def nothing_announced(site: Site, page: Page) -> None:
    """Open the page of notices before there are any."""
    page.goto(f"{site.url}{NOTICES}")
    expect(page.get_by_text("No notices")).to_be_visible()


def a_notice(site: Site, page: Page) -> None:
    """Announce what most notices are like."""
    announce(site, page, USUAL, "information", "/about/status")
    expect(page.get_by_role("complementary", name="Notices")).to_contain_text(USUAL)


def hostile_notices(site: Site, page: Page) -> None:
    """Announce markup, a word without a break, and texts that turn the line."""
    announce(site, page, HOSTILE, "warning", "https://status.example.org/now?a=1&b=2")
    announce(site, page, LONG, "information")
    announce(site, page, RIGHT_TO_LEFT, "maintenance")
    announce(site, page, TURNED, "warning")
    expect(page.get_by_role("complementary", name="Notices")).to_contain_text(HOSTILE)


def one_too_many(site: Site, page: Page) -> None:
    """Announce more than anybody reads."""
    page.goto(f"{site.url}{NOTICES}")
    page.get_by_label("Text", exact=True).fill("And one more.")
    page.get_by_role("button", name="Publish notice").click()
    expect(page.get_by_role("alert")).to_be_focused()


def an_end_that_is_refused(site: Site, page: Page) -> None:
    """Let a notice end in years."""
    page.goto(f"{site.url}{NOTICES}")
    page.get_by_label("End of the notice").first.fill("2040-01-01T00:00")
    page.get_by_role("button", name="Change end").first.click()
    expect(page.get_by_role("alert")).to_be_focused()


def announced_to_a_reader(site: Site, page: Page) -> None:
    """Read a package below all of it."""
    page.goto(f"{site.url}/packages/acme/greet")
    expect(page.get_by_role("complementary", name="Notices")).to_be_visible()


def notices_that_ended(site: Site, page: Page) -> None:
    page.goto(f"{site.url}{NOTICES}")
    while page.get_by_role("button", name="End now").count():
        page.get_by_role("button", name="End now").first.click()
    expect(page.get_by_role("heading", name="Past notices")).to_be_visible()


def changes_that_are_taken(site: Site, page: Page) -> None:
    """Open the page of read-only mode."""
    page.goto(f"{site.url}{READ_ONLY}")
    expect(page.get_by_text("Read-only mode is off.")).to_be_visible()


def changes_that_are_refused(site: Site, page: Page) -> None:
    """Turn the registry read-only."""
    page.goto(f"{site.url}{READ_ONLY}")
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Turn on read-only mode").click()
    expect(page.get_by_role("complementary")).to_contain_text(f"is in read-only mode: {REASON}.")


def a_form_that_is_refused(site: Site, page: Page) -> None:
    """Ask for a token meanwhile."""
    page.goto(f"{site.url}/account/tokens")
    page.get_by_label("Name", exact=True).fill("nightly build")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Try again later.")
    expect(page.get_by_label("Name", exact=True)).to_have_value("nightly build")


def a_status_that_waits(site: Site, page: Page) -> None:
    """Look at the status meanwhile."""
    page.goto(f"{site.url}/about/status")
    expect(page.get_by_text("Read-only mode is on")).to_be_visible()


def changes_that_are_taken_again(site: Site, page: Page) -> None:
    """Take changes again."""
    page.goto(f"{site.url}{READ_ONLY}")
    page.get_by_role("button", name="Turn off read-only mode").click()
    expect(page.get_by_role("complementary", name="Notices")).to_have_count(0)


STATES: list[Callable[[Site, Page], None]] = [
    nothing_announced,
    a_notice,
    hostile_notices,
    one_too_many,
    an_end_that_is_refused,
    announced_to_a_reader,
    notices_that_ended,
    changes_that_are_taken,
    changes_that_are_refused,
    a_form_that_is_refused,
    a_status_that_waits,
    changes_that_are_taken_again,
]


@pytest.mark.timeout(300)
@STARTS
def test_announcements_are_accessible_fit_and_harm_nobody(
    furnished_site: Site, opened: Open, form: str
) -> None:
    site = furnished_site
    watched = opened(site.url, form=form)
    page = watched.page
    site.sign_in(page, site.served.people.admin)
    for reach in STATES:
        reach(site, page)
        assert_shown_well(page, reach.__name__.replace("_", "-"))
    watched.assert_nothing_happened()

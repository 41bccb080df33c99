"""The notice above every page, and the page that publishes it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.forms import STARTS, assert_shown_well
from tests.browser.sample_registry import LONG, Site

NOTICES = "/manage/notices"
READ_ONLY = "/manage/read-only"
HOSTILE = '<img src=x onerror=alert(1)><script>alert("1")</script> & <b>bold</b>'
RIGHT_TO_LEFT = "המרשם ייסגר לתחזוקה ביום ראשון בשעה 22:00."
USUAL = "Pushes may take a little longer this evening, as the search is made anew."
REASON = "moving house until 22:00"


def announce(site: Site, page: Page, text: str) -> None:
    """Write the notice."""
    page.goto(f"{site.url}{NOTICES}")
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Publish notice").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("complementary", name="Notices")).to_contain_text(text)


def a_hostile_notice(site: Site, page: Page) -> None:
    announce(site, page, HOSTILE)


def a_notice_without_a_break(site: Site, page: Page) -> None:
    announce(site, page, LONG)


def a_notice_from_right_to_left(site: Site, page: Page) -> None:
    announce(site, page, RIGHT_TO_LEFT)


def a_notice(site: Site, page: Page) -> None:
    """Announce what most notices are like."""
    announce(site, page, USUAL)


def announced_to_a_reader(site: Site, page: Page) -> None:
    """Read a package below all of it."""
    page.goto(f"{site.url}/packages/acme/greet")
    expect(page.get_by_role("complementary", name="Notices")).to_be_visible()


def a_notice_that_is_removed(site: Site, page: Page) -> None:
    page.goto(f"{site.url}{NOTICES}")
    page.get_by_role("button", name="Remove notice").click()
    expect(page.get_by_role("complementary", name="Notices")).to_have_count(0)


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
    a_hostile_notice,
    a_notice_without_a_break,
    a_notice_from_right_to_left,
    a_notice,
    announced_to_a_reader,
    a_notice_that_is_removed,
    changes_that_are_taken,
    changes_that_are_refused,
    a_form_that_is_refused,
    a_status_that_waits,
    changes_that_are_taken_again,
]


@pytest.mark.slow
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

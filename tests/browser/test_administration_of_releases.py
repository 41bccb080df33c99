"""Administration pages of releases in each state are accessible."""

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Watched
from tests.browser.conftest import Open
from tests.browser.forms import STARTS, assert_shown_well
from tests.browser.sample_registry import LONG, Site

LIST = "/manage/releases"
PAGE = f"{LIST}/acme/greet/1.1.0"
HOSTILE = f"<script>alert(1)</script> مرحبا {LONG}"


def decide(watched: Watched, title: str, reason: str = "", typed: str = "") -> None:
    """Open what one can do, fill it in and send it."""
    page = watched.page
    page.locator("summary").get_by_text(title, exact=True).click()
    card = page.locator("details[open]")
    if reason:
        card.get_by_label("Reason", exact=True).fill(reason)
    if typed:
        card.get_by_label("Type acme").fill(typed)
    card.get_by_role("button").click()


@pytest.mark.timeout(300)
@STARTS
def test_an_administrator_withholds_a_release_and_gives_it_back(
    furnished_site: Site, opened: Open, form: str
) -> None:
    watched = opened(furnished_site.url, form=form)
    furnished_site.sign_in(watched.page, furnished_site.served.people.admin)
    look_up(watched, "acme/greet")
    assert_shown_well(watched.page, "manage-live")
    decide(watched, "Hold", "Looked at first.")
    expect(watched.page.get_by_text("Nobody can find or pull it.").first).to_be_visible()
    assert_shown_well(watched.page, "manage-held")
    decide(watched, "Quarantine", HOSTILE[:500])
    assert_shown_well(watched.page, "manage-quarantined")
    decide(watched, "Restore")
    expect(watched.page.get_by_text("Anyone can find and pull it.")).to_be_visible()
    watched.assert_nothing_happened()


@pytest.mark.timeout(300)
@STARTS
def test_an_administrator_removes_a_release_for_ever(
    furnished_site: Site, opened: Open, form: str
) -> None:
    watched = opened(furnished_site.url, form=form)
    furnished_site.sign_in(watched.page, furnished_site.served.people.admin)
    page = watched.open(PAGE)
    decide(watched, "Remove permanently", HOSTILE[:500], "acme/greet")
    expect(page.locator("[aria-invalid]")).to_be_focused()
    assert_shown_well(watched.page, "manage-refused")
    page.get_by_label("Type acme").fill("acme/greet:1.1.0")
    page.get_by_role("button", name="Remove release permanently").click()
    expect(page.get_by_text("The release is permanently removed")).to_be_visible()
    assert_shown_well(watched.page, "manage-removed")
    watched.open(LIST)
    assert_shown_well(watched.page, "manage-withheld")
    watched.assert_nothing_happened()


def look_up(watched: Watched, package: str) -> None:
    """Find a release by its package."""
    page = watched.open(LIST)
    assert_shown_well(watched.page, "manage-nothing-withheld")
    page.get_by_role("searchbox", name="Find a release or package").fill(package)
    page.get_by_role("button", name="Search", exact=True).click()
    assert_shown_well(watched.page, "manage-package")
    page.get_by_role("link", name="1.1.0").click()
    page.wait_for_url(f"**{PAGE}")

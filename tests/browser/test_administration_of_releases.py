"""Administration pages of releases in each state are accessible."""

import pytest
from playwright.sync_api import expect

from tests.browser.axe import assert_accessible
from tests.browser.chromium import Watched, keep_picture
from tests.browser.conftest import Open
from tests.browser.sample_registry import LONG, Site
from tests.browser.test_screenshots import FORMS

LIST = "/manage/releases"
PAGE = f"{LIST}/acme/greet/1.1.0"
HOSTILE = f"<script>alert(1)</script> مرحبا {LONG}"


def looked_at(watched: Watched, name: str) -> None:
    """Fail where the page is not for everybody, and keep its picture."""
    page = watched.page
    assert_accessible(page)
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], f"{name} is {width[0]} wide in a window of {width[1]}"
    keep_picture(page, f"manage-{name}")


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
@pytest.mark.parametrize(("form", "scheme"), FORMS, ids=["-".join(each) for each in FORMS])
def test_an_administrator_withholds_a_release_and_gives_it_back(
    furnished_site: Site, opened: Open, form: str, scheme: str
) -> None:
    watched, end = opened(furnished_site.url, form=form, scheme=scheme), f"{form}-{scheme}"
    furnished_site.sign_in(watched.page, furnished_site.served.people.admin)
    look_up(watched, "acme/greet", end)
    looked_at(watched, f"live-{end}")
    decide(watched, "Hold", "Looked at first.")
    expect(watched.page.get_by_text("Nobody can find or pull it.").first).to_be_visible()
    looked_at(watched, f"held-{end}")
    decide(watched, "Quarantine", HOSTILE[:500])
    looked_at(watched, f"quarantined-{end}")
    decide(watched, "Restore")
    expect(watched.page.get_by_text("Anyone can find and pull it.")).to_be_visible()
    watched.assert_nothing_happened()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("form", "scheme"), FORMS, ids=["-".join(each) for each in FORMS])
def test_an_administrator_removes_a_release_for_ever(
    furnished_site: Site, opened: Open, form: str, scheme: str
) -> None:
    watched, end = opened(furnished_site.url, form=form, scheme=scheme), f"{form}-{scheme}"
    furnished_site.sign_in(watched.page, furnished_site.served.people.admin)
    page = watched.open(PAGE)
    decide(watched, "Remove permanently", HOSTILE[:500], "acme/greet")
    expect(page.get_by_role("alert")).to_be_focused()
    looked_at(watched, f"refused-{end}")
    page.get_by_label("Type acme").fill("acme/greet:1.1.0")
    page.get_by_role("button", name="Remove release permanently").click()
    expect(page.get_by_text("The release is permanently removed")).to_be_visible()
    looked_at(watched, f"removed-{end}")
    watched.open(LIST)
    looked_at(watched, f"withheld-{end}")
    watched.assert_nothing_happened()


def look_up(watched: Watched, package: str, end: str) -> None:
    """Find a release by its package."""
    page = watched.open(LIST)
    looked_at(watched, f"nothing-withheld-{end}")
    page.get_by_role("searchbox", name="Find a release or package").fill(package)
    page.get_by_role("button", name="Search", exact=True).click()
    looked_at(watched, f"package-{end}")
    page.get_by_role("link", name="1.1.0").click()
    page.wait_for_url(f"**{PAGE}")

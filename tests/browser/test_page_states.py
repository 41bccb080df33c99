"""States of pages without a link: refused forms, new secrets, devices to approve."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.forms import STARTS, assert_shown_well
from tests.browser.sample_registry import Site


def a_token_that_is_made(site: Site, page: Page) -> None:
    """Make a token; the page shows it this once."""
    page.goto(f"{site.url}/account/tokens")
    page.get_by_label("Name", exact=True).fill("nightly build")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("You will not be able to see it again")).to_be_visible()


def a_token_that_is_refused(site: Site, page: Page) -> None:
    """Ask for a token that lasts for longer than any may."""
    page.goto(f"{site.url}/account/tokens")
    page.get_by_label("Name", exact=True).fill("for ever")
    page.get_by_label("Expires in (days)").fill("9999")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("[aria-invalid]")).to_be_focused()


def an_organization_that_is_refused(site: Site, page: Page) -> None:
    """Found an organization whose name is taken."""
    page.goto(f"{site.url}/account/organizations")
    page.get_by_label("Name", exact=True).fill("other")
    page.get_by_role("button", name="Create organization").click()
    expect(page.locator("[aria-invalid]")).to_be_focused()


def an_invitation(site: Site, page: Page) -> None:
    """Invite somebody; the page shows the link."""
    page.goto(f"{site.url}/account/organizations/acme")
    page.get_by_role("button", name="Send invitation").click()


def a_token_of_an_organization_that_lasts_long(site: Site, page: Page) -> None:
    """Make a token for a machine, for as long as any may last."""
    page.goto(f"{site.url}/account/organizations/acme/tokens")
    page.get_by_label("Name", exact=True).fill("nightly build")
    page.get_by_label("Expires in (days)").fill("365")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("nightly build").first).to_be_visible()


def a_publisher_that_is_refused(site: Site, page: Page) -> None:
    """Trust the job of a repository by its name, and not by its number."""
    page.goto(f"{site.url}/account/organizations/acme/publishers")
    page.get_by_label("Package", exact=True).fill("greet")
    page.get_by_text("Enter the IDs yourself").click()
    for label in ("Repository ID", "Repository owner ID"):
        page.get_by_label(label).fill("octo")
    page.get_by_role("button", name="Add trusted publisher").click()
    expect(page.locator("[aria-invalid]")).to_be_focused()


def a_log_with_details(site: Site, page: Page) -> None:
    """Read what an event says besides its sentence."""
    page.goto(f"{site.url}/account/organizations/acme/log")
    page.locator("details.event > summary").first.click()


def a_log_that_is_refused(site: Site, page: Page) -> None:
    """Look for what happened on a day that there is not."""
    page.goto(f"{site.url}/account/organizations/acme/log?since=never")
    expect(page.locator("[aria-invalid]")).to_be_focused()


def a_machine_to_approve(site: Site, page: Page) -> None:
    """Type the code of a machine."""
    page.goto(f"{site.url}/device")
    page.locator("input.user-code").fill(code_of_a_machine(site))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()


def a_machine_that_is_approved(site: Site, page: Page) -> None:
    a_machine_to_approve(site, page)
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)


def a_code_that_is_refused(site: Site, page: Page) -> None:
    """Type a code that no machine has."""
    page.goto(f"{site.url}/device")
    page.locator("input.user-code").fill("BCDF-GHJK")
    page.get_by_role("button", name="Continue").click()


def an_account_whose_deletion_is_refused(site: Site, page: Page) -> None:
    """Ask for the end of the account with a wrong word."""
    page.goto(f"{site.url}/account/data")
    page.get_by_label(re.compile("to confirm")).fill("somebody else")
    page.get_by_role("button", name="Delete my account").click()
    expect(page.get_by_role("alert")).to_be_visible()


def an_open_menu(site: Site, page: Page) -> None:
    """Open the menu of the account."""
    page.goto(f"{site.url}/account")
    page.locator(".menu:not(.narrow) > summary").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def a_link_to_sign_in(site: Site, page: Page) -> None:
    """Open a link that signs somebody in."""
    page.goto(site.link_for(site.served.people.bob))


def code_of_a_machine(site: Site) -> str:
    """Ask for a code as a machine does, and return what its owner types."""
    answer = httpx.post(f"{site.url}/api/v1/device", data={"client_id": "kim's laptop"})
    assert answer.is_success, answer.text
    return answer.json()["user_code"]


STATES: list[Callable[[Site, Page], None]] = [
    a_token_that_is_made,
    a_token_that_is_refused,
    an_organization_that_is_refused,
    an_invitation,
    a_token_of_an_organization_that_lasts_long,
    a_publisher_that_is_refused,
    a_log_with_details,
    a_log_that_is_refused,
    a_machine_to_approve,
    a_machine_that_is_approved,
    a_code_that_is_refused,
    an_account_whose_deletion_is_refused,
    an_open_menu,
    a_link_to_sign_in,
]


@pytest.mark.slow
@pytest.mark.timeout(300)
@STARTS
def test_states_of_pages_are_accessible(site: Site, opened: Open, form: str) -> None:
    watched = opened(site.url, form=form)
    site.sign_in(watched.page, site.served.people.ann)
    for reach in STATES:
        reach(site, watched.page)
        assert_shown_well(watched.page)
    watched.assert_nothing_happened()

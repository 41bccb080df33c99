"""One-time links: their page posts the code of the fragment, and has a field for those without
scripts."""

import re

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import Open
from tests.browser.forms import assert_shown_well
from tests.browser.sample_registry import Site

INVITATION = "/account/invitations"


def owner_invites(site: Site, page: Page) -> str:
    """Invite somebody on the page of the organization, and return the link that it shows."""
    site.sign_in(page, site.served.people.ann)
    page.goto(f"{site.url}/account/organizations/acme")
    page.get_by_role("button", name="Send invitation").click()
    return page.get_by_label("Invitation link (shown only once)", exact=True).input_value()


def test_a_sign_in_link_takes_one_click(site: Site, opened: Open) -> None:
    watched = opened(site.url)
    page = watched.page
    link = site.link_for(site.served.people.bob)
    addresses: list[str] = []

    def note(request: Request) -> None:
        addresses.append(request.url.partition("#")[0])  # As the server sees it.

    page.on("request", note)
    page.goto(link)
    expect(page.get_by_text("You are about to sign in as bob")).to_be_visible()
    assert page.url == f"{site.url}/sign-in/link"  # And so is the entry in the history.
    page.get_by_role("button", name="Sign in as bob").click()
    page.wait_for_url("**/account")
    assert link.partition("#")[2] not in "".join(addresses)
    watched.assert_nothing_happened()


def test_a_browser_that_opens_a_link_uses_nothing_up(site: Site, opened: Open) -> None:
    link = site.link_for(site.served.people.bob)
    for _ in range(2):
        page = opened(site.url).page
        page.goto(link)
        expect(page.get_by_role("button", name="Sign in as bob")).to_be_visible()


def test_a_second_link_is_opened_from_the_page_of_the_first(site: Site, opened: Open) -> None:
    page = opened(site.url).page
    page.goto(f"{site.url}/sign-in/link#{'x' * 32}")
    expect(page.get_by_role("alert")).to_contain_text("was used or has expired")
    page.evaluate("link => { location.href = link }", site.link_for(site.served.people.bob))
    expect(page.get_by_role("button", name="Sign in as bob")).to_be_visible()


def test_the_link_to_the_content_of_the_page_is_no_code(site: Site, opened: Open) -> None:
    page = opened(site.url).page
    page.goto(f"{site.url}/sign-in/link#content")
    page.reload()
    expect(page.get_by_label("Code")).to_have_value("")
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("pasted", ["code", "link"])
def test_without_scripts_the_code_is_pasted(site: Site, opened: Open, pasted: str) -> None:
    watched = opened(site.url, scripts="off")
    page = watched.page
    link = site.link_for(site.served.people.bob)
    page.goto(link)
    page.get_by_label("Code").fill(link if pasted == "link" else link.partition("#")[2])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Sign in as bob").click()
    page.wait_for_url("**/account")


@pytest.mark.parametrize("scripts", ["on", "off"])
def test_an_invitation_is_opened_before_the_sign_in_and_accepted_after_it(
    site: Site, opened: Open, scripts: str
) -> None:
    link = owner_invites(site, opened(site.url).page)
    watched = opened(site.url, scripts=scripts)
    page = watched.page
    page.goto(link)
    if scripts == "off":
        page.get_by_label("Code").fill(link)
        page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text(re.compile("invites you to join acme"))).to_be_visible()
    page.goto(site.link_for(site.served.people.bob))
    if scripts == "off":
        page.get_by_label("Code").fill(site.link_for(site.served.people.bob))
        page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Sign in as bob").click()
    page.wait_for_url(f"**{INVITATION}")
    page.get_by_role("button", name="Accept invitation").click()
    expect(page.get_by_role("status")).to_contain_text("Invitation accepted.")


@pytest.mark.slow
def test_the_pages_of_links_are_accessible(site: Site, opened: Open) -> None:
    link = owner_invites(site, opened(site.url).page)
    page = opened(site.url).page
    for path in ("/sign-in/link", INVITATION, f"{INVITATION}#{'x' * 32}", "/sign-in/link/outdated"):
        page.goto(f"{site.url}{path}")
        if "#" in path:  # A script sends the code, and the answer is another page.
            expect(page.get_by_role("alert")).to_contain_text("has expired")
        assert_shown_well(page, "one-time-link-" + re.sub(r"\W+", "-", path).strip("-")[:30])
    for number, address in enumerate((site.link_for(site.served.people.bob), link)):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        assert_shown_well(page, f"one-time-link-opened-{number}")

"""The pages of rules, staged releases, approvals, provisioning and following: accessible, and their
forms work without a script."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.forms import assert_shown_well
from tests.browser.sample_registry import Site
from tests.support.world import Person

pytestmark = pytest.mark.slow

RULES = "/account/organizations/acme/rules"
OF_OWNERS = (RULES, "/account/organizations/acme/staged", "/account/following")
OF_ADMINISTRATORS = ("/manage/rules", "/manage/approvals", "/manage/scim")


@pytest.mark.timeout(600)
def test_the_pages_are_accessible(shared_site: Site, opened: Open) -> None:
    people = shared_site.served.people
    for person, paths in ((people.ann, OF_OWNERS), (people.admin, OF_ADMINISTRATORS)):
        watched = opened(shared_site.url)
        shared_site.sign_in(watched.page, person)
        for path in paths:
            assert_shown_well(watched.open(path))


def test_an_owner_saves_rules_without_a_script(site: Site, opened: Open) -> None:
    page = without_scripts(site, opened, site.served.people.ann)
    page.goto(f"{site.url}{RULES}")
    page.get_by_label("Hold every release until it is approved").check()
    page.get_by_label("Allowed licenses").fill("(MIT OR")
    page.get_by_role("button", name="Save").first.click()
    expect(page.locator("[aria-invalid]")).to_have_count(1)
    page.get_by_label("Allowed licenses").fill("MIT")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Rules saved.")).to_be_visible()
    expect(page.get_by_label("Hold every release until it is approved")).to_be_checked()


def test_an_administrator_saves_rules_without_a_script(site: Site, opened: Open) -> None:
    page = without_scripts(site, opened, site.served.people.admin)
    page.goto(f"{site.url}/manage/rules")
    page.get_by_label("Refused licenses").fill("GPL-3.0-only")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Rules saved.")).to_be_visible()


def test_somebody_follows_and_leaves_without_a_script(site: Site, opened: Open) -> None:
    page = without_scripts(site, opened, site.served.people.ann)
    page.goto(f"{site.url}/account/following")
    page.locator("[name=target]").last.fill("acme")
    page.get_by_role("button", name="Follow", exact=True).click()
    expect(page.get_by_role("rowheader", name="acme")).to_be_visible()
    page.get_by_role("button", name="Unfollow").first.click()
    expect(page.get_by_role("rowheader", name="acme")).to_have_count(0)


def without_scripts(site: Site, opened: Open, person: Person) -> Page:
    """Return a browser without scripts in which somebody is signed in; the link that signs in has
    its code in the fragment, which a script sends."""
    signed_in = opened(site.url)
    site.sign_in(signed_in.page, person)
    plain = opened(site.url, scripts="off")
    cookies = [
        {"name": each["name"], "value": each["value"], "url": site.url}  # pyright: ignore[reportTypedDictNotRequiredAccess]
        for each in signed_in.page.context.cookies()
    ]
    plain.page.context.add_cookies(cookies)  # pyright: ignore[reportArgumentType]
    return plain.page

"""Choosing a package in a browser: search results, a comparison, and the checklist of a release."""

import pytest
from playwright.sync_api import expect

from tests.browser.axe import assert_accessible
from tests.browser.conftest import Open
from tests.browser.sample_registry import Site


@pytest.mark.parametrize("scripts", ["on", "off"])
def test_packages_of_a_search_are_compared(shared_site: Site, opened: Open, scripts: str) -> None:
    page = opened(shared_site.url, scripts=scripts).open("/search?q=greet")
    compare = page.get_by_role("button", name="Compare chosen packages")
    expect(compare).to_be_hidden()
    page.get_by_role("checkbox", name="Compare acme/greet").check()
    page.get_by_role("checkbox", name="Compare acme/base").check()
    compare.click()
    page.wait_for_url("**/compare?packages=*")
    for name in ("acme/greet", "acme/base"):
        expect(page.get_by_role("columnheader", name=name).first).to_be_visible()
    expect(page.get_by_role("img", name="Unmet").first).to_be_visible()


def test_a_package_is_added_to_a_comparison_and_removed(shared_site: Site, opened: Open) -> None:
    page = opened(shared_site.url).open("/packages/acme/greet")
    page.get_by_role("link", name="Compare with other packages").click()
    page.get_by_label("Add a package").fill("acme/base, acme/nothing")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("1 package of this address is not shown.")).to_be_visible()
    expect(page.get_by_text("acme/nothing")).to_have_count(0)
    page.get_by_role("link", name="Remove acme/greet").click()
    expect(page.get_by_role("columnheader", name="acme/greet")).to_have_count(0)
    expect(page.get_by_role("columnheader", name="acme/base").first).to_be_visible()


def test_owners_see_what_to_mend_beside_a_new_release(furnished_site: Site, opened: Open) -> None:
    site = furnished_site
    site.push("acme/fresh:1.0.0", readme="# Fresh\n\nWords alone.")
    site.wait_for_texts("acme/fresh")
    page = opened(site.url).open("/packages/acme/fresh")
    expect(page.get_by_text("Your new release.")).to_have_count(0)
    page.get_by_text("How to fix").click()
    expect(page.get_by_text("Name one in Ballerina.toml")).to_be_visible()
    site.sign_in(page, site.served.people.ann)
    page.goto(f"{site.url}/packages/acme/fresh")
    expect(page.get_by_text("Your new release.")).to_be_visible()
    expect(page.get_by_text("Name one in Ballerina.toml")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Manage", exact=True).click()
    expect(page.get_by_role("heading", name="Checklist of 1.0.0")).to_be_visible()

"""Suggestions below the search field: by keyboard, by mouse, and for members."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import assert_accessible
from tests.browser.conftest import Open, served_site
from tests.browser.forms import FORMS
from tests.browser.sample_registry import Site
from tests.support.world import Template


@pytest.fixture(scope="module")
def site(template: Template) -> Iterator[Site]:
    """Return a registry with packages to suggest; no test changes them."""
    with served_site(template) as made:
        for name in ("greet", "greeter", "greetings"):
            made.push(f"acme/{name}", summary="Greets people.")
        made.push("acme/secret", visibility="private")
        made.push("acme/secretary")
        made.push("acme/hostile", summary="<img src=x onerror=alert(1)>")
        yield made


def combobox(page: Page) -> tuple[object, ...]:
    """Return what assistive technology reads of the field: expanded, and the selected option."""
    field = page.get_by_role("combobox", name="Search packages")
    selected = field.get_attribute("aria-activedescendant")
    text = page.locator(f"#{selected} .suggestion-name").text_content() if selected else None
    return field.get_attribute("aria-expanded"), text


@pytest.mark.parametrize("path", ["/", "/about"])
def test_the_arrow_keys_select_a_suggestion_and_enter_opens_it(
    site: Site, opened: Open, path: str
) -> None:
    watched = opened(site.url)
    page = watched.open(path)
    field = page.get_by_role("combobox", name="Search packages")
    field.press_sequentially("greet")
    expect(page.get_by_role("option")).to_have_count(3)
    assert combobox(page) == ("true", None)
    names = page.locator(".suggestion-name").all_text_contents()
    for key, selected in (
        ("ArrowDown", names[0]),
        ("ArrowDown", names[1]),
        ("ArrowUp", names[0]),
        ("ArrowUp", None),
        ("ArrowUp", names[-1]),
        ("ArrowDown", None),
        ("ArrowDown", names[0]),
    ):
        field.press(key)
        assert combobox(page) == ("true", selected), key
    expect(field).to_be_focused()
    expect(page.get_by_role("option", selected=True)).to_have_count(1)
    field.press("Enter")
    page.wait_for_url(f"**/packages/{names[0]}")
    watched.assert_nothing_happened()


def test_escape_closes_the_list_and_keeps_the_text(site: Site, opened: Open) -> None:
    page = opened(site.url).open("/")
    field = page.get_by_role("combobox", name="Search packages")
    field.press_sequentially("greet")
    expect(page.get_by_role("option")).to_have_count(3)
    field.press("ArrowDown")
    field.press("Escape")
    assert combobox(page) == ("false", None)
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(field).to_have_value("greet")
    field.press("Enter")
    page.wait_for_url("**/search?q=greet")


def test_a_click_opens_a_suggestion(site: Site, opened: Open) -> None:
    page = opened(site.url, form="phone").open("/search")
    page.get_by_role("combobox", name="Search packages").press_sequentially("greete")
    page.get_by_role("option", name="acme/greeter").click()
    page.wait_for_url("**/packages/acme/greeter")


def test_the_list_closes_when_the_field_loses_the_focus_or_its_text(
    site: Site, opened: Open
) -> None:
    page = opened(site.url).open("/")
    field = page.get_by_role("combobox", name="Search packages")
    for leave in (lambda: field.press("Tab"), lambda: field.fill("")):
        field.fill("")
        field.press_sequentially("greet")
        expect(page.get_by_role("option")).to_have_count(3)
        leave()
        expect(page.get_by_role("listbox")).to_be_hidden()


def test_a_private_package_is_suggested_to_its_members_alone(site: Site, opened: Open) -> None:
    for signs_in, expected in ((False, 1), (True, 2)):
        page = opened(site.url).page
        if signs_in:
            site.sign_in(page, site.served.people.ann)
        page.goto(f"{site.url}/about")
        page.get_by_role("combobox", name="Search packages").press_sequentially("secret")
        expect(page.get_by_role("option")).to_have_count(expected)


def test_a_summary_is_shown_as_text(site: Site, opened: Open) -> None:
    watched = opened(site.url)
    page = watched.open("/")
    page.get_by_role("combobox", name="Search packages").press_sequentially("hostile")
    expect(page.get_by_role("option")).to_contain_text("<img src=x onerror=alert(1)>")
    watched.assert_nothing_happened()


def test_without_the_endpoint_the_search_works_as_before(site: Site, opened: Open) -> None:
    page = opened(site.url).open("/")
    page.route("**/search?form=suggestions*", lambda route: route.abort())
    field = page.get_by_role("combobox", name="Search packages")
    field.press_sequentially("greet")
    expect(page.get_by_role("listbox")).to_be_hidden()
    field.press("Enter")
    page.wait_for_url("**/search?q=greet")


def test_without_scripts_the_field_is_a_plain_search_field(site: Site, opened: Open) -> None:
    page = opened(site.url, scripts="off").open("/")
    expect(page.get_by_role("searchbox", name="Search packages")).to_be_visible()
    expect(page.get_by_role("listbox")).to_have_count(0)


@pytest.mark.parametrize(("form", "scheme"), FORMS, ids=["-".join(each) for each in FORMS])
def test_an_open_list_has_no_accessibility_violation(
    site: Site, opened: Open, form: str, scheme: str
) -> None:
    page = opened(site.url, form=form, scheme=scheme).open("/")
    page.get_by_role("combobox", name="Search packages").press_sequentially("greet")
    expect(page.get_by_role("option")).to_have_count(3)
    page.keyboard.press("ArrowDown")
    assert_accessible(page)

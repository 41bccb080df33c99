"""/account/identities: the sign-in methods of an account, and their removal."""

import re

import pytest

from tests.support.browsers import Browser
from tests.support.sign_in import SignInWorld, open_sign_in
from tests.support.world import OpenWorld

PAGE = "/account/identities"


@pytest.fixture
async def sign_ins(worlds: OpenWorld) -> SignInWorld:
    """Return a registry with every provider."""
    return await open_sign_in(worlds)


def ids(browser: Browser) -> list[str]:
    return re.findall(r'name="identity" value="(\w+)"', browser.page.text)


async def link(browser: Browser, kind: str) -> None:
    """Follow the page's own way to a further identity."""
    [address] = re.findall(r'href="(/sign-in\?for=link[^"]*)"', browser.page.text)
    await browser.choose(address.replace("&amp;", "&"), kind)


async def test_a_further_identity_is_linked_here_and_removed(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("entra")
    await browser.open(PAGE)
    await link(browser, "github")
    assert str(browser.page.url).endswith(f"{PAGE}?done=linked")
    assert "Identity linked." in browser.page.text
    assert len(ids(browser)) == 2
    assert "GitHub" in browser.page.text
    await browser.submit(f"{PAGE}/remove", identity=ids(browser)[1])
    assert len(ids(browser)) == 1
    assert "GitHub" not in browser.page.text.partition("Link another")[0]


async def test_the_last_identity_cannot_be_removed(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("entra")
    await browser.open(PAGE)
    await browser.submit(f"{PAGE}/remove", identity=ids(browser)[0])
    assert browser.page.status_code == 409
    assert 'role="alert"' in browser.page.text
    assert len(ids(browser)) == 1


async def test_removing_takes_a_fresh_sign_in_and_says_where(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("entra")
    await browser.open(PAGE)
    await link(browser, "github")
    await browser.open(PAGE)
    [identity, _] = ids(browser)
    sign_ins.wait(minutes=11)
    await browser.submit(f"{PAGE}/remove", identity=identity)
    assert browser.page.status_code == 403
    again = set(re.findall(r'href="(/sign-in\?for=again[^"]*)"', browser.page.text))
    assert again == {"/sign-in?for=again&amp;to=/account/identities"}
    page = await browser.open("/sign-in?for=again&to=/account/identities")
    assert "Confirm access" in page.text


async def test_linking_and_removing_ask_for_a_fresh_sign_in_first(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("entra")
    await browser.open(PAGE)
    await link(browser, "github")
    sign_ins.wait(minutes=11)
    await browser.open(PAGE)
    assert f'action="{PAGE}/remove"' not in browser.page.text
    assert "for=link" not in browser.page.text
    await browser.choose(f"/sign-in?for=again&to={PAGE}", "entra")
    assert str(browser.page.url).endswith(PAGE)
    assert f'action="{PAGE}/remove"' in browser.page.text
    assert "for=link" in browser.page.text


async def test_an_identity_of_somebody_else_is_not_there(sign_ins: SignInWorld) -> None:
    kim = await sign_ins.signed_in("oidc")
    await kim.open(PAGE)
    sign_ins.somebody_else()
    sam = await sign_ins.signed_in("oidc")
    await sam.open(PAGE)
    await sam.post(f"{PAGE}/remove", identity=ids(kim)[0])
    assert sam.page.status_code == 404


async def test_a_sign_in_does_not_create_a_deleted_account_again(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("oidc")
    await browser.open("/account/data")
    await browser.submit("/account/delete", name="kim")
    page = browser.page
    assert "The account kim was deleted" in page.text
    assert browser.session == ""
    again = await sign_ins.signed_in("oidc")
    assert "Signed in as <strong>kim</strong>" not in again.page.text
    assert re.search(r"Signed in as <strong>kim-\d+</strong>", again.page.text)


async def test_the_download_holds_sessions_and_identities(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("oidc")
    data = (await browser.open("/account/data.json")).json()
    assert [each["current"] for each in data["sessions"]] == [True]
    assert [each["label"] for each in data["identities"]] == ["kim"]


async def test_a_session_names_the_provider_as_the_identities_do(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("entra")
    await browser.open("/account/sessions")
    assert "with Microsoft" in browser.page.text

"""Signing in with a provider of identities: the first time, again, and with another identity."""

import dataclasses
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.domain.accounts import Account
from shared.domain.errors.requests import Busy
from shared.domain.identities import Identity
from shared.services.record_batches import all_entities
from tests.support.browsers import Browser, signed_in
from tests.support.port_doubles import Fault, Moment
from tests.support.sign_in import KINDS, SignInWorld, open_sign_in
from tests.support.world import URL, OpenWorld

pytestmark = pytest.mark.measured

AGAIN = "/sign-in?for=again&to=/account/tokens"


@pytest.fixture
async def sign_ins(worlds: OpenWorld) -> SignInWorld:
    """Return a registry with every provider."""
    return await open_sign_in(worlds)


async def accounts(sign_ins: SignInWorld) -> dict[str, Account]:
    found = await all_entities(sign_ins.world.stores.directory, Account)
    return {account.name: account for account in found}


async def test_the_page_offers_what_is_configured(sign_ins: SignInWorld) -> None:
    page = await sign_ins.browser().open("/sign-in")
    assert page.status_code == 200
    offers = re.findall(r'href="(/sign-in/\w+)[^"]*">Continue with ([^<]*)</a>', page.text)
    assert offers == [
        ("/sign-in/entra", "Microsoft Entra ID"),
        ("/sign-in/oidc", "Company"),
        ("/sign-in/github", "GitHub"),
    ]


async def test_without_a_provider_the_page_says_who_can_help(worlds: OpenWorld) -> None:
    world = await worlds()
    page = await Browser(world).open("/sign-in")
    assert "Ask an administrator of the registry for one" in page.text
    assert ">.venv/bin/ballroom signin-link admin</code>" in page.text


@pytest.mark.parametrize("kind", KINDS)
async def test_the_first_sign_in_makes_an_account(sign_ins: SignInWorld, kind: str) -> None:
    page = (await sign_ins.signed_in(kind)).page
    assert "Signed in as <strong>kim</strong>" in page.text
    kim = (await accounts(sign_ins))["kim"]
    assert (kim.email, kim.administrator) == ("kim@example.org", False)
    assert await sign_ins.events(kim.id) == [
        "identity.linked",
        "account.created",
        "session.started",
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_later_ones_find_it_whatever_the_person_is_called_then(
    sign_ins: SignInWorld, kind: str
) -> None:
    await sign_ins.signed_in(kind)
    sign_ins.issuer.person = dataclasses.replace(
        sign_ins.issuer.person, name="Kim Jensen", email="new@x.org"
    )
    sign_ins.issuer.person.claims["preferred_username"] = "jensen"
    browser = await sign_ins.signed_in(kind)
    assert "Signed in as <strong>kim</strong>" in browser.page.text
    assert len(await accounts(sign_ins)) == 5


async def test_the_same_address_of_mail_makes_nobody_somebody_else(sign_ins: SignInWorld) -> None:
    await sign_ins.signed_in("oidc")
    address = sign_ins.issuer.person.email
    sign_ins.somebody_else()
    sign_ins.issuer.person = dataclasses.replace(sign_ins.issuer.person, email=address)
    page = (await sign_ins.signed_in("oidc")).page
    assert "Signed in as <strong>sam</strong>" in page.text


async def test_a_name_that_is_taken_gets_a_number(sign_ins: SignInWorld) -> None:
    await sign_ins.signed_in("oidc")
    page = (await sign_ins.signed_in("github")).page
    [name] = re.findall(r"Signed in as <strong>(kim-\d+)</strong>", page.text)
    assert name in await accounts(sign_ins)


@pytest.mark.parametrize(
    "name",
    ["admin", "Administrator", "ballerinax", "...", "\N{CJK UNIFIED IDEOGRAPH-4E00}"],
    ids=["admin", "administrator", "ballerina", "dots", "letters"],
)
async def test_nobody_is_named_like_who_runs_the_registry(sign_ins: SignInWorld, name: str) -> None:
    sign_ins.issuer.person.claims["preferred_username"] = name
    sign_ins.issuer.person = dataclasses.replace(sign_ins.issuer.person, name="", email="")
    page = (await sign_ins.signed_in("oidc")).page
    assert "Signed in as <strong>someone</strong>" in page.text


async def test_strangers_read_whom_to_ask_if_nobody_can_sign_up(worlds: OpenWorld) -> None:
    sign_ins = await open_sign_in(worlds, sign_up="nobody")
    browser = sign_ins.browser()
    page = await browser.open("/sign-in/oidc")
    assert (page.status_code, browser.session) == (403, "")
    assert "kim has no account at this registry" in page.text
    assert "kim" not in await accounts(sign_ins)


async def test_an_account_links_an_identity_even_if_nobody_can_sign_up(worlds: OpenWorld) -> None:
    sign_ins = await open_sign_in(worlds, sign_up="nobody")
    ann = await signed_in(sign_ins.world, sign_ins.world.people.ann, issuer=sign_ins.issuer)
    await ann.choose("/sign-in?for=link", "oidc")
    assert "Signed in as <strong>ann</strong>" in (await sign_ins.signed_in("oidc")).page.text


async def test_a_sign_in_leads_back_to_where_one_wanted_to_go(sign_ins: SignInWorld) -> None:
    browser = sign_ins.browser()
    asked = await browser.open("/account/tokens")
    assert asked.status_code == 401
    [offer] = re.findall(r'href="(/sign-in/oidc[^"]*)"', asked.text)
    page = await browser.open(offer.replace("&amp;", "&"))
    assert page.status_code == 200
    assert str(page.url) == f"{URL}/account/tokens"


async def test_a_signed_in_account_is_not_asked_again(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in()
    page = await browser.open("/sign-in?to=/account/tokens")
    assert (page.status_code, str(page.url)) == (200, f"{URL}/account/tokens")


async def test_an_answer_of_the_provider_without_a_state_signs_nobody_in(
    sign_ins: SignInWorld,
) -> None:
    answer = await Browser(sign_ins.world).send("GET", "/sign-in/callback/oidc?code=abc")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_two_tabs_sign_in_at_once(sign_ins: SignInWorld) -> None:
    browser = sign_ins.browser()
    first = await browser.send("GET", "/sign-in/oidc?to=/account/tokens")
    second = await browser.send("GET", "/sign-in/oidc")
    for answer in (first, second):
        await browser.follow(answer)
        assert browser.page.status_code == 200


# --- a further identity ------------------------------------------------------------------------


async def test_several_identities_belong_to_one_account(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("entra")
    await browser.choose("/sign-in?for=link", "github")
    assert "Signed in as <strong>kim</strong>" in (await sign_ins.signed_in("github")).page.text
    kim = (await accounts(sign_ins))["kim"]
    assert (await sign_ins.events(kim.id)).count("identity.linked") == 2
    [letter] = [each for each in await sign_ins.mails() if "sign-in method added" in each.subject]
    assert letter.to == "kim@example.org"


async def test_linking_takes_a_fresh_sign_in(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("entra")
    sign_ins.wait(minutes=11)
    await browser.choose("/sign-in?for=link", "github")
    assert browser.page.status_code == 403
    assert "sign in again" in browser.page.text


async def test_an_identity_belongs_to_one_account(sign_ins: SignInWorld) -> None:
    await sign_ins.signed_in("github")
    browser = await sign_ins.signed_in("entra")
    await browser.choose("/sign-in?for=link", "github")
    assert browser.page.status_code == 409
    assert "belongs to another account" in browser.page.text


async def test_linking_what_is_linked_changes_nothing(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("entra")
    await browser.choose("/sign-in?for=link", "entra")
    assert browser.page.status_code == 200
    found = await all_entities(sign_ins.world.stores.directory, Identity)
    assert len(found) == 1


# --- showing again who one is -------------------------------------------------------------------


async def is_fresh(browser: Browser) -> bool:
    """Say whether the browser may do what takes a fresh sign-in."""
    token = {"name": "all", "scopes": ["manage"]}
    answer = await browser.api("POST", "/api/v1/tokens", token)
    assert answer.status_code in (201, 403)
    return answer.status_code == 201


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fresh_sign_in_lasts_ten_minutes_and_can_be_repeated(
    sign_ins: SignInWorld, kind: str
) -> None:
    browser = await sign_ins.signed_in(kind)
    assert await is_fresh(browser)
    sign_ins.wait(minutes=11)
    assert not await is_fresh(browser)
    await browser.choose(AGAIN, kind)
    assert str(browser.page.url) == f"{URL}/account/tokens"
    assert await is_fresh(browser)
    kim = (await accounts(sign_ins))["kim"]
    assert "session.renewed" in await sign_ins.events(kim.id)


async def test_somebody_else_cannot_show_it(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("oidc")
    sign_ins.wait(minutes=11)
    sign_ins.somebody_else()
    await browser.choose(AGAIN, "oidc")
    assert browser.page.status_code == 401
    shown = "Signing in with Company failed: you showed that you are somebody else"
    assert shown in browser.page.text
    assert not await is_fresh(browser)


async def test_a_provider_that_did_not_ask_again_proves_nothing_new(sign_ins: SignInWorld) -> None:
    now_s = sign_ins.world.clock.now_ms() // 1000
    browser = await sign_ins.signed_in("oidc")
    sign_ins.wait(minutes=11)
    sign_ins.issuer.person.claims["auth_time"] = now_s
    await browser.choose(AGAIN, "oidc")
    assert browser.page.status_code == 401
    shown = "Signing in with Company failed: it did not ask you again who you are. "
    assert shown in browser.page.text


async def test_an_old_sign_in_at_the_provider_is_not_a_fresh_one_here(
    sign_ins: SignInWorld,
) -> None:
    sign_ins.issuer.person.claims["auth_time"] = sign_ins.world.clock.now_ms() // 1000 - 3600
    browser = await sign_ins.signed_in("oidc")
    assert not await is_fresh(browser)


async def test_where_it_has_to_be_strong_a_password_is_not_enough(worlds: OpenWorld) -> None:
    sign_ins = await open_sign_in(worlds, require_strong=True)
    sign_ins.issuer.person.claims["amr"] = ["pwd"]
    browser = await sign_ins.signed_in("entra")
    assert not await is_fresh(browser)
    sign_ins.issuer.person.claims["amr"] = ["fido"]
    page = await browser.open("/sign-in?for=again")
    assert "phishing-resistant" in page.text
    await browser.choose(AGAIN, "entra")
    assert await is_fresh(browser)


async def test_a_link_of_the_operator_is_not_strong(worlds: OpenWorld) -> None:
    sign_ins = await open_sign_in(worlds, require_strong=True)
    browser = await signed_in(sign_ins.world, sign_ins.world.people.ann)
    assert not await is_fresh(browser)


async def test_the_provider_is_asked_for_a_new_sign_in(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("oidc")
    page = await browser.open("/sign-in?for=again")
    [offer] = re.findall(r'href="(/sign-in/oidc\?[^"]*)"', page.text)
    answer = await browser.send("GET", offer.replace("&amp;", "&"))
    assert parse_qs(urlsplit(answer.headers["location"]).query)["max_age"] == ["0"]


# --- new browsers ------------------------------------------------------------------------------


async def test_a_sign_in_with_a_new_browser_is_mailed_and_one_with_a_known_browser_is_not(
    sign_ins: SignInWorld,
) -> None:
    browser = await sign_ins.signed_in("oidc")
    await browser.submit("/sign-out")
    await browser.open("/sign-in/oidc")
    [letter] = await sign_ins.mails()
    assert letter.subject == "kim: new sign-in"
    assert browser.agent in letter.text
    found = await sign_ins.world.stores.events.stream(
        f"account:{(await accounts(sign_ins))['kim'].id}", None, 100
    )
    devices = [event.details["device"] for _, event in found if event.kind == "session.started"]
    assert devices == ["known", "new"]


async def test_a_browser_is_known_for_the_account_that_used_it(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("oidc")
    sign_ins.somebody_else()
    await browser.submit("/sign-out")
    await browser.open("/sign-in/oidc")
    assert [each.to for each in await sign_ins.mails()] == ["kim@example.org", "sam@example.org"]


async def test_the_log_of_an_account_says_how_each_session_began(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("oidc")
    sign_ins.wait(minutes=11)
    await browser.choose(AGAIN, "oidc")
    kim = (await accounts(sign_ins))["kim"].id
    found = await sign_ins.world.stores.events.stream(f"account:{kim}", None, 2)
    renewed, started = (event for _, event in found)
    assert (started.kind, renewed.kind) == ("session.started", "session.renewed")
    assert started.details == {"provider": "oidc", "agent": browser.agent, "device": "new"}
    for event in (started, renewed):
        assert (event.account, event.actor) == (kim, kim)
        assert event.credential == f"session:{event.subject}"


# --- while a store fails -------------------------------------------------------------------------


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_a_first_sign_in_whose_event_fails_is_published_later(
    worlds: OpenWorld, moment: Moment, nth: int
) -> None:
    fault = Fault("append_outbox", Busy(), moment, nth)
    sign_ins = await open_sign_in(worlds, around=fault.at("events"))
    await sign_ins.signed_in("oidc")
    await sign_ins.world.registry.maintenance.task_runner.run("process-outboxes")
    kim = (await accounts(sign_ins))["kim"]
    assert sorted(await sign_ins.events(kim.id)) == [
        "account.created",
        "identity.linked",
        "session.started",
    ]


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
async def test_a_first_sign_in_whose_store_fails_can_be_repeated(
    worlds: OpenWorld, moment: Moment, nth: int
) -> None:
    fault = Fault("add", Busy(), moment, nth)
    sign_ins = await open_sign_in(worlds, around=fault.at("directory"))
    await sign_ins.browser().open("/sign-in/oidc")
    browser = await sign_ins.signed_in("oidc")
    # A name whose account was not made in time is free again after a minute; until then it has a
    # number behind it.
    assert re.search(r"Signed in as <strong>kim(-\d+)?</strong>", browser.page.text)
    assert len(await accounts(sign_ins)) == 5
    found = await all_entities(sign_ins.world.stores.directory, Identity)
    assert len(found) == 1

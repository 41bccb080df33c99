"""OWASP API2: what is sent again, sent elsewhere, or sent by somebody else, signs nobody in."""

import asyncio
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import pytest

from functions.http.return_paths import HOME_PATH, return_path
from shared.auth.browsers import SignInBrowser
from shared.domain.accounts import Account
from shared.domain.grants import Grant
from shared.domain.principals import Principal
from shared.domain.sign_in import SignInPurpose
from shared.services.identity.sign_in import STATE_LIFETIME, SignInRequest
from tests.fakes.identity_provider import Issuer, answer_of, rsa_key
from tests.support.browsers import FORM, Browser, signed_in
from tests.support.refusals import raises_refusal
from tests.support.sign_in import KINDS, SignInWorld, open_sign_in
from tests.support.world import URL, OpenWorld

pytestmark = pytest.mark.measured


@pytest.fixture
async def sign_ins(worlds: OpenWorld) -> SignInWorld:
    """Return a registry with every provider."""
    return await open_sign_in(worlds, limit_failure="address=1000", limit_sign_in="address=1000")


async def answer_for(
    sign_ins: SignInWorld, browser: Browser, kind: str, query: str = ""
) -> dict[str, str]:
    """Begin a sign-in in the browser, and return what the provider answers."""
    begun = await browser.send("GET", f"/sign-in/{kind}{query}")
    page = await sign_ins.internet.browse(begun.headers["location"])
    return answer_of(page, f"{URL}/sign-in/callback/{kind}")


async def back(browser: Browser, kind: str, answer: dict[str, str]) -> httpx.Response:
    """Come back from the provider with an answer."""
    path = f"/sign-in/callback/{kind}"
    if kind == "entra":
        return await browser.send("POST", path, FORM, urlencode(answer).encode())
    return await browser.send("GET", f"{path}?{urlencode(answer)}")


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_counts_once(sign_ins: SignInWorld, kind: str) -> None:
    browser = sign_ins.browser()
    answer = await answer_for(sign_ins, browser, kind)
    assert (await back(browser, kind, answer)).status_code == 303
    again = await back(browser, kind, answer)
    assert again.status_code == 401
    assert "was finished before" in again.text


@pytest.mark.parametrize("kind", KINDS)
async def test_exactly_one_of_concurrent_answers_counts(sign_ins: SignInWorld, kind: str) -> None:
    browser = sign_ins.browser()
    answer = await answer_for(sign_ins, browser, kind)
    answers = await asyncio.gather(*(back(browser.copy(), kind, answer) for _ in range(20)))
    assert sorted(each.status_code for each in answers) == [303] + [401] * 19


@pytest.mark.parametrize("kind", KINDS)
async def test_a_code_of_another_sign_in_is_refused(sign_ins: SignInWorld, kind: str) -> None:
    browser = sign_ins.browser()
    spent = await answer_for(sign_ins, browser, kind)
    await back(browser, kind, spent)
    fresh = await answer_for(sign_ins, browser, kind)
    mixed = await back(browser, kind, {**spent, "state": fresh["state"]})
    assert mixed.status_code == 401
    unspent = await answer_for(sign_ins, browser, kind)
    other = await answer_for(sign_ins, browser, kind)
    crossed = await back(browser, kind, {**unspent, "state": other["state"]})
    assert crossed.status_code == 401


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_counts_in_the_browser_that_asked_only(
    sign_ins: SignInWorld, kind: str
) -> None:
    # Whoever makes others finish a sign-in of theirs sees what they do then.
    attacker = sign_ins.browser()
    victim = sign_ins.browser()
    bare = sign_ins.browser()
    await victim.open("/sign-in/none")
    for browser in (victim, bare):
        answer = await answer_for(sign_ins, attacker, kind)
        refused = await back(browser, kind, answer)
        assert (refused.status_code, browser.session) == (401, "")
        assert (await back(attacker, kind, answer)).status_code == 401


@pytest.mark.parametrize(
    ("asked", "answered"), [("oidc", "github"), ("github", "entra"), ("entra", "oidc")]
)
async def test_an_answer_of_one_provider_is_refused_by_another(
    sign_ins: SignInWorld, asked: str, answered: str
) -> None:
    browser = sign_ins.browser()
    answer = await answer_for(sign_ins, browser, asked)
    refused = await back(browser, answered, answer)
    assert (refused.status_code, browser.session) == (401, "")
    assert (await back(browser, asked, answer)).status_code == 401


async def test_an_answer_that_names_another_issuer_is_refused(sign_ins: SignInWorld) -> None:
    browser = sign_ins.browser()
    answer = await answer_for(sign_ins, browser, "oidc")
    refused = await back(browser, "oidc", {**answer, "iss": "https://evil.test"})
    assert (refused.status_code, browser.session) == (401, "")


async def test_a_sign_in_takes_ten_minutes_at_most(sign_ins: SignInWorld) -> None:
    browser = sign_ins.browser()
    answer = await answer_for(sign_ins, browser, "oidc")
    sign_ins.world.clock.advance(STATE_LIFETIME)
    assert (await back(browser, "oidc", answer)).status_code == 401


@pytest.mark.parametrize("kind", ["entra", "oidc"])
async def test_a_forged_id_token_signs_nobody_in(sign_ins: SignInWorld, kind: str) -> None:
    forger = Issuer(sign_ins.issuer.url, sign_ins.issuer.now_s, keys={"key-1": rsa_key(66)})

    def forge(token: str) -> str:
        claims = jwt.decode(token, options={"verify_signature": False})
        return forger.sign({**claims, "sub": "admin", "oid": "admin"})

    sign_ins.issuer.change_token = forge
    browser = sign_ins.browser()
    page = await browser.open(f"/sign-in/{kind}")
    assert (page.status_code, browser.session) == (401, "")


async def test_guesses_are_counted(worlds: OpenWorld) -> None:
    sign_ins = await open_sign_in(worlds, limit_failure="address=5")
    browser = sign_ins.browser()
    statuses = [
        (await browser.open(f"/sign-in/callback/oidc?state=guess{n}&code=x")).status_code
        for n in range(7)
    ]
    assert statuses[-1] == 429
    assert (await browser.open("/sign-in/link#guess")).status_code == 429


async def test_the_stored_state_contains_no_secret_and_neither_does_the_address(
    sign_ins: SignInWorld,
) -> None:
    browser = sign_ins.browser()
    begun = await browser.send("GET", "/sign-in/oidc")
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert set(asked) == {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
    }
    assert asked["redirect_uri"] == [f"{URL}/sign-in/callback/oidc"]
    assert asked["state"][0] not in browser.cookies.values()


# --- linking somebody else's identity -----------------------------------------------------------


@pytest.mark.parametrize("purpose", ["link", "again"])
async def test_no_page_of_others_begins_what_changes_an_account(
    sign_ins: SignInWorld, purpose: str
) -> None:
    # Else an identity of the attacker, signed in at the provider, would be linked to the victim.
    victim = await signed_in(sign_ins.world, sign_ins.world.people.ann, issuer=sign_ins.issuer)
    page = await victim.open(f"/sign-in/oidc?for={purpose}")
    assert page.status_code == 401
    mallory = await sign_ins.signed_in("oidc")  # Without an identity, `again` offers no provider.
    calls = list(sign_ins.issuer.calls)
    own = await mallory.open(f"/sign-in?for={purpose}")
    [ticket] = set(re.findall(r"ticket=([\w-]+)", own.text))
    page = await victim.open(f"/sign-in/oidc?for={purpose}&ticket={ticket}")
    assert page.status_code == 401
    assert sign_ins.issuer.calls == calls


async def test_a_session_that_ends_meanwhile_is_linked_to_nobody(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("oidc")
    page = await browser.open("/sign-in?for=link")
    [offer] = re.findall(r'href="/sign-in/github(\?[^"]*)"', page.text)
    away = await answer_for(sign_ins, browser, "github", offer.replace("&amp;", "&"))
    await browser.copy().submit("/sign-out")
    assert (await back(browser, "github", away)).status_code == 401


@pytest.mark.parametrize("purpose", [SignInPurpose.AGAIN, SignInPurpose.LINK])
async def test_a_token_neither_links_nor_renews(
    sign_ins: SignInWorld, purpose: SignInPurpose
) -> None:
    ann = sign_ins.world.people.ann.account
    errand = SignInRequest(purpose, "/account", Principal(ann.id, "a token", (Grant(),)))
    arrival = SignInBrowser("192.0.2.1", "curl", "browser", "")
    with raises_refusal("sign-in-expired"):
        await sign_ins.world.registry.identity.sign_in_flow.begin("oidc", errand, arrival)


async def test_a_link_of_a_deleted_account_signs_nobody_in(sign_ins: SignInWorld) -> None:
    browser = sign_ins.browser()
    ann = sign_ins.world.people.ann.account
    link = (await sign_ins.world.registry.identity.sign_in_links.create(ann.id)).reveal()
    await browser.open(link)
    stored = await sign_ins.world.stores.directory.get(Account, ann.place)
    assert stored is not None
    await sign_ins.world.stores.directory.remove(stored)
    assert (await browser.submit(link)).status_code == 401
    assert browser.session == ""


# --- where a sign-in leads ----------------------------------------------------------------------

ELSEWHERE = (
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "/account@evil.example",
    "evil.example",
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "/\n/evil.example",
    "data:text/html,x",
    "/account/../../evil",
    "/account/%2e%2e/%2e%2e/evil",
    "/account\r\nSet-Cookie: a=b",
    "/account?x=\r\nLocation: https://evil.example",
    "/sign-out",
    "/sign-in/oidc",
    "/api/v1/tokens",
    "/archives/public/x",
    "/2.0/registry/packages",
    "/account#" + "x" * 600,
    "/account/" + "x" * 600,
    "/Account",
    "/accounts\N{FULLWIDTH SOLIDUS}evil",
    "",
)


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_path_that_is_no_page_of_ours_leads_to_the_account(target: str) -> None:
    assert return_path(target) == HOME_PATH


@pytest.mark.parametrize("target", ELSEWHERE[:12])
async def test_no_sign_in_leads_out_of_the_registry(sign_ins: SignInWorld, target: str) -> None:
    browser = sign_ins.browser()
    away = await answer_for(sign_ins, browser, "oidc", f"?{urlencode({'to': target})}")
    assert (await back(browser, "oidc", away)).headers["location"] == HOME_PATH
    shown = await browser.send("GET", f"/sign-in?{urlencode({'to': target})}")
    assert shown.headers["location"] == HOME_PATH

"""/api/v1/account/…: browsers that are signed in, who else can sign in, and links for others."""

import re
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.sign_in import SECRET_ROTATION
from tests.support.browsers import Browser, signed_in
from tests.support.sign_in import SignInWorld, open_sign_in
from tests.support.world import URL, OpenWorld, World, limited

pytestmark = pytest.mark.measured

SESSIONS = "/api/v1/account/sessions"
IDENTITIES = "/api/v1/account/identities"
LINKS = "/api/v1/sign-in-links"


async def listed(browser: Browser) -> list[dict[str, Any]]:
    """Return the sessions that the account has."""
    answer = await browser.api("GET", SESSIONS)
    assert answer.status_code == 200, answer.text
    return answer.json()["sessions"]


async def test_a_person_sees_where_they_are_signed_in(world: World) -> None:
    laptop = await signed_in(world, world.people.ann)
    world.clock.advance(timedelta(minutes=1))
    phone = await signed_in(world, world.people.ann, agent="Phone/1.0")
    await signed_in(world, world.people.bob)
    sessions = await listed(laptop)
    assert [(each["agent"], each["current"]) for each in sessions] == [
        ("Phone/1.0", False),
        (laptop.agent, True),
    ]
    assert {each["provider"] for each in sessions} == {"link"}
    assert sessions[0]["endsAt"] == "2026-09-22T14:14:20Z"
    assert [each["current"] for each in await listed(phone)] == [True, False]


async def test_no_secret_is_listed(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    text = (await browser.api("GET", SESSIONS)).text
    secret = browser.session.rpartition(".")[2]
    identity = world.registry.identity
    cookie = {"cookie": f"__Host-ballroom={browser.session}"}
    signed_in_as = (await identity.session_authentication.authenticate(cookie)).principal
    [session] = await identity.sessions.list_own(by=signed_in_as)
    assert secret not in text
    assert not any(each in text for each in session.secrets)


async def test_an_ended_session_is_signed_out_at_once_and_it_is_in_the_log(world: World) -> None:
    laptop = await signed_in(world, world.people.ann)
    stolen = await signed_in(world, world.people.ann)
    [other] = [each for each in await listed(laptop) if not each["current"]]
    assert (await laptop.api("DELETE", f"{SESSIONS}/{other['id']}")).status_code == 204
    assert (await stolen.get("/account")).status_code == 401
    assert (await laptop.get("/account")).status_code == 200
    account = world.people.ann.account.id
    [(_, event)] = await world.stores.events.stream(f"account:{account}", None, 1)
    assert (event.kind, event.subject, event.actor) == ("session.ended", other["id"], account)
    assert event.credential.startswith("session:")


async def test_a_token_that_manages_ends_sessions(world: World) -> None:
    ann = world.people.ann
    browser = await signed_in(world, ann)
    [session] = (await world.get(URL + SESSIONS, by=ann)).json()["sessions"]
    ended = await world.send("DELETE", f"{URL}{SESSIONS}/{session['id']}", by=ann)
    assert ended.status_code == 204
    assert (await browser.get("/account")).status_code == 401


@pytest.mark.parametrize("limit", [{"package": "greet"}, {"org": "acme"}])
async def test_a_token_that_is_limited_manages_nothing_of_the_whole_account(
    world: World, limit: dict[str, str]
) -> None:
    laptop = await signed_in(world, world.people.ann)
    [session] = await listed(laptop)
    by = await limited(world, world.people.ann, "manage", **limit)
    [token, *_] = (await laptop.api("GET", "/api/v1/tokens")).json()["tokens"]
    for method, path in (
        ("GET", SESSIONS),
        ("DELETE", f"{SESSIONS}/{session['id']}"),
        ("GET", IDENTITIES),
        ("GET", "/api/v1/account/events"),
        ("GET", "/api/v1/tokens"),
        ("GET", f"/api/v1/tokens/{token['id']}"),
        ("DELETE", f"/api/v1/tokens/{token['id']}"),
        ("POST", f"/api/v1/tokens/{token['id']}/rotate"),
    ):
        answer = await world.send(method, f"{URL}{path}", by=by)
        assert answer.status_code == 403, path
        assert "limited to some organizations or packages" in answer.json()["error"]["message"]
    assert len(await listed(laptop)) == 1


# --- the cookie calls the API ------------------------------------------------------------------


async def test_a_browser_calls_the_api_by_its_cookie(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    answer = await browser.api("GET", "/api/v1/whoami")
    assert (answer.status_code, answer.json()["name"]) == (200, "ann")
    wanted = {"name": "laptop", "scopes": ["read"]}
    assert (await browser.api("POST", "/api/v1/tokens", wanted)).status_code == 201


async def test_a_cookie_next_to_an_authorization_header_is_ignored(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    headers = {"Authorization": f"Bearer {world.people.bob.token}"}
    answer = await browser.send("GET", "/api/v1/whoami", headers)
    assert answer.json()["name"] == "bob"
    headers = {"Authorization": "Bearer nonsense"}
    assert (await browser.send("GET", "/api/v1/whoami", headers)).status_code == 401


async def test_a_call_of_the_api_renews_the_cookie_too(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    before = browser.session
    world.clock.advance(SECRET_ROTATION)
    await browser.api("GET", "/api/v1/whoami")
    assert browser.session != before
    assert (await browser.get("/account")).status_code == 200


async def test_a_cookie_does_not_publish(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    answer = await browser.send("POST", "/2.0/registry/packages", content=b"")
    assert answer.status_code == 401


# --- identities ---------------------------------------------------------------------------------


@pytest.fixture
async def sign_ins(worlds: OpenWorld) -> SignInWorld:
    """Return a registry with every provider."""
    return await open_sign_in(worlds)


async def linked(sign_ins: SignInWorld) -> Browser:
    """Return a browser of somebody who has two identities."""
    browser = await sign_ins.signed_in("oidc")
    page = await browser.get("/sign-in?for=link")
    [offer] = re.findall(r'href="(/sign-in/github\?[^"]*)"', page.text)
    await browser.get(offer.replace("&amp;", "&"))
    return browser


async def test_a_person_sees_who_can_sign_in(sign_ins: SignInWorld) -> None:
    browser = await linked(sign_ins)
    answer = (await browser.api("GET", IDENTITIES)).json()
    shown = [(each["provider"], each["label"]) for each in answer["identities"]]
    assert shown == [("oidc", "kim"), ("github", "kim")]
    assert answer["identities"][1]["issuer"] == "https://login.test"


async def test_an_identity_that_is_removed_signs_in_no_more(sign_ins: SignInWorld) -> None:
    browser = await linked(sign_ins)
    [_, github] = (await browser.api("GET", IDENTITIES)).json()["identities"]
    assert (await browser.api("DELETE", f"{IDENTITIES}/{github['id']}")).status_code == 204
    stranger = await sign_ins.signed_in("github")
    assert "Signed in as <strong>kim</strong>" not in stranger.page.text
    subjects = [each.subject for each in await sign_ins.mails()]
    assert "kim: sign-in method removed" in subjects


async def test_the_last_identity_stays(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("oidc")
    [only] = (await browser.api("GET", IDENTITIES)).json()["identities"]
    answer = await browser.api("DELETE", f"{IDENTITIES}/{only['id']}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "last-identity")


# --- links for others ---------------------------------------------------------------------------


async def test_an_administrator_makes_a_link_for_somebody_else(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    answer = await admin.api("POST", LINKS, {"account": world.people.bob.account.id})
    assert answer.status_code == 201
    assert answer.json()["expiresAt"] == "2026-09-21T15:13:20Z"
    bob = Browser(world)
    await bob.get(answer.json()["address"])
    page = await bob.post(answer.json()["address"])
    assert "Signed in as <strong>bob</strong>" in page.text


async def test_a_link_for_nobody_is_refused(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    answer = await admin.api("POST", LINKS, {"account": "nobody"})
    assert answer.status_code == 404

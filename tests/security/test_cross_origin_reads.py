"""Pages of other sites, which the host lets ask for anything: none acts or reads as a person.

Every answer says `Access-Control-Allow-Origin: *` to a page of another origin, without
`Access-Control-Allow-Credentials`: browsers then hide from it whatever they sent cookies for. The
registry does not rely on that alone: with a foreign origin a cookie is no session.
"""

import re
from urllib.parse import urlencode

import pytest

from tests.security.routes import routes
from tests.support.archives import bala
from tests.support.browsers import FORM, Browser, signed_in
from tests.support.world import URL, World

FOREIGN = {"Origin": "https://elsewhere.test"}
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
MINE = "unreleased"


@pytest.fixture
async def browser(world: World) -> Browser:
    """Return the browser of Ann, who has a private package."""
    await world.push(bala(f"acme/{MINE}:1.0.0", visibility="private"))
    return await signed_in(world, world.people.ann)


async def test_no_answer_to_another_site_shows_what_a_session_sees(browser: Browser) -> None:
    name = browser.world.people.ann.account.name
    csrf = browser.csrf
    own = await browser.open("/account")
    assert csrf in own.text
    assert re.search(rf"\b{name}\b", own.text)
    for method, url in routes(browser.world.registry):
        if method not in ("GET", "HEAD"):
            continue
        path = url.removeprefix(URL)
        answer = await browser.send(method, path, headers=FOREIGN)
        assert "access-control-allow-credentials" not in answer.headers, path
        assert csrf not in answer.text, path
        assert not re.search(rf"\b{name}\b", answer.text), path
        # What was asked for stands in refusals; what is in the package does not.
        assert answer.status_code != 200 or MINE not in answer.text, path


async def test_no_form_of_another_site_changes_anything(browser: Browser) -> None:
    world = browser.world
    csrf = browser.csrf
    before = await world.stores.events.since(0, 10_000)
    for method, url in routes(world.registry):
        if method not in CHANGING or "/sign-in/" in url:
            continue
        for body in ({}, {"csrf": csrf}):
            headers = {**FOREIGN, **FORM, "X-CSRF-Token": csrf}
            path = url.removeprefix(URL)
            content = urlencode(body).encode()
            await browser.send(method, path, headers=headers, content=content)
    assert await world.stores.events.since(0, 10_000) == before
    assert (await browser.open("/account")).status_code == 200, "the session was ended"


@pytest.mark.parametrize("headers", [{"Origin": "null"}, {}])
async def test_a_form_of_another_site_signs_nobody_out(
    browser: Browser, headers: dict[str, str]
) -> None:
    # A site that says nothing of itself is `null`. Browsers send it no `Lax` cookie with a form,
    # but would take one back that the answer to it forgets.
    kept = browser.cookies
    browser.cookies = {}
    answer = await browser.send("POST", "/sign-out", headers={**headers, **FORM}, content=b"x=y")
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers
    browser.cookies = kept
    assert (await browser.open("/account")).status_code == 200


@pytest.mark.parametrize(("origin", "status"), [(URL, 200), ("null", 200), (f"{URL}:8443", 401)])
async def test_only_our_own_pages_are_of_the_session(
    browser: Browser, origin: str, status: int
) -> None:
    answer = await browser.send("GET", "/account", headers={"Origin": origin})
    assert answer.status_code == status

"""Cross-site request forgery: another site sends what the browser of a person then signs.

Every operation that changes something is called with the cookie of a real session. Without the
header that only our own pages know it is refused and changes nothing; with it, it does what the
table of rights says of somebody who signed in just now, or long ago.
"""

from collections import defaultdict
from pathlib import Path

import httpx
import pytest

from functions.faces import operations
from functions.html.signed_in_pages import SignedInPages
from functions.http.operations import Effect
from shared.domain.accounts import Account
from shared.domain.entities import Place
from tests.security.access_table import (
    DECLARED,
    Cell,
    State,
    anybody,
    anybody_known,
    nobody_by_token,
)
from tests.security.personas import PERSONAS, Credential, Persona
from tests.security.test_authorization_matrix import Prepared, prepared
from tests.support.browsers import Browser, signed_in
from tests.support.world import Person, World

__all__ = ["prepared"]  # The fixture is the matrix's.

OPEN = (anybody, anybody_known, nobody_by_token)  # They ask for no session.
API = {
    name: each
    for name, each in DECLARED.items()
    if each.path.startswith("/api/v1/") and each.expects not in OPEN
}
CHANGING = sorted(name for name, each in API.items() if each.method != "GET")
BY_SESSION = [each for each in PERSONAS if each.credential is Credential.SESSION]
ANN = next(each for each in BY_SESSION if each.name == "owner signed in")


async def browser_of(world: World, prepared: Prepared, persona: Persona) -> Browser:
    """Return a browser that the persona signed in with as long ago as they did."""
    account = await world.stores.directory.get(Account, Place(prepared.accounts[persona.account]))
    assert account
    browser = await signed_in(world, Person(account, ""))
    assert persona.signed_in is not None
    world.clock.advance(persona.signed_in)
    return browser


async def call(browser: Browser, request: httpx.Request, csrf: str) -> httpx.Response:
    """Send the request of a cell by the browser, with what its pages hold."""
    headers = {**request.headers, **({"X-CSRF-Token": csrf} if csrf else {})}
    path = request.url.raw_path.decode()
    return await browser.send(request.method, path, headers=headers, content=request.content)


async def events(world: World) -> int:
    return len(await world.stores.events.since(0, 10_000))


async def test_a_change_that_another_site_sends_is_refused_and_changes_nothing(
    prepared: Prepared, scratch: Path
) -> None:
    wrong: list[str] = []
    async with prepared.world(scratch / "data") as world:
        browser = await browser_of(world, prepared, ANN)
        foreign = (await browser_of(world, prepared, BY_SESSION[-1])).csrf
        before = await events(world)
        for name in CHANGING:
            request = API[name].request(Cell(ANN, State.PUBLIC, 1), prepared.accounts)
            for csrf in ("", "nonsense", foreign):
                answer = await call(browser, request, csrf)
                code = answer.json().get("error", {}).get("code")
                if (answer.status_code, code) != (403, "csrf-missing"):
                    wrong.append(f"{name} with {csrf!r}: {answer.status_code} {answer.text[:100]}")
        assert await events(world) == before
    assert not wrong, "\n".join(wrong)


async def test_a_form_that_no_page_of_the_session_has_shown_changes_nothing(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    foreign = (await signed_in(world, world.people.mia)).csrf
    routes = [
        each.route
        for each in operations(world.registry.settings)
        if isinstance(each.face, SignedInPages) and each.effect is Effect.CHANGE
    ]
    assert len(routes) >= 50
    before = await events(world)
    for route in routes:
        path = "/" + route.replace("{org}", "acme").format_map(defaultdict(lambda: "1.0.0"))
        for csrf in ("", "nonsense", foreign):
            answer = await admin.post(path, csrf=csrf)
            assert answer.status_code == 403, path
            assert "This form does not belong to your session" in answer.text
    assert await events(world) == before


# What withholds a release comes last: the other operations find the package that they need.
WITHHOLDING = ("api_releases_", "api_moderation_")


def _rank(name: str) -> int:
    return next((at for at, each in enumerate(WITHHOLDING, 1) if name.startswith(each)), 0)


@pytest.mark.parametrize("persona", BY_SESSION, ids=str)
async def test_a_session_may_what_the_table_of_rights_says(
    prepared: Prepared, scratch: Path, persona: Persona
) -> None:
    wrong: list[str] = []
    async with prepared.world(scratch / "data") as world:
        browser = await browser_of(world, prepared, persona)
        csrf = browser.csrf
        ordered = sorted(API.items(), key=lambda each: (_rank(each[0]), each[0]))
        for number, (name, declared) in enumerate(ordered):
            for state in declared.states:
                cell = Cell(persona, state, number)
                answer = await call(browser, declared.request(cell, prepared.accounts), csrf)
                expected = declared.expects(persona, state)
                if declared.shows(answer) not in expected:
                    shown = f"{answer.status_code} {answer.text[:120]}"
                    names = " or ".join(each.value for each in expected)
                    wrong.append(f"{name}, {state.value}: {names}, but {shown}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "path",
    [
        "/account/tokens?done=account_token_revoke",
        "/account/organizations?done=account_organization_found",
        "/account/organizations/acme/settings?done=account_organization_delete",
        "/account/sessions?done=account_session_end_others",
    ],
)
async def test_no_link_of_another_site_shows_a_message(world: World, path: str) -> None:
    browser = await signed_in(world, world.people.ann)
    plain = (await browser.open(path.partition("?")[0])).text
    followed = (await browser.open(path, **{"Sec-Fetch-Site": "same-origin"})).text
    assert followed.count('role="status"') > plain.count('role="status"')
    for site in ("cross-site", "same-site", "none"):
        linked = (await browser.open(path, **{"Sec-Fetch-Site": site})).text
        assert linked.count('role="status"') == plain.count('role="status"'), site


@pytest.mark.parametrize("origin", ["http://[", "https://[zz]"])
async def test_an_origin_that_cannot_be_read_is_another_site(world: World, origin: str) -> None:
    browser = await signed_in(world, world.people.ann)
    answer = await browser.send("GET", "/account", headers={"Origin": origin})
    assert answer.status_code == 401

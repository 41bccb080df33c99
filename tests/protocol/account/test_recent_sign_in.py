"""Actions that take a recent sign-in: pages ask for it before a form is filled in, and are where it
returns to."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest

from functions.html.signed_in_pages import SIGN_IN_FIRST
from shared.domain.principals import OPERATOR
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.world import URL, OpenWorld, World

BAD_REQUEST = 400
LATE = timedelta(minutes=11)
ORG = "/account/organizations/acme"
SETTINGS = f"{ORG}/settings"
OWNED = (
    ORG,
    f"{ORG}/packages/greet",
    f"{ORG}/held",
    f"{ORG}/tokens",
    f"{ORG}/publishers",
    f"{ORG}/webhooks",
    SETTINGS,
    "/account/tokens",
    "/account/data",
    "/account/identities",
)
MANAGED = (
    "/manage/accounts",
    "/manage/accounts/ID-OF-mia",
    "/manage/accounts/ID-OF-mia/leave",
    "/manage/groups",
    "/manage/directory-locks",
    "/manage/organizations",
    "/manage/organizations/acme",
    "/manage/ownership",
    "/manage/names",
    "/manage/names/disputes",
    "/manage/names/policy",
    "/manage/notices",
    "/manage/read-only",
    "/manage/releases/acme/greet",
    "/manage/releases/acme/greet/1.0.0",
    "/manage/tasks",
)
_FORM = re.compile(r'<form method="post" action="([^"]+)".*?</form>', re.DOTALL)
_FIELD = re.compile(r'<input[^>]*name="(\w+)"[^>]*?(?: value="([^"]*)")?[^>]*>')
_REQUIRED_TEXT = "greet"  # In fields that are empty.


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry with a release, and one that burst detection holds."""
    world = await worlds(brake_packages=1)
    await world.push(bala("acme/greet:1.0.0"))
    await world.push_held(bala("acme/base:1.0.0"))
    return world


def forms(browser: Browser) -> dict[str, dict[str, str | list[str]]]:
    """Return the forms of a page that change something, each with what it sends."""
    found: dict[str, dict[str, str | list[str]]] = {}
    for form in _FORM.finditer(browser.text):
        fields: dict[str, str | list[str]] = {
            name: unescape(value) or _REQUIRED_TEXT for name, value in _FIELD.findall(form[0])
        }
        fields.pop("csrf", None)
        found[form[1]] = fields
    found.pop("/sign-out")
    return found


async def late(world: World, who: str, path: str) -> tuple[Browser, set[str]]:
    """Open a page after the sign-in, and again when that is no longer recent; return which forms
    are no longer on it."""
    browser = await signed_in(world, getattr(world.people, who), path)
    before = set(forms(browser))
    world.clock.advance(LATE)
    await browser.open(path)
    return browser, before - set(forms(browser))


@pytest.mark.parametrize(
    ("who", "path"), [*(("ann", each) for each in OWNED), *(("admin", each) for each in MANAGED)]
)
async def test_a_page_asks_first_exactly_for_what_takes_a_recent_sign_in(
    world: World, who: str, path: str
) -> None:
    path = world.with_ids(path)
    browser, hidden = await late(world, who, path)
    again = f'href="/sign-in?for=again&to={quote(path)}"'
    assert (again in browser.text) == (bool(hidden) or path in {"/account/tokens"})
    kept = forms(browser)
    for action, fields in kept.items():
        await browser.open(path)
        await browser.submit(action, **fields)
        assert SIGN_IN_FIRST not in browser.text, action
    for action in hidden:
        await browser.open(path)
        answer = await browser.post(action)
        assert answer.status_code >= BAD_REQUEST, action


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        (
            f"{SETTINGS.removesuffix('settings')}transfer",
            {"new_owner": "ID-OF-mia", "later_role": "leave", "confirm": "acme"},
        ),
        (f"{ORG}/invite", {"role": "maintainer", "email": "kim@example.org", "label": ""}),
        (f"{ORG}/packages/greet/versions/hold", {"version": "1.0.0", "reason": "A secret."}),
    ],
)
async def test_a_form_that_was_open_for_too_long_is_shown_as_typed(
    world: World, form: str, fields: dict[str, str]
) -> None:
    page = (
        SETTINGS
        if form.endswith("transfer")
        else form.partition("/versions")[0].removesuffix("/invite")
    )
    browser = await signed_in(world, world.people.ann, page)
    world.clock.advance(LATE)
    answer = await browser.submit(
        form, **{name: world.with_ids(each) for name, each in fields.items()}
    )
    assert answer.status_code == 403
    assert SIGN_IN_FIRST in browser.text
    assert f'action="{form}"' in browser.text
    typed = fields.get("confirm") or fields.get("email") or fields["reason"]
    assert f'value="{typed}"' in browser.text
    assert "govern" not in browser.text
    assert "access token is enough" not in browser.text


async def test_with_sign_in_links_the_page_prints_the_command_and_the_link_returns(
    world: World,
) -> None:
    browser, _ = await late(world, "ann", f"{SETTINGS}?tab=1")
    [again, *_] = re.findall(r'href="(/sign-in\?for=again[^"]*)"', browser.text)
    await browser.open(again)
    program = world.registry.settings.operator_program
    assert f"{program} signin-link ann</code>" in browser.text
    link = await world.registry.identity.sign_in_links.create(world.people.ann.account.id)
    await browser.open(link.reveal().removeprefix(URL))
    answer = await browser.submit(link.reveal().removeprefix(URL))
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{SETTINGS}?tab=1"
    assert f'action="{ORG}/transfer"' in browser.text


async def test_tokens_that_manage_are_offered_after_signing_in_again(world: World) -> None:
    browser, _ = await late(world, "ann", "/account/tokens")
    assert 'value="manage"' not in browser.text
    assert 'value="push-new"' in browser.text
    await browser.submit("/account/tokens", name="robot", scope=["read"], days="30")
    assert "Copy the access token robot now." in browser.text
    again = await signed_in(world, world.people.ann, "/account/tokens")
    assert 'value="manage"' in again.text


async def test_an_owner_who_only_renames_a_token_is_not_asked(world: World) -> None:
    browser = await signed_in(world, world.people.ann, "/account/tokens")
    await browser.submit("/account/tokens", name="all", scope=["manage"], days="30")
    tokens = await world.registry.tokens.access_tokens.list(
        world.people.ann.account.id, by=OPERATOR
    )
    [token] = [each.token.id for each in tokens if each.token.name == "all"]
    await browser.open(f"/account/tokens/rotate?token={token}")
    assert 'action="/account/tokens/rotate"' in browser.text
    world.clock.advance(LATE)
    await browser.open(f"/account/tokens/rename?token={token}")
    assert 'action="/account/tokens/rename"' in browser.text
    await browser.open(f"/account/tokens/rotate?token={token}")
    assert 'action="/account/tokens/rotate"' not in browser.text
    assert "/sign-in?for=again" in browser.text

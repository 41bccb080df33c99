"""Snapshots of pages: full, empty and refused; what is between header and footer."""

import re
from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.services.organizations.invitations import InvitationRequest
from tests.protocol.conftest import Html
from tests.support.browsers import Browser, signed_in
from tests.support.device_login import ask, decide
from tests.support.sign_in import open_sign_in
from tests.support.world import URL, OpenWorld, World, token_of

pytestmark = pytest.mark.each_row

# What is new each time, by what it is replaced with.
CHANGING = {
    "CSRF": re.compile(r'(?<=name="csrf" value=")[^"]+'),
    "TOKEN": re.compile(r"blr_local_\w+"),
    "ID": re.compile(r'(?<=name="token" value=")\w{10}|(?<=class="hint">)\w{10}(?=, made)'),
    "SESSION": re.compile(r'(?<=name="session" value=")\w{12}|(?<=End session )\w{12}'),
    "IDENTITY": re.compile(r'(?<=name="identity" value=")\w{20}'),
    "TICKET": re.compile(r"(?<=ticket=)[\w-]+"),
    "ACCOUNT": re.compile(r'(?<=name="account" value=")\w{10}'),
    "INVITATION": re.compile(r'(?<=name="invitation" value=")[0-9a-f]{20}'),
    "CHALLENGE": re.compile(r"(?<=ballroom-verification=)\w{32}"),
    "REQUEST": re.compile(r"(?<=<code>)[0-9a-f]{16}(?=</code>)"),
    "CODE": re.compile(
        r"[B-Z]{4}-[B-Z]{4}(?=[<\"])|(?:(?<=/invitations#)|(?<=name=\"code\" value=\"))\w{32}"
    ),
}

_DIGEST_OF_FILE = re.compile(r"(?<=[?/.])[0-9a-f]{8,64}(?=[.\"/])")


SIDE_NAVIGATION = re.compile(r'<nav class="places".*?</nav>\n', re.DOTALL)


class Frame(Html):
    """Keeps what is no page by itself apart from the pages."""

    file_extension = "frame"


@pytest.fixture
def frame(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Frame)


@pytest.fixture
async def ann(world: World) -> Browser:
    return await signed_in(world, world.people.ann)


def shown(browser: Browser) -> str:
    """Return what is particular to a page, without what is new each time."""
    [main] = re.findall(r"<main.*</main>\n", browser.page.text, re.DOTALL)
    for name, pattern in CHANGING.items():
        main = pattern.sub(name, main)
    return main


def frame_of(browser: Browser) -> str:
    """Return what surrounds the main part of a page, without what is new each time."""
    frame = re.sub(r"<main.*</main>\n", "<main></main>\n", browser.page.text, flags=re.DOTALL)
    for name, pattern in {**CHANGING, "DIGEST": _DIGEST_OF_FILE}.items():
        frame = pattern.sub(name, frame)
    return frame


async def test_the_frame_of_every_page(ann: Browser, frame: SnapshotAssertion) -> None:
    await ann.open("/account")
    assert frame_of(ann) == frame


ACME = "/account/organizations/acme"
OPENED = {
    "overview": ("ann", "/account"),
    "organizations": ("ann", "/account/organizations"),
    "no_organizations": ("admin", "/account/organizations"),  # Who belongs nowhere.
    "organization_to_a_member": ("mia", ACME),
    "no_security_events": ("ann", "/account/security?before=1"),
    "code_to_enter": ("ann", "/device"),
    "no_identities": ("ann", "/account/identities"),
}


@pytest.mark.parametrize("name", OPENED)
async def test_a_page(world: World, page: SnapshotAssertion, name: str) -> None:
    who, path = OPENED[name]
    browser = await signed_in(world, getattr(world.people, who), path)
    assert shown(browser) == page


TOKENS = "/account/tokens"
ORGS = "/account/organizations"
REFUSED = {"name": '<b>"bold"', "scope": ["push-new", "manage"], "days": "1000"}
INVITED = {"role": "maintainer", "email": 'no "address"', "label": "<kim>"}
SENT: dict[str, tuple[str, str, dict[str, str | list[str]]]] = {
    "token_that_is_refused": (TOKENS, TOKENS, {**REFUSED}),
    "token_that_is_made": (TOKENS, TOKENS, {"name": "nightly build", "scope": ["read"]}),
    "organization_that_is_refused": (ORGS, ORGS, {"name": "other"}),
    "invitation_that_is_refused": (ACME, f"{ACME}/invite", {**INVITED}),
    "end_that_is_refused": ("/account/data", "/account/delete", {"name": "anne"}),
}


@pytest.mark.parametrize("name", SENT)
async def test_an_answer_to_a_form(ann: Browser, page: SnapshotAssertion, name: str) -> None:
    path, form, fields = SENT[name]
    await ann.open(path)
    await ann.submit(form, **fields)
    assert shown(ann) == page


async def test_an_overview_of_somebody_who_belongs_nowhere(
    world: World, admin: Browser, page: SnapshotAssertion
) -> None:
    for used in await world.registry.tokens.records.of(world.people.admin.account.id):
        await admin.open(f"/account/tokens/revoke?token={used.token.id}")
        await admin.submit("/account/tokens/revoke")
    await admin.open("/account")
    assert shown(admin) == page


async def test_tokens(world: World, ann: Browser, page: SnapshotAssertion) -> None:
    await token_of(world.registry, world.people.ann.account, "read", org="acme", package="http*")
    await ann.open("/account/tokens")
    assert shown(ann) == page


async def test_no_tokens(world: World, ann: Browser, page: SnapshotAssertion) -> None:
    [used] = await world.registry.tokens.records.of(world.people.ann.account.id)
    await ann.open(f"/account/tokens/revoke?token={used.token.id}")
    await ann.submit("/account/tokens/revoke")
    assert shown(ann) == page


async def test_an_organization_to_its_owner(
    world: World, ann: Browser, page: SnapshotAssertion
) -> None:
    memberships = world.registry.organizations.memberships
    mia = world.people.mia.account
    by = world.fresh(world.people.ann)
    await memberships.set_member(parse_org("acme"), mia, Role.OWNER, by=by)
    await ann.open(f"{ACME}/settings")
    await ann.submit(f"{ACME}/describe", display_name="Acme <Corp>", description="Makes & sells.")
    await ann.open(ACME)
    await ann.submit(f"{ACME}/invite", role="member", email="", label="for kim")
    assert shown(ann) == page


async def test_an_organization_that_is_being_deleted(
    world: World, ann: Browser, page: SnapshotAssertion
) -> None:
    by = world.fresh(world.people.ann)
    await world.registry.organizations.deletion.delete(parse_org("acme"), by=by)
    await ann.open(ACME)
    assert shown(ann) == page


async def test_an_invitation(world: World, page: SnapshotAssertion) -> None:
    offer = InvitationRequest.parse(Role.MAINTAINER, None, "bob")
    invited = await world.registry.organizations.invitations.invite(
        parse_org("acme"), offer, by=OPERATOR
    )
    assert invited.link
    bob = await signed_in(
        world,
        world.people.bob,
        invited.link.reveal().removeprefix(world.registry.settings.base_url),
    )
    assert shown(bob) == page


async def test_the_field_for_the_code_of_an_invitation(
    world: World, page: SnapshotAssertion
) -> None:
    stranger = Browser(world)
    await stranger.open("/account/invitations")
    assert shown(stranger) == page


async def test_a_code_that_is_refused(world: World, page: SnapshotAssertion) -> None:
    stranger = Browser(world)
    await stranger.open("/account/invitations#guess")
    assert shown(stranger) == page


async def test_a_sign_in_link(world: World, page: SnapshotAssertion) -> None:
    stranger = Browser(world)
    await stranger.open("/sign-in/link")
    assert shown(stranger) == page


async def test_whom_a_sign_in_link_signs_in(world: World, page: SnapshotAssertion) -> None:
    stranger = Browser(world)
    link = await world.registry.identity.sign_in_links.create(world.people.bob.account.id)
    await stranger.open(link.reveal().removeprefix(URL))
    assert shown(stranger) == page


async def test_security_events(ann: Browser, page: SnapshotAssertion) -> None:
    await ann.open("/account/tokens")
    await ann.submit("/account/tokens", name="nightly build", scope=["read"])
    await ann.open("/account/security")
    assert shown(ann) == page


async def test_a_machine_to_approve(world: World, ann: Browser, page: SnapshotAssertion) -> None:
    codes = await ask(world)
    await ann.open("/device")
    await ann.submit("/device", code=codes["user_code"])
    assert shown(ann) == page


async def test_a_machine_that_is_approved(
    world: World, ann: Browser, page: SnapshotAssertion
) -> None:
    codes = await ask(world)
    await decide(ann, codes, "approve")
    assert shown(ann) == page


async def test_a_form_from_elsewhere(ann: Browser, page: SnapshotAssertion) -> None:
    await ann.post("/device", csrf=[], code="BCDF-GHJK", decision="approve")
    assert shown(ann) == page


async def test_signing_in(world: World, page: SnapshotAssertion) -> None:
    stranger = Browser(world)
    await stranger.open("/account")
    assert shown(stranger) == page


async def test_sessions(world: World, page: SnapshotAssertion) -> None:
    await signed_in(world, world.people.ann, agent="")
    ann = await signed_in(world, world.people.ann, "/account/sessions", agent="")
    assert shown(ann) == page


async def test_identities(worlds: OpenWorld, page: SnapshotAssertion) -> None:
    browser = await (await open_sign_in(worlds)).signed_in("oidc")
    kim = Browser(browser.world, cookies=browser.cookies)
    await kim.open("/account/identities")
    assert shown(kim) == page


async def test_actions_that_take_a_fresh_sign_in(
    world: World, ann: Browser, page: SnapshotAssertion
) -> None:
    world.clock.advance(timedelta(minutes=11))
    await ann.open("/account/tokens")
    await ann.post("/account/tokens", name="admin's own", scope=["manage"])
    assert shown(ann) == page

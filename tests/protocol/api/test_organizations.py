"""/api/v1/orgs over HTTP."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from shared.domain.memberships import OWNER_CHANGE_DELAY
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from tests.support.browsers import signed_in as browser_of
from tests.support.world import URL, Person, World, limited

pytestmark = pytest.mark.measured

ORGS = f"{URL}/api/v1/orgs"
AGAIN = (403, "sign-in-again")
ACME = parse_org("acme")

NOBODYS = "0000000000"  # An id that nothing has.


async def call(
    world: World, method: str, url: str, body: object = None, *, by: Person | None = None
) -> httpx.Response:
    """Send a request of the API."""
    return await world.send(method, url, by=by, json=body)


async def fetched(world: World, url: str, by: Person | None = None) -> Any:
    """Return what the API shows."""
    answer = await call(world, "GET", url, by=by)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


# --- organizations -----------------------------------------------------------------------------


async def test_people_create_organizations_of_their_own(world: World) -> None:
    bob = world.people.bob
    body = {"name": "Bobs", "displayName": "Bob's", "description": "Tools."}
    answer = await call(world, "POST", ORGS, body, by=bob)
    assert answer.status_code == 201
    assert answer.json() == {
        "name": "Bobs",
        "displayName": "Bob's",
        "description": "Tools.",
        "defaultVisibility": "public",
        "requiresProvenance": "none",
        "createdAt": "2026-09-21T14:13:20Z",
        "deletingAt": None,
        "continuedAs": "",
        "links": [],
    }
    assert await fetched(world, f"{ORGS}/bobs") == answer.json()
    assert await fetched(world, ORGS, bob) == {
        "organizations": [
            {"name": "Bobs", "displayName": "Bob's", "role": "owner"},
            {"name": "other", "displayName": "", "role": "owner"},
        ]
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("acme", (409, "organization-exists")),
        ("ACME", (409, "organization-exists")),
        ("acrne", (409, "looks-alike")),
        ("ballerina_http", (403, "name-reserved")),
        ("ba11erina", (403, "name-reserved")),
        ("no-name", (400, "invalid-name")),
        ("", (400, "invalid-name")),
    ],
)
async def test_a_name_that_is_taken_is_refused(
    world: World, name: str, expected: tuple[int, str]
) -> None:
    answer = await call(world, "POST", ORGS, {"name": name}, by=world.people.bob)
    assert refusal(answer) == expected


async def test_the_operator_can_limit_creation_and_names_to_administrators(worlds: Any) -> None:
    world = await worlds(founding="administrators")
    body = {"name": "bobs"}
    assert refusal(await call(world, "POST", ORGS, body, by=world.people.bob))[0] == 403
    assert (await call(world, "POST", ORGS, body, by=world.people.admin)).status_code == 201
    world = await worlds(reserved_names="wso2*")
    answer = await call(world, "POST", ORGS, {"name": "ws02"}, by=world.people.bob)
    assert refusal(answer) == (403, "name-reserved")


async def test_an_owner_changes_what_an_organization_says_and_never_its_name(world: World) -> None:
    ann = world.people.ann
    url = f"{ORGS}/acme"
    answer = await call(world, "PATCH", url, {"displayName": "Acme Corp"}, by=ann)
    assert answer.json()["displayName"] == "Acme Corp"
    answer = await call(world, "PATCH", url, {"name": "other"}, by=ann)
    assert refusal(answer) == (400, "invalid-request")


async def test_a_deletion_is_shown_until_it_is_undone(world: World) -> None:
    url = f"{ORGS}/acme"
    fresh = world.fresh(world.people.ann)
    await world.registry.organizations.deletion.delete(ACME, by=fresh)
    assert (await fetched(world, url))["deletingAt"] == "2026-09-23T14:13:20Z"
    await world.registry.organizations.deletion.cancel(ACME, by=fresh)
    assert (await fetched(world, url))["deletingAt"] is None


# --- members -----------------------------------------------------------------------------------


async def test_members_see_each_other(world: World) -> None:
    ann = world.people.ann
    mia = world.people.mia
    listed = await fetched(world, f"{ORGS}/acme/members", mia)
    joined = {"since": "2026-09-21T14:13:20Z", "pending": None, "roleByGroups": None, "groups": []}
    owner = {"role": "owner", "roleByHand": "owner"}
    member = {"role": "member", "roleByHand": "member"}
    assert listed == {
        "members": [
            {"id": ann.account.id, "name": "ann", **owner, **joined},
            {"id": mia.account.id, "name": "mia", **member, **joined},
        ]
    }


async def test_an_owner_changes_and_takes_out_members(world: World) -> None:
    ann = world.people.ann
    mia = world.people.mia
    by_name = await call(world, "DELETE", f"{ORGS}/acme/members/mia", by=ann)
    assert refusal(by_name) == (404, "member-not-found")
    url = f"{ORGS}/acme/members/{mia.account.id}"
    assert refusal(await call(world, "PUT", url, {"role": "maintainer"}, by=ann)) == AGAIN
    browser = await browser_of(world, ann)
    answer = await browser.api("PUT", url.removeprefix(URL), {"role": "maintainer"})
    assert answer.status_code == 204
    listed = await fetched(world, f"{ORGS}/acme/members", ann)
    assert [each["role"] for each in listed["members"]] == ["owner", "maintainer"]
    assert (await call(world, "DELETE", url, by=ann)).status_code == 204
    assert (await call(world, "GET", f"{ORGS}/acme/members", by=mia)).status_code == 404
    assert refusal(await call(world, "DELETE", url, by=ann)) == (404, "member-not-found")


async def test_an_account_that_is_not_a_member_is_not_found(world: World) -> None:
    ann = world.people.ann
    bob = world.people.bob.account.id
    answers = [
        await call(world, "PUT", f"{ORGS}/acme/members/{name}", {"role": "member"}, by=ann)
        for name in (bob, NOBODYS)
    ]
    assert {refusal(each) for each in answers} == {(404, "member-not-found")}
    assert answers[0].text.replace(bob, NOBODYS) == answers[1].text


async def test_a_member_leaves(world: World) -> None:
    mia = world.people.mia
    url = world.with_ids(f"{ORGS}/acme/members/ID-OF-mia")
    reader = await limited(world, mia, "read")
    assert refusal(await call(world, "DELETE", url, by=reader)) == (403, "not-permitted")
    assert (await call(world, "DELETE", url, by=mia)).status_code == 204
    assert (await fetched(world, ORGS, mia)) == {"organizations": []}


async def test_a_pending_change_is_listed_and_undone(world: World) -> None:
    ann = world.people.ann
    mia = world.people.mia
    fresh = world.fresh(ann)
    memberships = world.registry.organizations.memberships
    await memberships.set_member(ACME, mia.account, Role.OWNER, by=fresh)
    [_, waiting] = (await fetched(world, f"{ORGS}/acme/members", mia))["members"]
    assert waiting["name"] == "mia"
    assert waiting["pending"] == {
        "role": "owner",
        "at": "2026-09-23T14:13:20Z",
        "by": ann.account.id,
        "onHold": False,
    }
    url = world.with_ids(f"{ORGS}/acme/pending/ID-OF-mia")
    assert refusal(await call(world, "DELETE", url, by=ann)) == (403, "sign-in-again")
    await memberships.cancel_change(ACME, mia.account, by=fresh)
    world.clock.advance(OWNER_CHANGE_DELAY)
    listed = await fetched(world, f"{ORGS}/acme/members", mia)
    assert [each["role"] for each in listed["members"]] == ["owner", "member"]


async def test_of_two_owners_who_leave_at_once_the_last_one_stays(world: World) -> None:
    bob = world.people.bob
    memberships = world.registry.organizations.memberships
    await memberships.set_member(
        ACME, bob.account, Role.OWNER, by=OPERATOR, reason="It was decided."
    )
    owners = [world.people.ann, bob]
    browsers = [await browser_of(world, each) for each in owners]
    paths = [f"/api/v1/orgs/acme/members/{each.account.id}" for each in owners]
    answers = await asyncio.gather(
        *(browser.api("DELETE", path) for browser, path in zip(browsers, paths, strict=True))
    )
    left, stayed = sorted(answers, key=lambda answer: answer.status_code)
    assert (left.status_code, stayed.status_code) == (204, 409)
    name = owners[answers.index(stayed)].account.name
    assert stayed.json()["error"]["message"] == (
        f"{name} is the only owner of acme, and an organization keeps at least one. Make another "
        "member owner first."
    )


async def test_whoami_shows_a_role_as_it_counts_now(world: World) -> None:
    ann = world.people.ann
    mia = world.people.mia
    memberships = world.registry.organizations.memberships
    await memberships.set_member(ACME, mia.account, Role.OWNER, by=world.fresh(ann))
    for role in ("member", "owner"):
        shown = await fetched(world, f"{URL}/api/v1/whoami", mia)
        assert shown["organizations"] == [{"org": "acme", "role": role}]
        world.clock.advance(OWNER_CHANGE_DELAY)


# --- invitations -------------------------------------------------------------------------------


async def invited(world: World, **body: object) -> Any:
    """Return what Ann reads when she invites somebody."""
    url = f"{ORGS}/acme/invitations"
    answer = await call(world, "POST", url, {"role": "member", **body}, by=world.people.ann)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_an_account_that_follows_the_link_becomes_a_member(world: World) -> None:
    sent = await invited(world, label="for bob")
    browser = await browser_of(world, world.people.bob)
    await browser.open(sent["link"])
    await browser.submit(sent["link"], decision="accept")
    assert "Invitation accepted" in browser.page.text
    assert len((await fetched(world, f"{ORGS}/acme/members", world.people.bob))["members"]) == 3
    assert (await browser.open(sent["link"])).status_code == 404


async def test_an_invitation_by_mail_shows_the_code_in_the_mail_only(world: World) -> None:
    sent = await invited(world, email="bob@example.org")
    assert sent["mailed"] is True
    assert sent["link"] is None
    assert sent["invitation"]["label"] == "b\N{HORIZONTAL ELLIPSIS}@example.org"
    [mail] = world.mailer.to("bob@example.org")
    [link] = re.findall(r"https:\S+/account/invitations#\w+", mail.text)
    browser = await browser_of(world, world.people.bob)
    await browser.open(link)
    await browser.submit(link, decision="decline")
    listed = await fetched(world, f"{ORGS}/acme/invitations", world.people.ann)
    assert listed == {"invitations": []}


async def test_an_owner_lists_and_withdraws_invitations(world: World) -> None:
    ann = world.people.ann
    url = f"{ORGS}/acme/invitations"
    sent = await invited(world)
    assert await fetched(world, url, ann) == {"invitations": [sent["invitation"]]}
    path = f"{url}/{sent['invitation']['id']}"
    assert (await call(world, "DELETE", path, by=ann)).status_code == 204
    assert refusal(await call(world, "DELETE", path, by=ann)) == (404, "invitation-not-found")


@pytest.mark.parametrize(
    "body", [{}, {"role": "member", "email": "nobody"}, {"role": "member", "label": "x" * 81}]
)
async def test_an_invitation_says_what_it_may_and_no_more(
    world: World, body: dict[str, str]
) -> None:
    url = f"{ORGS}/acme/invitations"
    answer = await call(world, "POST", url, body, by=world.people.ann)
    assert refusal(answer) == (400, "invalid-request")

"""What an account made for organizations stops with it, and whoever confirms it is its maker."""

import re
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.accounts import Account
from shared.domain.errors.identity import Untrusted
from shared.domain.events import org_stream
from shared.domain.names import OrgName, parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.trusted_publishing.jobs import Provider
from shared.services.organizations.invitations import InvitationRequest
from shared.services.organizations.memberships import MadeItems
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.receivers import Receiver
from tests.support.trusted_publishing import TrustedPublishingWorld, trusting
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

WITHIN = timedelta(seconds=5)
ACME = parse_org("acme")
API = "/api/v1/orgs/acme"
WHOAMI = f"{URL}/api/v1/whoami"
UNKNOWN = "The access token is not valid: it was revoked, has expired, or is not a token"


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry where acme has a second owner, Bob, and everybody reads mail."""
    world = await worlds(inside_hosts="127.0.0.1")
    bob = world.people.bob.account
    await world.registry.organizations.memberships.set_member(
        ACME, bob, Role.OWNER, by=OPERATOR, reason="A test."
    )
    await with_mail(world)
    return world


async def with_mail(world: World) -> None:
    for name, person in vars(world.people).items():
        stored = await world.stores.directory.get(Account, person.account.place)
        assert stored
        email = f"{name}@example.org"
        await world.stores.directory.replace(stored.model_copy(update={"email": email}))


async def robot(world: World, maker: Person | None = None) -> Person:
    """Return something with a token of acme that Ann made, or the operator."""
    by = world.fresh(maker) if maker else OPERATOR
    wanted = TokenRequest.parse("ci", ["read", "push-new"], org="acme", package="*", days=30)
    tokens = world.registry.tokens.access_tokens
    issued = await tokens.issue(OfOrganization(ACME), wanted, by=by)
    return Person(Account(id=issued.token.id, name="ci", created_ms=0), issued.text.reveal())


async def status(world: World, person: Person) -> int:
    return (await world.get(WHOAMI, by=person)).status_code


async def lock(world: World, person: Person) -> None:
    account = person.account
    await world.registry.administration.accounts.lock(account, "It was stolen.", by=OPERATOR)
    world.clock.advance(WITHIN)


async def unlock(world: World, person: Person) -> None:
    await world.registry.administration.accounts.unlock(person.account, by=OPERATOR)
    world.clock.advance(WITHIN)


async def asked(world: World, person: Person, method: str, path: str, body: object = None) -> Any:
    """Ask the API as somebody who has just signed in; return what it answers."""
    answer = await (await signed_in(world, person)).api(method, path, body)
    assert answer.status_code in (200, 201, 204), answer.text
    return answer.json() if answer.content else None


# --- tokens ------------------------------------------------------------------------------------


async def test_a_token_of_an_organization_is_refused_while_its_maker_is_locked(
    world: World,
) -> None:
    ann = world.people.ann
    token = await robot(world, ann)
    assert await status(world, token) == 200
    await lock(world, ann)
    answer = await world.get(WHOAMI, by=token)
    assert (answer.status_code, UNKNOWN in answer.text) == (401, True)
    assert "ann" not in answer.text
    await unlock(world, ann)
    assert await status(world, token) == 200


async def test_an_owner_who_confirms_a_token_is_its_maker_and_builds_go_on(world: World) -> None:
    ann = world.people.ann
    bob = world.people.bob
    token = await robot(world, ann)
    await lock(world, ann)
    path = f"{API}/tokens/{token.account.id}"
    shown = await asked(world, bob, "GET", path)
    assert (shown["madeBy"], shown["stopped"]) == ("ann", "locked")
    confirmed = await asked(world, bob, "POST", f"{path}/confirm")
    assert (confirmed["madeBy"], confirmed["stopped"]) == ("bob", None)
    world.clock.advance(WITHIN)
    await world.push(bala("acme/greet:1.0.0"), by=token)
    await asked(world, bob, "POST", f"{path}/confirm")
    kinds = [each.kind for _, each in await world.stores.events.stream(org_stream("acme"), None, 9)]
    assert kinds.count("token.confirmed") == 1


async def test_an_owner_who_rotates_a_token_is_its_maker(world: World) -> None:
    ann = world.people.ann
    bob = world.people.bob
    token = await robot(world, ann)
    await lock(world, ann)
    rotated = await asked(world, bob, "POST", f"{API}/tokens/{token.account.id}/rotate")
    assert rotated["token"]["madeBy"] == "bob"
    assert await status(world, Person(token.account, rotated["text"])) == 200


async def test_an_administrator_confirms_where_the_locked_person_is_the_only_owner(
    worlds: OpenWorld,
) -> None:
    world = await worlds()
    ann = world.people.ann
    admin = world.people.admin
    token = await robot(world, ann)
    await lock(world, ann)
    await asked(world, admin, "POST", f"{API}/tokens/{token.account.id}/confirm")
    world.clock.advance(WITHIN)
    assert await status(world, token) == 200


async def test_what_nobody_but_an_owner_made_confirms_nobody_else(world: World) -> None:
    token = await robot(world, world.people.ann)
    mia = await signed_in(world, world.people.mia)
    answer = await mia.api("POST", f"{API}/tokens/{token.account.id}/confirm")
    assert answer.status_code == 403


async def test_what_the_operator_made_stops_with_nobody(world: World) -> None:
    token = await robot(world)
    await lock(world, world.people.ann)
    assert await status(world, token) == 200
    listed = await asked(world, world.people.bob, "GET", f"{API}/tokens")
    assert [each["madeBy"] for each in listed["tokens"]] == ["the operator"]


async def test_a_token_stops_when_its_maker_deletes_the_account(world: World) -> None:
    ann = world.people.ann
    token = await robot(world, ann)
    await world.registry.administration.account_deletion.delete(by=world.fresh(ann))
    world.clock.advance(WITHIN)
    assert await status(world, token) == 401
    [shown] = (await asked(world, world.people.bob, "GET", f"{API}/tokens"))["tokens"]
    assert (shown["madeBy"], shown["stopped"]) == (ann.account.id, "deleted")


# --- removal and demotion ----------------------------------------------------------------------


@pytest.mark.parametrize("role", [None, "maintainer"])
@pytest.mark.parametrize("keep", [False, True])
async def test_who_is_no_owner_any_more_stops_what_they_made_unless_it_is_kept(
    world: World, role: str | None, keep: bool
) -> None:
    ann = world.people.ann
    admin = world.people.admin
    token = await robot(world, ann)
    path = f"{API}/members/{ann.account.id}"
    if role is None:
        await asked(world, admin, "DELETE", path, {"keep": keep, "reason": "A test."})
    else:
        await asked(world, admin, "PUT", path, {"role": role, "keep": keep, "reason": "A test."})
    world.clock.advance(WITHIN)
    assert await status(world, token) == (200 if keep else 401)
    [shown] = (await asked(world, admin, "GET", f"{API}/tokens"))["tokens"]
    expected = ("admin", None) if keep else ("ann", "removed")
    assert (shown["madeBy"], shown["stopped"]) == expected
    told = [each for each in world.mailer.to("bob@example.org") if "what ann made" in each.subject]
    assert len(told) == (not keep)


async def test_a_removal_that_waits_stops_what_was_made_when_it_takes_effect(world: World) -> None:
    ann = world.people.ann
    bob = world.people.bob
    token = await robot(world, ann)
    await asked(world, bob, "DELETE", f"{API}/members/{ann.account.id}")
    later = await robot(world, ann)
    assert await status(world, token) == 200
    world.clock.advance(timedelta(hours=48) + WITHIN)
    assert [await status(world, each) for each in (token, later)] == [401, 401]


async def test_a_page_removes_a_member_and_keeps_what_they_made(world: World) -> None:
    ann = world.people.ann
    bob = world.people.bob
    token = await robot(world, ann)
    browser = await signed_in(world, bob)
    page = await browser.open("/account/organizations/acme")
    assert "Remove and keep" in page.text
    fields = {"account": ann.account.id, "keep": "yes"}
    await browser.submit("/account/organizations/acme/remove", **fields)
    world.clock.advance(timedelta(hours=48) + WITHIN)
    assert await status(world, token) == 200


# --- trusted publishers ------------------------------------------------------------------------


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    return await trusting(worlds)


async def test_jobs_of_a_publisher_publish_nothing_while_its_maker_is_locked(
    trust: TrustedPublishingWorld,
) -> None:
    world = trust.world
    ann = trust.world.people.ann
    made = await trust.add()
    job = await trust.job()
    await lock(world, ann)
    assert await status(world, job) == 401
    with pytest.raises(Untrusted, match="acme/greet is paused") as refused:
        await trust.exchange(trust.ci.token(Provider.GITHUB), org=ACME)
    assert refused.value.code == "publisher-paused"
    [noted, *_] = await trust.log()
    assert (noted.kind, noted.details["publisher"]) == ("publisher.refused", made.id)
    path = f"{API}/publishers"
    [listed] = (await asked(world, world.people.admin, "GET", path))["publishers"]
    assert (listed["madeBy"], listed["stopped"]) == ("ann", "locked")
    await asked(world, world.people.admin, "POST", f"{path}/{made.id}/confirm")
    await world.push(bala("acme/greet:1.0.0"), by=await trust.job())


async def test_a_token_of_a_job_ends_with_any_maker_of_its_publishers(
    trust: TrustedPublishingWorld,
) -> None:
    world = trust.world
    bob = trust.world.people.bob
    await world.registry.organizations.memberships.set_member(
        ACME, bob.account, Role.OWNER, by=OPERATOR, reason="A test."
    )
    await trust.add("acme/greet")
    await trust.add("acme/other", by=trust.person(bob))
    job = await trust.job()
    await lock(world, bob)
    assert await status(world, job) == 401
    await world.push(bala("acme/greet:1.0.0"), by=await trust.job())  # Of the other publisher.


# --- webhooks ----------------------------------------------------------------------------------


async def deliver(world: World) -> None:
    assert await world.registry.maintenance.task_runner.run("deliver-webhooks")


async def test_a_webhook_sends_nothing_while_its_maker_is_locked_and_all_of_it_when_confirmed(
    world: World, receiver: Receiver
) -> None:
    ann = world.people.ann
    bob = world.people.bob
    body = {"url": receiver.url, "events": ["release"]}
    added = await asked(world, ann, "POST", f"{API}/webhooks", body)
    assert (added["madeBy"], added["stopped"]) == ("ann", None)
    await lock(world, ann)
    await world.push(bala("acme/greet:1.0.0"), by=bob)
    await deliver(world)
    assert receiver.received == []
    path = f"/account/organizations/acme/webhooks/{added['id']}"
    page = (await (await signed_in(world, bob)).open(path)).text
    assert "Paused since" in page
    assert "its maker is locked" in page
    shown = await asked(world, bob, "GET", f"{API}/webhooks/{added['id']}")
    assert shown["pausedAt"]
    await asked(world, bob, "POST", f"{API}/webhooks/{added['id']}/confirm")
    await deliver(world)
    assert [each.data["kind"] for each in receiver.received] == ["release.published"]
    shown = await asked(world, bob, "GET", f"{API}/webhooks/{added['id']}")
    assert (shown["webhook"]["madeBy"], shown["pausedAt"]) == ("bob", None)


async def test_a_webhook_of_the_registry_stops_with_an_administrator_who_is_none_any_more(
    world: World, receiver: Receiver
) -> None:
    registry = world.registry
    ann = world.people.ann
    await registry.administration.administrators.appoint(ann.account, by=OPERATOR)
    body = {"url": receiver.url, "events": ["release"]}
    added = await asked(world, ann, "POST", "/api/v1/webhooks", body)
    await registry.administration.administrators.dismiss(ann.account, "A test.", by=OPERATOR)
    await world.push(bala("acme/greet:1.0.0"))
    await deliver(world)
    assert receiver.received == []
    await asked(world, world.people.admin, "POST", f"/api/v1/webhooks/{added['id']}/confirm")
    await deliver(world)
    assert len(receiver.received) == 1


# --- invitations and changes of owners ---------------------------------------------------------


async def invite(world: World, by: Person) -> str:
    """Invite somebody to acme; return the link."""
    request = InvitationRequest.parse(Role.MEMBER, None, "somebody")
    invited = await world.registry.organizations.invitations.invite(
        ACME, request, by=world.fresh(by)
    )
    assert invited.link
    return invited.link.reveal()


async def pending(world: World) -> list[dict[str, Any]]:
    return (await asked(world, world.people.admin, "GET", f"{API}/invitations"))["invitations"]


async def test_an_invitation_whose_maker_was_removed_is_not_listed_as_open(world: World) -> None:
    await invite(world, world.people.ann)
    assert len(await pending(world)) == 1
    memberships = world.registry.organizations.memberships
    await memberships.remove_member(ACME, world.people.ann.account, by=OPERATOR, reason="A test.")
    assert await pending(world) == []
    page = await (await signed_in(world, world.people.bob)).open("/account/organizations/acme")
    assert "Pending invitations" not in page.text


async def test_an_invitation_is_neither_listed_nor_accepted_while_its_maker_is_locked(
    world: World,
) -> None:
    link = await invite(world, world.people.ann)
    await lock(world, world.people.ann)
    assert await pending(world) == []
    mia = await signed_in(world, world.people.mia)
    assert (await mia.open(link.removeprefix(URL))).status_code == 404
    await unlock(world, world.people.ann)
    assert len(await pending(world)) == 1


async def test_an_invitation_that_is_kept_is_one_of_whoever_keeps_it(world: World) -> None:
    await invite(world, world.people.ann)
    memberships = world.registry.organizations.memberships
    by = world.fresh(world.people.admin)
    account = world.people.ann.account
    await memberships.remove_member(
        ACME, account, by=by, made=MadeItems.TAKEN_OVER, reason="A test."
    )
    [kept] = await pending(world)
    assert kept["by"] == world.people.admin.account.id


async def role_of(world: World, person: Person, org: OrgName = ACME) -> Role | None:
    access = await world.stores.directory.access_context(
        person.account.id, org, world.clock.now_ms()
    )
    return access.role


async def test_a_change_of_owners_waits_while_who_decided_it_is_locked(world: World) -> None:
    ann = world.people.ann
    bob = world.people.bob
    await asked(world, ann, "DELETE", f"{API}/members/{bob.account.id}")
    await lock(world, ann)
    world.clock.advance(timedelta(hours=50))
    assert await role_of(world, bob) is Role.OWNER
    [member] = [
        each
        for each in (await asked(world, bob, "GET", f"{API}/members"))["members"]
        if each["name"] == "bob"
    ]
    assert member["pending"]["onHold"] is True
    page = await (await signed_in(world, bob)).open("/account/organizations/acme")
    assert "It is on hold" in page.text
    await unlock(world, ann)
    world.clock.advance(timedelta(hours=47))
    assert await role_of(world, bob) is Role.OWNER
    world.clock.advance(timedelta(hours=2))
    assert await role_of(world, bob) is None


async def test_a_change_of_owners_ends_with_the_removal_of_who_decided_it(world: World) -> None:
    ann = world.people.ann
    bob = world.people.bob
    await asked(world, ann, "DELETE", f"{API}/members/{bob.account.id}")
    memberships = world.registry.organizations.memberships
    await memberships.set_member(
        ACME, world.people.admin.account, Role.OWNER, by=OPERATOR, reason="A test."
    )
    await memberships.remove_member(ACME, ann.account, by=OPERATOR, reason="A test.")
    world.clock.advance(timedelta(hours=50))
    assert await role_of(world, bob) is Role.OWNER


# --- mail and lists ----------------------------------------------------------------------------


async def test_owners_get_mail_that_names_what_stops(world: World, receiver: Receiver) -> None:
    ann = world.people.ann
    token = await robot(world, ann)
    await asked(world, ann, "POST", f"{API}/webhooks", {"url": receiver.url, "events": ["member"]})
    await invite(world, ann)
    await asked(world, ann, "DELETE", f"{API}/members/{world.people.bob.account.id}")
    await lock(world, ann)
    [mail] = [each for each in world.mailer.to("bob@example.org") if "stops" in each.subject]
    assert mail.subject == "acme: what ann made stops"
    assert f"the token ci ({token.account.id}) of acme" in mail.text
    assert re.search(r"the webhook \w+ of acme to 127\.0\.0\.1", mail.text)
    assert "the invitation of somebody to acme as member" in mail.text
    assert "the pending change by which bob is removed in acme" in mail.text
    assert f"{URL}/account/organizations/acme" in mail.text
    assert not [each for each in world.mailer.to("ann@example.org") if "stops" in each.subject]


async def test_administrators_get_the_mail_where_nobody_else_owns_the_organization(
    worlds: OpenWorld,
) -> None:
    world = await worlds()
    await with_mail(world)
    await robot(world, world.people.ann)
    await lock(world, world.people.ann)
    assert [each.subject for each in world.mailer.to("admin@example.org")] == [
        "acme: what ann made stops"
    ]


async def test_the_page_of_a_locked_account_lists_what_stops_with_it(world: World) -> None:
    ann = world.people.ann
    token = await robot(world, ann)
    browser = await signed_in(world, world.people.admin)
    path = f"/manage/accounts/{ann.account.id}"
    await browser.open(path)
    await browser.submit(f"{path}/lock", reason="It was stolen.")
    page = browser.page
    assert "The following stops with the account" in page.text
    assert f"the token ci ({token.account.id}) of acme" in page.text


async def test_pages_show_who_made_what(world: World) -> None:
    token = await robot(world, world.people.ann)
    await lock(world, world.people.ann)
    browser = await signed_in(world, world.people.bob)
    page = await browser.open("/account/organizations/acme/tokens")
    assert "made by ann" in page.text
    assert "Because its maker is locked." in page.text
    await browser.open(f"/account/organizations/acme/tokens/confirm?token={token.account.id}")
    await browser.submit("/account/organizations/acme/tokens/confirm", token=token.account.id)
    page = browser.page
    assert "Token confirmed." in page.text
    world.clock.advance(WITHIN)
    assert await status(world, token) == 200

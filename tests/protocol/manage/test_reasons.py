"""An administrator who takes something from somebody says why, and those concerned read it."""

from collections.abc import Awaitable, Callable

import pytest

from shared.domain.coordinates import Package
from shared.domain.errors.base import Refusal
from shared.domain.event_queries import EventQuery
from shared.domain.mail import parse_email
from shared.domain.names import parse_org
from shared.domain.packages import Pushers
from shared.domain.principals import OPERATOR, Principal
from shared.domain.scopes import Role
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.versions import Version
from shared.domain.visibility import Visibility
from shared.domain.webhooks import Topic
from shared.services.organizations.invitations import InvitationRequest
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from shared.services.tokens.trusted_publishers import PublisherRequest
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
GREET = Package.parse("acme", "greet")
REASON = "A court ordered it."
CI = OfOrganization(ACME)

Act = Callable[[World, Principal, str], Awaitable[object]]


async def addressed(world: World, *names: str) -> None:
    """Give accounts mail addresses."""
    for name in names:
        accounts = world.registry.identity.accounts
        account = await accounts.by_id(getattr(world.people, name).account.id)
        address = parse_email(f"{name}@example.org")
        directory = accounts.directory
        await directory.replace(account.model_copy(update={"email": address}))


async def remove_a_member(world: World, by: Principal, reason: str) -> None:
    mia = await world.registry.identity.accounts.by_id(world.people.mia.account.id)
    await world.registry.organizations.memberships.remove_member(ACME, mia, by=by, reason=reason)


async def appoint_another_owner(world: World, by: Principal, reason: str) -> None:
    memberships = world.registry.organizations.memberships
    mia = world.people.mia.account
    await memberships.set_member(ACME, mia, Role.OWNER, by=by, reason=reason)


async def cancel_a_change(world: World, by: Principal, reason: str) -> None:
    memberships = world.registry.organizations.memberships
    people = world.people
    mia = people.mia.account
    if not any(each.membership.pending for each in await memberships.members(ACME, by=OPERATOR)):
        await memberships.set_member(ACME, mia, Role.OWNER, by=world.fresh(people.ann))
    await memberships.cancel_change(ACME, mia, by=by, reason=reason)


async def revoke_a_token(world: World, by: Principal, reason: str) -> None:
    tokens = world.registry.tokens.access_tokens
    wanted = TokenRequest.parse("ci", ["read"], org="acme", package="*", days=30)
    issued = await tokens.issue(CI, wanted, by=OPERATOR)
    await tokens.revoke(CI, issued.token.id, by=by, reason=reason)


async def rotate_a_token(world: World, by: Principal, reason: str) -> None:
    tokens = world.registry.tokens.access_tokens
    wanted = TokenRequest.parse("ci", ["read"], org="acme", package="*", days=30)
    issued = await tokens.issue(CI, wanted, by=OPERATOR)
    await tokens.rotate(CI, issued.token.id, by=by, reason=reason)


async def remove_a_publisher(world: World, by: Principal, reason: str) -> None:
    publishers = world.registry.tokens.trusted_publishers
    found = await publishers.of_organization(ACME, by=OPERATOR)
    if not found:
        rules = {"workflow": "release.yml", "refs": ["refs/tags/v*"]}
        ids = {"repository_id": "74", "repository_owner_id": "65"}
        wanted = PublisherRequest(GREET, Provider.GITHUB, ids, "", "octo/greet", rules)
        found = [await publishers.add(wanted, by=OPERATOR)]
    await publishers.remove(ACME, found[0].id, by=by, reason=reason)


async def remove_a_webhook(world: World, by: Principal, reason: str) -> None:
    webhooks = world.registry.organizations.webhooks
    url = "https://hooks.example.org/x"
    added = await webhooks.add(ACME, url, [Topic.RELEASE], by=OPERATOR)
    await webhooks.remove(ACME, added.webhook.id, by=by, reason=reason)


async def rotate_a_webhook(world: World, by: Principal, reason: str) -> None:
    webhooks = world.registry.organizations.webhooks
    url = "https://hooks.example.org/x"
    added = await webhooks.add(ACME, url, [Topic.RELEASE], by=OPERATOR)
    await webhooks.rotate(ACME, added.webhook.id, by=by, reason=reason)


async def revoke_an_invitation(world: World, by: Principal, reason: str) -> None:
    invitations = world.registry.organizations.invitations
    offer = InvitationRequest.parse(Role.MEMBER, None, "Kim")
    invited = await invitations.invite(ACME, offer, by=OPERATOR)
    await invitations.revoke(ACME, invited.invitation.id, by=by, reason=reason)


async def make_a_package_private(world: World, by: Principal, reason: str) -> None:
    visibility = world.registry.packages.visibility
    await visibility.change(GREET, Visibility.PRIVATE, by=by, reason=reason)


async def leave_it_to_publishers(world: World, by: Principal, reason: str) -> None:
    publishers = world.registry.tokens.trusted_publishers
    if not await publishers.of_organization(ACME, by=OPERATOR):
        ids = {"repository_id": "74", "repository_owner_id": "65"}
        rules = {"workflow": "release.yml", "refs": ["refs/tags/v*"]}
        wanted = PublisherRequest(GREET, Provider.GITHUB, ids, "", "octo/greet", rules)
        await publishers.add(wanted, by=OPERATOR)
    await publishers.restrict_pushers(GREET, Pushers.PUBLISHERS, by=by, reason=reason)


ACTS: dict[str, Act] = {
    "member.removed": remove_a_member,
    "member.set": appoint_another_owner,
    "owner.undone": cancel_a_change,
    "token.revoked": revoke_a_token,
    "token.rotated": rotate_a_token,
    "publisher.removed": remove_a_publisher,
    "webhook.removed": remove_a_webhook,
    "webhook.rotated": rotate_a_webhook,
    "invitation.withdrawn": revoke_an_invitation,
    "package.private": make_a_package_private,
    "package.pushers-changed": leave_it_to_publishers,
}
ABOUT_OWNERS = {"member.set", "owner.undone"}  # Their mail has subjects of its own.
DECISION = "Decision of an administrator"


@pytest.fixture
async def acme(world: World) -> World:
    """Return a registry in which acme has published, and people have addresses."""
    await world.push(bala("acme/greet:1.0.0"))
    await addressed(world, "ann", "mia")
    return world


@pytest.mark.parametrize("who", ["administrator", "operator"])
@pytest.mark.parametrize("kind", ACTS)
async def test_what_an_administrator_takes_in_an_organization_needs_a_reason(
    acme: World, kind: str, who: str
) -> None:
    by = OPERATOR if who == "operator" else acme.fresh(acme.people.admin)
    with pytest.raises(Refusal, match="Enter a reason for"):
        await ACTS[kind](acme, by, " ")
    acme.mailer.sent.clear()
    await ACTS[kind](acme, by, REASON)
    query = EventQuery.parse({"kind": kind})
    page = await acme.registry.administration.audit_log.of_organization(ACME, query, by=OPERATOR)
    assert page.events[0][1].details["reason"] == REASON
    whom = "mia@example.org" if kind == "member.removed" else "ann@example.org"
    assert any(f"Reason: {REASON}" in mail.text for mail in acme.mailer.to(whom))
    assert any(DECISION in mail.subject for mail in acme.mailer.sent) == (kind not in ABOUT_OWNERS)


@pytest.mark.parametrize("kind", ACTS)
async def test_an_owner_needs_none_in_the_own_organization(acme: World, kind: str) -> None:
    await ACTS[kind](acme, acme.fresh(acme.people.ann), "")
    assert not any(DECISION in mail.subject for mail in acme.mailer.sent)


async def test_an_administrator_who_owns_an_organization_needs_none_there(world: World) -> None:
    await world.create_organization("globex")
    deletion = world.registry.organizations.deletion
    by = world.fresh(world.people.admin)
    await deletion.delete(parse_org("globex"), by=by)


async def test_a_role_that_gives_needs_no_reason(world: World) -> None:
    memberships = world.registry.organizations.memberships
    people = world.people
    by = world.fresh(people.admin)
    await memberships.set_member(ACME, people.mia.account, Role.MAINTAINER, by=by)
    with pytest.raises(Refusal, match="Enter a reason for"):
        await memberships.set_member(ACME, people.mia.account, Role.MEMBER, by=by)


async def test_the_deletion_of_an_organization_needs_a_reason(world: World) -> None:
    await addressed(world, "ann")
    deletion = world.registry.organizations.deletion
    with pytest.raises(Refusal, match="Enter a reason for the deletion of acme"):
        await deletion.delete(ACME, by=world.fresh(world.people.admin))
    await deletion.delete(ACME, by=world.fresh(world.people.admin), reason=REASON)
    [mail] = world.mailer.to("ann@example.org")
    assert f"Reason: {REASON}" in mail.text


@pytest.mark.parametrize("act", ["end_sessions", "revoke_all_tokens", "lock"])
async def test_what_is_taken_from_an_account_needs_a_reason(world: World, act: str) -> None:
    await addressed(world, "ann")
    accounts = world.registry.administration.accounts
    ann = world.people.ann
    account = await world.registry.identity.accounts.by_id(ann.account.id)
    with pytest.raises(Refusal, match="Enter a reason for"):
        await getattr(accounts, act)(account, "", by=OPERATOR)
    assert world.mailer.to("ann@example.org") == []
    await getattr(accounts, act)(account, REASON, by=OPERATOR)
    [mail] = world.mailer.to("ann@example.org")
    assert f"Reason: {REASON}" in mail.text
    assert "appeal to the operator of the registry" in mail.text


async def test_an_administrator_is_dismissed_with_a_reason_that_all_read(world: World) -> None:
    administrators = world.registry.administration.administrators
    people = world.people
    await administrators.appoint(people.ann.account, by=OPERATOR)
    await addressed(world, "ann")
    ann = await world.registry.identity.accounts.by_id(people.ann.account.id)
    with pytest.raises(Refusal, match="Enter a reason for"):
        await administrators.dismiss(ann, "", by=world.fresh(people.admin))
    await administrators.dismiss(ann, REASON, by=world.fresh(people.admin))
    [mail] = world.mailer.to("ann@example.org")
    assert f"Reason: {REASON}" in mail.text


async def test_the_api_takes_the_reason_as_a_field(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    mia = world.people.mia.account
    path = f"/api/v1/orgs/acme/members/{mia.id}"
    assert (await admin.api("DELETE", path)).json()["error"]["code"] == "reason-missing"
    assert (await admin.api("DELETE", path, {"reason": REASON})).status_code == 204


async def test_pages_of_an_organization_ask_administrators_and_not_owners(world: World) -> None:
    path = "/account/organizations/acme"
    mia = world.people.mia.account
    admin = await signed_in(world, world.people.admin, path)
    assert 'name="reason"' in admin.text
    assert (await admin.submit(f"{path}/remove", account=mia.id, reason="")).status_code == 400
    await admin.open(path)
    removed = await admin.submit(f"{path}/remove", account=mia.id, reason=REASON)
    assert removed.status_code == 303
    owner = await signed_in(world, world.people.ann, path)
    assert 'name="reason"' not in owner.text
    log = await signed_in(world, world.people.ann, f"{path}/log")
    assert REASON in log.text


async def test_pages_of_accounts_ask_for_the_reason(world: World) -> None:
    ann = world.people.ann.account
    path = f"/manage/accounts/{ann.id}"
    admin = await signed_in(world, world.people.admin, path)
    assert (await admin.submit(f"{path}/revoke-all", name="ann", reason="")).status_code == 400
    await admin.open(path)
    assert (await admin.submit(f"{path}/revoke-all", name="ann", reason=REASON)).status_code == 303
    events = await signed_in(world, world.people.ann, "/account/security")
    assert REASON in events.text


async def test_mail_names_where_to_appeal(worlds: OpenWorld) -> None:
    world = await worlds(abuse_contact="mailto:abuse@example.org")
    await addressed(world, "ann")
    account = await world.registry.identity.accounts.by_id(world.people.ann.account.id)
    await world.registry.administration.accounts.lock(account, REASON, by=OPERATOR)
    [mail] = world.mailer.to("ann@example.org")
    assert "appeal to abuse@example.org." in mail.text


async def test_an_administrator_refuses_held_releases_with_a_reason(world: World) -> None:
    held = world.registry.publishing.held_releases
    release = GREET.at(Version.parse("1.0.0"))
    with pytest.raises(Refusal, match="Enter a reason for refusing"):
        await held.refuse(release, by=world.fresh(world.people.admin))

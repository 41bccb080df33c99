"""Account resurrection and repo-jacking: whoever gets a name that was somebody's gets their users.

The name of an organization that ever had so much as the name of a package is given once, in any
spelling, and nothing that looks like it is given to somebody else. One that never had is free a day
after its deletion, and whoever founds it then inherits nothing.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.coordinates import Package
from shared.domain.errors.identity import OrganizationExists
from shared.domain.event_queries import EventQuery
from shared.domain.grants import Grant
from shared.domain.group_rules import GroupRules
from shared.domain.memberships import OWNER_CHANGE_DELAY
from shared.domain.names import OrgName, PackageName, parse_org
from shared.domain.packages import Head
from shared.domain.principals import MAINTENANCE, OPERATOR, Principal
from shared.domain.scopes import Role
from shared.domain.visibility import Visibility
from shared.services.maintenance.finish_deletions import NAME_FREE_AFTER
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.refusals import raises_refusal
from tests.support.world import World

pytestmark = pytest.mark.measured

EMPTY = parse_org("empty")


@pytest.fixture
async def gone(world: World) -> World:
    """Return a world in which ann founded and deleted an organization, two days ago."""
    ann = world.people.ann.account
    await world.registry.organizations.organizations.create(EMPTY, ann, by=OPERATOR)
    now_ms = world.clock.now_ms()
    fresh = Principal(ann.id, "session", (Grant(),), signed_in_ms=now_ms)
    await world.registry.organizations.deletion.delete(EMPTY, by=fresh)
    world.clock.advance(OWNER_CHANGE_DELAY)
    return world


@pytest.mark.parametrize("name", ["empty", "Empty", "EMPTY"])
async def test_the_name_of_an_organization_that_had_a_package_is_never_given_again(
    gone: World, name: str
) -> None:
    claimed = Head(org=EMPTY, name=PackageName("greet"), visibility=Visibility.PUBLIC, created_ms=0)
    await gone.stores.metadata.claim(claimed)
    gone.clock.advance(timedelta(days=1000))
    await gone.registry.maintenance.task_runner.run("finish-deletions")
    for person in (gone.people.bob, gone.people.ann, gone.people.admin):
        account = person.account
        by = Principal(account.id, "session", (Grant(),), signed_in_ms=gone.clock.now_ms())
        for principal in (by, OPERATOR):
            with pytest.raises(OrganizationExists):
                await gone.registry.organizations.organizations.create(
                    OrgName(name), account, by=principal
                )


@pytest.mark.parametrize("name", ["ernpty", "em_pty", "emptty"])
async def test_nothing_that_looks_like_it_is_given_to_somebody_else(gone: World, name: str) -> None:
    bob = gone.people.bob.account
    by = Principal(bob.id, "session", (Grant(),))
    with raises_refusal("looks-alike"):
        await gone.registry.organizations.organizations.create(OrgName(name), bob, by=by)


async def test_no_push_revives_it(gone: World) -> None:
    for person in (gone.people.ann, gone.people.bob, gone.people.admin):
        with pytest.raises(ClientFailure, match="nobody publishes to it any more"):
            await gone.push(bala("empty/greet:1.0.0"), by=person)
    assert await gone.stores.metadata.head(Package.parse("empty", "greet")) is None


async def test_a_new_organization_of_the_same_name_inherits_nothing(world: World) -> None:
    registry = world.registry
    ann = world.people.ann
    bob = world.people.bob
    mia = world.people.mia
    await registry.organizations.organizations.create(EMPTY, ann.account, by=OPERATOR)
    await registry.organizations.memberships.set_member(
        EMPTY, mia.account, Role.OWNER, by=OPERATOR, reason="It was decided."
    )
    wanted = TokenRequest.parse("ci", ["push-new"], org="empty", package="*", days=90)
    stolen = await registry.tokens.access_tokens.issue(OfOrganization(EMPTY), wanted, by=OPERATOR)
    await registry.organizations.deletion.delete(EMPTY, by=OPERATOR, reason="It was decided.")
    world.clock.advance(NAME_FREE_AFTER)
    await registry.maintenance.task_runner.run("finish-deletions")
    world.clock.advance(timedelta(seconds=1))
    by = Principal(bob.account.id, "session", (Grant(),))
    await registry.organizations.organizations.create(EMPTY, bob.account, by=by)
    members = await registry.organizations.memberships.members(EMPTY, by=OPERATOR)
    assert [each.name for each in members] == ["bob"]
    machine = replace(bob, token=stolen.text.reveal())
    refusals = ((ann, "You may not"), (mia, "You may not"), (machine, "access token is not valid"))
    for person, reason in refusals:
        with pytest.raises(ClientFailure, match=reason):
            await world.push(bala("empty/greet:1.0.0"), by=person)
    log = await registry.administration.audit_log.of_organization(EMPTY, EventQuery(), by=by)
    assert [event.kind for _, event in log.events] == ["organization.founded"]
    await world.push(bala("empty/greet:1.0.0"), by=bob)


async def test_no_rule_about_groups_gives_roles_in_a_new_organization_of_the_same_name(
    world: World,
) -> None:
    registry = world.registry
    ann = world.people.ann
    await registry.organizations.organizations.create(EMPTY, ann.account, by=OPERATOR)
    group = "entra:8f7c2f0e-5d0b-4c0a-9a56-0f5c2b7d9e11"
    gone = f"{group} -> empty, owner"
    kept = [f"{group} -> acme, member", f"{group} -> staff"]
    texts = [gone, *kept]
    await registry.administration.group_rules.replace(GroupRules.parse(texts), by=OPERATOR)
    await registry.organizations.deletion.delete(EMPTY, by=OPERATOR, reason="It was decided.")
    world.clock.advance(NAME_FREE_AFTER)
    await registry.maintenance.task_runner.run("finish-deletions")
    rules = await registry.administration.group_rules.current(by=OPERATOR)
    assert sorted(map(str, rules.rules)) == kept
    [event] = [
        event
        for _, event in await world.stores.events.since(0, 1_000)
        if event.kind == "groups.rules" and event.actor == MAINTENANCE.id
    ]
    assert gone in event.details["before"]
    assert gone not in event.details["after"]

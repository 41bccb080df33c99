"""Account resurrection and repo-jacking: whoever gets a name that was somebody's gets their users.

A name is given once, in any spelling, and nothing that looks like it is given to somebody else.
"""

import pytest

from shared.domain.errors import NotPermitted, OrganizationExists, OrganizationNotFound
from shared.domain.identity import OPERATOR, Principal
from shared.domain.names import OrgName, Package, parse_org
from shared.domain.organization_errors import LooksAlike
from shared.domain.organizations import COOLING_OFF
from shared.domain.rights import Grant
from tests.balas import bala
from tests.protocol.bal.failures import ClientFailure
from tests.world import World

EMPTY = parse_org("empty")


@pytest.fixture
async def gone(world: World) -> World:
    """Return a world in which ann founded and deleted an organization, two days ago."""
    ann = world.people.ann.account
    await world.registry.organizations.found(EMPTY, ann, by=OPERATOR)
    now_ms = world.clock.now_ms()
    fresh = Principal(ann.id, "session", (Grant(),), signed_in_ms=now_ms)
    await world.registry.closing.delete(EMPTY, by=fresh)
    world.clock.advance(COOLING_OFF)
    return world


@pytest.mark.parametrize("name", ["empty", "Empty", "EMPTY"])
async def test_the_name_of_a_deleted_organization_is_never_given_again(
    gone: World, name: str
) -> None:
    for person in (gone.people.bob, gone.people.ann, gone.people.admin):
        account = person.account
        by = Principal(account.id, "session", (Grant(),), signed_in_ms=gone.clock.now_ms())
        for principal in (by, OPERATOR):
            with pytest.raises(OrganizationExists):
                await gone.registry.organizations.found(OrgName(name), account, by=principal)


@pytest.mark.parametrize("name", ["ernpty", "em_pty", "emptty"])
async def test_nothing_that_looks_like_it_is_given_to_somebody_else(gone: World, name: str) -> None:
    bob = gone.people.bob.account
    by = Principal(bob.id, "session", (Grant(),))
    with pytest.raises(LooksAlike):
        await gone.registry.organizations.found(OrgName(name), bob, by=by)


async def test_no_push_revives_it(gone: World) -> None:
    for person in (gone.people.ann, gone.people.bob, gone.people.admin):
        with pytest.raises(ClientFailure, match="names are never issued twice"):
            await gone.push(bala("empty/greet:1.0.0"), by=person)
    assert await gone.stores.metadata.head(Package.parse("empty", "greet")) is None


async def test_its_owner_owns_nothing_any_more(gone: World) -> None:
    by = Principal(gone.people.ann.account.id, "token", (Grant(),))
    with pytest.raises(OrganizationNotFound):
        await gone.registry.organizations.members(EMPTY, by=by)
    assert "empty" not in {
        each.organization.name for each in await gone.registry.organizations.mine(by=by)
    }


async def test_while_it_is_being_deleted_nobody_publishes_to_it(world: World) -> None:
    ann = world.people.ann.account
    await world.registry.organizations.found(EMPTY, ann, by=OPERATOR)
    fresh = Principal(ann.id, "session", (Grant(),), signed_in_ms=world.clock.now_ms())
    await world.registry.closing.delete(EMPTY, by=fresh)
    with pytest.raises(ClientFailure, match="is being deleted"):
        await world.push(bala("empty/greet:1.0.0"))
    await world.registry.closing.undo(EMPTY, by=fresh)
    await world.push(bala("empty/greet:1.0.0"))


async def test_the_table_of_rights_has_no_way_around_it(gone: World) -> None:
    for person in (gone.people.ann, gone.people.admin):
        by = Principal(person.account.id, "token", (Grant(),), signed_in_ms=gone.clock.now_ms())
        standing = await gone.stores.directory.standing(by.id, EMPTY, gone.clock.now_ms())
        assert standing.is_deleted
        with pytest.raises(NotPermitted):
            await gone.registry.publishing.require_right(Package.parse("empty", "greet"), None, by)

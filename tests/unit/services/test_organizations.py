"""Organizations and their members."""

import asyncio
from dataclasses import dataclass, field

import pytest

from shared.auth.authorization import Authorization
from shared.domain.accounts import Account
from shared.domain.errors import (
    Busy,
    CredentialsMissing,
    LastOwner,
    NotPermitted,
    OrganizationExists,
    OrganizationNotFound,
)
from shared.domain.identity import ANONYMOUS, NOWHERE, OPERATOR, Principal
from shared.domain.names import OrgName
from shared.domain.organizations import Membership, Organization
from shared.domain.rights import Action, Grant, Role, Scope
from shared.services.organizations import Organizations
from tests.fakes.clock import FakeClock
from tests.fakes.directory import E, FakeDirectory
from tests.fakes.events import FakeEvents
from tests.fakes.randomness import FakeRandomness
from tests.fakes.recording import recording
from tests.fakes.work import FakeWork
from tests.faults import Fault, failing

ACME = OrgName("Acme")
KIM = Account(id="kim0000000", name="kim", created_ms=0)
LEE = Account(id="lee0000000", name="lee", created_ms=0)
ADA = Account(id="ada0000000", name="ada", administrator=True, created_ms=0)


def signed_in(account: Account) -> Principal:
    return Principal(account.id, "session", (Grant(),))


@dataclass
class World:
    """The service over its doubles."""

    directory: FakeDirectory = field(default_factory=lambda: FakeDirectory.holding(KIM, LEE, ADA))
    events: FakeEvents = field(default_factory=FakeEvents)
    work: FakeWork = field(default_factory=FakeWork)
    clock: FakeClock = field(default_factory=FakeClock)
    randomness: FakeRandomness = field(default_factory=FakeRandomness)

    @property
    def organizations(self) -> Organizations:
        return Organizations(
            directory=self.directory,
            authorization=self.authorization,
            recording=recording(
                self.directory, self.events, self.clock, randomness=self.randomness
            ),
            work=self.work,
            clock=self.clock,
            randomness=self.randomness,
        )

    @property
    def authorization(self) -> Authorization:
        return Authorization(self.directory, self.clock)

    def roles(self) -> dict[str, Role]:
        return {each.account: each.role for each in self.directory.every(Membership)}


@pytest.fixture
def world() -> World:
    return World()


async def delete(acme: World) -> None:
    """Make Acme an organization that is gone."""
    [organization] = acme.directory.every(Organization)
    await acme.directory.put(organization.model_copy(update={"deleted": True}))


@pytest.fixture
async def acme(world: World) -> World:
    """Return a world in which kim owns Acme."""
    await world.organizations.found(ACME, KIM, by=OPERATOR)
    world.events.feed.clear()
    return world


async def test_its_founder_owns_an_organization(world: World) -> None:
    organization = await world.organizations.found(ACME, KIM, by=OPERATOR)
    assert (organization.name, organization.founder) == ("Acme", KIM.id)
    assert world.roles() == {KIM.id: Role.OWNER}
    [event] = world.events.feed
    assert (event.kind, event.actor, event.subject) == ("organization.founded", "operator", "Acme")
    assert event.streams == ("org:acme",)


async def test_a_name_is_given_once_in_any_spelling(acme: World) -> None:
    with pytest.raises(OrganizationExists):
        await acme.organizations.found(OrgName("aCME"), LEE, by=OPERATOR)
    assert acme.roles() == {KIM.id: Role.OWNER}
    assert acme.events.feed == []


async def test_of_two_founders_at_once_one_owns_the_organization(world: World) -> None:
    first, second = await asyncio.gather(
        world.organizations.found(ACME, KIM, by=OPERATOR),
        world.organizations.found(ACME, LEE, by=OPERATOR),
        return_exceptions=True,
    )
    assert isinstance(first, Organization)
    assert isinstance(second, OrganizationExists)
    assert world.roles() == {KIM.id: Role.OWNER}


async def test_an_organization_stands_although_the_feed_has_to_wait(world: World) -> None:
    world.events.fails_with = Busy()
    organization = await world.organizations.found(ACME, KIM, by=OPERATOR)
    assert await world.directory.unpublished(10) == [organization.waiting]


async def test_the_name_of_a_deleted_organization_is_never_given_again(acme: World) -> None:
    await delete(acme)
    with pytest.raises(OrganizationExists):
        await acme.organizations.found(ACME, LEE, by=OPERATOR)
    with pytest.raises(NotPermitted, match="never issued twice"):
        await acme.organizations.found(ACME, ADA, by=signed_in(ADA))


async def test_administrators_found_organizations_and_others_do_not(world: World) -> None:
    await world.organizations.found(ACME, KIM, by=signed_in(ADA))
    with pytest.raises(NotPermitted):
        await world.organizations.found(OrgName("other"), KIM, by=signed_in(KIM))
    with pytest.raises(CredentialsMissing):
        await world.organizations.found(OrgName("other"), KIM, by=ANONYMOUS)


async def test_an_owner_does_not_found_their_own_organization_again(acme: World) -> None:
    with pytest.raises(NotPermitted, match="administrator of the registry"):
        await acme.organizations.found(ACME, KIM, by=signed_in(KIM))


async def test_a_reserved_name_is_for_administrators(world: World) -> None:
    reserved = OrgName("Ballerinax")
    with pytest.raises(NotPermitted, match="give Ballerinax to kim"):
        await world.organizations.found(reserved, KIM, by=OPERATOR)
    await world.organizations.found(reserved, ADA, by=OPERATOR)


async def test_the_push_of_an_administrator_founds_the_organization(world: World) -> None:
    by = signed_in(ADA)
    standing = await world.authorization.require(by, Action.PUSH_NEW, ACME)
    await world.organizations.ensure(ACME, standing, by=by)
    assert world.roles() == {ADA.id: Role.OWNER}
    assert world.events.kinds() == ["organization.founded"]


async def test_an_organization_that_is_there_is_ensured_without_a_call(acme: World) -> None:
    standing = await acme.authorization.require(signed_in(KIM), Action.PUSH_NEW, ACME)
    acme.directory.calls.clear()
    await acme.organizations.ensure(ACME, standing, by=signed_in(KIM))
    assert acme.directory.calls == []


async def test_of_two_first_pushes_both_go_on(world: World) -> None:
    by = signed_in(ADA)
    standing = await world.authorization.require(by, Action.PUSH_NEW, ACME)
    for _ in range(2):
        await world.organizations.ensure(ACME, standing, by=by)
    assert world.events.kinds() == ["organization.founded"]


async def test_nobody_else_founds_an_organization_by_a_push(world: World) -> None:
    lee = await world.directory.standing(LEE.id, ACME, 0)
    for standing in (NOWHERE, lee):
        with pytest.raises(OrganizationNotFound):
            await world.organizations.ensure(ACME, standing, by=signed_in(LEE))


async def test_an_owner_gives_and_changes_roles(acme: World) -> None:
    for role in (Role.MEMBER, Role.MAINTAINER, Role.OWNER):
        await acme.organizations.set_member(ACME, LEE, role, by=signed_in(KIM))
        assert acme.roles()[LEE.id] is role
    assert [event.details["role"] for event in acme.events.feed] == [
        "member",
        "maintainer",
        "owner",
    ]


async def test_members_are_stored_under_the_spelling_of_the_organization(acme: World) -> None:
    await acme.organizations.set_member(OrgName("ACME"), LEE, Role.MEMBER, by=signed_in(KIM))
    [membership] = await acme.organizations.of(LEE.id)
    assert (membership.org, membership.role) == ("Acme", Role.MEMBER)


async def test_who_was_taken_out_is_no_member(acme: World) -> None:
    await acme.organizations.set_member(ACME, LEE, Role.OWNER, by=signed_in(KIM))
    await acme.organizations.remove_member(ACME, KIM, by=signed_in(LEE))
    assert acme.roles() == {LEE.id: Role.OWNER}
    with pytest.raises(NotPermitted):
        await acme.organizations.set_member(ACME, KIM, Role.OWNER, by=signed_in(KIM))
    assert acme.events.kinds() == ["member.set", "member.removed"]


@pytest.mark.parametrize("role", [Role.MAINTAINER, Role.MEMBER])
async def test_the_last_owner_stays_owner(acme: World, role: Role) -> None:
    await acme.organizations.set_member(ACME, LEE, Role.MAINTAINER, by=signed_in(KIM))
    with pytest.raises(LastOwner, match="kim is the only owner of Acme"):
        await acme.organizations.set_member(ACME, KIM, role, by=signed_in(KIM))
    with pytest.raises(LastOwner):
        await acme.organizations.remove_member(ACME, KIM, by=OPERATOR)
    assert acme.roles()[KIM.id] is Role.OWNER
    assert acme.events.kinds() == ["member.set"]


async def test_of_two_owners_who_remove_each_other_one_stays(acme: World) -> None:
    await acme.organizations.set_member(ACME, LEE, Role.OWNER, by=signed_in(KIM))

    class Slow(FakeDirectory):
        async def of(self, kind: type[E], owner: str) -> list[E]:
            found = await super().of(kind, owner)
            await asyncio.sleep(0)
            return found

    acme.directory = Slow(acme.directory.entities)
    results = await asyncio.gather(
        acme.organizations.remove_member(ACME, LEE, by=signed_in(KIM)),
        acme.organizations.remove_member(ACME, KIM, by=signed_in(LEE)),
        return_exceptions=True,
    )
    assert [type(each) for each in results] == [type(None), Busy]
    assert acme.roles() == {KIM.id: Role.OWNER}


async def test_a_change_that_failed_does_not_keep_others_out(acme: World) -> None:
    working, acme.directory = acme.directory, failing(acme.directory, Fault("add", Busy()))
    with pytest.raises(Busy):
        await acme.organizations.set_member(ACME, LEE, Role.MEMBER, by=signed_in(KIM))
    acme.directory = working
    assert acme.roles() == {KIM.id: Role.OWNER}
    await acme.organizations.set_member(ACME, LEE, Role.MEMBER, by=signed_in(KIM))
    assert acme.roles()[LEE.id] is Role.MEMBER


async def test_a_token_for_one_package_does_not_manage_its_organization(acme: World) -> None:
    by = Principal(KIM.id, "token", (Grant(org="acme", package="greet"),))
    for attempt in (
        acme.organizations.set_member(ACME, LEE, Role.OWNER, by=by),
        acme.organizations.remove_member(ACME, LEE, by=by),
    ):
        with pytest.raises(NotPermitted, match="scope manage"):
            await attempt


@pytest.mark.parametrize("role", [Role.MAINTAINER, Role.MEMBER, None])
async def test_nobody_but_owners_changes_members(acme: World, role: Role | None) -> None:
    if role:
        await acme.organizations.set_member(ACME, LEE, role, by=OPERATOR)
    for attempt in (
        acme.organizations.set_member(ACME, LEE, Role.OWNER, by=signed_in(LEE)),
        acme.organizations.remove_member(ACME, KIM, by=signed_in(LEE)),
    ):
        with pytest.raises(NotPermitted):
            await attempt
    assert acme.roles()[KIM.id] is Role.OWNER


async def test_members_see_who_is_a_member_and_strangers_do_not(acme: World) -> None:
    assert len(await acme.organizations.members(ACME, by=signed_in(KIM))) == 1
    for by in (signed_in(LEE), Principal(KIM.id, "t", (Grant(scopes=frozenset({Scope.MANAGE})),))):
        with pytest.raises(NotPermitted):
            await acme.organizations.members(ACME, by=by)


async def test_an_organization_that_is_not_there_has_no_members(acme: World) -> None:
    other = OrgName("other")
    await delete(acme)
    for org in (other, ACME):
        with pytest.raises(OrganizationNotFound):
            await acme.organizations.members(org, by=OPERATOR)
        with pytest.raises(OrganizationNotFound):
            await acme.organizations.set_member(org, LEE, Role.OWNER, by=OPERATOR)


async def test_all_organizations_are_listed_by_name(acme: World) -> None:
    await acme.organizations.found(OrgName("a0"), LEE, by=OPERATOR)
    assert [each.name for each in await acme.organizations.all()] == ["a0", "Acme"]


async def test_a_change_is_done_even_if_its_lease_cannot_be_given_back(acme: World) -> None:
    acme.work = failing(acme.work, Fault("lease", Busy(), nth=2))
    await acme.organizations.set_member(ACME, LEE, Role.MEMBER, by=OPERATOR)
    assert acme.roles() == {KIM.id: Role.OWNER, LEE.id: Role.MEMBER}

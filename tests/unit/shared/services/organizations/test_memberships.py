"""Owners are made and unmade with two days to think again, and every owner is told."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.accounts import Account
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import SignInAgain
from shared.domain.errors.requests import Busy
from shared.domain.memberships import OWNER_CHANGE_DELAY, Membership
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from tests.fakes.stores import E, FakeDirectory
from tests.support.port_doubles import Fault
from tests.support.refusals import raises_refusal
from tests.support.services import ACME, ADA, EVE, KIM, LEE, MAX, OrganizationServices, acme_of_kim


@pytest.fixture
async def acme() -> OrganizationServices:
    """Return a world in which kim and lee own Acme for long, and max is a member of it."""
    world = await acme_of_kim()
    await world.add_members(LEE)
    await world.add_members(MAX, role=Role.MEMBER)
    world.clear_calls()
    return world


# --- what waits --------------------------------------------------------------------------------


async def test_a_former_owner_may_return_with_a_lower_role(acme: OrganizationServices) -> None:
    await acme.memberships.remove_member(ACME, LEE, by=acme.signed_in(KIM))
    acme.clock.advance(OWNER_CHANGE_DELAY)
    with raises_refusal("member-not-found"):
        await acme.memberships.set_member(ACME, LEE, Role.MEMBER, by=acme.signed_in(KIM))
    await acme.add_members(LEE, role=Role.MEMBER)
    acme.clock.advance(OWNER_CHANGE_DELAY)
    assert acme.roles()["lee"] is Role.MEMBER


# --- undoing -----------------------------------------------------------------------------------


async def test_setting_the_current_role_undoes_a_pending_change(acme: OrganizationServices) -> None:
    await acme.memberships.remove_member(ACME, LEE, by=acme.signed_in(KIM))
    await acme.memberships.set_member(ACME, MAX, Role.OWNER, by=acme.signed_in(KIM))
    with pytest.raises(SignInAgain):
        await acme.memberships.set_member(ACME, LEE, Role.OWNER, by=acme.token_of(KIM))
    [before] = await acme.memberships.of_account(LEE.id)
    await acme.memberships.set_member(ACME, LEE, Role.OWNER, by=acme.signed_in(LEE))
    await acme.memberships.set_member(ACME, MAX, Role.MEMBER, by=OPERATOR, reason="It was decided.")
    acme.clock.advance(OWNER_CHANGE_DELAY)
    assert acme.roles() == {"kim": Role.OWNER, "lee": Role.OWNER, "max": Role.MEMBER}
    [after] = await acme.memberships.of_account(LEE.id)
    assert after.since_ms == before.since_ms  # Whoever stays owner is not a new one.


# --- the last owner ----------------------------------------------------------------------------


class Slow(FakeDirectory):
    """A directory that lets others go on after each answer."""

    async def list_by_owner(self, kind: type[E], owner: str) -> list[E]:
        """Return the owner's entities, later."""
        found = await super().list_by_owner(kind, owner)
        await asyncio.sleep(0)
        return found


async def at_once(acme: OrganizationServices, change: str) -> list[object]:
    """Let kim and lee do this to each other, or to themselves, at the same moment."""
    acme.directory = Slow(acme.directory.entities)
    kim = acme.signed_in(KIM)
    lee = acme.signed_in(LEE)
    pairs = [(LEE, kim), (KIM, lee)] if change != "leave" else [(KIM, kim), (LEE, lee)]
    attempts = [
        acme.memberships.set_member(ACME, whom, Role.MEMBER, by=by)
        if change == "demote"
        else acme.memberships.remove_member(ACME, whom, by=by)
        for whom, by in pairs
    ]
    return list(await asyncio.gather(*attempts, return_exceptions=True))


@pytest.mark.parametrize("change", ["remove", "demote", "leave"])
async def test_one_of_two_owners_who_leave_at_once_stays(
    acme: OrganizationServices, change: str
) -> None:
    results = await at_once(acme, change)
    assert [getattr(each, "code", None) for each in results] == [None, "last-owner"]
    acme.clock.advance(OWNER_CHANGE_DELAY)
    owners = [name for name, role in acme.roles().items() if role is Role.OWNER]
    assert owners == (["lee"] if change == "leave" else ["kim"])


# --- what goes wrong ---------------------------------------------------------------------------


async def test_a_mail_that_fails_is_no_failure_of_the_change(acme: OrganizationServices) -> None:
    acme.mailer.is_down = True
    await acme.memberships.set_member(ACME, MAX, Role.OWNER, by=acme.signed_in(KIM))
    acme.clock.advance(OWNER_CHANGE_DELAY)
    assert acme.roles()["max"] is Role.OWNER
    assert acme.undelivered == [("SMTPServerDisconnected", 3)]


async def test_nobody_is_notified_of_a_change_that_was_not_made(acme: OrganizationServices) -> None:
    working = acme.directory
    acme.directory = Fault("replace", Busy()).over(acme.directory)
    with pytest.raises(Busy):
        await acme.memberships.set_member(ACME, MAX, Role.OWNER, by=acme.signed_in(KIM))
    acme.directory = working
    assert acme.mailer.sent == []
    await acme.memberships.set_member(ACME, MAX, Role.OWNER, by=acme.signed_in(KIM))
    assert len(acme.mailer.sent) == 3


# --- whatever people do ------------------------------------------------------------------------

PEOPLE = (KIM, LEE, MAX, EVE)
STEPS = st.tuples(
    st.sampled_from(["owner", "maintainer", "member", "remove", "undo"]),
    st.sampled_from(PEOPLE),
    st.sampled_from((*PEOPLE, ADA)),
    st.sampled_from([timedelta(0), timedelta(hours=20), OWNER_CHANGE_DELAY]),
)


async def attempt(world: OrganizationServices, what: str, whom: Account, by: Account) -> None:
    """Let somebody do something to somebody, if they may."""
    memberships = world.memberships
    principal = world.signed_in(by)
    with suppress(Refusal):
        if what == "remove":
            await memberships.remove_member(ACME, whom, by=principal)
        elif what == "undo":
            await memberships.cancel_change(ACME, whom, by=principal)
        else:
            await memberships.set_member(ACME, whom, Role(what), by=principal)


@given(st.lists(STEPS, max_size=14))
async def test_an_organization_always_has_an_owner(
    steps: list[tuple[str, Account, Account, timedelta]],
) -> None:
    world = await acme_of_kim()
    await world.add_members(LEE)
    await world.add_members(MAX, role=Role.MEMBER)
    for what, whom, by, pause in steps:
        await attempt(world, what, whom, by)
        for later in (timedelta(0), pause, OWNER_CHANGE_DELAY):
            at_ms = world.clock.now_ms() + later // timedelta(milliseconds=1)
            roles = [each.role_at(at_ms) for each in world.directory.every(Membership)]
            assert Role.OWNER in roles, (what, whom.name, by.name)
        world.clock.advance(pause)

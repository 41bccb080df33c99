"""An owner hands an organization over: both changes count at once, and there is always an owner."""

from contextlib import suppress
from datetime import timedelta

import pytest

from shared.domain.accounts import Account
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import NotPermitted
from shared.domain.errors.organizations import MemberNotFound, NothingPending
from shared.domain.errors.requests import Busy
from shared.domain.identity import OPERATOR
from shared.domain.members import OWNER_CHANGE_DELAY, Membership
from shared.domain.rights import Role
from tests.support.port_doubles import Fault, Moment, failing
from tests.support.services import ACME, EVE, KIM, LEE, MAX, OrganizationServices, acme_of_kim

A_SECOND = timedelta(seconds=1)


@pytest.fixture
async def acme() -> OrganizationServices:
    """Return a world in which kim owns Acme alone, and max and lee are members."""
    world = await acme_of_kim()
    await world.add_members(MAX, LEE, role=Role.MEMBER)
    return world


async def hand(
    world: OrganizationServices, then: Role | None = Role.MAINTAINER, heir: Account = MAX
) -> None:
    """Let kim hand Acme over."""
    await world.organization_transfer.begin(ACME, heir, then, by=world.signed_in(KIM))


@pytest.mark.parametrize("then", [Role.MAINTAINER, Role.MEMBER, None])
async def test_both_count_at_the_same_moment(acme: OrganizationServices, then: Role | None) -> None:
    await hand(acme, then)
    acme.clock.advance(OWNER_CHANGE_DELAY - A_SECOND)
    assert (acme.roles()["kim"], acme.roles()["max"]) == (Role.OWNER, Role.MEMBER)
    acme.clock.advance(A_SECOND)
    assert (acme.roles().get("kim"), acme.roles()["max"]) == (then, Role.OWNER)


async def test_an_owner_whose_account_was_deleted_is_not_changed(
    acme: OrganizationServices,
) -> None:
    await hand(acme, None)
    await acme.delete_account(KIM)
    await acme.organizations.cancel_change(ACME, MAX, by=OPERATOR)
    with pytest.raises(NothingPending):
        await acme.organizations.cancel_change(ACME, MAX, by=OPERATOR)


async def test_somebody_who_becomes_owner_anyway_is_not_delayed(acme: OrganizationServices) -> None:
    await acme.organizations.set_member(ACME, MAX, Role.OWNER, by=acme.signed_in(KIM))
    acme.clock.advance(OWNER_CHANGE_DELAY / 2)
    await hand(acme)
    acme.clock.advance(OWNER_CHANGE_DELAY / 2)
    assert (acme.roles()["kim"], acme.roles()["max"]) == (Role.MAINTAINER, Role.OWNER)


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
async def test_wherever_it_breaks_off_somebody_owns_it(
    acme: OrganizationServices, nth: int, moment: Moment
) -> None:
    working = acme.directory
    acme.directory = failing(working, Fault("replace", Busy(), moment, nth))
    with suppress(Busy):
        await hand(acme, None)
        await acme.organizations.cancel_change(ACME, MAX, by=acme.signed_in(KIM))
    acme.directory = working
    acme.clock.advance(OWNER_CHANGE_DELAY)
    assert Role.OWNER in acme.roles().values()


async def test_a_refusal_to_hand_over_names_the_people_and_the_way_out(
    acme: OrganizationServices,
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await hand(acme, Role.OWNER)
    assert str(refused.value) == (
        "Who hands an organization over does not own it any more. Choose less for you."
    )
    with pytest.raises(InvalidRequest) as refused:
        await hand(acme, heir=KIM)
    assert str(refused.value) == (
        "kim owns Acme already. Choose somebody who does not, or leave the organization to those "
        "who do."
    )
    with pytest.raises(MemberNotFound, match=r"^eve is not a member of Acme\. Invite them"):
        await hand(acme, heir=EVE)
    with pytest.raises(NotPermitted) as forbidden:
        await acme.organization_transfer.begin(ACME, LEE, None, by=OPERATOR)
    assert str(forbidden.value) == "You may not transfer Acme: only owners of Acme can do this."


async def test_an_owner_gives_way_when_the_heir_who_waits_already_becomes_owner(
    acme: OrganizationServices,
) -> None:
    await acme.add_members(LEE)
    await acme.organizations.set_member(ACME, MAX, Role.OWNER, by=acme.signed_in(LEE))
    at_ms = acme.clock.now_ms() + OWNER_CHANGE_DELAY // timedelta(milliseconds=1)
    acme.clock.advance(OWNER_CHANGE_DELAY / 4)
    await hand(acme, None)
    waiting = {
        acme.name_of(each.account): (each.pending.role, each.pending.at_ms)
        for each in acme.directory.every(Membership)
        if each.pending
    }
    assert waiting == {"max": (Role.OWNER, at_ms), "kim": (None, at_ms)}

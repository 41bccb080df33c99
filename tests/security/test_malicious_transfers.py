"""event-stream 2018, and a sequence on PyPI on 22 November 2023: a project is handed to a stranger.

There, the stranger was invited at 08:44, accepted at 08:47:25, and took out the one who had invited
them ten seconds later. Here each step takes days, every owner is told, and any can undo it.
"""

import re
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.accounts import Account
from shared.domain.errors.identity import InvitationNotFound, NotPermitted
from shared.domain.memberships import OWNER_CHANGE_DELAY
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.services.organizations.invitations import InvitationRequest
from tests.support.refusals import raises_refusal
from tests.support.services import ACME, EVE, KIM, LEE, OrganizationServices

pytestmark = pytest.mark.measured

INVITED = datetime(2023, 11, 22, 8, 44, tzinfo=UTC)
ACCEPTED = INVITED.replace(minute=47, second=25)
REMOVED = INVITED.replace(minute=47, second=35)
A_SECOND = timedelta(seconds=1)


def at(world: OrganizationServices, moment: datetime) -> None:
    world.clock.at_ms = int(moment.timestamp()) * 1000


async def invite_owner(world: OrganizationServices, by: Account) -> str:
    """Return the code of an invitation to own Acme."""
    offer = InvitationRequest.parse(Role.OWNER, None, "our new maintainer")
    invited = await world.invitations.invite(ACME, offer, by=world.signed_in(by))
    assert invited.link
    [code] = re.findall(r"#([0-9A-Za-z]{32})$", invited.link.reveal())
    return str(code)


@pytest.fixture
async def handed() -> OrganizationServices:
    """Return the world of that morning: kim has let eve in."""
    world = OrganizationServices()
    at(world, INVITED - timedelta(days=365))
    await world.organizations.create(ACME, KIM, by=OPERATOR)
    at(world, INVITED)
    world.clear_calls()
    code = await invite_owner(world, KIM)
    at(world, ACCEPTED)
    await world.invitations.accept(code, by=world.signed_in(EVE))
    at(world, REMOVED)
    return world


async def test_a_new_owner_removes_nobody_after_ten_seconds(handed: OrganizationServices) -> None:
    for attempt in (
        handed.memberships.remove_member(ACME, KIM, by=handed.signed_in(EVE)),
        handed.memberships.set_member(ACME, KIM, Role.MEMBER, by=handed.signed_in(EVE)),
    ):
        with pytest.raises(NotPermitted):
            await attempt
    assert handed.roles() == {"kim": Role.OWNER, "eve": Role.MEMBER}


async def test_the_owner_who_invited_is_notified_at_once_and_can_undo_it(
    handed: OrganizationServices,
) -> None:
    [mail] = handed.mailer.to(KIM.email)
    assert "kim requested a change: eve becomes owner." in mail.text
    assert "24 November 2023, 08:47 UTC" in mail.text
    assert [event.kind for event in handed.events_of(KIM)] == ["owner.pending"]
    await handed.memberships.cancel_change(ACME, EVE, by=handed.signed_in(KIM))
    handed.clock.advance(OWNER_CHANGE_DELAY)
    assert handed.roles() == {"kim": Role.OWNER, "eve": Role.MEMBER}


async def test_a_removal_takes_two_days_in_which_it_is_undone(handed: OrganizationServices) -> None:
    at(handed, ACCEPTED + OWNER_CHANGE_DELAY)
    handed.clear_calls()
    await handed.memberships.remove_member(ACME, KIM, by=handed.signed_in(EVE))
    [mail] = handed.mailer.to(KIM.email)
    assert "eve requested a change: kim is no longer a member." in mail.text
    handed.clock.advance(OWNER_CHANGE_DELAY - A_SECOND)
    await handed.memberships.cancel_change(ACME, KIM, by=handed.signed_in(KIM))
    handed.clock.advance(OWNER_CHANGE_DELAY)
    assert handed.roles()["kim"] is Role.OWNER


async def test_a_stolen_token_hands_nothing_over(handed: OrganizationServices) -> None:
    kim = handed.token_of(KIM)
    owner = InvitationRequest.parse(Role.OWNER, None, "")
    for attempt in (
        handed.invitations.invite(ACME, owner, by=kim),
        handed.memberships.set_member(ACME, EVE, Role.OWNER, by=kim),
        handed.memberships.remove_member(ACME, KIM, by=kim),
        handed.organization_deletion.delete(ACME, by=kim),
    ):
        with raises_refusal("sign-in-again", "last-owner"):
            await attempt


# --- removal and transfer hold at once ---------------------------------------------------------


async def test_a_former_owner_who_left_has_no_rights(handed: OrganizationServices) -> None:
    code = await invite_owner(handed, KIM)
    at(handed, ACCEPTED + OWNER_CHANGE_DELAY)
    kim = handed.signed_in(KIM)
    await handed.memberships.remove_member(ACME, KIM, by=kim)
    for attempt in (
        handed.memberships.members(ACME, by=kim),
        handed.memberships.set_member(ACME, EVE, Role.MEMBER, by=kim),
        handed.organization_deletion.delete(ACME, by=kim),
    ):
        with raises_refusal("organization-not-found"):
            await attempt
    with pytest.raises(InvitationNotFound):
        await handed.invitations.accept(code, by=handed.signed_in(LEE))
    assert handed.roles() == {"eve": Role.OWNER}

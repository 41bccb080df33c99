"""Opened invitations are listed for who opened them, and can be answered without the code."""

import re
from datetime import timedelta

import pytest

from shared.domain.accounts import Account
from shared.domain.errors.identity import CredentialsMissing
from shared.domain.errors.organizations import AlreadyMember, InvitationNotFound
from shared.domain.identity import ANONYMOUS
from shared.domain.members import INVITATION_LIFETIME, OpenedInvitation
from shared.domain.names import OrgName
from shared.domain.rights import Role
from shared.services.invitations import InvitationRequest
from tests.fakes.services import taking_none
from tests.support.services import ACME, KIM, LEE, MAX, OrganizationServices, acme_of_kim

BY_MAIL = InvitationRequest.parse(Role.MAINTAINER, "lee@example.org", "")
BY_LINK = InvitationRequest.parse(Role.MEMBER, None, "for whoever it is")


@pytest.fixture
async def acme() -> OrganizationServices:
    return await acme_of_kim()


async def sent(acme: OrganizationServices, offer: InvitationRequest = BY_LINK) -> str:
    """Invite somebody, and return the code."""
    invited = await acme.invitations.invite(ACME, offer, by=acme.signed_in(KIM))
    text = invited.link.reveal() if invited.link else acme.mailer.sent[-1].text
    [code] = re.findall(r"invitations/([0-9A-Za-z]+)", text)
    return str(code)


async def opened(
    acme: OrganizationServices,
    by: Account,
    offer: InvitationRequest = BY_LINK,
) -> str:
    """Open an invitation, and return its id."""
    found = await acme.invitations.open(await sent(acme, offer), by=acme.signed_in(by))
    return found.invitation.id


async def listed(acme: OrganizationServices, by: Account) -> list[str]:
    return [
        each.invitation.id for each in await acme.invitations.list_opened(by=acme.signed_in(by))
    ]


async def test_an_opened_invitation_is_listed_and_accepted_without_its_code(
    acme: OrganizationServices,
) -> None:
    invitation = await opened(acme, LEE, BY_MAIL)
    assert await listed(acme, LEE) == [invitation]
    organization = await acme.invitations.accept_opened(
        OrgName("ACME"), invitation, by=acme.signed_in(LEE)
    )
    assert (organization.name, acme.roles()["lee"]) == ("Acme", Role.MAINTAINER)
    assert await listed(acme, LEE) == []


async def test_in_read_only_mode_an_invitation_is_shown_and_not_stored(
    acme: OrganizationServices,
) -> None:
    acme.read_only_mode = taking_none()
    assert await opened(acme, LEE)
    assert acme.directory.every(OpenedInvitation) == []


async def test_an_invitation_is_listed_only_for_who_opened_it(acme: OrganizationServices) -> None:
    invitation = await opened(acme, MAX, BY_MAIL)
    assert await listed(acme, LEE) == []  # Though it was their address that was invited.
    for answer in (acme.invitations.accept_opened, acme.invitations.decline_opened):
        with pytest.raises(InvitationNotFound):
            await answer(ACME, invitation, by=acme.signed_in(LEE))


async def test_a_declined_invitation_cannot_be_accepted(acme: OrganizationServices) -> None:
    invitation = await opened(acme, LEE)
    await acme.invitations.decline_opened(ACME, invitation, by=acme.signed_in(LEE))
    assert acme.events.kinds()[-1] == "invitation.declined"
    assert await listed(acme, LEE) == []
    with pytest.raises(InvitationNotFound):
        await acme.invitations.accept_opened(ACME, invitation, by=acme.signed_in(LEE))


async def test_an_invitation_that_was_sent_again_must_be_opened_again(
    acme: OrganizationServices,
) -> None:
    invitation = await opened(acme, LEE, BY_MAIL)
    acme.clock.advance(timedelta(minutes=acme.invitation_mail_minutes))
    await sent(acme, BY_MAIL)
    assert await listed(acme, LEE) == []
    with pytest.raises(InvitationNotFound):
        await acme.invitations.accept_opened(ACME, invitation, by=acme.signed_in(LEE))


async def test_an_expired_invitation_is_not_listed(acme: OrganizationServices) -> None:
    await opened(acme, LEE)
    acme.clock.advance(INVITATION_LIFETIME)
    assert await listed(acme, LEE) == []
    assert await acme.directory.remove_ended(acme.clock.now_ms() + 1) == 2
    assert list(acme.directory.every(OpenedInvitation)) == []


async def test_opened_invitations_are_listed_by_their_time_of_expiry(
    acme: OrganizationServices,
) -> None:
    first = await opened(acme, LEE)
    acme.clock.advance(INVITATION_LIFETIME / 2)
    second = await opened(acme, LEE, BY_MAIL)
    assert await listed(acme, LEE) == [first, second]


async def test_a_member_who_accepts_does_not_use_the_invitation_up(
    acme: OrganizationServices,
) -> None:
    invitation = await opened(acme, KIM)
    with pytest.raises(AlreadyMember):
        await acme.invitations.accept_opened(ACME, invitation, by=acme.signed_in(KIM))
    assert await listed(acme, KIM) == [invitation]


async def test_opening_an_invitation_takes_credentials(acme: OrganizationServices) -> None:
    code = await sent(acme)
    with pytest.raises(CredentialsMissing):
        await acme.invitations.open(code, by=ANONYMOUS)
    assert list(acme.directory.every(OpenedInvitation)) == []

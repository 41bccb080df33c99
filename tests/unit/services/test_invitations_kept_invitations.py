"""An invitation that somebody has opened waits for them, and for nobody else."""

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
from shared.services.invitations import InvitationRequest, OpenedInvitations
from tests.fakes.services import taking_changes, taking_none
from tests.support.services import ACME, KIM, LEE, MAX, OrganizationServices, acme_of_kim

BY_MAIL = InvitationRequest.parse(Role.MAINTAINER, "lee@example.org", "")
BY_LINK = InvitationRequest.parse(Role.MEMBER, None, "for whoever it is")


@pytest.fixture
async def acme() -> OrganizationServices:
    return await acme_of_kim()


@pytest.fixture
def kept(acme: OrganizationServices) -> OpenedInvitations:
    return OpenedInvitations(acme.directory, acme.inviting, taking_changes())


async def sent(acme: OrganizationServices, offer: InvitationRequest = BY_LINK) -> str:
    """Invite somebody, and return the code."""
    invited = await acme.inviting.invite(ACME, offer, by=acme.signed_in(KIM))
    text = invited.link.reveal() if invited.link else acme.mailer.sent[-1].text
    [code] = re.findall(r"invitations/([0-9A-Za-z]+)", text)
    return str(code)


async def opened(
    acme: OrganizationServices,
    kept: OpenedInvitations,
    by: Account,
    offer: InvitationRequest = BY_LINK,
) -> str:
    """Open an invitation, and return its id."""
    found = await kept.open(await sent(acme, offer), by=acme.signed_in(by))
    return found.invitation.id


async def waiting(acme: OrganizationServices, kept: OpenedInvitations, by: Account) -> list[str]:
    return [each.invitation.id for each in await kept.of(by=acme.signed_in(by))]


async def test_what_was_opened_waits_and_is_accepted_without_its_code(
    acme: OrganizationServices, kept: OpenedInvitations
) -> None:
    invitation = await opened(acme, kept, LEE, BY_MAIL)
    assert await waiting(acme, kept, LEE) == [invitation]
    organization = await kept.accept(OrgName("ACME"), invitation, by=acme.signed_in(LEE))
    assert (organization.name, acme.roles()["lee"]) == ("Acme", Role.MAINTAINER)
    assert await waiting(acme, kept, LEE) == []


async def test_while_the_registry_takes_no_changes_it_is_shown_and_not_kept(
    acme: OrganizationServices,
) -> None:
    kept = OpenedInvitations(acme.directory, acme.inviting, taking_none())
    assert await opened(acme, kept, LEE)
    assert acme.directory.every(OpenedInvitation) == []


async def test_it_waits_for_nobody_who_did_not_open_it(
    acme: OrganizationServices, kept: OpenedInvitations
) -> None:
    invitation = await opened(acme, kept, MAX, BY_MAIL)
    assert await waiting(acme, kept, LEE) == []  # Though it was their address that was invited.
    for answer in (kept.accept, kept.decline):
        with pytest.raises(InvitationNotFound):
            await answer(ACME, invitation, by=acme.signed_in(LEE))


async def test_what_is_declined_is_over_for_everybody(
    acme: OrganizationServices, kept: OpenedInvitations
) -> None:
    invitation = await opened(acme, kept, LEE)
    await kept.decline(ACME, invitation, by=acme.signed_in(LEE))
    assert acme.events.kinds()[-1] == "invitation.declined"
    assert await waiting(acme, kept, LEE) == []
    with pytest.raises(InvitationNotFound):
        await kept.accept(ACME, invitation, by=acme.signed_in(LEE))


async def test_an_invitation_that_was_sent_anew_has_to_be_opened_again(
    acme: OrganizationServices, kept: OpenedInvitations
) -> None:
    invitation = await opened(acme, kept, LEE, BY_MAIL)
    acme.clock.advance(timedelta(minutes=acme.invitation_mail_minutes))
    await sent(acme, BY_MAIL)
    assert await waiting(acme, kept, LEE) == []
    with pytest.raises(InvitationNotFound):
        await kept.accept(ACME, invitation, by=acme.signed_in(LEE))


async def test_it_waits_until_it_ends(acme: OrganizationServices, kept: OpenedInvitations) -> None:
    await opened(acme, kept, LEE)
    acme.clock.advance(INVITATION_LIFETIME)
    assert await waiting(acme, kept, LEE) == []
    assert await acme.directory.remove_ended(acme.clock.now_ms() + 1) == 2
    assert list(acme.directory.every(OpenedInvitation)) == []


async def test_what_ends_first_comes_first(
    acme: OrganizationServices, kept: OpenedInvitations
) -> None:
    first = await opened(acme, kept, LEE)
    acme.clock.advance(INVITATION_LIFETIME / 2)
    second = await opened(acme, kept, LEE, BY_MAIL)
    assert await waiting(acme, kept, LEE) == [first, second]


async def test_a_member_does_not_use_it_up(
    acme: OrganizationServices, kept: OpenedInvitations
) -> None:
    invitation = await opened(acme, kept, KIM)
    with pytest.raises(AlreadyMember):
        await kept.accept(ACME, invitation, by=acme.signed_in(KIM))
    assert await waiting(acme, kept, KIM) == [invitation]


async def test_nobody_known_keeps_nothing(
    acme: OrganizationServices, kept: OpenedInvitations
) -> None:
    code = await sent(acme)
    with pytest.raises(CredentialsMissing):
        await kept.open(code, by=ANONYMOUS)
    assert list(acme.directory.every(OpenedInvitation)) == []

"""An invitation that somebody has opened waits for them, and for nobody else."""

import re

import pytest

from shared.domain.accounts import Account
from shared.domain.errors import CredentialsMissing
from shared.domain.identity import ANONYMOUS
from shared.domain.invitations import INVITATION_LIFETIME, KeptInvitation
from shared.domain.names import OrgName
from shared.domain.organization_errors import AlreadyMember, InvitationNotFound
from shared.domain.rights import Role
from shared.services.inviting import Offer
from shared.services.kept_invitations import KeptInvitations
from tests.fakes.pausing import taking_changes, taking_none
from tests.org_world import ACME, KIM, LEE, MAX, OrgWorld, acme_of_kim

BY_MAIL = Offer.parse(Role.MAINTAINER, "lee@example.org", "")
BY_LINK = Offer.parse(Role.MEMBER, None, "for whoever it is")


@pytest.fixture
async def acme() -> OrgWorld:
    return await acme_of_kim()


@pytest.fixture
def kept(acme: OrgWorld) -> KeptInvitations:
    return KeptInvitations(acme.directory, acme.inviting, taking_changes())


async def sent(acme: OrgWorld, offer: Offer = BY_LINK) -> str:
    """Invite somebody, and return the code."""
    invited = await acme.inviting.invite(ACME, offer, by=acme.signed_in(KIM))
    text = invited.link.reveal() if invited.link else acme.mailer.sent[-1].text
    [code] = re.findall(r"invitations/([0-9A-Za-z]+)", text)
    return str(code)


async def opened(acme: OrgWorld, kept: KeptInvitations, by: Account, offer: Offer = BY_LINK) -> str:
    """Open an invitation, and return its id."""
    found = await kept.open(await sent(acme, offer), by=acme.signed_in(by))
    return found.invitation.id


async def waiting(acme: OrgWorld, kept: KeptInvitations, by: Account) -> list[str]:
    return [each.invitation.id for each in await kept.of(by=acme.signed_in(by))]


async def test_what_was_opened_waits_and_is_accepted_without_its_code(
    acme: OrgWorld, kept: KeptInvitations
) -> None:
    invitation = await opened(acme, kept, LEE, BY_MAIL)
    assert await waiting(acme, kept, LEE) == [invitation]
    organization = await kept.accept(OrgName("ACME"), invitation, by=acme.signed_in(LEE))
    assert (organization.name, acme.roles()["lee"]) == ("Acme", Role.MAINTAINER)
    assert await waiting(acme, kept, LEE) == []


async def test_while_the_registry_takes_no_changes_it_is_shown_and_not_kept(acme: OrgWorld) -> None:
    kept = KeptInvitations(acme.directory, acme.inviting, taking_none())
    assert await opened(acme, kept, LEE)
    assert acme.directory.every(KeptInvitation) == []


async def test_it_waits_for_nobody_who_did_not_open_it(
    acme: OrgWorld, kept: KeptInvitations
) -> None:
    invitation = await opened(acme, kept, MAX, BY_MAIL)
    assert await waiting(acme, kept, LEE) == []  # Though it was their address that was invited.
    for answer in (kept.accept, kept.decline):
        with pytest.raises(InvitationNotFound):
            await answer(ACME, invitation, by=acme.signed_in(LEE))


async def test_what_is_declined_is_over_for_everybody(
    acme: OrgWorld, kept: KeptInvitations
) -> None:
    invitation = await opened(acme, kept, LEE)
    await kept.decline(ACME, invitation, by=acme.signed_in(LEE))
    assert acme.events.kinds()[-1] == "invitation.declined"
    assert await waiting(acme, kept, LEE) == []
    with pytest.raises(InvitationNotFound):
        await kept.accept(ACME, invitation, by=acme.signed_in(LEE))


async def test_an_invitation_that_was_sent_anew_has_to_be_opened_again(
    acme: OrgWorld, kept: KeptInvitations
) -> None:
    invitation = await opened(acme, kept, LEE, BY_MAIL)
    acme.clock.advance(acme.between_mails)
    await sent(acme, BY_MAIL)
    assert await waiting(acme, kept, LEE) == []
    with pytest.raises(InvitationNotFound):
        await kept.accept(ACME, invitation, by=acme.signed_in(LEE))


async def test_it_waits_until_it_ends(acme: OrgWorld, kept: KeptInvitations) -> None:
    await opened(acme, kept, LEE)
    acme.clock.advance(INVITATION_LIFETIME)
    assert await waiting(acme, kept, LEE) == []
    assert await acme.directory.remove_ended(acme.clock.now_ms() + 1) == 2
    assert list(acme.directory.every(KeptInvitation)) == []


async def test_what_ends_first_comes_first(acme: OrgWorld, kept: KeptInvitations) -> None:
    first = await opened(acme, kept, LEE)
    acme.clock.advance(INVITATION_LIFETIME / 2)
    second = await opened(acme, kept, LEE, BY_MAIL)
    assert await waiting(acme, kept, LEE) == [first, second]


async def test_a_member_does_not_use_it_up(acme: OrgWorld, kept: KeptInvitations) -> None:
    invitation = await opened(acme, kept, KIM)
    with pytest.raises(AlreadyMember):
        await kept.accept(ACME, invitation, by=acme.signed_in(KIM))
    assert await waiting(acme, kept, KIM) == [invitation]


async def test_nobody_known_keeps_nothing(acme: OrgWorld, kept: KeptInvitations) -> None:
    code = await sent(acme)
    with pytest.raises(CredentialsMissing):
        await kept.open(code, by=ANONYMOUS)
    assert list(acme.directory.every(KeptInvitation)) == []

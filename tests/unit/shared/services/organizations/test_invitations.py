"""People become members when they accept an invitation, by its code or from their list."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.domain.accounts import Account
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    CredentialsMissing,
    NotPermitted,
    SignInAgain,
    TokenUnknown,
)
from shared.domain.errors.organizations import (
    AlreadyMember,
    InvitationNotFound,
    InvitationsFull,
    OrganizationNotFound,
    OwnerTooNew,
)
from shared.domain.errors.requests import MailedLately
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.members import (
    INVITATION_LIFETIME,
    MAX_INVITATIONS,
    OWNER_CHANGE_DELAY,
    Invitation,
    OpenedInvitation,
)
from shared.domain.names import OrgName
from shared.domain.rate_limits import RateLimitClass, RateLimitSubject
from shared.domain.rights import Grant, Role, Scope
from shared.ports import AlreadyThere, Stale
from shared.services.organizations.invitations import InvitationRequest, IssuedInvitation
from tests.fakes.services import changes_refused
from tests.fakes.stores import E, FakeDirectory
from tests.support.port_doubles import Fault, Moment, failing
from tests.support.services import ACME, EVE, KIM, LEE, MAX, URL, OrganizationServices, acme_of_kim

LINK = re.compile(rf"{URL}/account/invitations/([0-9A-Za-z]{{32}})")
BY_LINK = InvitationRequest.parse(Role.MEMBER, None, "for lee")
BY_MAIL = InvitationRequest.parse(Role.MAINTAINER, "lee@example.org", "")
OWNER = InvitationRequest.parse(Role.OWNER, None, "for lee")


@pytest.fixture
async def acme() -> OrganizationServices:
    return await acme_of_kim()


def code_in(text: str) -> str:
    """Return the code of the link in a text."""
    [code] = LINK.findall(text)
    return str(code)


async def code(
    world: OrganizationServices, offer: InvitationRequest = BY_LINK, by: Account = KIM
) -> str:
    """Return the code of a new invitation by link."""
    invited = await world.invitations.invite(ACME, offer, by=world.signed_in(by))
    assert invited.link
    return code_in(invited.link.reveal())


def invitations(world: OrganizationServices) -> Sequence[Invitation]:
    return world.directory.every(Invitation)


# --- inviting ----------------------------------------------------------------------------------


async def test_an_account_that_accepts_a_link_is_a_member(acme: OrganizationServices) -> None:
    opened = await acme.invitations.accept(await code(acme), by=acme.signed_in(LEE))
    assert opened.name == "Acme"
    assert acme.roles() == {"kim": Role.OWNER, "lee": Role.MEMBER}
    assert acme.events.kinds() == ["invitation.sent", "invitation.accepted", "member.set"]
    assert acme.events.feed[-1].actor == LEE.id
    assert [each.kind for each in acme.events_of(LEE)] == ["invitation.accepted", "member.set"]
    assert invitations(acme) == []


async def test_the_code_of_an_invitation_by_mail_is_in_the_mail_only(
    acme: OrganizationServices,
) -> None:
    invited = await acme.invitations.invite(ACME, BY_MAIL, by=acme.signed_in(KIM))
    assert invited.mailed
    assert invited.link is None
    [mail] = acme.mailer.to("lee@example.org")
    assert mail.subject == "kim invited you to join Acme"
    assert "28 September 2026, 14:13 UTC" in mail.text
    await acme.invitations.accept(code_in(mail.text), by=acme.signed_in(LEE))
    assert acme.roles()["lee"] is Role.MAINTAINER


async def test_where_no_mail_leaves_there_is_a_link(acme: OrganizationServices) -> None:
    acme.mailer.is_down = True
    invited = await acme.invitations.invite(ACME, BY_MAIL, by=acme.signed_in(KIM))
    assert not invited.mailed
    assert invited.link
    await acme.invitations.accept(code_in(invited.link.reveal()), by=acme.signed_in(LEE))


async def test_neither_code_nor_address_is_stored_or_shown(acme: OrganizationServices) -> None:
    invited = await acme.invitations.invite(ACME, BY_MAIL, by=acme.signed_in(KIM))
    sent = code_in(acme.mailer.sent[0].text)
    [stored] = invitations(acme)
    assert stored.label == "l\N{HORIZONTAL ELLIPSIS}@example.org"
    for text in (repr(stored), repr(acme.events.feed), repr(invited)):
        assert sent not in text
        assert "lee@example" not in text
    by_link = await acme.invitations.invite(ACME, BY_LINK, by=acme.signed_in(KIM))
    assert "https" not in repr(by_link)


async def test_an_invitation_ends_after_a_week(acme: OrganizationServices) -> None:
    sent = await code(acme)
    acme.clock.advance(INVITATION_LIFETIME - timedelta(seconds=1))
    await acme.invitations.show(sent, by=acme.signed_in(LEE))
    acme.clock.advance(timedelta(seconds=1))
    for attempt in (acme.invitations.show, acme.invitations.accept, acme.invitations.decline):
        with pytest.raises(InvitationNotFound):
            await attempt(sent, by=acme.signed_in(LEE))
    assert await acme.invitations.pending(ACME, by=acme.signed_in(KIM)) == []


@pytest.mark.parametrize("address", ["lee@example.org", "Lee@Example.org"])
async def test_inviting_somebody_again_renews(acme: OrganizationServices, address: str) -> None:
    await acme.invitations.invite(ACME, BY_MAIL, by=acme.signed_in(KIM))
    acme.clock.advance(timedelta(days=6))
    again = InvitationRequest.parse(Role.MEMBER, address, "")
    await acme.invitations.invite(ACME, again, by=acme.signed_in(KIM))
    [stored] = invitations(acme)
    assert stored.role is Role.MEMBER
    first, second = (code_in(mail.text) for mail in acme.mailer.sent)
    with pytest.raises(InvitationNotFound):
        await acme.invitations.show(first, by=acme.signed_in(LEE))
    acme.clock.advance(timedelta(days=6))
    await acme.invitations.accept(second, by=acme.signed_in(LEE))


async def test_a_token_does_not_replace_an_open_invitation_of_a_person(
    acme: OrganizationServices,
) -> None:
    await acme.invitations.invite(ACME, BY_MAIL, by=acme.signed_in(KIM))
    acme.clock.advance(timedelta(days=1))
    as_member = InvitationRequest.parse(Role.MEMBER, "lee@example.org", "")
    with_token = replace(acme.token_of(KIM), token="0123456789")
    with pytest.raises(SignInAgain):
        await acme.invitations.invite(ACME, as_member, by=with_token)
    [stored] = invitations(acme)
    assert (stored.role, stored.made_with) == (Role.MAINTAINER, "")


async def test_two_owners_who_invite_one_address_at_once_renew(acme: OrganizationServices) -> None:
    await acme.add_members(LEE)
    working = acme.directory
    acme.directory = failing(working, Fault("add", AlreadyThere(), Moment.AFTER))
    await acme.invitations.invite(ACME, BY_MAIL, by=acme.signed_in(KIM))
    acme.directory = working
    [stored] = invitations(acme)
    assert stored.revision == 2


async def test_an_organization_has_a_hundred_open_invitations_at_most(
    acme: OrganizationServices,
) -> None:
    for _ in range(MAX_INVITATIONS):
        await code(acme)
    with pytest.raises(InvitationsFull, match="100"):
        await code(acme)
    acme.clock.advance(INVITATION_LIFETIME)
    await code(acme)


@pytest.mark.parametrize("role", [Role.MAINTAINER, Role.MEMBER])
async def test_nobody_but_owners_invites(acme: OrganizationServices, role: Role) -> None:
    await acme.add_members(LEE, role=role)
    invited = await acme.invitations.invite(ACME, BY_LINK, by=acme.signed_in(KIM))
    for by, refusal in ((LEE, NotPermitted), (MAX, OrganizationNotFound)):
        for attempt in (
            acme.invitations.invite(ACME, BY_LINK, by=acme.signed_in(by)),
            acme.invitations.pending(ACME, by=acme.signed_in(by)),
            acme.invitations.withdraw(ACME, invited.invitation.id, by=acme.signed_in(by)),
        ):
            with pytest.raises(refusal):
                await attempt


async def test_a_label_is_one_line_that_people_see() -> None:
    assert InvitationRequest.parse(Role.MEMBER, None, " for\tlee ").label == "for lee"
    for text in ("a\u202eb", "x" * 81):
        with pytest.raises(InvalidRequest, match="label"):
            InvitationRequest.parse(Role.MEMBER, None, text)
    with pytest.raises(InvalidRequest, match="mail address"):
        InvitationRequest.parse(Role.MEMBER, "lee", "")


# --- answering ---------------------------------------------------------------------------------


async def test_an_account_with_a_code_sees_what_it_offers(acme: OrganizationServices) -> None:
    opened = await acme.invitations.show(await code(acme), by=acme.token_of(LEE))
    assert opened.organization.name == "Acme"
    assert opened.invitation.role is Role.MEMBER
    assert opened.inviter.name == "kim"


async def test_without_a_code_nobody_learns_anything(acme: OrganizationServices) -> None:
    sent = await code(acme)
    [stored] = invitations(acme)
    for guess in ("", "Acme", sent[:-1], sent.swapcase(), stored.id, stored.code_hash):
        with pytest.raises(InvitationNotFound) as refused:
            await acme.invitations.show(guess, by=acme.signed_in(LEE))
        assert "acme" not in str(refused.value).lower()
    with pytest.raises(CredentialsMissing):
        await acme.invitations.show(sent, by=ANONYMOUS)


async def test_a_code_can_be_used_once(acme: OrganizationServices) -> None:
    sent = await code(acme)
    await acme.invitations.accept(sent, by=acme.signed_in(LEE))
    with pytest.raises(InvitationNotFound):
        await acme.invitations.accept(sent, by=acme.signed_in(MAX))
    assert set(acme.roles()) == {"kim", "lee"}


async def test_exactly_one_of_concurrent_acceptances_succeeds(acme: OrganizationServices) -> None:
    sent = await code(acme)
    results = await asyncio.gather(
        *(acme.invitations.accept(sent, by=acme.signed_in(who)) for who in (LEE, MAX, EVE)),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, BaseException) for each in results) == 1
    assert len(acme.roles()) == 2


@dataclass
class Lagging(FakeDirectory):
    """A directory whose lists show invitations as they were first."""

    first: list[Invitation] = field(default_factory=list[Invitation])

    async def list_by_subject(self, kind: type[E], subject: str) -> list[E]:
        """Return what was once about the subject."""
        return [each for each in self.first if isinstance(each, kind) and each.subject == subject]


async def test_a_list_that_lags_behind_opens_nothing(acme: OrganizationServices) -> None:
    sent = await code(acme, BY_LINK)
    acme.directory = Lagging(acme.directory.entities, first=list(invitations(acme)))
    [stored] = invitations(acme)
    renewed = stored.model_copy(update={"code_hash": "another"})
    await acme.directory.replace(renewed)
    with pytest.raises(InvitationNotFound):
        await acme.invitations.accept(sent, by=acme.signed_in(LEE))
    await acme.directory.remove(invitations(acme)[0])
    with pytest.raises(InvitationNotFound):
        await acme.invitations.accept(sent, by=acme.signed_in(LEE))


async def test_an_invitation_that_is_withdrawn_meanwhile_lets_nobody_in(
    acme: OrganizationServices,
) -> None:
    sent = await code(acme)
    acme.directory = failing(acme.directory, Fault("remove", Stale()))
    with pytest.raises(InvitationNotFound):
        await acme.invitations.accept(sent, by=acme.signed_in(LEE))
    assert set(acme.roles()) == {"kim"}


async def test_declining_ends_the_invitation(acme: OrganizationServices) -> None:
    sent = await code(acme)
    await acme.invitations.decline(sent, by=acme.signed_in(LEE))
    with pytest.raises(InvitationNotFound):
        await acme.invitations.accept(sent, by=acme.signed_in(LEE))
    assert acme.events.kinds() == ["invitation.sent", "invitation.declined"]
    assert [each.kind for each in acme.events_of(LEE)] == ["invitation.declined"]
    assert set(acme.roles()) == {"kim"}


async def test_an_owner_withdraws_an_invitation(acme: OrganizationServices) -> None:
    sent = await code(acme)
    [stored] = await acme.invitations.pending(ACME, by=acme.token_of(KIM))
    await acme.invitations.withdraw(ACME, stored.id, by=acme.token_of(KIM))
    with pytest.raises(InvitationNotFound):
        await acme.invitations.accept(sent, by=acme.signed_in(LEE))
    for gone in (stored.id, "nothing"):
        with pytest.raises(InvitationNotFound):
            await acme.invitations.withdraw(ACME, gone, by=acme.token_of(KIM))


async def test_the_invitations_of_another_organization_are_not_withdrawn(
    acme: OrganizationServices,
) -> None:
    await code(acme)
    [stored] = invitations(acme)
    other = OrgName("other")
    await acme.organizations.create(other, LEE, by=OPERATOR)
    with pytest.raises(InvitationNotFound):
        await acme.invitations.withdraw(other, stored.id, by=acme.signed_in(LEE))
    assert len(invitations(acme)) == 1


async def test_a_member_does_not_use_up_an_invitation(acme: OrganizationServices) -> None:
    sent = await code(acme)
    with pytest.raises(AlreadyMember, match="You are owner of Acme already"):
        await acme.invitations.accept(sent, by=acme.signed_in(KIM))
    await acme.invitations.accept(sent, by=acme.signed_in(LEE))


async def test_a_token_joins_what_it_may_manage(acme: OrganizationServices) -> None:
    sent = await code(acme)
    for grant in (Grant(scopes=frozenset({Scope.READ})), Grant(org="other")):
        with pytest.raises(NotPermitted, match="join Acme"):
            await acme.invitations.accept(sent, by=acme.token_of(LEE, grant))
    await acme.invitations.accept(sent, by=acme.token_of(LEE, Grant(org="acme")))


async def test_a_machine_does_not_join(acme: OrganizationServices) -> None:
    sent = await code(acme)
    with pytest.raises(TokenUnknown):
        await acme.invitations.accept(sent, by=Principal("machine", "token", (Grant(),)))
    assert len(invitations(acme)) == 1


# --- owners ------------------------------------------------------------------------------------


async def test_inviting_an_owner_takes_a_fresh_sign_in(acme: OrganizationServices) -> None:
    with pytest.raises(SignInAgain):
        await acme.invitations.invite(ACME, OWNER, by=acme.token_of(KIM))
    assert invitations(acme) == []


async def test_an_account_invited_as_owner_is_a_member_for_two_days(
    acme: OrganizationServices,
) -> None:
    sent = await code(acme, OWNER)
    acme.clear_calls()
    await acme.invitations.accept(sent, by=acme.signed_in(LEE))
    assert acme.roles()["lee"] is Role.MEMBER
    for each in (KIM, LEE):
        [mail] = acme.mailer.to(each.email)
        assert "kim requested a change: lee becomes owner." in mail.text
    await acme.organizations.pending_changes(ACME, by=acme.signed_in(LEE))
    acme.clock.advance(OWNER_CHANGE_DELAY)
    assert acme.roles()["lee"] is Role.OWNER


async def test_an_owner_undoes_it_and_the_new_one_cannot(acme: OrganizationServices) -> None:
    await acme.invitations.accept(await code(acme, OWNER), by=acme.signed_in(LEE))
    with pytest.raises(NotPermitted):
        await acme.organizations.cancel_change(ACME, LEE, by=acme.signed_in(LEE))
    await acme.organizations.cancel_change(ACME, LEE, by=acme.signed_in(KIM))
    acme.clock.advance(OWNER_CHANGE_DELAY)
    assert acme.roles()["lee"] is Role.MEMBER


async def test_a_new_owner_cannot_withdraw_the_invitation_of_an_older_one(
    acme: OrganizationServices,
) -> None:
    await acme.invitations.accept(await code(acme, OWNER), by=acme.signed_in(LEE))
    acme.clock.advance(OWNER_CHANGE_DELAY)
    await acme.invitations.accept(await code(acme, OWNER), by=acme.signed_in(MAX))
    with pytest.raises(OwnerTooNew):
        await acme.organizations.cancel_change(ACME, MAX, by=acme.signed_in(LEE))


# --- the time of whoever invited is over -------------------------------------------------------


async def test_an_invitation_of_a_former_owner_is_refused(acme: OrganizationServices) -> None:
    await acme.add_members(LEE)
    kept: list[str] = [await code(acme, by=LEE), await code(acme, by=KIM)]
    await acme.organizations.remove_member(ACME, LEE, by=OPERATOR)
    for who in (LEE, MAX):
        with pytest.raises(InvitationNotFound):
            await acme.invitations.accept(kept[0], by=acme.signed_in(who))
    await acme.invitations.accept(kept[1], by=acme.signed_in(MAX))


async def test_an_invitation_of_a_deleted_organization_is_refused(
    acme: OrganizationServices,
) -> None:
    sent = await code(acme)
    await acme.organization_deletion.delete(ACME, by=OPERATOR)
    with pytest.raises(InvitationNotFound):
        await acme.invitations.accept(sent, by=acme.signed_in(LEE))


async def test_the_operator_invites_as_well(acme: OrganizationServices) -> None:
    invited: IssuedInvitation = await acme.invitations.invite(ACME, OWNER, by=OPERATOR)
    assert invited.link
    sent = code_in(invited.link.reveal())
    opened = await acme.invitations.show(sent, by=acme.signed_in(LEE))
    assert opened.inviter.name == "The operator"
    await acme.invitations.accept(sent, by=acme.signed_in(LEE))
    assert acme.roles()["lee"] is Role.MEMBER


# --- what is told ------------------------------------------------------------------------------


async def test_a_second_mail_to_an_address_is_refused_with_the_time_to_wait(
    acme: OrganizationServices,
) -> None:
    await acme.invitations.invite(ACME, BY_MAIL, by=acme.signed_in(KIM))
    acme.clock.advance(timedelta(minutes=4))
    with pytest.raises(MailedLately) as refused:
        await acme.invitations.invite(ACME, BY_MAIL, by=acme.signed_in(KIM))
    assert str(refused.value).startswith("l\N{HORIZONTAL ELLIPSIS}@example.org got an invitation")
    assert "Wait 360 seconds to send another one" in str(refused.value)
    shown = refused.value.allowance
    assert (shown.limit_class, shown.subject) == (
        RateLimitClass.INVITATION,
        RateLimitSubject.ADDRESS,
    )
    assert (shown.limit, shown.remaining, shown.wait_ms) == (1, 0, 360_000)
    assert shown.is_exceeded


async def test_open_invitations_are_listed_the_newest_first(acme: OrganizationServices) -> None:
    for label in ("one", "two", "three"):
        offer = InvitationRequest.parse(Role.MEMBER, None, label)
        await acme.invitations.invite(ACME, offer, by=acme.signed_in(KIM))
        acme.clock.advance(timedelta(seconds=1))
    listed = await acme.invitations.pending(ACME, by=acme.signed_in(KIM))
    assert [each.label for each in listed] == ["three", "two", "one"]


async def test_a_token_that_may_not_join_is_refused_with_the_missing_scope(
    acme: OrganizationServices,
) -> None:
    sent = await code(acme)
    with pytest.raises(NotPermitted) as refused:
        await acme.invitations.accept(sent, by=acme.token_of(LEE, Grant(org="other")))
    assert str(refused.value) == "You may not join Acme: the token lacks the scope manage here."


async def test_each_end_of_an_invitation_has_its_event(acme: OrganizationServices) -> None:
    kim, lee = acme.signed_in(KIM), acme.signed_in(LEE)
    ended = [("withdrawn", KIM, ""), ("declined", LEE, LEE.id), ("accepted", LEE, LEE.id)]
    for how, actor, account in ended:
        acme.clear_calls()
        sent = await code(acme)
        [stored] = invitations(acme)
        match how:
            case "withdrawn":
                await acme.invitations.withdraw(ACME, stored.id, by=kim)
            case "declined":
                await acme.invitations.decline(sent, by=lee)
            case _:
                await acme.invitations.accept(sent, by=lee)
        begun, over = [e for e in acme.events.feed if e.kind.startswith("invitation.")]
        details = {"invitation": stored.id, "role": "member", "label": "for lee"}
        assert (begun.kind, begun.actor, begun.account) == ("invitation.sent", KIM.id, "")
        assert (over.kind, over.actor, over.account) == (f"invitation.{how}", actor.id, account)
        for each in (begun, over):
            assert (each.subject, each.org, each.details) == ("Acme", "acme", details)


TO_ANYBODY = InvitationRequest.parse(Role.MEMBER, None, "for whoever it is")


async def sent(acme: OrganizationServices, offer: InvitationRequest = TO_ANYBODY) -> str:
    """Invite somebody, and return the code."""
    invited = await acme.invitations.invite(ACME, offer, by=acme.signed_in(KIM))
    text = invited.link.reveal() if invited.link else acme.mailer.sent[-1].text
    [code] = re.findall(r"invitations/([0-9A-Za-z]+)", text)
    return str(code)


async def opened(
    acme: OrganizationServices,
    by: Account,
    offer: InvitationRequest = TO_ANYBODY,
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
    acme.read_only_mode = changes_refused()
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
    assert await acme.directory.remove_expired(acme.clock.now_ms() + 1) == 2
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

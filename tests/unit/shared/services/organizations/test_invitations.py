"""People become members when they accept an invitation, by its code or from their list."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import pytest

from shared.domain.errors.identity import InvitationNotFound, NotPermitted, TokenUnknown
from shared.domain.grants import Grant
from shared.domain.invitations import INVITATION_LIFETIME, MAX_INVITATIONS, Invitation
from shared.domain.memberships import GroupRole, Membership
from shared.domain.principals import Principal
from shared.domain.scopes import Role, Scope
from shared.domain.times import NO_END_MS
from shared.services.organizations.invitations import InvitationRequest
from tests.fakes.stores import E, FakeDirectory
from tests.support.port_doubles import OtherWriter
from tests.support.refusals import raises_refusal
from tests.support.services import ACME, EVE, KIM, LEE, MAX, OrganizationServices, acme_of_kim

BY_LINK = InvitationRequest.parse(Role.MEMBER, None, "for lee")


@pytest.fixture
async def acme() -> OrganizationServices:
    return await acme_of_kim()


async def code(world: OrganizationServices) -> str:
    """Return the code of a new invitation by link."""
    invited = await world.invitations.invite(ACME, BY_LINK, by=world.signed_in(KIM))
    assert invited.link
    return invited.link.reveal().rpartition("#")[2]


def invitations(world: OrganizationServices) -> Sequence[Invitation]:
    return world.directory.every(Invitation)


# --- inviting ----------------------------------------------------------------------------------


async def test_an_organization_has_a_hundred_open_invitations_at_most(
    acme: OrganizationServices,
) -> None:
    for _ in range(MAX_INVITATIONS):
        await code(acme)
    with raises_refusal("invitations-full", match="100"):
        await code(acme)
    acme.clock.advance(INVITATION_LIFETIME)
    await code(acme)


# --- answering ---------------------------------------------------------------------------------


async def test_exactly_one_of_concurrent_acceptances_succeeds(acme: OrganizationServices) -> None:
    sent = await code(acme)
    results = await asyncio.gather(
        *(acme.invitations.accept(sent, by=acme.signed_in(who)) for who in (LEE, MAX, EVE)),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, BaseException) for each in results) == 1
    assert sum(isinstance(each, InvitationNotFound) for each in results) == 2
    assert len(acme.roles()) == 2


@dataclass
class Lagging(FakeDirectory):
    """A directory whose lists show invitations as they were first."""

    first: list[Invitation] = field(default_factory=list[Invitation])

    async def list_by_subject(self, kind: type[E], subject: str) -> list[E]:
        """Return what was once about the subject."""
        return [each for each in self.first if isinstance(each, kind) and each.subject == subject]


async def test_a_list_that_lags_behind_opens_nothing(acme: OrganizationServices) -> None:
    sent = await code(acme)
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
    [stored] = invitations(acme)
    withdrawal = OtherWriter("remove", partial(acme.directory.remove, stored))
    acme.directory = withdrawal.over(acme.directory)
    with pytest.raises(InvitationNotFound):
        await acme.invitations.accept(sent, by=acme.signed_in(LEE))
    assert withdrawal.has_acted
    assert set(acme.roles()) == {"kim"}


@pytest.mark.parametrize("role", [Role.MEMBER, Role.OWNER])
async def test_who_gets_a_role_by_groups_while_accepting_an_invitation_gets_both(
    acme: OrganizationServices, role: Role
) -> None:
    request = InvitationRequest.parse(role, None, "for lee")
    invited = await acme.invitations.invite(ACME, request, by=acme.signed_in(KIM))
    assert invited.link
    directory = acme.directory
    group = GroupRole(role=Role.MAINTAINER, until_ms=NO_END_MS, groups=("entra:devs",))

    by_groups = Membership(org="Acme", account=LEE.id, role=group.role, group=group)
    sign_in = OtherWriter("add", partial(directory.add, by_groups))
    acme.directory = sign_in.over(directory)
    sent = invited.link.reveal().rpartition("#")[2]
    await acme.invitations.accept(sent, by=acme.signed_in(LEE))
    assert sign_in.has_acted
    assert directory.every(Invitation) == []
    [stored] = [each for each in directory.every(Membership) if each.account == LEE.id]
    assert stored.group_role is Role.MAINTAINER
    if role is Role.OWNER:
        assert stored.pending
        assert stored.pending.role is Role.OWNER
    else:
        assert stored.hand_role is role


async def test_a_token_without_the_scope_manage_accepts_nothing(
    acme: OrganizationServices,
) -> None:
    sent = await code(acme)
    reading = Principal(LEE.id, "token", (Grant(scopes=frozenset({Scope.READ})),))
    with pytest.raises(NotPermitted, match="join Acme: the token lacks the scope manage"):
        await acme.invitations.accept(sent, by=reading)
    assert set(acme.roles()) == {"kim"}


async def test_a_machine_does_not_join(acme: OrganizationServices) -> None:
    sent = await code(acme)
    with pytest.raises(TokenUnknown):
        await acme.invitations.accept(sent, by=Principal("machine", "token", (Grant(),)))
    assert len(invitations(acme)) == 1

"""What is made with a token is noted with it, and ends with it when it was stolen."""

from datetime import timedelta

import pytest

from shared.domain.errors.identity import TokenNotFound, TokenUnknown
from shared.domain.errors.organizations import InvitationNotFound
from shared.domain.identity import OPERATOR, Principal
from shared.domain.members import Invitation, Membership
from shared.domain.records import Entity, Place
from shared.domain.rights import Grant, Role, Scope
from shared.domain.tokens import LINEAGE_RETENTION, LineageRecord, Made, StolenToken, Token
from shared.ports import AlreadyThere
from shared.services.organizations.invitations import InvitationRequest
from tests.fakes.stores import E, FakeDirectory
from tests.support.services import ACME, EVE, KIM, LEE, AdministrationServices

READING = Grant(scopes=frozenset({Scope.READ}))
MEMBER = InvitationRequest.parse(Role.MEMBER, None, "for lee")
STOLEN = "stolen0000"


@pytest.fixture
async def world() -> AdministrationServices:
    world = AdministrationServices.with_names()
    await world.organizations.create(ACME, KIM, by=OPERATOR)
    await world.directory.add(stored(STOLEN))
    world.clear_calls()
    return world


def stored(id_: str, owner: str = KIM.id, **fields: object) -> Token:
    token = Token(
        id=id_,
        hash=f"hash-of-{id_}",
        owner=owner,
        name=id_,
        grants=(Grant(),),
        created_ms=0,
        expires_ms=None,
    )
    return token.model_copy(update=fields)


def thief() -> Principal:
    """Return whoever has Kim's token."""
    return Principal(KIM.id, STOLEN, (Grant(),), token=STOLEN)


def child() -> Token:
    """Return what a token is made of."""
    return stored("").model_copy(update={"grants": (READING,), "name": "later"})


async def ids(world: AdministrationServices) -> set[str]:
    """Return which tokens Kim has."""
    return {each.id for each in await world.directory.list_by_owner(Token, KIM.id)}


async def test_lineage_is_deleted_when_nothing_of_it_can_exist(
    world: AdministrationServices,
) -> None:
    await world.tokens.issue(child(), by=thief())
    await world.lineage.revoke_stolen(KIM.id, STOLEN, by=world.signed_in(KIM))
    kept: list[Entity] = [
        *world.directory.every(LineageRecord),
        *world.directory.every(StolenToken),
    ]
    ends = {each.ends_ms for each in kept}
    assert ends == {world.clock.now_ms() + LINEAGE_RETENTION // timedelta(milliseconds=1)}


async def test_a_credential_that_was_already_revoked_is_skipped(
    world: AdministrationServices,
) -> None:
    by = thief()
    made = await world.tokens.issue(child(), by=by)
    sent = await world.invitations.invite(ACME, MEMBER, by=by)
    await world.memberships.set_member(ACME, LEE, Role.MEMBER, by=OPERATOR)
    await world.lineage.record(by, Made.MEMBERSHIP, LEE.id, LEE.name, "Acme")
    await world.lineage.record(by, Made.MEMBERSHIP, EVE.id, EVE.name, "Acme")
    await world.directory.remove(made.token)
    await world.invitations.withdraw(ACME, sent.invitation.id, by=world.signed_in(KIM))
    world.clear_calls()
    ended = await world.lineage.revoke_stolen(KIM.id, STOLEN, by=world.signed_in(KIM))
    assert len(ended) == 4
    assert world.events.kinds() == ["token.stolen"]
    assert world.roles() == {"kim": Role.OWNER, "lee": Role.MEMBER}


async def test_a_credential_made_after_the_revocation_ends_at_once_with_an_event(
    world: AdministrationServices,
) -> None:
    code = await invited(world)
    await world.lineage.revoke_stolen(KIM.id, STOLEN, by=world.signed_in(KIM))
    world.clear_calls()
    with pytest.raises(TokenUnknown):
        await world.tokens.issue(child(), by=thief())
    with pytest.raises(TokenUnknown):
        await world.invitations.invite(ACME, MEMBER, by=thief())
    with pytest.raises(InvitationNotFound):
        await world.invitations.accept(code, by=world.signed_in(LEE))
    assert await ids(world) == set()
    assert world.directory.every(Invitation) == []
    assert world.events.kinds() == [
        "token.issued",
        "token.revoked",
        "invitation.sent",
        "invitation.withdrawn",
    ]


async def invited(world: AdministrationServices) -> str:
    """Return the code of an invitation that the thief sends."""
    sent = await world.invitations.invite(ACME, MEMBER, by=thief())
    assert sent.link
    return sent.link.reveal().rpartition("/")[2]


async def test_an_account_that_accepts_during_the_revocation_is_removed(
    world: AdministrationServices,
) -> None:
    stolen = StolenToken(owner=KIM.id, id=STOLEN, listed=(), at_ms=world.clock.now_ms())

    class RevokedMeanwhile(FakeDirectory):
        """A directory in which the token is revoked while the invitation is used."""

        async def remove(self, entity: E) -> E:
            if isinstance(entity, Invitation):
                await self.put(stolen)
            return await super().remove(entity)

    code = await invited(world)
    world.directory = RevokedMeanwhile(world.directory.entities)
    with pytest.raises(InvitationNotFound):
        await world.invitations.accept(code, by=world.signed_in(LEE))
    assert world.roles() == {"kim": Role.OWNER}


async def test_both_of_two_concurrent_reports_complete_it(world: AdministrationServices) -> None:
    class Slower(FakeDirectory):
        """A directory in which somebody else is always a moment faster."""

        async def add(self, entity: E, *others: Entity) -> E:
            """Find the place of a stolen token taken."""
            if isinstance(entity, StolenToken):
                raise AlreadyThere
            return await super().add(entity, *others)

    world.directory = Slower(world.directory.entities)
    await world.lineage.revoke_stolen(KIM.id, STOLEN, by=world.signed_in(KIM))
    assert await ids(world) == set()


async def test_a_token_that_somebody_else_removes_at_that_moment_is_skipped(
    world: AdministrationServices,
) -> None:
    class RemovedFirst(FakeDirectory):
        """A directory in which a token is gone when it is read after a list."""

        async def get(self, kind: type[E], place: Place) -> E | None:
            found = await super().get(kind, place)
            if not isinstance(found, Token):
                return found
            await self.remove(found)
            return None

    world.directory = RemovedFirst(world.directory.entities)
    await world.lineage.revoke_stolen(KIM.id, STOLEN, by=world.signed_in(KIM))
    assert await ids(world) == set()


async def test_upkeep_finishes_what_is_of_the_last_day(world: AdministrationServices) -> None:
    for id_ in ("early00000", "late000000"):
        await world.directory.add(stored(id_))
        await world.directory.put(
            StolenToken(owner=KIM.id, id=id_, listed=(), at_ms=world.clock.now_ms())
        )
        world.clock.advance(timedelta(days=1, seconds=1))
    world.clock.advance(-timedelta(seconds=2))
    assert await world.lineage.finish_revocations() == 1
    assert await ids(world) == {STOLEN, "early00000"}


async def test_a_member_whom_a_stolen_token_lowered_stays(world: AdministrationServices) -> None:
    await world.add_members(LEE, role=Role.MAINTAINER)
    await world.memberships.set_member(ACME, LEE, Role.MEMBER, by=thief())
    assert await world.lineage.revoke_stolen(KIM.id, STOLEN, by=world.signed_in(KIM)) == []
    assert world.roles() == {"kim": Role.OWNER, "lee": Role.MEMBER}


async def test_no_token_takes_the_mark_from_a_member(world: AdministrationServices) -> None:
    await world.invitations.accept(await invited(world), by=world.signed_in(LEE))
    [lee] = [each for each in world.directory.every(Membership) if each.account == LEE.id]
    await world.directory.replace(lee.model_copy(update={"role": Role.MAINTAINER}))
    await world.memberships.set_member(ACME, LEE, Role.MEMBER, by=thief())
    await world.lineage.revoke_stolen(KIM.id, STOLEN, by=world.signed_in(KIM))
    assert world.roles() == {"kim": Role.OWNER}


async def test_a_canary_is_no_token_that_anybody_calls_stolen(
    world: AdministrationServices,
) -> None:
    await world.directory.add(stored("canary0000", canary=True))
    with pytest.raises(TokenNotFound):
        await world.lineage.revoke_stolen(KIM.id, "canary0000", by=world.signed_in(KIM))
    assert "canary0000" in await ids(world)


async def test_the_event_of_a_stolen_token_lists_its_lineage(
    world: AdministrationServices,
) -> None:
    by = thief()
    made = (await world.tokens.issue(child(), by=by)).token
    sent = await world.invitations.invite(ACME, MEMBER, by=by)
    await world.memberships.set_member(ACME, LEE, Role.MEMBER, by=OPERATOR)
    noted = await world.lineage.of(KIM.id)
    world.clear_calls()
    ended = await world.lineage.revoke_stolen(KIM.id, STOLEN, by=world.signed_in(KIM))
    assert list(ended) == noted[STOLEN]
    [stolen, *others] = world.events.feed
    assert (stolen.kind, stolen.subject, stolen.account, stolen.org) == (
        *("token.stolen", STOLEN, KIM.id, ""),
    )
    assert stolen.details["name"] == STOLEN
    assert stolen.details["made"] == ", ".join(map(str, ended))
    [withdrawn] = others
    assert (withdrawn.kind, withdrawn.subject, withdrawn.org) == (
        *("invitation.withdrawn", "Acme", "acme"),
    )
    assert withdrawn.details == {
        "invitation": sent.invitation.id,
        "role": "member",
        "label": "for lee",
    }
    assert made.id not in await ids(world)


async def test_a_revocation_of_exactly_a_day_ago_is_still_finished(
    world: AdministrationServices,
) -> None:
    await world.directory.put(
        StolenToken(owner=KIM.id, id=STOLEN, listed=(), at_ms=world.clock.now_ms())
    )
    world.clock.advance(timedelta(days=1))
    assert await world.lineage.finish_revocations() == 1
    await world.directory.put(
        StolenToken(
            owner=KIM.id, id="older00000", listed=(), at_ms=world.clock.now_ms() - 86_400_001
        )
    )
    assert await world.lineage.finish_revocations() == 1

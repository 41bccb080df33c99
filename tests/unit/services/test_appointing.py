"""Who administers the registry."""

import asyncio

import pytest

from shared.domain.accounts import Account, Lock
from shared.domain.administration_errors import LastAdministrator
from shared.domain.errors import Busy, CredentialsMissing, NotPermitted, SignInAgain
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.rights import Grant
from shared.domain.sign_in_errors import AccountLocked
from tests.org_world import ADA, KIM, LEE
from tests.people_world import PeopleWorld

AS_ADMINISTRATOR = {"administrator": True}


@pytest.fixture
def world() -> PeopleWorld:
    """Return a registry that ada administers."""
    return PeopleWorld()


def running(world: PeopleWorld) -> set[str]:
    """Return the names of the administrators."""
    return {each.name for each in world.directory.every(Account) if each.administrator}


async def test_an_administrator_makes_another_and_all_are_told(world: PeopleWorld) -> None:
    await world.appointing.appoint(KIM, by=world.ada)
    assert running(world) == {"ada", "kim"}
    assert {each.to for each in world.mailer.sent} == {ADA.email, KIM.email}
    assert "ada has decided that kim is an administrator" in world.mailer.sent[0].text
    [event] = world.told_to(KIM)
    assert (event.kind, event.actor) == ("account.appointed", ADA.id)


async def test_an_administrator_who_is_no_more_is_told_as_well(world: PeopleWorld) -> None:
    await world.appointing.appoint(KIM, by=OPERATOR)
    world.forget()
    await world.appointing.dismiss(ADA, by=OPERATOR)
    assert running(world) == {"kim"}
    assert {each.to for each in world.mailer.sent} == {ADA.email, KIM.email}
    assert "The operator has decided that ada is no administrator" in world.mailer.sent[0].text
    assert world.events.kinds() == ["account.dismissed"]


async def test_whoever_steps_down_is_told_once(world: PeopleWorld) -> None:
    await world.appointing.appoint(KIM, by=OPERATOR)
    world.forget()
    await world.appointing.dismiss(ADA, by=world.ada)
    assert sorted(each.to for each in world.mailer.sent) == [ADA.email, KIM.email]


async def test_a_repeat_changes_nothing(world: PeopleWorld) -> None:
    await world.appointing.appoint(ADA, by=OPERATOR)
    await world.appointing.dismiss(KIM, by=OPERATOR)
    assert (world.events.feed, world.mailer.sent) == ([], [])


async def test_the_last_one_stays(world: PeopleWorld) -> None:
    for by in (world.ada, OPERATOR):
        with pytest.raises(LastAdministrator):
            await world.appointing.dismiss(ADA, by=by)


async def test_somebody_locked_is_neither_made_one_nor_counted(world: PeopleWorld) -> None:
    lock = Lock(at_ms=0, by="operator", reason="Stolen.")
    await world.directory.put(KIM.model_copy(update={"lock": lock}))
    with pytest.raises(AccountLocked):
        await world.appointing.appoint(KIM, by=OPERATOR)
    await world.directory.put(KIM.model_copy(update={"lock": lock, **AS_ADMINISTRATOR}))
    with pytest.raises(LastAdministrator):
        await world.appointing.dismiss(ADA, by=OPERATOR)


async def test_of_two_who_lower_each_other_at_once_one_stays(world: PeopleWorld) -> None:
    await world.directory.put(KIM.model_copy(update=AS_ADMINISTRATOR))
    outcomes = await asyncio.gather(
        world.appointing.dismiss(KIM, by=world.ada),
        world.appointing.dismiss(ADA, by=world.signed_in(KIM)),
        return_exceptions=True,
    )
    assert len(running(world)) == 1
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert len(refused) == 1
    assert isinstance(refused[0], Busy | NotPermitted | LastAdministrator)


async def test_it_takes_an_administrator_who_signed_in_a_moment_ago(world: PeopleWorld) -> None:
    for by, refusal in (
        (ANONYMOUS, CredentialsMissing),
        (world.signed_in(LEE), NotPermitted),
        (Principal(ADA.id, "session", (Grant(),)), SignInAgain),
        (world.token_of(ADA), SignInAgain),
    ):
        for attempt in (
            world.appointing.appoint(KIM, by=by),
            world.appointing.dismiss(ADA, by=by),
        ):
            with pytest.raises(refusal):
                await attempt
    assert running(world) == {"ada"}

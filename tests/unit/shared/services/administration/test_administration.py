"""Who administers the registry."""

import asyncio

import pytest

from shared.domain.accounts import Account, AccountLock
from shared.domain.errors.identity import (
    AccountLocked,
    NotPermitted,
)
from shared.domain.errors.organizations import AccountNotFound, LastAdministrator
from shared.domain.identity import OPERATOR
from tests.support.services import ADA, KIM, URL, AdministrationServices

AS_ADMINISTRATOR = {"administrator": True}


@pytest.fixture
def world() -> AdministrationServices:
    """Return a registry that ada administers."""
    return AdministrationServices()


def running(world: AdministrationServices) -> set[str]:
    return {each.name for each in world.directory.every(Account) if each.administrator}


async def test_all_administrators_are_notified_of_a_new_one(
    world: AdministrationServices,
) -> None:
    await world.administrators.appoint(KIM, by=world.ada)
    assert running(world) == {"ada", "kim"}
    assert {each.to for each in world.mailer.sent} == {ADA.email, KIM.email}
    assert "ada made a change: kim is an administrator" in world.mailer.sent[0].text
    [event] = world.events_of(KIM)
    assert (event.kind, event.actor) == ("account.appointed", ADA.id)


async def test_a_repeat_changes_nothing(world: AdministrationServices) -> None:
    await world.administrators.appoint(ADA, by=OPERATOR)
    await world.administrators.dismiss(KIM, by=OPERATOR)
    assert (world.events.feed, world.mailer.sent) == ([], [])


async def test_one_of_two_administrators_who_dismiss_each_other_at_once_remains(
    world: AdministrationServices,
) -> None:
    await world.directory.put(KIM.model_copy(update=AS_ADMINISTRATOR))
    outcomes = await asyncio.gather(
        world.administrators.dismiss(KIM, by=world.ada),
        world.administrators.dismiss(ADA, by=world.signed_in(KIM)),
        return_exceptions=True,
    )
    assert len(running(world)) == 1
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert len(refused) == 1
    assert isinstance(refused[0], NotPermitted)


async def test_the_mail_and_the_event_say_who_decided_what(world: AdministrationServices) -> None:
    await world.administrators.appoint(KIM, by=OPERATOR)
    text = (
        "The operator made a change: kim is an administrator of the registry at "
        f"{URL}.\n\nIf this is unexpected, check who is an administrator: "
        f"{URL}/manage/accounts\n"
    )
    shown = {(each.subject, each.text) for each in world.mailer.sent}
    assert shown == {("kim is an administrator", text)}
    [event] = world.events_of(KIM)
    assert (event.subject, event.actor, event.details) == (KIM.id, "operator", {"name": "kim"})


async def test_a_deleted_account_is_neither_appointed_nor_dismissed(
    world: AdministrationServices,
) -> None:
    await world.delete_account(KIM)
    for attempt in (
        world.administrators.appoint(KIM, by=OPERATOR),
        world.administrators.dismiss(KIM, by=OPERATOR),
    ):
        with pytest.raises(AccountNotFound, match=r"^account not found: kim$"):
            await attempt


async def test_a_refusal_names_the_account_that_is_locked_or_the_last(
    world: AdministrationServices,
) -> None:
    lock = AccountLock(at_ms=0, by="operator", reason="Stolen.")
    await world.directory.put(KIM.model_copy(update={"lock": lock}))
    with pytest.raises(AccountLocked, match=r"^The account kim is locked"):
        await world.administrators.appoint(KIM, by=OPERATOR)
    with pytest.raises(LastAdministrator, match=r"^ada is the only administrator"):
        await world.administrators.dismiss(ADA, by=OPERATOR)

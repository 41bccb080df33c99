"""Who administers the registry."""

import asyncio

import pytest

from shared.domain.accounts import Account, AccountLock
from shared.domain.errors.identity import (
    AccountLocked,
    CredentialsMissing,
    NotPermitted,
    SignInAgain,
)
from shared.domain.errors.organizations import AccountNotFound, LastAdministrator
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.rights import Grant
from tests.support.services import ADA, KIM, LEE, URL, AdministrationServices

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


async def test_a_dismissed_administrator_is_notified_too(
    world: AdministrationServices,
) -> None:
    await world.administrators.appoint(KIM, by=OPERATOR)
    world.clear_calls()
    await world.administrators.dismiss(ADA, by=OPERATOR)
    assert running(world) == {"kim"}
    assert {each.to for each in world.mailer.sent} == {ADA.email, KIM.email}
    assert (
        "The operator made a change: ada is no longer an administrator" in world.mailer.sent[0].text
    )
    assert world.events.kinds() == ["account.dismissed"]


async def test_an_administrator_who_resigns_is_notified_once(world: AdministrationServices) -> None:
    await world.administrators.appoint(KIM, by=OPERATOR)
    world.clear_calls()
    await world.administrators.dismiss(ADA, by=world.ada)
    assert sorted(each.to for each in world.mailer.sent) == [ADA.email, KIM.email]


async def test_a_repeat_changes_nothing(world: AdministrationServices) -> None:
    await world.administrators.appoint(ADA, by=OPERATOR)
    await world.administrators.dismiss(KIM, by=OPERATOR)
    assert (world.events.feed, world.mailer.sent) == ([], [])


async def test_the_last_one_stays(world: AdministrationServices) -> None:
    for by in (world.ada, OPERATOR):
        with pytest.raises(LastAdministrator):
            await world.administrators.dismiss(ADA, by=by)


async def test_somebody_locked_is_neither_made_one_nor_counted(
    world: AdministrationServices,
) -> None:
    lock = AccountLock(at_ms=0, by="operator", reason="Stolen.")
    await world.directory.put(KIM.model_copy(update={"lock": lock}))
    with pytest.raises(AccountLocked):
        await world.administrators.appoint(KIM, by=OPERATOR)
    await world.directory.put(KIM.model_copy(update={"lock": lock, **AS_ADMINISTRATOR}))
    with pytest.raises(LastAdministrator):
        await world.administrators.dismiss(ADA, by=OPERATOR)


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


async def test_it_takes_an_administrator_who_signed_in_a_moment_ago(
    world: AdministrationServices,
) -> None:
    for by, refusal in (
        (ANONYMOUS, CredentialsMissing),
        (world.signed_in(LEE), NotPermitted),
        (Principal(ADA.id, "session", (Grant(),)), SignInAgain),
        (world.token_of(ADA), SignInAgain),
    ):
        for attempt in (
            world.administrators.appoint(KIM, by=by),
            world.administrators.dismiss(ADA, by=by),
        ):
            with pytest.raises(refusal):
                await attempt
    assert running(world) == {"ada"}


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


async def test_a_refusal_names_the_account_and_what_was_to_be_done(
    world: AdministrationServices,
) -> None:
    for verb, attempt in (
        ("appoint", world.administrators.appoint(KIM, by=world.token_of(ADA))),
        ("dismiss", world.administrators.dismiss(KIM, by=world.token_of(ADA))),
    ):
        with pytest.raises(SignInAgain, match=f"^To {verb} the account kim, sign in again"):
            await attempt
    for verb, attempt in (
        ("appoint", world.administrators.appoint(KIM, by=world.signed_in(LEE))),
        ("dismiss", world.administrators.dismiss(KIM, by=world.signed_in(LEE))),
    ):
        with pytest.raises(NotPermitted, match=f"^You may not {verb} the account kim: only"):
            await attempt


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


async def test_administrators_are_listed_by_name_in_any_case(world: AdministrationServices) -> None:
    for account, name in ((KIM, "Zoe"), (LEE, "Bea")):
        await world.directory.put(account.model_copy(update={"name": name, **AS_ADMINISTRATOR}))
    assert [each.name for each in await world.administrators.all()] == ["ada", "Bea", "Zoe"]

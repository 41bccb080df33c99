"""Ending what an account is used by, and locking it."""

import asyncio

import pytest

from shared.domain.accounts import Account
from shared.domain.errors.identity import (
    CredentialsMissing,
    NotPermitted,
    SignInAgain,
    TokenNotFound,
)
from shared.domain.errors.organizations import AccountNotFound, LastAdministrator, ReasonMissing
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.records import Place
from shared.domain.rights import Grant
from shared.domain.sign_in import Session
from shared.domain.tokens import Token
from tests.support.services import (
    ADA,
    EVE,
    KIM,
    LEE,
    URL,
    AdministrationServices,
    session_of,
    token_of,
)

WHY = "Its laptop was stolen."


@pytest.fixture
async def world() -> AdministrationServices:
    """Return a registry in which kim has sessions and tokens, and lee has some as well."""
    world = AdministrationServices()
    for each in (session_of(KIM), session_of(KIM, "other"), session_of(LEE, "of lee")):
        await world.directory.add(each)
    for each in (token_of(KIM), token_of(KIM, "other"), token_of(LEE, "of lee")):
        await world.directory.add(each)
    return world


async def there(world: AdministrationServices, account: Account) -> Account:
    """Return an account as it is stored."""
    found = await world.directory.get(Account, Place(account.id))
    assert found
    return found


def left(world: AdministrationServices) -> tuple[list[str], list[str]]:
    """Return the ids of the sessions and tokens that are there."""
    directory = world.directory
    return [e.id for e in directory.every(Session)], [e.id for e in directory.every(Token)]


async def test_every_session_of_somebody_ends_and_no_other(world: AdministrationServices) -> None:
    ended = await world.account_administration.end_sessions(KIM, by=world.ada)
    assert [each.id for each in ended] == ["other", "session"]
    assert left(world)[0] == ["of lee"]
    assert world.events.kinds() == ["session.ended"] * 2
    assert len(world.events_of(KIM)) == 2


async def test_one_token_is_revoked(world: AdministrationServices) -> None:
    await world.account_administration.revoke_token(KIM, "other", by=world.ada)
    assert left(world)[1] == ["token", "of lee"]
    with pytest.raises(TokenNotFound):
        await world.account_administration.revoke_token(KIM, "of lee", by=world.ada)


async def test_all_tokens_are_revoked_but_canaries(world: AdministrationServices) -> None:
    canary = token_of(KIM, "trap").model_copy(update={"canary": True})
    await world.directory.add(canary)
    assert await world.account_administration.revoke_all_tokens(KIM, by=world.ada) == 2
    assert sorted(left(world)[1]) == ["of lee", "trap"]


async def test_a_lock_has_its_reason_and_ends_sessions_alone(world: AdministrationServices) -> None:
    ended = await world.account_administration.lock(KIM, f"  {WHY} ", by=world.ada)
    lock = (await there(world, KIM)).lock
    assert lock
    assert (lock.by, lock.reason, lock.at_ms) == (ADA.id, WHY, world.clock.now_ms())
    assert [each.id for each in ended] == ["other", "session"]
    assert sorted(left(world)[1]) == ["of lee", "other", "token"]
    [locked, *_] = world.events_of(KIM)
    assert (locked.kind, locked.actor, locked.details["reason"]) == ("account.locked", ADA.id, WHY)
    [letter] = world.mailer.sent
    assert letter.to == KIM.email
    assert WHY not in letter.text


async def test_a_lock_takes_a_reason(world: AdministrationServices) -> None:
    with pytest.raises(ReasonMissing):
        await world.account_administration.lock(KIM, " ", by=world.ada)
    assert not (await there(world, KIM)).is_locked


async def test_a_locked_account_is_unlocked_once(world: AdministrationServices) -> None:
    await world.account_administration.lock(KIM, WHY, by=world.ada)
    world.clear_calls()
    for _ in range(2):
        await world.account_administration.unlock(KIM, by=world.ada)
    assert not (await there(world, KIM)).is_locked
    assert world.events.kinds() == ["account.unlocked"]
    [mail] = world.mailer.sent
    assert mail.subject == "kim: your account is unlocked"
    assert f"{URL}/" in mail.text


async def test_a_deleted_account_is_not_locked(world: AdministrationServices) -> None:
    await world.delete_account(EVE)
    with pytest.raises(AccountNotFound):
        await world.account_administration.lock(EVE, WHY, by=world.ada)


async def test_the_last_administrator_is_not_locked(world: AdministrationServices) -> None:
    for by in (world.ada, OPERATOR):
        with pytest.raises(LastAdministrator):
            await world.account_administration.lock(ADA, WHY, by=by)
    await world.directory.put(LEE.model_copy(update={"administrator": True}))
    await world.account_administration.lock(ADA, WHY, by=world.signed_in(LEE))
    assert (await there(world, ADA)).is_locked


async def test_a_locked_administrator_does_not_count(world: AdministrationServices) -> None:
    await world.directory.put(LEE.model_copy(update={"administrator": True}))
    await world.account_administration.lock(LEE, WHY, by=world.ada)
    with pytest.raises(LastAdministrator):
        await world.account_administration.lock(ADA, WHY, by=OPERATOR)


async def test_a_locked_administrator_administers_nothing(world: AdministrationServices) -> None:
    await world.directory.put(LEE.model_copy(update={"administrator": True}))
    await world.account_administration.lock(LEE, WHY, by=world.ada)
    with pytest.raises(NotPermitted):
        await world.account_administration.unlock(LEE, by=world.signed_in(LEE))


async def test_one_of_two_administrators_who_lock_each_other_at_once_remains(
    world: AdministrationServices,
) -> None:
    await world.directory.put(LEE.model_copy(update={"administrator": True}))
    outcomes = await asyncio.gather(
        world.account_administration.lock(LEE, WHY, by=world.ada),
        world.account_administration.lock(ADA, WHY, by=world.signed_in(LEE)),
        return_exceptions=True,
    )
    locked = [each for each in world.directory.every(Account) if each.is_locked]
    assert len(locked) == 1
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert all(isinstance(each, NotPermitted) for each in refused)
    assert len(refused) == 1


async def test_it_takes_an_administrator_who_signed_in_a_moment_ago(
    world: AdministrationServices,
) -> None:
    stale = Principal(ADA.id, "session", (Grant(),))
    token = world.token_of(ADA)
    for by, refusal in (
        (ANONYMOUS, CredentialsMissing),
        (world.signed_in(KIM), NotPermitted),
        (stale, SignInAgain),
        (token, SignInAgain),
    ):
        for attempt in (
            world.account_administration.end_sessions(KIM, by=by),
            world.account_administration.revoke_token(KIM, "token", by=by),
            world.account_administration.revoke_all_tokens(KIM, by=by),
            world.account_administration.lock(KIM, WHY, by=by),
            world.account_administration.unlock(KIM, by=by),
        ):
            with pytest.raises(refusal):
                await attempt
    assert world.events.feed == []


async def test_a_refusal_says_what_was_to_be_done_to_whom(world: AdministrationServices) -> None:
    by = world.signed_in(KIM)
    for attempt, what in (
        (world.account_administration.end_sessions(LEE, by=by), f"end the sessions of {LEE.name}"),
        (
            world.account_administration.revoke_token(LEE, "any", by=by),
            f"revoke tokens of {LEE.name}",
        ),
        (
            world.account_administration.revoke_stolen_token(LEE, "any", by=by),
            f"revoke tokens of {LEE.name}",
        ),
        (
            world.account_administration.revoke_all_tokens(LEE, by=by),
            f"revoke tokens of {LEE.name}",
        ),
    ):
        with pytest.raises(NotPermitted) as refused:
            await attempt
        assert str(refused.value).startswith(f"You may not {what}: ")


async def test_the_owner_is_notified_of_each_revoked_token(
    world: AdministrationServices,
) -> None:
    await world.account_administration.revoke_token(KIM, "other", by=world.ada)
    await world.account_administration.revoke_all_tokens(KIM, by=world.ada)
    shown = [(e.kind, e.subject, e.account, e.actor) for e in world.events_of(KIM)]
    assert sorted(shown) == [
        ("token.revoked", "other", KIM.id, ADA.id),
        ("token.revoked", "token", KIM.id, ADA.id),
    ]


async def test_a_token_that_was_stolen_ends_alone(world: AdministrationServices) -> None:
    assert await world.account_administration.revoke_stolen_token(KIM, "other", by=world.ada) == []
    assert sorted(left(world)[1]) == ["of lee", "token"]
    [event] = world.events_of(KIM)
    assert (event.kind, event.subject, event.actor) == ("token.stolen", "other", ADA.id)
    with pytest.raises(TokenNotFound, match="of lee"):
        await world.account_administration.revoke_stolen_token(KIM, "of lee", by=world.ada)


async def test_a_refusal_names_what_was_to_be_done_and_whom_it_is_about(
    world: AdministrationServices,
) -> None:
    by = world.token_of(ADA)
    administration = world.account_administration
    for attempt, what in (
        (administration.end_sessions(KIM, by=by), "end the sessions of kim"),
        (administration.revoke_token(KIM, "other", by=by), "revoke tokens of kim"),
        (administration.revoke_stolen_token(KIM, "other", by=by), "revoke tokens of kim"),
        (administration.revoke_all_tokens(KIM, by=by), "revoke tokens of kim"),
        (administration.lock(KIM, WHY, by=by), "lock the account kim"),
        (administration.unlock(KIM, by=by), "unlock the account kim"),
    ):
        with pytest.raises(SignInAgain) as refused:
            await attempt
        assert str(refused.value).startswith(f"To {what}, sign in again")


async def test_a_lock_without_a_reason_is_named(world: AdministrationServices) -> None:
    with pytest.raises(ReasonMissing, match="the lock of kim"):
        await world.account_administration.lock(KIM, " ", by=world.ada)


async def test_the_events_of_a_lock_name_the_account(world: AdministrationServices) -> None:
    await world.account_administration.lock(KIM, WHY, by=world.ada)
    await world.account_administration.unlock(KIM, by=world.ada)
    events = [each for each in world.events_of(KIM) if each.kind.startswith("account.")]
    assert [(e.kind, e.subject, e.account, e.details) for e in events] == [
        ("account.locked", KIM.id, KIM.id, {"name": "kim", "reason": WHY}),
        ("account.unlocked", KIM.id, KIM.id, {"name": "kim"}),
    ]

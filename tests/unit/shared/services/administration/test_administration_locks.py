"""Ending what an account is used by, and locking it."""

import asyncio

import pytest

from shared.domain.accounts import Account
from shared.domain.errors.identity import (
    NotPermitted,
)
from shared.domain.records import Place
from tests.support.services import (
    ADA,
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

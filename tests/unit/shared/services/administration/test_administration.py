"""Who administers the registry."""

import asyncio

import pytest

from shared.domain.accounts import Account, AccountName
from shared.domain.errors.identity import NotPermitted
from shared.domain.identity import OPERATOR, Grant, Principal
from shared.services.administration.administration import MAX_ACCOUNTS_FOUND
from tests.support.services import ADA, KIM, LEE, AdministrationServices, session_of, token_of

AS_ADMINISTRATOR = {"administrator": True}


@pytest.fixture
def services() -> AdministrationServices:
    """Return a registry that ada administers."""
    return AdministrationServices()


def running(services: AdministrationServices) -> set[str]:
    return {each.name for each in services.directory.every(Account) if each.administrator}


async def test_one_of_two_administrators_who_dismiss_each_other_at_once_remains(
    services: AdministrationServices,
) -> None:
    await services.directory.put(KIM.model_copy(update=AS_ADMINISTRATOR))
    outcomes = await asyncio.gather(
        services.administrators.dismiss(KIM, by=services.ada),
        services.administrators.dismiss(ADA, by=services.signed_in(KIM)),
        return_exceptions=True,
    )
    assert len(running(services)) == 1
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert len(refused) == 1
    assert isinstance(refused[0], NotPermitted)


# --- accounts -------------------------------------------------------------------------------------


@pytest.fixture
async def named() -> AdministrationServices:
    """Return a registry in which every account has its name."""
    return AdministrationServices.with_names()


async def test_a_search_finds_a_bounded_number_of_accounts(named: AdministrationServices) -> None:
    for number in range(MAX_ACCOUNTS_FOUND + 5):
        account = KIM.model_copy(update={"id": f"many{number:06}", "name": f"many-{number:02}"})
        await named.directory.add(account)
        claim = AccountName(name=account.name, account=account.id, created_ms=0)
        await named.directory.add(claim)
    assert (
        len((await named.account_administration.search("many-", by=OPERATOR)).rows)
        == MAX_ACCOUNTS_FOUND
    )
    same_mail = (await named.account_administration.search(KIM.email, by=OPERATOR)).rows
    assert len(same_mail) == MAX_ACCOUNTS_FOUND


# --- locks ----------------------------------------------------------------------------------------


WHY = "Its laptop was stolen."


@pytest.fixture
async def in_use() -> AdministrationServices:
    """Return a registry in which kim has sessions and tokens, and lee has some as well."""
    in_use = AdministrationServices()
    for each in (session_of(KIM), session_of(KIM, "other"), session_of(LEE, "of lee")):
        await in_use.directory.add(each)
    for each in (token_of(KIM), token_of(KIM, "other"), token_of(LEE, "of lee")):
        await in_use.directory.add(each)
    return in_use


async def test_one_of_two_administrators_who_lock_each_other_at_once_remains(
    in_use: AdministrationServices,
) -> None:
    await in_use.directory.put(LEE.model_copy(update={"administrator": True}))
    outcomes = await asyncio.gather(
        in_use.account_administration.lock(LEE, WHY, by=in_use.ada),
        in_use.account_administration.lock(ADA, WHY, by=in_use.signed_in(LEE)),
        return_exceptions=True,
    )
    locked = [each for each in in_use.directory.every(Account) if each.is_locked]
    assert len(locked) == 1
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert all(isinstance(each, NotPermitted) for each in refused)
    assert len(refused) == 1


# --- rights ---------------------------------------------------------------------------------------


def of(account_id: str) -> Principal:
    """Return somebody whose credential manages everything, and who signed in long ago."""
    return Principal(account_id, "session", (Grant(),))

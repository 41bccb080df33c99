"""Accounts."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from shared.domain.account_names import AccountName, RetiredName
from shared.domain.accounts import Account
from shared.domain.errors.identity import AccountExists
from shared.domain.principals import OPERATOR
from shared.services.identity.accounts import Accounts
from tests.fakes.services import fake_audited_writer, fake_retired_names
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.port_doubles import OtherWriter


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def store() -> FakeDirectory:
    return FakeDirectory()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def accounts(store: FakeDirectory, events: FakeEvents, clock: FakeClock) -> Accounts:
    return Accounts(
        store,
        fake_retired_names(store),
        fake_audited_writer(store, events),
        clock,
        FakeRandomness(),
    )


async def test_exactly_one_of_two_concurrent_accounts_gets_the_name(
    accounts: Accounts, store: FakeDirectory
) -> None:
    creating = [accounts.create(name, by=OPERATOR) for name in ("kim", "Kim")]
    first, second = await asyncio.gather(*creating, return_exceptions=True)
    assert isinstance(first, Account)
    assert isinstance(second, AccountExists)
    assert [each.id for each in store.every(Account)] == [first.id]


async def test_a_name_whose_account_was_never_created_can_be_used_after_a_minute(
    accounts: Accounts, store: FakeDirectory, clock: FakeClock
) -> None:
    claim = AccountName(name="kim", account="died000000", created_ms=clock.now_ms())
    await store.replace(await store.add(claim))  # It was taken over once before.
    clock.advance(timedelta(seconds=59))
    with pytest.raises(AccountExists):
        await accounts.create("Kim", by=OPERATOR)
    clock.advance(timedelta(seconds=1))
    account = await accounts.create("Kim", by=OPERATOR)
    assert await accounts.by_name_or_id("kim") == account


async def test_exactly_one_of_two_concurrent_takers_gets_an_unused_name(
    accounts: Accounts, store: FakeDirectory
) -> None:
    await store.add(AccountName(name="kim", account="died000000", created_ms=0))
    other = OtherWriter("replace", partial(accounts.create, "Kim", by=OPERATOR))
    raced = replace(accounts, directory=other.over(store))
    with pytest.raises(AccountExists):
        await raced.create("kim", by=OPERATOR)
    assert other.has_acted
    assert [each.name for each in store.every(Account)] == ["Kim"]


async def test_a_rename_can_be_repeated_whatever_a_crash_left(
    accounts: Accounts, store: FakeDirectory, events: FakeEvents
) -> None:
    kim = await accounts.create("kim", by=OPERATOR)
    await store.add(AccountName(name="lee", account=kim.id, created_ms=kim.created_ms))
    for _ in range(2):
        assert (await accounts.rename(kim, "lee", by=OPERATOR)).name == "lee"
    assert events.kinds() == ["account.created", "account.renamed"]
    assert [each.name for each in store.every(AccountName)] == ["lee"]
    [retired] = store.every(RetiredName)
    assert "kim" not in retired.model_dump_json()
    with pytest.raises(AccountExists):
        await accounts.create("KIM", by=OPERATOR)
    assert [each.name for each in store.every(AccountName)] == ["lee"]


async def test_a_name_whose_account_exists_never_becomes_available(
    accounts: Accounts, clock: FakeClock
) -> None:
    kim = await accounts.create("kim", by=OPERATOR)
    clock.advance(timedelta(days=400))
    with pytest.raises(AccountExists, match=r"^The account KIM exists already\. "):
        await accounts.create("KIM", by=OPERATOR)
    assert await accounts.by_name_or_id("kim") == kim

"""Accounts."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.auth.token import AccessToken
from shared.domain.errors import (
    AccountExists,
    AccountNotFound,
    Busy,
    CredentialsMissing,
    InvalidRequest,
    NotPermitted,
    TokenUnknown,
)
from shared.domain.identity import ANONYMOUS, OPERATOR, Grant, Membership, Principal, Role
from shared.domain.package import Event
from shared.services.accounts import Accounts, Profile
from tests.fakes.accounts import FakeAccounts
from tests.fakes.clock import FakeClock
from tests.fakes.events import FakeEvents
from tests.fakes.randomness import FakeRandomness


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def store() -> FakeAccounts:
    return FakeAccounts()


@pytest.fixture
def accounts(store: FakeAccounts, events: FakeEvents) -> Accounts:
    return Accounts(store, events, FakeClock(), FakeRandomness())


async def test_an_account_has_an_id_that_fits_into_a_token(accounts: Accounts) -> None:
    account = await accounts.create("kim", by=OPERATOR)
    token = AccessToken.mint("local", account.id, FakeRandomness())
    assert AccessToken.parse(token.text).owner == account.id


class PatientEvents(FakeEvents):
    """A feed that lets others go on meanwhile."""

    async def append(self, events: Sequence[Event]) -> None:
        """Append, later."""
        await asyncio.sleep(0)
        await super().append(events)


async def test_of_two_accounts_at_once_one_gets_the_name(store: FakeAccounts) -> None:
    accounts = Accounts(store, PatientEvents(), FakeClock(), FakeRandomness())
    creating = [accounts.create(name, by=OPERATOR) for name in ("kim", "Kim")]
    first, second = await asyncio.gather(*creating, return_exceptions=True)
    assert list(store.by_id.values()) == [first]
    assert isinstance(second, AccountExists)


async def test_no_account_is_there_that_nobody_was_told_of(
    accounts: Accounts, store: FakeAccounts, events: FakeEvents
) -> None:
    events.fails_with = Busy()
    with pytest.raises(Busy):
        await accounts.create("kim", by=OPERATOR)
    assert store.by_id == {}


async def test_an_account_is_found_by_its_name_in_any_case_and_by_its_id(
    accounts: Accounts,
) -> None:
    account = await accounts.create("Kim", by=OPERATOR)
    assert await accounts.named("kim") == account
    assert await accounts.named(account.id) == account
    with pytest.raises(AccountNotFound, match="lee"):
        await accounts.named("lee")


async def test_an_account_is_no_administrator_unless_it_was_made_one(accounts: Accounts) -> None:
    assert not (await accounts.create("kim", by=OPERATOR)).administrator
    assert (await accounts.create_administrator("lee", by=OPERATOR)).administrator


async def test_a_name_is_taken_in_any_case(accounts: Accounts, events: FakeEvents) -> None:
    await accounts.create("Kim", by=OPERATOR)
    with pytest.raises(AccountExists):
        await accounts.create("kIM", by=OPERATOR)
    assert events.kinds() == ["account.created"]


@pytest.mark.parametrize("name", ["", "a b", ".a", "a-", "kim@example.org", "x" * 41, "ä"])
async def test_a_name_is_letters_and_digits(accounts: Accounts, name: str) -> None:
    with pytest.raises(InvalidRequest, match="no account name"):
        await accounts.create(name, by=OPERATOR)


async def test_accounts_are_the_business_of_the_operator(accounts: Accounts) -> None:
    by = Principal("kim0000000", "session", (Grant(),))
    for attempt in (
        accounts.create("lee", by=by),
        accounts.create_administrator("lee", by=by),
        accounts.list(by=by),
    ):
        with pytest.raises(NotPermitted):
            await attempt
    assert await accounts.list(by=OPERATOR) == []


async def test_a_profile_is_the_account_with_its_credential_and_its_organizations(
    accounts: Accounts, store: FakeAccounts
) -> None:
    account = await accounts.create("kim", by=OPERATOR)
    member = Membership(org="acme", account=account.id, role=Role.OWNER)
    await store.put_membership(member)
    by = Principal(account.id, "session", (Grant(),))
    assert await accounts.profile(by) == Profile(account, by, (member,))


async def test_nobody_has_no_profile(accounts: Accounts) -> None:
    with pytest.raises(CredentialsMissing):
        await accounts.profile(ANONYMOUS)
    with pytest.raises(TokenUnknown):
        await accounts.profile(Principal("gone000000", "session", (Grant(),)))


async def test_accounts_are_listed_by_name(accounts: Accounts) -> None:
    for name in ("zoe", "kim"):
        await accounts.create(name, by=OPERATOR)
    assert [each.name for each in await accounts.list(by=OPERATOR)] == ["kim", "zoe"]


async def test_a_new_account_is_an_event_that_its_record_holds_as_well(
    accounts: Accounts, events: FakeEvents
) -> None:
    account = await accounts.create_administrator("kim", by=OPERATOR)
    [event] = events.feed
    assert account.outbox == (event,)
    assert (event.kind, event.actor, event.subject) == ("account.created", "operator", account.id)
    assert event.details == {"name": "kim", "administrator": "true"}

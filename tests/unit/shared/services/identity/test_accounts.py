"""Accounts."""

import asyncio
from datetime import timedelta

import pytest

from shared.auth.tokens import AccessToken
from shared.domain.accounts import Account, AccountName
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import CredentialsMissing, NotPermitted, TokenUnknown
from shared.domain.errors.organizations import AccountExists, AccountNotFound
from shared.domain.errors.requests import Busy
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.members import Membership, PendingRole
from shared.domain.rights import Grant, Role
from shared.ports import Stale
from shared.services.identity.accounts import AccountProfile, Accounts
from tests.fakes.services import fake_record_writer
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.port_doubles import Fault, failing


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def store() -> FakeDirectory:
    return FakeDirectory()


@pytest.fixture
def accounts(store: FakeDirectory, events: FakeEvents) -> Accounts:
    return Accounts(store, fake_record_writer(store, events), FakeClock(), FakeRandomness())


async def test_an_account_has_an_id_that_fits_into_a_token(accounts: Accounts) -> None:
    account = await accounts.create("kim", by=OPERATOR)
    token = AccessToken.mint("local", account.id, FakeRandomness())
    assert AccessToken.parse(token.text).owner == account.id


async def test_exactly_one_of_two_concurrent_accounts_gets_the_name(
    accounts: Accounts, store: FakeDirectory
) -> None:
    creating = [accounts.create(name, by=OPERATOR) for name in ("kim", "Kim")]
    first, second = await asyncio.gather(*creating, return_exceptions=True)
    assert isinstance(first, Account)
    assert isinstance(second, AccountExists)
    assert [each.id for each in store.every(Account)] == [first.id]


async def test_an_account_is_created_even_if_its_event_is_published_later(
    accounts: Accounts, store: FakeDirectory, events: FakeEvents
) -> None:
    events.fails_with = Busy()
    account = await accounts.create("kim", by=OPERATOR)
    [waiting] = await store.unpublished(10)
    assert waiting == account.pending_events


async def test_a_name_whose_account_was_never_created_can_be_used_after_a_minute(
    store: FakeDirectory, events: FakeEvents
) -> None:
    clock = FakeClock()
    accounts = Accounts(store, fake_record_writer(store, events), clock, FakeRandomness())
    claim = AccountName(name="kim", account="died000000", created_ms=clock.now_ms())
    await store.add(claim)
    clock.advance(timedelta(seconds=59))
    with pytest.raises(AccountExists):
        await accounts.create("Kim", by=OPERATOR)
    clock.advance(timedelta(seconds=1))
    account = await accounts.create("Kim", by=OPERATOR)
    assert await accounts.by_name_or_id("kim") == account


async def test_exactly_one_of_two_concurrent_takers_gets_an_unused_name(
    store: FakeDirectory, events: FakeEvents
) -> None:
    await store.add(AccountName(name="kim", account="died000000", created_ms=0))
    raced = failing(store, Fault("replace", Stale()))
    accounts = Accounts(raced, fake_record_writer(store, events), FakeClock(), FakeRandomness())
    with pytest.raises(AccountExists):
        await accounts.create("kim", by=OPERATOR)


async def test_an_account_is_found_by_its_name_in_any_case_and_by_its_id(
    accounts: Accounts,
) -> None:
    account = await accounts.create("Kim", by=OPERATOR)
    assert await accounts.by_name_or_id("kim") == account
    assert await accounts.by_name_or_id(f"id:{account.id}") == account
    assert await accounts.by_id(account.id) == account
    with pytest.raises(AccountNotFound, match="lee"):
        await accounts.by_name_or_id("lee")
    for other in ("Kim", "kim@example.org", "0000000000", f"id:{account.id}"):
        with pytest.raises(AccountNotFound):
            await accounts.by_id(other)


async def test_an_id_is_no_name_even_where_an_old_account_is_called_so(
    accounts: Accounts, store: FakeDirectory
) -> None:
    kim = await accounts.create("kim", by=OPERATOR)
    await store.add(Account(id="stranger00", name=kim.id, created_ms=0))
    await store.add(AccountName(name=kim.id, account="stranger00", created_ms=0))
    assert await accounts.by_id(kim.id) == kim
    with pytest.raises(AccountNotFound, match=f"id:{kim.id}"):
        await accounts.by_name_or_id(kim.id)


async def test_a_name_that_was_given_back_is_nobodys(
    accounts: Accounts, store: FakeDirectory
) -> None:
    kim = await accounts.create("kim", by=OPERATOR)
    [claim] = store.every(AccountName)
    await store.replace(claim.model_copy(update={"is_retired": True}))
    with pytest.raises(AccountNotFound):
        await accounts.by_name_or_id("kim")
    assert await accounts.by_id(kim.id) == kim


async def test_an_account_is_no_administrator_unless_it_was_made_one(accounts: Accounts) -> None:
    assert not (await accounts.create("kim", by=OPERATOR)).administrator
    assert (await accounts.create_administrator("lee", by=OPERATOR)).administrator


async def test_a_name_is_taken_in_any_case(accounts: Accounts, events: FakeEvents) -> None:
    await accounts.create("Kim", by=OPERATOR)
    with pytest.raises(AccountExists):
        await accounts.create("kIM", by=OPERATOR)
    assert events.kinds() == ["account.created"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("aB3dE6gH9k", "form of an id"),
        ("christophe", "form of an id"),
        ("blr_local_x", "another meaning"),
        ("entra-0a0a0a0a", "another meaning"),
        ("Upkeep", "another meaning"),
        ("operator", "another meaning"),
        ("root", "runs this registry"),
        ("Supp0rt", "runs this registry"),
        ("ballerina", "runs this registry"),
        ("sign-in", "runs this registry"),
    ],
)
async def test_a_name_is_no_id_no_token_and_no_reserved_word(
    accounts: Accounts, store: FakeDirectory, name: str, reason: str
) -> None:
    by = Principal("kim0000000", "session")
    with pytest.raises(InvalidRequest, match=reason):
        await accounts.register("kim0000000", name, email="", by=by)
    with pytest.raises(InvalidRequest, match=reason):
        await accounts.create(name, by=OPERATOR)
    assert store.entities == {}


@pytest.mark.parametrize("name", ["christophe1", "christoph", "chris-topher", "adminton"])
async def test_other_names_are_accepted(accounts: Accounts, name: str) -> None:
    assert (await accounts.create(name, by=OPERATOR)).name == name


async def test_an_administrator_may_be_called_so(accounts: Accounts) -> None:
    assert (await accounts.create_administrator("support", by=OPERATOR)).name == "support"
    with pytest.raises(InvalidRequest, match="form of an id"):
        await accounts.create_administrator("supporters", by=OPERATOR)


@pytest.mark.parametrize("name", ["", "a b", ".a", "a-", "kim@example.org", "x" * 41, "ä"])
async def test_a_name_consists_of_letters_and_digits(accounts: Accounts, name: str) -> None:
    with pytest.raises(InvalidRequest, match="not a valid account name"):
        await accounts.create(name, by=OPERATOR)


async def test_accounts_are_the_business_of_the_operator(
    accounts: Accounts, store: FakeDirectory
) -> None:
    by = Principal("kim0000000", "session", (Grant(),))
    for attempt in (
        accounts.create("lee", by=by),
        accounts.create_administrator("lee", by=by),
    ):
        with pytest.raises(NotPermitted):
            await attempt
    assert store.every(Account) == []


async def test_a_profile_is_the_account_with_its_credential_and_its_organizations(
    accounts: Accounts, store: FakeDirectory
) -> None:
    account = await accounts.create("kim", by=OPERATOR)
    member = Membership(org="acme", account=account.id, role=Role.OWNER)
    await store.add(member)
    by = Principal(account.id, "session", (Grant(),))
    assert await accounts.profile(by) == AccountProfile(account, by, (member,))


async def test_nobody_has_no_profile(accounts: Accounts) -> None:
    with pytest.raises(CredentialsMissing):
        await accounts.profile(ANONYMOUS)
    with pytest.raises(TokenUnknown):
        await accounts.profile(Principal("gone000000", "session", (Grant(),)))


async def test_a_new_account_is_an_event(accounts: Accounts, events: FakeEvents) -> None:
    account = await accounts.create_administrator("kim", by=OPERATOR)
    [event] = events.feed
    assert (event.kind, event.actor, event.subject) == ("account.created", "operator", account.id)
    assert event.streams == (f"account:{account.id}",)
    assert event.details == {"name": "kim", "administrator": "true"}


async def test_a_renamed_account_is_an_event_and_its_name_before_is_never_given_again(
    accounts: Accounts, events: FakeEvents
) -> None:
    kim = await accounts.create("kim", by=OPERATOR)
    renamed = await accounts.rename(kim, "Kimberly", by=OPERATOR)
    assert await accounts.by_name_or_id("kimberly") == renamed
    with pytest.raises(AccountNotFound):
        await accounts.by_name_or_id("kim")
    with pytest.raises(AccountExists):
        await accounts.create("kim", by=OPERATOR)
    event = events.feed[-1]
    assert (event.kind, event.details) == (
        "account.renamed",
        {"before": "kim", "after": "Kimberly"},
    )


async def test_a_rename_can_be_repeated_whatever_a_crash_left(
    accounts: Accounts, store: FakeDirectory, events: FakeEvents
) -> None:
    kim = await accounts.create("kim", by=OPERATOR)
    await store.add(AccountName(name="lee", account=kim.id, created_ms=kim.created_ms))
    for _ in range(2):
        assert (await accounts.rename(kim, "lee", by=OPERATOR)).name == "lee"
    assert events.kinds() == ["account.created", "account.renamed"]
    retired = {each.name: each.is_retired for each in store.every(AccountName)}
    assert retired == {"kim": True, "lee": False}


async def test_the_spelling_of_a_name_can_be_changed(accounts: Accounts) -> None:
    kim = await accounts.create("kim", by=OPERATOR)
    assert (await accounts.rename(kim, "Kim", by=OPERATOR)).name == "Kim"
    assert (await accounts.by_name_or_id("KIM")).id == kim.id


async def test_no_account_gets_a_taken_or_reserved_name(
    accounts: Accounts, store: FakeDirectory
) -> None:
    kim, _ = [await accounts.create(name, by=OPERATOR) for name in ("kim", "lee")]
    for name, refusal in (("lee", AccountExists), ("root", InvalidRequest)):
        with pytest.raises(refusal):
            await accounts.rename(kim, name, by=OPERATOR)
    old = await store.replace(kim.model_copy(update={"name": "aB3dE6gH9k"}))
    assert (await accounts.rename(old, "kim.l", by=OPERATOR)).name == "kim.l"
    assert (await accounts.by_name_or_id("kim")).id == kim.id


async def test_names_that_nobody_would_get_today_are_listed(
    accounts: Accounts, store: FakeDirectory
) -> None:
    await accounts.create("kim", by=OPERATOR)
    await accounts.create_administrator("root", by=OPERATOR)
    for name in ("aB3dE6gH9k", "security"):
        await store.add(Account(id=name, name=name, created_ms=0))
    listed = await accounts.list_misnamed(by=OPERATOR)
    assert [each.name for each in listed] == ["aB3dE6gH9k", "security"]
    for attempt in (
        accounts.list_misnamed(by=ANONYMOUS),
        accounts.rename(listed[0], "lee", by=ANONYMOUS),
    ):
        with pytest.raises(NotPermitted):
            await attempt


async def test_a_refusal_names_the_verb_and_the_right_that_is_missing(
    accounts: Accounts,
) -> None:
    kim = await accounts.create("kim", by=OPERATOR)
    for verb, attempt in (
        ("create", accounts.create("lee", by=ANONYMOUS)),
        ("rename", accounts.rename(kim, "lee", by=ANONYMOUS)),
        ("list", accounts.list_misnamed(by=ANONYMOUS)),
    ):
        with pytest.raises(NotPermitted) as refused:
            await attempt
        reason = "only the operator of the registry can do this"
        assert str(refused.value) == f"You may not {verb} accounts: {reason}."


async def test_a_reserved_name_is_refused_with_a_way_out(accounts: Accounts) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await accounts.create("root", by=OPERATOR)
    assert str(refused.value) == (
        "'root' is, or looks like, the name of somebody who runs this registry. Choose another, "
        "or make the account an administrator."
    )


async def test_an_id_without_its_mark_is_refused_with_an_example(accounts: Accounts) -> None:
    for text, sentence in (
        ("aB3dE6gH9k", ". An id has id: before it: id:aB3dE6gH9k."),
        ("lee", ""),
    ):
        with pytest.raises(AccountNotFound) as refused:
            await accounts.by_name_or_id(text)
        assert str(refused.value) == f"account not found: {text}{sentence}"


async def test_an_event_of_an_account_says_who_made_and_who_renamed_it(
    accounts: Accounts, events: FakeEvents
) -> None:
    kim = await accounts.create("kim", by=OPERATOR)
    await accounts.rename(kim, "lee", by=OPERATOR)
    made, renamed = events.feed
    assert made.details == {"name": "kim", "administrator": "false"}
    assert [each.actor for each in (made, renamed)] == ["operator", "operator"]
    assert [each.subject for each in (made, renamed)] == [kim.id, kim.id]
    assert renamed.streams == (f"account:{kim.id}",)


async def test_a_name_is_claimed_when_its_account_gets_it(
    store: FakeDirectory, events: FakeEvents
) -> None:
    clock = FakeClock()
    accounts = Accounts(store, fake_record_writer(store, events), clock, FakeRandomness())
    kim = await accounts.create("kim", by=OPERATOR)
    made_ms = clock.now_ms()
    clock.advance(timedelta(days=1))
    await accounts.rename(kim, "lee", by=OPERATOR)
    claimed = {each.name: (each.account, each.created_ms) for each in store.every(AccountName)}
    assert claimed == {"kim": (kim.id, made_ms), "lee": (kim.id, clock.now_ms())}
    assert (await accounts.by_id(kim.id)).created_ms == made_ms


async def test_a_profile_leaves_out_a_membership_that_is_over(
    accounts: Accounts, store: FakeDirectory
) -> None:
    account = await accounts.create("kim", by=OPERATOR)
    over = PendingRole(role=None, at_ms=1, by="max0000000")
    await store.add(
        Membership(org="acme", account=account.id, role=Role.OWNER, pending=over),
    )
    by = Principal(account.id, "session", (Grant(),))
    assert (await accounts.profile(by)).memberships == ()


async def test_a_name_whose_account_exists_never_becomes_available(
    store: FakeDirectory, events: FakeEvents
) -> None:
    clock = FakeClock()
    accounts = Accounts(store, fake_record_writer(store, events), clock, FakeRandomness())
    kim = await accounts.create("kim", by=OPERATOR)
    clock.advance(timedelta(days=400))
    with pytest.raises(AccountExists, match=r"^The account KIM exists already\. "):
        await accounts.create("KIM", by=OPERATOR)
    assert await accounts.by_name_or_id("kim") == kim

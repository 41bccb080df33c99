"""Who is on the registry, as administrators see it."""

from datetime import timedelta

import pytest

from shared.auth.secrets import Secret
from shared.domain.accounts import AccountLock, AccountName, Identity
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    CredentialsMissing,
    NotPermitted,
    SignInAgain,
    TokenNotFound,
)
from shared.domain.errors.organizations import AccountExists, AccountNotFound
from shared.domain.events import EventQuery
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.mail import EmailAddress
from shared.domain.members import Membership
from shared.domain.rights import Grant, Role, Scope
from shared.services.administration.administration import MAX_ACCOUNTS_FOUND, NamedAccount
from shared.services.records import ListPage
from tests.support.services import ADA, EVE, KIM, LEE, AdministrationServices, session_of, token_of

QUERY = EventQuery()


@pytest.fixture
async def world() -> AdministrationServices:
    """Return a registry in which every account has its name."""
    return AdministrationServices.with_names()


def names(people: ListPage[NamedAccount]) -> list[str]:
    return [each.name for each in people.rows]


async def test_names_are_listed_a_page_at_a_time(world: AdministrationServices) -> None:
    first = await world.account_administration.page("", 3, by=OPERATOR)
    assert (names(first), first.next) == (["ada", "eve", "kim"], "kim")
    second = await world.account_administration.page(first.next, 3, by=OPERATOR)
    assert (names(second), second.next) == (["lee", "max"], "")
    assert world.directory.calls.count("list_all") == 2


async def test_a_taken_name_is_listed_without_an_account(
    world: AdministrationServices,
) -> None:
    await world.directory.remove(EVE)
    page = await world.account_administration.page("", 10, by=OPERATOR)
    assert [each.name for each in page.rows if each.account is None] == ["eve"]


@pytest.mark.parametrize("sought", ["kim", "KIM", KIM.id, "Kim@Example.org"])
async def test_somebody_is_found_by_name_id_and_mail(
    world: AdministrationServices, sought: str
) -> None:
    assert names(await world.account_administration.search(sought, by=OPERATOR)) == ["kim"]


async def test_an_administrator_is_found_by_mail_as_well(world: AdministrationServices) -> None:
    assert names(await world.account_administration.search("ada@example.org", by=OPERATOR)) == [
        "ada"
    ]


async def test_others_are_found_by_how_their_names_begin(world: AdministrationServices) -> None:
    assert names(await world.account_administration.search("k", by=OPERATOR)) == ["kim"]
    assert names(await world.account_administration.search("kimberley", by=OPERATOR)) == []
    assert names(await world.account_administration.search("zoe@example.org", by=OPERATOR)) == []


async def test_a_burnt_name_is_found(world: AdministrationServices) -> None:
    await world.directory.remove(EVE)
    [found] = (await world.account_administration.search("Eve", by=OPERATOR)).rows
    assert (found.name, found.account) == ("eve", None)


async def test_somebody_is_shown_with_all_but_secrets_and_canaries(
    world: AdministrationServices,
) -> None:
    identity = Identity(
        issuer="https://login.test", identifier="1", account=KIM.id, label="kim@corp",
        provider="oidc", linked_ms=1,
    )  # fmt: skip
    member = Membership(org="acme", account=KIM.id, role=Role.OWNER)
    canary = token_of(KIM, "trap").model_copy(update={"canary": True})
    over = session_of(KIM, "over").model_copy(update={"expires_ms": 0})
    for each in (identity, member, token_of(KIM), canary, session_of(KIM), over):
        await world.directory.add(each)
    person = await world.account_administration.show(KIM.id, QUERY, by=world.ada)
    assert person.account == KIM
    assert (person.identities, person.memberships) == ((identity,), (member,))
    assert [each.token.id for each in person.tokens] == ["token"]
    assert [each.id for each in person.sessions] == ["session"]
    assert (person.log.events, person.locked_by) == ((), "")


@pytest.mark.parametrize(("locker", "shown"), [(ADA.id, "ada"), ("operator", "operator")])
async def test_the_administrator_who_locked_an_account_is_shown(
    world: AdministrationServices, locker: str, shown: str
) -> None:
    lock = AccountLock(at_ms=1, by=locker, reason="Stolen.")
    await world.directory.put(KIM.model_copy(update={"lock": lock}))
    assert (await world.account_administration.show(KIM.id, QUERY, by=OPERATOR)).locked_by == shown


async def test_nobody_is_shown_who_is_not_there(world: AdministrationServices) -> None:
    with pytest.raises(AccountNotFound):
        await world.account_administration.show("zoe", QUERY, by=OPERATOR)


async def test_an_account_that_is_not_there_is_named(world: AdministrationServices) -> None:
    with pytest.raises(AccountNotFound) as refused:
        await world.account_administration.show("zoe", QUERY, by=OPERATOR)
    assert str(refused.value) == str(AccountNotFound("zoe"))


async def test_identities_are_shown_in_the_order_in_which_they_were_linked(
    world: AdministrationServices,
) -> None:
    for linked_ms in (2, 3, 1):
        identity = Identity(
            issuer="https://login.test", identifier=str(linked_ms), account=KIM.id, label="kim",
            provider="oidc", linked_ms=linked_ms,
        )  # fmt: skip
        await world.directory.add(identity)
    person = await world.account_administration.show(KIM.id, QUERY, by=world.ada)
    assert [each.linked_ms for each in person.identities] == [1, 2, 3]


async def test_a_search_finds_a_bounded_number_of_accounts(world: AdministrationServices) -> None:
    for number in range(MAX_ACCOUNTS_FOUND + 5):
        account = KIM.model_copy(update={"id": f"many{number:06}", "name": f"many-{number:02}"})
        await world.directory.add(account)
        claim = AccountName(name=account.name, account=account.id, created_ms=0)
        await world.directory.add(claim)
    assert (
        len((await world.account_administration.search("many-", by=OPERATOR)).rows)
        == MAX_ACCOUNTS_FOUND
    )
    same_mail = (await world.account_administration.search(KIM.email, by=OPERATOR)).rows
    assert len(same_mail) == MAX_ACCOUNTS_FOUND


async def test_whether_an_administrator_is_signed_in_counts_sessions_that_have_not_ended(
    world: AdministrationServices,
) -> None:
    assert not await world.account_administration.is_administrator_signed_in(by=OPERATOR)
    over = session_of(ADA, "over").model_copy(update={"expires_ms": 0})
    for each in (over, session_of(KIM)):
        await world.directory.add(each)
    assert not await world.account_administration.is_administrator_signed_in(by=OPERATOR)
    await world.directory.add(session_of(ADA, "current"))
    assert await world.account_administration.is_administrator_signed_in(by=OPERATOR)


async def test_administrators_are_listed_by_name(world: AdministrationServices) -> None:
    await world.directory.put(LEE.model_copy(update={"administrator": True}))
    running = await world.account_administration.list_administrators(by=OPERATOR)
    assert [each.name for each in running] == ["ada", "lee"]


async def test_it_takes_an_administrator_and_a_credential_that_manages_everything(
    world: AdministrationServices,
) -> None:
    narrow = Principal(ADA.id, "token", (Grant(scopes=frozenset({Scope.READ})),))
    for by, refusal in (
        (ANONYMOUS, CredentialsMissing),
        (world.signed_in(KIM), NotPermitted),
        (narrow, NotPermitted),
    ):
        for attempt in (
            world.account_administration.page("", 1, by=by),
            world.account_administration.search("kim", by=by),
            world.account_administration.show(KIM.id, QUERY, by=by),
            world.account_administration.list_administrators(by=by),
            world.audit_log.of_other_account(KIM.id, QUERY, by=by),
        ):
            with pytest.raises(refusal):
                await attempt


# --- creating accounts, and looking at one token ------------------------------------------------


async def test_an_administrator_creates_an_account_for_a_person(
    world: AdministrationServices,
) -> None:
    created = await world.account_administration.create("zoe", by=world.ada)
    assert names(await world.account_administration.search("zoe", by=world.ada)) == ["zoe"]
    assert not created.administrator
    assert not created.email
    [event] = world.events_of(created)
    assert (event.kind, event.actor) == ("account.created", ADA.id)
    with pytest.raises(AccountExists):
        await world.account_administration.create("Zoe", by=world.ada)


@pytest.mark.parametrize("name", ["admin", "a b", "aB3dE6gH9k"])
async def test_a_person_gets_no_name_that_seems_official_or_like_an_id(
    world: AdministrationServices, name: str
) -> None:
    with pytest.raises(InvalidRequest):
        await world.account_administration.create(name, by=world.ada)


async def test_only_administrators_who_signed_in_recently_create_accounts(
    world: AdministrationServices,
) -> None:
    stale = world.ada
    world.clock.advance(timedelta(minutes=11))
    for by, refusal in ((stale, SignInAgain), (world.signed_in(KIM), NotPermitted)):
        with pytest.raises(refusal):
            await world.account_administration.create("zoe", by=by)
        with pytest.raises(refusal):
            await world.account_administration.send_sign_in_link(
                KIM, EmailAddress("zoe@example.org"), Secret("link"), by=by
            )
    assert world.mailer.sent == []


async def test_a_sign_in_link_is_sent_to_the_address_alone(world: AdministrationServices) -> None:
    address, link = EmailAddress("zoe@example.org"), Secret("https://registry.test/x")
    assert await world.account_administration.send_sign_in_link(KIM, address, link, by=world.ada)
    [mail] = world.mailer.sent
    assert mail.to == address
    assert link.reveal() in mail.text
    world.mailer.is_down = True
    sent = await world.account_administration.send_sign_in_link(KIM, address, link, by=world.ada)
    assert not sent


async def test_a_token_is_shown_to_administrators_unless_it_is_a_canary(
    world: AdministrationServices,
) -> None:
    await world.directory.add(token_of(KIM))
    await world.directory.add(token_of(KIM, "trap").model_copy(update={"canary": True}))
    found = await world.account_administration.token(KIM, "token", by=world.ada)
    assert found.token.owner == KIM.id
    with pytest.raises(TokenNotFound):
        await world.account_administration.token(KIM, "trap", by=world.ada)
    with pytest.raises(NotPermitted):
        await world.account_administration.token(KIM, "token", by=world.signed_in(LEE))

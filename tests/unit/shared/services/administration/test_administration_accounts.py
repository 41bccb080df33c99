"""Who is on the registry, as administrators see it."""

import pytest

from shared.domain.accounts import AccountName, Identity
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    NotPermitted,
    TokenNotFound,
)
from shared.domain.events import EventQuery
from shared.domain.identity import OPERATOR
from shared.domain.members import Membership
from shared.domain.rights import Role
from shared.services.administration.administration import MAX_ACCOUNTS_FOUND
from tests.support.services import ADA, KIM, LEE, AdministrationServices, session_of, token_of

QUERY = EventQuery()


@pytest.fixture
async def world() -> AdministrationServices:
    """Return a registry in which every account has its name."""
    return AdministrationServices.with_names()


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


# --- creating accounts, and looking at one token ------------------------------------------------


@pytest.mark.parametrize("name", ["admin", "a b", "aB3dE6gH9k"])
async def test_a_person_gets_no_name_that_seems_official_or_like_an_id(
    world: AdministrationServices, name: str
) -> None:
    with pytest.raises(InvalidRequest):
        await world.account_administration.create(name, by=world.ada)


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

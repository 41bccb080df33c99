"""Who administers the registry."""

import asyncio

import pytest

from shared.auth.tokens import Secret
from shared.domain.accounts import Account
from shared.domain.errors.identity import NotPermitted
from shared.domain.events import EventQuery
from shared.domain.mail import parse_email
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


async def test_a_refusal_says_what_only_administrators_may(
    services: AdministrationServices,
) -> None:
    by, accounts = services.signed_in(LEE), services.account_administration
    refused = {
        "list the accounts of others": [
            accounts.page("", 1, by=by),
            accounts.search("k", by=by),
            accounts.list_administrators(by=by),
        ],
        "see the accounts of others": [
            accounts.token(KIM, "token", by=by),
            accounts.show(KIM.id, EventQuery(), by=by),
        ],
        "create the account max": [accounts.create("max", by=by)],
        "invite kim": [
            accounts.send_sign_in_link(KIM, parse_email("a@b.test"), Secret("x"), by=by)
        ],
        "end the sessions of kim": [accounts.end_sessions(KIM, by=by)],
        "revoke tokens of kim": [
            accounts.revoke_token(KIM, "token", by=by),
            accounts.revoke_all_tokens(KIM, by=by),
        ],
        "lock the account kim": [accounts.lock(KIM, WHY, by=by)],
        "unlock the account kim": [accounts.unlock(KIM, by=by)],
        "appoint the account kim": [services.administrators.appoint(KIM, by=by)],
        "dismiss the account kim": [services.administrators.dismiss(KIM, by=by)],
    }
    for what, calls in refused.items():
        for call in calls:
            with pytest.raises(NotPermitted) as raised:
                await call
            assert str(raised.value).startswith(f"You may not {what}: ")

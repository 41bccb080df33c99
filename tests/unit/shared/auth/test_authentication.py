"""Who makes a request, and what it costs to know."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import cast

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.adapters.cosmos.change_feed import ChangeFeedEdition
from shared.adapters.cosmos.client import CosmosDatabase
from shared.auth.access_tokens import AccessToken
from shared.auth.authentication import (
    MAX_USER_AGENT_LENGTH,
    Authentication,
    RequestClient,
    printable_user_agent,
)
from shared.domain.accounts import Account, AccountLock
from shared.domain.entities import Place
from shared.domain.errors.identity import TokenUnknown
from shared.domain.errors.requests import Busy
from shared.domain.grants import Grant
from shared.domain.packages import Provenance
from shared.domain.principals import Principal
from shared.domain.scopes import Scope
from shared.domain.staff import Staff
from shared.domain.tokens import Token, TokenUse
from tests.fakes.stores import E, FakeDirectory
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.logs import capture_logs
from tests.support.port_doubles import Fault
from tests.support.refusals import raises_refusal

OWNER = "0123456789"
MINTED = AccessToken.mint("local", OWNER, FakeRandomness())
HEADERS = {"authorization": f"Bearer {MINTED.text.reveal()}"}
GRANTS = (Grant(scopes=frozenset({Scope.READ}), org="acme"),)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tokens(clock: FakeClock) -> FakeDirectory:
    token = Token(
        id="first",
        hash=MINTED.hash,
        owner=OWNER,
        name="laptop",
        grants=GRANTS,
        created_ms=clock.now_ms(),
        expires_ms=clock.now_ms() + timedelta(days=90) // timedelta(milliseconds=1),
    )
    return FakeDirectory.holding(token, Account(id=OWNER, name="kim", created_ms=0))


def stored(tokens: FakeDirectory) -> Token:
    [token] = tokens.every(Token)
    return token


def authenticating(tokens: FakeDirectory, clock: FakeClock) -> Authentication:
    """Return what reads tokens out of a directory."""
    edition = ChangeFeedEdition(cast("CosmosDatabase", None), clock)
    return Authentication(
        tokens, clock, "local", edition=edition, staff=Staff(frozenset(), reads_groups=False)
    )


async def authenticate(by: Authentication, headers: Mapping[str, str]) -> Principal:
    """Authenticate a request as the faces do."""
    return await by.authenticate(headers, RequestClient.of(headers, ()))


@pytest.fixture
async def authentication(tokens: FakeDirectory, clock: FakeClock) -> AsyncIterator[Authentication]:
    authentication = authenticating(tokens, clock)
    yield authentication
    await authentication.close()


@pytest.mark.parametrize("set_back", [timedelta(), timedelta(hours=1)])
async def test_a_token_of_a_locked_account_is_refused_within_five_seconds(
    authentication: Authentication, tokens: FakeDirectory, clock: FakeClock, set_back: timedelta
) -> None:
    [account] = tokens.every(Account)
    await authenticate(authentication, HEADERS)
    lock = AccountLock(at_ms=0, by="operator", reason="Stolen.")
    await tokens.put(account.model_copy(update={"lock": lock}))
    clock.step(-set_back)
    clock.advance(timedelta(seconds=5))
    reads = tokens.calls.count("get")
    for _ in range(30):
        with pytest.raises(TokenUnknown):
            await authenticate(authentication, HEADERS)
    assert tokens.calls.count("get") == reads + 2  # Whoever goes on costs the store nothing.
    await tokens.put(account)
    clock.advance(timedelta(seconds=5))
    assert (await authenticate(authentication, HEADERS)).id == OWNER


async def test_a_use_of_a_token_of_a_locked_account_is_logged(
    authentication: Authentication, tokens: FakeDirectory
) -> None:
    [account] = tokens.every(Account)
    lock = AccountLock(at_ms=0, by="operator", reason="Stolen.")
    await tokens.put(account.model_copy(update={"lock": lock}))
    with capture_logs() as events, pytest.raises(TokenUnknown):
        await authenticate(authentication, HEADERS)
    assert [(each["event"], each["token"]) for each in events] == [
        ("token.of_locked_account", "first")
    ]


async def test_a_use_of_a_token_that_stopped_with_its_maker_is_logged_with_the_reason(
    authentication: Authentication, tokens: FakeDirectory
) -> None:
    await change(tokens, org="acme", made_by="maker00000")
    with capture_logs() as events, pytest.raises(TokenUnknown):
        await authenticate(authentication, HEADERS)
    assert [(each["event"], each["token"], each["why"]) for each in events] == [
        ("token.of_stopped_maker", "first", "deleted")
    ]


async def test_a_new_token_works_at_once_even_if_it_was_tried_before(
    authentication: Authentication, tokens: FakeDirectory
) -> None:
    token = stored(tokens)
    await tokens.remove(token)
    with pytest.raises(TokenUnknown):
        await authenticate(authentication, HEADERS)
    await tokens.add(token)
    assert (await authenticate(authentication, HEADERS)).id == OWNER


async def test_an_expired_token_is_refused_at_that_moment_although_it_is_remembered(
    authentication: Authentication, tokens: FakeDirectory, clock: FakeClock
) -> None:
    soon = {"expires_ms": clock.now_ms() + 1}
    await tokens.put(stored(tokens).model_copy(update=soon))
    await authenticate(authentication, HEADERS)
    clock.advance(timedelta(milliseconds=1))
    with raises_refusal("token-expired"):
        await authenticate(authentication, HEADERS)


async def test_a_store_that_returns_another_token_is_not_believed(tokens: FakeDirectory) -> None:
    class Mistaken(FakeDirectory):
        async def get(self, kind: type[E], place: Place) -> E | None:
            other = stored(tokens).model_copy(update={"hash": "0" * 64})
            return other if isinstance(other, kind) else None

    mistaken = authenticating(Mistaken(), FakeClock())
    with pytest.raises(TokenUnknown):
        await authenticate(mistaken, HEADERS)


async def test_last_use_is_written_at_most_every_ten_minutes(
    authentication: Authentication, tokens: FakeDirectory, clock: FakeClock
) -> None:
    for _ in range(61):
        await authenticate(authentication, HEADERS)
        clock.advance(timedelta(seconds=20))
    await authentication.close()
    assert tokens.calls.count("put") == 3
    [use] = tokens.every(TokenUse)
    assert use.used_ms == clock.now_ms() - 20_000


async def test_a_request_does_not_wait_for_the_write_of_its_last_use(
    authentication: Authentication, tokens: FakeDirectory, clock: FakeClock
) -> None:
    clock.advance(timedelta(minutes=10))
    await authenticate(authentication, HEADERS)
    assert tokens.calls == ["get", "get"]
    await authentication.close()
    assert tokens.calls == ["get", "get", "put"]


async def test_a_last_use_that_was_not_written_is_written_with_the_next_use(
    tokens: FakeDirectory, clock: FakeClock
) -> None:
    authentication = authenticating(Fault("put", Busy()).over(tokens), clock)
    with capture_logs() as lines:
        await authenticate(authentication, HEADERS)
        await authentication.close()
    assert tokens.every(TokenUse) == []
    reported = {"event": "token.last_use_not_written", "token": "first", "reason": "Busy"}
    assert lines == [{**reported, "log_level": "warning"}]
    await authenticate(authentication, HEADERS)
    await authentication.close()
    [use] = tokens.every(TokenUse)
    assert use.used_ms == clock.now_ms()


# --- where a token is used from ----------------------------------------------------------------


CLIENT = {"x-forwarded-for": "203.0.113.7", "user-agent": "ballerina/2201.13.4"}


async def change(tokens: FakeDirectory, **update: object) -> None:
    await tokens.put(stored(tokens).model_copy(update=update))
    tokens.calls.clear()


async def test_a_principal_is_all_that_the_token_says(
    authentication: Authentication, tokens: FakeDirectory, snapshot: SnapshotAssertion
) -> None:
    run = Provenance(provider="github", repository="octo/greet")
    reported = {"org": "acme", "made_by": "maker", "provenance": run}
    await change(tokens, **reported)
    assert repr(await authenticate(authentication, HEADERS | CLIENT)) == snapshot


async def test_only_a_token_of_an_organization_has_a_maker(
    authentication: Authentication, tokens: FakeDirectory
) -> None:
    await change(tokens, made_by="maker")
    assert (await authenticate(authentication, HEADERS)).token_creator == ""


async def test_a_canary_of_an_earlier_version_is_refused_like_a_token_that_is_not_there(
    tokens: FakeDirectory, clock: FakeClock
) -> None:
    await change(tokens, canary=True)
    authentication = authenticating(tokens, clock)
    for _ in range(2):
        with pytest.raises(TokenUnknown):
            await authenticate(authentication, HEADERS | CLIENT)
    await authentication.close()
    assert tokens.calls == ["get", "get"] * 2
    assert tokens.every(TokenUse) == []


TOKEN = AccessToken.mint("local", "0123456789", FakeRandomness()).text.reveal()


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (f"curl/8 {TOKEN}", "curl/8 blr_****"),
        ("x" * 5_000, "x" * MAX_USER_AGENT_LENGTH),
        ("curl\x1b[31m/8\r\nnext: line", "curl[31m/8next: line"),
        ("  \t ", ""),
    ],
)
def test_the_name_of_a_client_is_short_printable_and_no_token(sent: str, shown: str) -> None:
    assert printable_user_agent(sent) == shown


async def test_a_token_that_is_used_elsewhere_is_refused_and_logged(
    authentication: Authentication, tokens: FakeDirectory
) -> None:
    await tokens.put(stored(tokens).model_copy(update={"addresses": ("203.0.113.0/24",)}))
    with capture_logs() as events, raises_refusal("address-not-allowed"):
        await authenticate(authentication, HEADERS)
    [event] = [each for each in events if each["event"] == "token.used_elsewhere"]
    assert (event["token"], event["log_level"]) == ("first", "warning")

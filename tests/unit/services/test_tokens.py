"""Issuing, listing and revoking tokens."""

from datetime import timedelta

import pytest

from shared.auth.token import AccessToken
from shared.domain.errors import (
    Busy,
    CredentialsMissing,
    InvalidRequest,
    NotPermitted,
    TokenNotFound,
)
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.rights import Grant, Scope
from shared.domain.tokens import Token
from shared.services.tokens import IssuedToken, TokenRequest, Tokens
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory
from tests.fakes.events import FakeEvents
from tests.fakes.randomness import FakeRandomness
from tests.fakes.recording import recording

KIM = Principal("kim0000000", "session", (Grant(),))
LEE = Principal("lee0000000", "session", (Grant(),))
READ = frozenset({Scope.READ})
DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)


def wanted(*, grant: Grant | None = None, days: int | None = None) -> TokenRequest:
    return TokenRequest("laptop", grant or Grant(scopes=READ), days)


@pytest.fixture
def store() -> FakeDirectory:
    return FakeDirectory()


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tokens(store: FakeDirectory, events: FakeEvents, clock: FakeClock) -> Tokens:
    return Tokens(
        directory=store,
        recording=recording(store, events, clock),
        clock=clock,
        randomness=FakeRandomness(),
        environment="test",
        default_days=90,
    )


async def issued(tokens: Tokens) -> IssuedToken:
    return await tokens.issue(KIM.id, wanted(), by=KIM)


async def test_a_new_token_is_one_that_its_owner_can_use(tokens: Tokens) -> None:
    new = await issued(tokens)
    parsed = AccessToken.parse(new.text)
    assert (parsed.environment, parsed.owner) == ("test", KIM.id)
    assert parsed.hash == new.token.hash
    assert await tokens.list(KIM.id, by=KIM) == [new.token]


async def test_the_text_of_a_token_is_not_stored_and_not_in_an_event(
    tokens: Tokens, store: FakeDirectory, events: FakeEvents
) -> None:
    text = (await issued(tokens)).text.reveal()
    assert text not in f"{store.entities} {events.feed}"


async def test_a_token_is_good_for_the_days_of_the_setting(
    tokens: Tokens, clock: FakeClock
) -> None:
    assert (await issued(tokens)).token.expires_ms == clock.now_ms() + 90 * DAY_MS


async def test_a_token_is_good_for_the_days_that_were_asked(
    tokens: Tokens, clock: FakeClock
) -> None:
    new = await tokens.issue(KIM.id, wanted(days=7), by=KIM)
    assert new.token.expires_ms == clock.now_ms() + 7 * DAY_MS


async def test_a_token_does_not_outlive_the_token_that_made_it(
    tokens: Tokens, clock: FakeClock
) -> None:
    soon = clock.now_ms() + DAY_MS
    by = Principal(KIM.id, "other", (Grant(),), expires_ms=soon)
    new = await tokens.issue(KIM.id, wanted(days=7), by=by)
    assert new.token.expires_ms == soon
    shorter = await tokens.issue(
        KIM.id, wanted(days=7), by=Principal(KIM.id, "other", (Grant(),), soon + 30 * DAY_MS)
    )
    assert shorter.token.expires_ms == clock.now_ms() + 7 * DAY_MS


async def test_a_token_allows_nothing_that_the_one_that_made_it_lacks(tokens: Tokens) -> None:
    by = Principal(KIM.id, "other", (Grant(org="acme"),))
    with pytest.raises(NotPermitted, match="more than the token that asks"):
        await tokens.issue(KIM.id, wanted(grant=Grant(org="globex")), by=by)
    await tokens.issue(KIM.id, wanted(grant=Grant(org="acme", package="a")), by=by)


@pytest.mark.parametrize("scope", [each for each in Scope if each is not Scope.MANAGE])
async def test_a_token_that_may_not_manage_neither_makes_nor_shows_nor_ends_tokens(
    tokens: Tokens, scope: Scope
) -> None:
    new = await issued(tokens)
    by = Principal(KIM.id, "push", (Grant(scopes=frozenset({scope})),))
    for attempt in (
        tokens.issue(KIM.id, wanted(grant=by.grants[0]), by=by),
        tokens.list(KIM.id, by=by),
        tokens.revoke(KIM.id, new.token.id, by=by),
    ):
        with pytest.raises(NotPermitted, match="scope manage"):
            await attempt
    assert await tokens.list(KIM.id, by=KIM) == [new.token]


async def test_without_credentials_there_are_no_tokens(tokens: Tokens) -> None:
    for attempt in (
        tokens.issue("", wanted(), by=ANONYMOUS),
        tokens.list("", by=ANONYMOUS),
        tokens.revoke("", "x", by=ANONYMOUS),
    ):
        with pytest.raises(CredentialsMissing):
            await attempt


async def test_nobody_makes_a_token_of_another_account(tokens: Tokens) -> None:
    with pytest.raises(NotPermitted, match="another account"):
        await tokens.issue(KIM.id, wanted(), by=LEE)


async def test_nobody_sees_or_ends_tokens_of_another_account(tokens: Tokens) -> None:
    new = await issued(tokens)
    assert await tokens.list(KIM.id, by=LEE) == []
    for owner in (KIM.id, LEE.id):
        with pytest.raises(TokenNotFound):
            await tokens.revoke(owner, new.token.id, by=LEE)
    assert await tokens.list(KIM.id, by=KIM) == [new.token]


async def test_the_operator_makes_shows_and_ends_tokens_of_every_account(tokens: Tokens) -> None:
    new = await tokens.issue(KIM.id, wanted(), by=OPERATOR)
    assert await tokens.list(KIM.id, by=OPERATOR) == [new.token]
    await tokens.revoke(KIM.id, new.token.id, by=OPERATOR)
    assert await tokens.list(KIM.id, by=OPERATOR) == []


async def test_a_revoked_token_is_gone(tokens: Tokens, store: FakeDirectory) -> None:
    new = await issued(tokens)
    await tokens.revoke(KIM.id, new.token.id, by=KIM)
    assert store.entities == {}
    with pytest.raises(TokenNotFound):
        await tokens.revoke(KIM.id, new.token.id, by=KIM)


async def test_only_the_operator_makes_tokens_that_never_expire(tokens: Tokens) -> None:
    with pytest.raises(NotPermitted, match="only the operator"):
        await tokens.issue_unlimited(KIM.id, wanted(), by=KIM)
    new = await tokens.issue_unlimited(KIM.id, wanted(), by=OPERATOR)
    assert new.token.expires_ms is None


async def test_every_change_is_an_event(tokens: Tokens, events: FakeEvents) -> None:
    new = await issued(tokens)
    await tokens.revoke(KIM.id, new.token.id, by=OPERATOR)
    assert events.kinds() == ["token.issued", "token.revoked"]
    first, second = events.feed
    assert (first.actor, first.subject, first.details["scopes"]) == (KIM.id, new.token.id, "read")
    assert (second.actor, second.account) == ("operator", KIM.id)


async def test_a_change_stands_although_the_feed_has_to_wait_for_its_event(
    tokens: Tokens, events: FakeEvents, store: FakeDirectory
) -> None:
    events.fails_with = Busy()
    new = await issued(tokens)
    assert store.every(Token) == [new.token]
    assert [each.kind for each in new.token.outbox] == ["token.issued"]
    await tokens.revoke(KIM.id, new.token.id, by=KIM)
    assert store.every(Token) == []


def parse(
    name: str = "laptop",
    scopes: tuple[str, ...] = ("read",),
    *,
    org: str = "*",
    package: str = "*",
    days: int | None = None,
) -> TokenRequest:
    return TokenRequest.parse(name, scopes, org=org, package=package, days=days)


def test_a_request_is_read_into_a_grant() -> None:
    request = parse(" nightly build ", ("read", "push-new"), org="acme", package="g?eet.*", days=1)
    scopes = frozenset({Scope.READ, Scope.PUSH_NEW})
    grant = Grant(scopes=scopes, org="acme", package="g?eet.*")
    assert request == TokenRequest("nightly build", grant, 1)


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\nb", "a\x1b[1m"])
def test_a_name_is_one_line_that_can_be_read(name: str) -> None:
    with pytest.raises(InvalidRequest, match="one line of 1 to 80"):
        parse(name)


@pytest.mark.parametrize("scopes", [(), ("write",), ("read", "READ")])
def test_scopes_are_among_those_there_are(scopes: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest, match="Choose among read, push-new, push-version"):
        parse(scopes=scopes)


@pytest.mark.parametrize("pattern", ["", "a/b", "[abc]", "a b", "x" * 201, "ä"])
def test_patterns_are_names_with_stars_and_question_marks(pattern: str) -> None:
    with pytest.raises(InvalidRequest, match="is no pattern for the organization"):
        parse(org=pattern)
    with pytest.raises(InvalidRequest, match="is no pattern for the package"):
        parse(package=pattern)


@pytest.mark.parametrize("days", [0, -1, 366])
def test_a_token_is_good_for_a_day_to_a_year(days: int) -> None:
    with pytest.raises(InvalidRequest, match=f"1 to 365 days, not {days}"):
        parse(days=days)
    assert parse(days=365).days == 365

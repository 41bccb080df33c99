"""Issuing, listing, changing and revoking tokens."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.auth.authorization import Authorization
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    NotPermitted,
    TokenNotFound,
)
from shared.domain.errors.requests import Busy
from shared.domain.identity import OPERATOR, Principal
from shared.domain.rights import Grant, Scope
from shared.domain.tokens import Token, TokenUse
from shared.ports import Stale
from shared.services.tokens.tokens import (
    IssuedToken,
    TokenRecords,
    TokenRequest,
    Tokens,
    token_change,
)
from tests.fakes.readers import known_readers
from tests.fakes.services import fake_record_writer
from tests.fakes.stores import E, FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.port_doubles import Fault, failing

KIM = Principal("kim0000000", "session", (Grant(),))
LEE = Principal("lee0000000", "session", (Grant(),))
READ = frozenset({Scope.READ})


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
    records = TokenRecords(
        directory=store,
        record_writer=fake_record_writer(store, events, clock),
        clock=clock,
        randomness=FakeRandomness(),
        environment="test",
    )
    return Tokens(records, Authorization(store, clock, known_readers()), clock, token_days=90)


async def issued(tokens: Tokens) -> IssuedToken:
    return await tokens.issue(KIM.id, wanted(), by=KIM)


async def listed(tokens: Tokens, by: Principal = KIM) -> list[Token]:
    return [each.token for each in await tokens.list(KIM.id, by=by)]


async def test_the_text_of_a_token_is_not_stored_and_not_in_an_event(
    tokens: Tokens, store: FakeDirectory, events: FakeEvents
) -> None:
    text = (await issued(tokens)).text.reveal()
    assert text not in f"{store.entities} {events.feed}"


async def test_every_change_is_an_event(tokens: Tokens, events: FakeEvents) -> None:
    new = await issued(tokens)
    await tokens.revoke(KIM.id, new.token.id, by=OPERATOR)
    assert events.kinds() == ["token.issued", "token.revoked"]
    first, second = events.feed
    assert (first.actor, first.subject, first.account) == (KIM.id, new.token.id, KIM.id)
    assert first.details == {"name": "laptop", "grants": "read on */*"}
    assert (second.actor, second.account) == ("operator", KIM.id)


async def test_a_change_is_stored_even_if_its_event_is_published_later(
    tokens: Tokens, events: FakeEvents, store: FakeDirectory
) -> None:
    events.fails_with = Busy()
    new = await issued(tokens)
    assert store.every(Token) == [new.token]
    assert [each.kind for each in new.token.outbox] == ["token.issued"]
    await tokens.revoke(KIM.id, new.token.id, by=KIM)
    assert store.every(Token) == []


# --- tokens that manage, and where they may be used --------------------------------------------


# --- showing, renaming, rotating ---------------------------------------------------------------


async def test_a_rotation_that_was_cut_off_leaves_what_works_and_can_be_repeated(
    tokens: Tokens, store: FakeDirectory, clock: FakeClock
) -> None:
    old = await issued(tokens)
    clock.advance(timedelta(minutes=1))
    cut_off = Tokens(
        replace(tokens.records, directory=failing(store, Fault("remove", Busy()))),
        tokens.authorization,
        clock,
        90,
    )
    with pytest.raises(Busy):
        await cut_off.rotate(KIM.id, old.token.id, by=KIM)
    assert old.token in store.every(Token)
    assert [each.id for each in await listed(tokens)] == [old.token.id]
    clock.advance(timedelta(minutes=1))
    new = await tokens.rotate(KIM.id, old.token.id, by=KIM)
    assert store.every(Token) == [new.token]


async def test_a_token_that_somebody_else_ends_at_the_same_time_stays_ended(
    tokens: Tokens, store: FakeDirectory, events: FakeEvents
) -> None:
    class Lagging(FakeDirectory):
        async def list_by_owner(self, kind: type[E], owner: str) -> list[E]:
            return [each for each in [new.token] if isinstance(each, kind)]

    new = await issued(tokens)
    lagging = replace(tokens, records=replace(tokens.records, directory=Lagging(store.entities)))
    await tokens.revoke(KIM.id, new.token.id, by=KIM)
    await lagging.revoke(KIM.id, new.token.id, by=KIM)
    assert events.kinds() == ["token.issued", "token.revoked"]
    with pytest.raises(TokenNotFound) as gone:
        await lagging.rotate(KIM.id, new.token.id, by=KIM)
    assert str(gone.value) == str(TokenNotFound(new.token.id))
    assert events.kinds()[2:] == ["token.rotated", "token.revoked"]
    assert store.every(Token) == []


async def test_a_use_that_is_noted_while_its_token_ends_is_no_fault(
    tokens: Tokens, store: FakeDirectory
) -> None:
    token = (await issued(tokens)).token
    await store.put(TokenUse(owner=KIM.id, token=token.id, used_ms=1))
    used = replace(
        tokens.records, directory=failing(store, Fault("remove", Stale())), clock=tokens.clock
    )
    await used.revoke(token, token_change("revoked", token), by=KIM)
    assert store.every(Token) == []
    assert len(store.every(TokenUse)) == 1


async def test_revoking_reaches_a_text_that_lists_by_id_do_not_know_yet(
    tokens: Tokens, store: FakeDirectory
) -> None:
    class Lagging(FakeDirectory):
        async def list_by_subject(self, kind: type[E], subject: str) -> list[E]:
            return []

    new = await issued(tokens)
    lagging = replace(tokens, records=replace(tokens.records, directory=Lagging(store.entities)))
    await lagging.revoke(KIM.id, new.token.id, by=KIM)
    assert store.every(Token) == []


async def test_a_change_that_meets_another_one_is_made_after_it(
    tokens: Tokens, store: FakeDirectory
) -> None:
    new = await issued(tokens)
    found = await tokens.find(KIM.id, new.token.id, by=KIM)
    await tokens.rename(KIM.id, new.token.id, "first", by=KIM)
    renamed = await tokens.records.rename(found.token, "second", by=KIM)
    assert (renamed.name, renamed.revision) == ("second", 3)
    assert store.every(Token) == [renamed]


# --- requests ----------------------------------------------------------------------------------


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


# --- what refusals say -------------------------------------------------------------------------


MANAGE_ONLY = Grant(scopes=frozenset({Scope.MANAGE}))


async def test_a_refusal_to_issue_a_token_says_why(tokens: Tokens) -> None:
    entra = Principal("entra-0a0a0a0a", "entra-token", (Grant(),))
    local = Principal(KIM.id, "other", (Grant(),), addresses=("10.0.0.0/8",))
    refused = [
        (KIM.id, LEE, "it is for another account"),
        (entra.id, entra, "it takes an account here"),
        (
            KIM.id,
            replace(KIM, grants=(MANAGE_ONLY,)),
            "it would allow more than the token that asks for it",
        ),
        (KIM.id, local, "it could be used from elsewhere than the token that asks for it"),
    ]
    for owner, by, reason in refused:
        with pytest.raises(NotPermitted) as shown:
            await tokens.issue(owner, replace(wanted(), addresses=("0.0.0.0/0",)), by=by)
        assert str(shown.value) == f"You may not issue the token laptop: {reason}."


async def test_a_request_that_takes_the_operator_says_so(tokens: Tokens) -> None:
    with pytest.raises(NotPermitted) as shown:
        await tokens.issue_unlimited(KIM.id, wanted(), by=KIM)
    assert str(shown.value) == (
        "You may not issue the token laptop: only the operator issues tokens that never expire."
    )


async def test_each_refusal_of_a_token_that_does_not_manage_names_what_was_tried(
    tokens: Tokens,
) -> None:
    id_ = (await issued(tokens)).token.id
    by = replace(KIM, grants=(Grant(scopes=READ),))
    for verb, attempt in (
        ("issue", tokens.issue(KIM.id, wanted(), by=by)),
        ("list", tokens.list(KIM.id, by=by)),
        ("show", tokens.find(KIM.id, id_, by=by)),
        ("rename", tokens.rename(KIM.id, id_, "mine", by=by)),
        ("rotate", tokens.rotate(KIM.id, id_, by=by)),
        ("revoke", tokens.revoke(KIM.id, id_, by=by)),
    ):
        with pytest.raises(NotPermitted) as shown:
            await attempt
        assert str(shown.value) == (
            f"You may not {verb} tokens: the token lacks the scope manage for it."
        )


async def test_an_unknown_token_is_named(tokens: Tokens) -> None:
    own = (await issued(tokens)).token.id
    for id_, by in (("nothing000", KIM), (own, LEE)):
        for attempt in (tokens.find, tokens.rotate, tokens.revoke):
            with pytest.raises(TokenNotFound) as shown:
                await attempt(KIM.id, id_, by=by)
            assert id_ in str(shown.value)


def test_an_invalid_request_is_refused_with_an_example() -> None:
    for attempt, message in (
        (
            lambda: parse("x" * 81),
            (
                "A token's name is one line of 1 to 80 characters. "
                "Name it for what uses it, such as laptop or nightly build."
            ),
        ),
        (
            lambda: parse(scopes=()),
            "A token needs a scope. Choose among read, push-new, push-version, deprecate, manage.",
        ),
        (
            lambda: parse(scopes=("read", "write", "own")),
            "'write' is no scope. Choose among read, push-new, push-version, deprecate, manage.",
        ),
        (
            lambda: parse(org="/" * 300),
            (
                f"{'/' * 80!r} is not a pattern for the organization. Write its name; "
                "* stands for any characters, ? for one."
            ),
        ),
        (lambda: parse(days=0), "A token is good for 1 to 365 days, not 0."),
    ):
        with pytest.raises(InvalidRequest) as shown:
            attempt()
        assert str(shown.value) == message


def test_the_longest_name_and_pattern_and_the_shortest_time_are_taken() -> None:
    request = parse("x" * 80, org="a" * 200, package="b" * 200, days=1)
    assert (request.name, request.grant.org, request.grant.package, request.days) == (
        *("x" * 80, "a" * 200, "b" * 200, 1),
    )
    assert parse().days is None

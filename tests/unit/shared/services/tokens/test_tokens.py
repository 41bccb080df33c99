"""Issuing, listing, changing and revoking tokens."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.auth.tokens import AccessToken
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    CredentialsMissing,
    NotPermitted,
    SignInAgain,
    TokenNotFound,
)
from shared.domain.errors.requests import Busy
from shared.domain.identity import ANONYMOUS, OPERATOR, RECENT_SIGN_IN, Principal
from shared.domain.rights import Grant, Scope
from shared.domain.tokens import LineageRecord, Made, Token, TokenUse
from shared.ports import Stale
from shared.services.tokens.token_lineage import TokenLineage
from shared.services.tokens.tokens import (
    IssuedToken,
    TokenRecords,
    TokenRequest,
    Tokens,
    token_change,
)
from tests.fakes.services import fake_record_writer
from tests.fakes.stores import E, FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.port_doubles import Fault, failing

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
    records = TokenRecords(
        directory=store,
        record_writer=fake_record_writer(store, events, clock),
        lineage=TokenLineage(store, fake_record_writer(store, events, clock), clock),
        clock=clock,
        randomness=FakeRandomness(),
        environment="test",
    )
    return Tokens(records, clock, token_days=90)


async def issued(tokens: Tokens) -> IssuedToken:
    return await tokens.issue(KIM.id, wanted(), by=KIM)


async def listed(tokens: Tokens, by: Principal = KIM) -> list[Token]:
    return [each.token for each in await tokens.list(KIM.id, by=by)]


async def test_a_new_token_is_one_that_its_owner_can_use(tokens: Tokens) -> None:
    new = await issued(tokens)
    parsed = AccessToken.parse(new.text)
    assert (parsed.environment, parsed.owner) == ("test", KIM.id)
    assert parsed.hash == new.token.hash
    assert await listed(tokens) == [new.token]


async def test_the_text_of_a_token_is_not_stored_and_not_in_an_event(
    tokens: Tokens, store: FakeDirectory, events: FakeEvents
) -> None:
    text = (await issued(tokens)).text.reveal()
    assert text not in f"{store.entities} {events.feed}"


async def test_a_token_expires_after_the_days_of_the_setting(
    tokens: Tokens, clock: FakeClock
) -> None:
    assert (await issued(tokens)).token.expires_ms == clock.now_ms() + 90 * DAY_MS


async def test_a_token_expires_after_the_requested_days(tokens: Tokens, clock: FakeClock) -> None:
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
    await tokens.issue(KIM.id, wanted(grant=Grant(scopes=READ, org="acme", package="a")), by=by)


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
    assert await listed(tokens) == [new.token]


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
    assert await listed(tokens) == [new.token]


async def test_the_operator_makes_shows_and_ends_tokens_of_every_account(tokens: Tokens) -> None:
    new = await tokens.issue(KIM.id, wanted(), by=OPERATOR)
    assert await listed(tokens, OPERATOR) == [new.token]
    await tokens.revoke(KIM.id, new.token.id, by=OPERATOR)
    assert await listed(tokens, OPERATOR) == []


async def test_a_revoked_token_is_not_listed(tokens: Tokens, store: FakeDirectory) -> None:
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


MANAGING = Grant(scopes=frozenset({Scope.READ, Scope.MANAGE}))


async def test_a_token_that_manages_takes_a_person_who_signed_in_a_moment_ago(
    tokens: Tokens, clock: FakeClock
) -> None:
    signed_in = Principal(KIM.id, "session", (Grant(),), signed_in_ms=clock.now_ms())
    new = await tokens.issue(KIM.id, wanted(grant=MANAGING), by=signed_in)
    clock.advance(RECENT_SIGN_IN + timedelta(milliseconds=1))
    for attempt in (
        tokens.issue(KIM.id, wanted(grant=MANAGING), by=signed_in),
        tokens.issue(KIM.id, wanted(grant=MANAGING), by=KIM),
        tokens.rotate(KIM.id, new.token.id, by=signed_in),
    ):
        with pytest.raises(SignInAgain, match="the token laptop, which manages"):
            await attempt
    assert await listed(tokens) == [new.token]


async def test_the_operator_needs_no_sign_in(tokens: Tokens) -> None:
    new = await tokens.issue(KIM.id, wanted(grant=MANAGING), by=OPERATOR)
    assert (await tokens.rotate(KIM.id, new.token.id, by=OPERATOR)).token.grants == (MANAGING,)


async def test_a_token_creates_none_that_may_be_used_from_other_addresses(tokens: Tokens) -> None:
    by = Principal(KIM.id, "other", (Grant(),), addresses=("10.0.0.0/8",))
    with pytest.raises(NotPermitted, match="from elsewhere"):
        await tokens.issue(KIM.id, replace(wanted(), addresses=("0.0.0.0/0",)), by=by)
    narrow = await tokens.issue(KIM.id, replace(wanted(), addresses=("10.1.0.0/16",)), by=by)
    assert narrow.token.addresses == ("10.1.0.0/16",)
    assert (await tokens.issue(KIM.id, wanted(), by=by)).token.addresses == ("10.0.0.0/8",)
    anywhere = await issued(tokens)
    with pytest.raises(NotPermitted, match="from elsewhere"):
        await tokens.rotate(KIM.id, anywhere.token.id, by=by)


# --- showing, renaming, rotating ---------------------------------------------------------------


async def test_a_token_is_shown_with_its_last_use(tokens: Tokens, store: FakeDirectory) -> None:
    new = await issued(tokens)
    assert (await tokens.find(KIM.id, new.token.id, by=KIM)).use is None
    use = TokenUse(owner=KIM.id, token=new.token.id, used_ms=1, address="203.0.113.7", agent="bal")
    await store.put(use)
    assert (await tokens.find(KIM.id, new.token.id, by=KIM)).use == use
    assert [each.use for each in await tokens.list(KIM.id, by=KIM)] == [use]


async def test_a_name_is_changed_and_nothing_else(tokens: Tokens, events: FakeEvents) -> None:
    new = await issued(tokens)
    renamed = (await tokens.rename(KIM.id, new.token.id, " desktop ", by=KIM)).token
    assert renamed == new.token.model_copy(update={"name": "desktop", "revision": 2})
    assert events.feed[-1].details == {"before": "laptop", "after": "desktop"}
    with pytest.raises(InvalidRequest, match="one line"):
        await tokens.rename(KIM.id, new.token.id, "a\nb", by=KIM)


async def test_a_rotated_token_has_another_text_and_the_same_rights(
    tokens: Tokens, clock: FakeClock, store: FakeDirectory, events: FakeEvents
) -> None:
    old = await tokens.issue(KIM.id, replace(wanted(days=7), addresses=("10.0.0.1",)), by=KIM)
    clock.advance(timedelta(days=5))
    new = await tokens.rotate(KIM.id, old.token.id, by=KIM)
    assert new.text != old.text
    assert AccessToken.parse(new.text).hash == new.token.hash
    now_ms = clock.now_ms()
    again = {"hash": new.token.hash, "created_ms": now_ms, "expires_ms": now_ms + 7 * DAY_MS}
    assert new.token == old.token.model_copy(update=again)
    assert store.every(Token) == [new.token]
    assert events.kinds() == ["token.issued", "token.rotated"]


async def test_a_rotated_token_begins_with_its_first_revision(
    tokens: Tokens, store: FakeDirectory
) -> None:
    new = await issued(tokens)
    await tokens.rename(KIM.id, new.token.id, "desktop", by=KIM)
    await tokens.rotate(KIM.id, new.token.id, by=KIM)
    [stored] = store.every(Token)
    assert (stored.name, stored.revision) == ("desktop", 1)


async def test_a_rotated_token_does_not_outlive_the_one_that_asked(
    tokens: Tokens, clock: FakeClock
) -> None:
    soon = clock.now_ms() + DAY_MS
    by = Principal(KIM.id, "other", (Grant(),), expires_ms=soon)
    for give in (tokens.issue, tokens.issue_unlimited):
        old = await give(KIM.id, wanted(), by=OPERATOR)
        assert (await tokens.rotate(KIM.id, old.token.id, by=by)).token.expires_ms == soon


async def test_the_text_of_a_stronger_token_is_not_to_be_had_by_rotating_it(
    tokens: Tokens,
) -> None:
    strong = await tokens.issue(KIM.id, wanted(grant=Grant(scopes=READ)), by=OPERATOR)
    weak = Principal(KIM.id, "other", (Grant(scopes=frozenset({Scope.MANAGE})),))
    with pytest.raises(NotPermitted, match="more than the token that asks"):
        await tokens.rotate(KIM.id, strong.token.id, by=weak)
    assert await listed(tokens) == [strong.token]


async def test_a_rotation_that_was_cut_off_leaves_what_works_and_can_be_repeated(
    tokens: Tokens, store: FakeDirectory, clock: FakeClock
) -> None:
    old = await issued(tokens)
    clock.advance(timedelta(minutes=1))
    cut_off = Tokens(
        replace(tokens.records, directory=failing(store, Fault("remove", Busy()))), clock, 90
    )
    with pytest.raises(Busy):
        await cut_off.rotate(KIM.id, old.token.id, by=KIM)
    assert old.token in store.every(Token)
    assert [each.id for each in await listed(tokens)] == [old.token.id]
    clock.advance(timedelta(minutes=1))
    new = await tokens.rotate(KIM.id, old.token.id, by=KIM)
    assert store.every(Token) == [new.token]


async def test_revoking_ends_every_text_of_a_token_and_forgets_its_use(
    tokens: Tokens, store: FakeDirectory
) -> None:
    new = await issued(tokens)
    await store.put(new.token.model_copy(update={"hash": "f" * 64}))
    await store.put(TokenUse(owner=KIM.id, token=new.token.id, used_ms=1))
    await tokens.revoke(KIM.id, new.token.id, by=KIM)
    assert store.entities == {}


async def test_a_token_that_somebody_else_ends_at_the_same_time_stays_ended(
    tokens: Tokens, store: FakeDirectory, events: FakeEvents, clock: FakeClock
) -> None:
    class Lagging(FakeDirectory):
        async def list_by_owner(self, kind: type[E], owner: str) -> list[E]:
            return [each for each in [new.token] if isinstance(each, kind)]

    new = await issued(tokens)
    lagging = Tokens(
        replace(tokens.records, directory=Lagging(store.entities)), clock, token_days=90
    )
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
    tokens: Tokens, store: FakeDirectory, clock: FakeClock
) -> None:
    class Lagging(FakeDirectory):
        async def list_by_subject(self, kind: type[E], subject: str) -> list[E]:
            return []

    new = await issued(tokens)
    lagging = Tokens(
        replace(tokens.records, directory=Lagging(store.entities)), clock, token_days=90
    )
    await lagging.revoke(KIM.id, new.token.id, by=KIM)
    assert store.every(Token) == []


async def test_foreign_tokens_are_neither_shown_nor_changed(tokens: Tokens) -> None:
    new = await issued(tokens)
    for owner in (KIM.id, LEE.id):
        for attempt in (
            tokens.find(owner, new.token.id, by=LEE),
            tokens.rename(owner, new.token.id, "mine", by=LEE),
            tokens.rotate(owner, new.token.id, by=LEE),
        ):
            with pytest.raises(TokenNotFound):
                await attempt
    assert await listed(tokens) == [new.token]


async def test_a_change_that_meets_another_one_is_made_after_it(
    tokens: Tokens, store: FakeDirectory
) -> None:
    new = await issued(tokens)
    found = await tokens.find(KIM.id, new.token.id, by=KIM)
    await tokens.rename(KIM.id, new.token.id, "first", by=KIM)
    renamed = await tokens.records.rename(found.token, "second", by=KIM)
    assert (renamed.name, renamed.revision) == ("second", 3)
    assert store.every(Token) == [renamed]


# --- canaries ----------------------------------------------------------------------------------


async def test_only_the_operator_plants_canaries(tokens: Tokens) -> None:
    with pytest.raises(NotPermitted, match="only the operator issues canaries"):
        await tokens.issue_canary(KIM.id, wanted(), by=KIM)


async def test_a_canary_is_seen_by_the_operator_alone(tokens: Tokens) -> None:
    canary = (await tokens.issue_canary(KIM.id, wanted(), by=OPERATOR)).token
    assert (canary.canary, canary.expires_ms) == (True, None)
    assert await listed(tokens, OPERATOR) == [canary]
    assert await listed(tokens) == []
    with pytest.raises(TokenNotFound):
        await tokens.revoke(KIM.id, canary.id, by=KIM)
    await tokens.revoke(KIM.id, canary.id, by=OPERATOR)
    assert await listed(tokens, OPERATOR) == []


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


@pytest.mark.parametrize("scopes", [(), ("write",), ("read", "READ")])
def test_scopes_are_among_those_there_are(scopes: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest, match="Choose among read, push-new, push-version"):
        parse(scopes=scopes)


@pytest.mark.parametrize("pattern", ["", "a/b", "[abc]", "a b", "x" * 201, "ä"])
def test_patterns_are_names_with_stars_and_question_marks(pattern: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a pattern for the organization"):
        parse(org=pattern)
    with pytest.raises(InvalidRequest, match="is not a pattern for the package"):
        parse(package=pattern)


@pytest.mark.parametrize("days", [0, -1, 366])
def test_a_token_is_valid_for_a_day_to_a_year(days: int) -> None:
    with pytest.raises(InvalidRequest, match=f"1 to 365 days, not {days}"):
        parse(days=days)
    assert parse(days=365).days == 365


async def test_somebody_without_an_account_makes_no_token(tokens: Tokens) -> None:
    by = Principal("entra-0a0a0a0a", "entra-token", (Grant(),))
    with pytest.raises(NotPermitted, match="takes an account"):
        await tokens.issue(by.id, wanted(), by=by)


async def test_nobody_but_its_owner_calls_a_token_stolen(tokens: Tokens) -> None:
    token = (await issued(tokens)).token
    with pytest.raises(TokenNotFound):
        await tokens.revoke_stolen(KIM.id, token.id, by=replace(KIM, id="lee0000000"))
    assert await tokens.revoke_stolen(KIM.id, token.id, by=KIM) == []
    assert await listed(tokens) == []


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


async def test_a_refusal_to_rotate_a_token_says_why(tokens: Tokens) -> None:
    strong = (await tokens.issue(KIM.id, wanted(), by=OPERATOR)).token
    with pytest.raises(NotPermitted) as shown:
        await tokens.rotate(KIM.id, strong.id, by=replace(KIM, grants=(MANAGE_ONLY,)))
    assert str(shown.value) == (
        "You may not rotate the token laptop: it would allow more than the token that asks for it."
    )
    managing = (await tokens.issue(KIM.id, wanted(grant=MANAGING), by=OPERATOR)).token
    for attempt, verb in (
        (tokens.rotate(KIM.id, managing.id, by=KIM), "rotate"),
        (tokens.issue(KIM.id, wanted(grant=MANAGING), by=KIM), "issue"),
    ):
        with pytest.raises(SignInAgain) as again:
            await attempt
        assert str(again.value).startswith(
            f"To {verb} the token laptop, which manages, sign in again"
        )


async def test_a_request_that_takes_the_operator_says_so(tokens: Tokens) -> None:
    for attempt, verb, what in (
        (tokens.issue_unlimited, "issue", "tokens that never expire"),
        (tokens.issue_canary, "plant", "canaries"),
    ):
        with pytest.raises(NotPermitted) as shown:
            await attempt(KIM.id, wanted(), by=KIM)
        assert str(shown.value) == (
            f"You may not {verb} the token laptop: only the operator issues {what}."
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
        ("revoke", tokens.revoke_stolen(KIM.id, id_, by=by)),
    ):
        with pytest.raises(NotPermitted) as shown:
            await attempt
        assert str(shown.value) == (
            f"You may not {verb} tokens: the token lacks the scope manage for it."
        )


async def test_an_unknown_token_is_named(tokens: Tokens) -> None:
    own = (await issued(tokens)).token.id
    canary = (await tokens.issue_canary(KIM.id, wanted(), by=OPERATOR)).token.id
    for id_, by in (("nothing000", KIM), (own, LEE), (canary, KIM)):
        for attempt in (tokens.find, tokens.rotate, tokens.revoke, tokens.revoke_stolen):
            with pytest.raises(TokenNotFound) as shown:
                await attempt(KIM.id, id_, by=by)
            assert id_ in str(shown.value)


async def test_a_renamed_token_is_returned_with_its_last_use(
    tokens: Tokens, store: FakeDirectory
) -> None:
    new = (await issued(tokens)).token
    use = TokenUse(owner=KIM.id, token=new.id, used_ms=1, address="203.0.113.7", agent="bal")
    await store.put(use)
    renamed = await tokens.rename(KIM.id, new.id, "desktop", by=KIM)
    assert (renamed.token.name, renamed.use) == ("desktop", use)


async def test_tokens_are_listed_from_the_oldest_to_the_newest(
    tokens: Tokens, clock: FakeClock
) -> None:
    made: list[str] = []
    for _ in range(5):
        made.append((await issued(tokens)).token.id)
        clock.advance(timedelta(seconds=1))
    clock.advance(-timedelta(days=1))
    first = (await issued(tokens)).token.id
    assert [each.id for each in await listed(tokens)] == [first, *made]


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


def test_a_request_manages_if_its_scopes_do() -> None:
    assert parse(scopes=("read", "manage")).manages
    assert not parse(scopes=("read", "deprecate")).manages


async def test_a_rotated_token_says_by_whom_and_with_what_it_was_made(
    tokens: Tokens, store: FakeDirectory
) -> None:
    old = (await tokens.issue(KIM.id, wanted(), by=OPERATOR)).token
    await tokens.rename(KIM.id, old.id, "desktop", by=KIM)
    by = replace(KIM, credential="other", token="other")
    new = (await tokens.rotate(KIM.id, old.id, by=by)).token
    assert (old.made_by, old.made_with) == (OPERATOR.id, "")
    assert (new.made_by, new.made_with) == (KIM.id, "other")
    assert store.every(Token) == [new]
    [used] = [each for each in await tokens.list(KIM.id, by=KIM) if each.token.id == new.id]
    assert used.made == ()
    [noted] = store.every(LineageRecord)
    assert (noted.token, noted.what, noted.id, noted.name) == (
        *("other", Made.TOKEN, new.id, "desktop"),
    )


async def test_a_token_is_shown_with_its_lineage(tokens: Tokens) -> None:
    parent = (await issued(tokens)).token
    by = replace(KIM, credential=parent.id, token=parent.id)
    child = (await tokens.issue(KIM.id, wanted(), by=by)).token
    made = {each.token.id: [m.id for m in each.made] for each in await tokens.list(KIM.id, by=KIM)}
    assert made == {parent.id: [child.id], child.id: []}
    found = await tokens.find(KIM.id, parent.id, by=KIM)
    assert [each.id for each in found.made] == [child.id]

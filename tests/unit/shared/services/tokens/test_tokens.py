"""Issuing, listing, changing and revoking tokens."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.errors.identity import NotPermitted, TokenNotFound
from shared.domain.errors.requests import Busy
from shared.domain.grants import Grant
from shared.domain.packages import Provenance
from shared.domain.principals import Principal
from shared.domain.scopes import Scope
from shared.domain.tokens import Token
from shared.runtime.retries import MAX_ATTEMPTS
from shared.services.identity.mail import DecisionMail
from shared.services.mail_delivery import Appeal
from shared.services.tokens.makers import Makers
from shared.services.tokens.tokens import (
    IssuedToken,
    TokenRecords,
    TokenRequest,
    Tokens,
    check_rights,
    require_issuer,
    token_change,
)
from tests.fakes.mail import FakeMailer
from tests.fakes.services import EverybodyEnabled, fake_audited_writer, fake_mail_delivery
from tests.fakes.stores import E, FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.port_doubles import Fault, Moment, OtherWriter, Proceed, intercepted
from tests.support.services import authorization_over

KIM = Principal("kim0000000", "session", (Grant(),))


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
        audited_writer=fake_audited_writer(store, events, clock),
        clock=clock,
        randomness=FakeRandomness(),
        environment="test",
    )
    mail_delivery = fake_mail_delivery(FakeMailer(), store, clock)
    decision_mail = DecisionMail(mail_delivery, Appeal(abuse_contact=""), clock, "")
    authorization = authorization_over(store, clock)
    return Tokens(
        records,
        authorization,
        RegistryAuthorization(store, clock),
        EverybodyEnabled(),
        Makers(store, clock),
        decision_mail,
        clock,
        token_days=90,
    )


async def issued(tokens: Tokens) -> IssuedToken:
    request = TokenRequest("laptop", Grant(scopes=frozenset({Scope.READ})), None)
    return await tokens.issue(KIM.id, request, by=KIM)


async def test_a_token_of_a_job_that_is_rotated_is_no_longer_that_of_the_job(
    tokens: Tokens, store: FakeDirectory
) -> None:
    token = (await issued(tokens)).token
    job = Provenance(provider="github", repository="octo/greet")
    await store.replace(token.model_copy(update={"provenance": job}))
    assert (await tokens.rotate(KIM.id, token.id, by=KIM)).token.provenance is None


async def test_a_rotation_that_was_cut_off_leaves_what_works_and_can_be_repeated(
    tokens: Tokens, store: FakeDirectory, clock: FakeClock
) -> None:
    old = await issued(tokens)
    clock.advance(timedelta(minutes=1))
    directory = Fault("remove", Busy()).over(store)
    cut_off = replace(tokens, token_records=replace(tokens.token_records, directory=directory))
    with pytest.raises(Busy):
        await cut_off.rotate(KIM.id, old.token.id, by=KIM)
    assert old.token.model_copy(update={"revision": 2}) in store.every(Token)
    assert [each.token.id for each in await tokens.list(KIM.id, by=KIM)] == [old.token.id]
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
    lagging = replace(
        tokens, token_records=replace(tokens.token_records, directory=Lagging(store.entities))
    )
    await tokens.revoke(KIM.id, new.token.id, by=KIM)
    await lagging.revoke(KIM.id, new.token.id, by=KIM)
    with pytest.raises(Busy):  # Its list has the token whenever it is read again.
        await lagging.rotate(KIM.id, new.token.id, by=KIM)
    assert events.kinds() == ["token.issued", "token.revoked"]
    assert store.every(Token) == []


async def test_a_rotation_of_a_token_that_is_revoked_before_its_new_text_is_stored_changes_nothing(
    tokens: Tokens, store: FakeDirectory, events: FakeEvents
) -> None:
    token = (await issued(tokens)).token
    revoke = partial(tokens.revoke, KIM.id, token.id, by=KIM)
    # The first list is that of the service, which checks rights.
    revocation = OtherWriter("list_by_owner", revoke, Moment.AFTER, nth=2)
    records = replace(tokens.token_records, directory=revocation.over(store))
    slow = replace(tokens, token_records=records)
    with pytest.raises(TokenNotFound) as gone:
        await slow.rotate(KIM.id, token.id, by=KIM)
    assert revocation.has_acted
    assert str(gone.value) == str(TokenNotFound(token.id))
    assert events.kinds() == ["token.issued", "token.revoked"]
    assert store.every(Token) == []


async def test_a_rotation_ends_its_new_text_if_a_revocation_ended_the_old_one_and_then_its_process(
    tokens: Tokens, store: FakeDirectory, events: FakeEvents
) -> None:
    token = (await issued(tokens)).token
    records = tokens.token_records
    change = token_change("revoked", token)
    # A revocation that found only the old text ends it here.
    revocation = OtherWriter(
        "get", lambda: records.audited_writer.remove_stored(token, lambda _: change, by=KIM)
    )
    slow = replace(records, directory=revocation.over(store))
    with pytest.raises(TokenNotFound):
        await slow.rotate(token, None, by=KIM)
    assert revocation.has_acted
    assert events.kinds()[1:] == ["token.rotated", "token.revoked", "token.revoked"]
    assert store.every(Token) == []


class Thief:
    """Does something with a stolen credential after each of the first lists of tokens."""

    def __init__(self, action: Callable[[], Awaitable[object]], times: int) -> None:
        self._action = action
        self._left = times
        self._is_acting = False

    async def intercept(self, _method: str, proceed: Proceed) -> Any:
        found = await proceed()
        if self._left and not self._is_acting:
            self._left -= 1
            self._is_acting = True
            await self._action()
            self._is_acting = False
        return found

    def beside(self, tokens: Tokens) -> Tokens:
        """Return the service during whose lists this acts."""
        records = tokens.token_records
        directory = intercepted(records.directory, self.intercept, ("list_by_owner",))
        return replace(tokens, token_records=replace(records, directory=directory))


@pytest.mark.parametrize("rotations", [1, 2, MAX_ATTEMPTS - 1])
async def test_a_token_that_is_rotated_while_it_is_revoked_is_revoked(
    tokens: Tokens, store: FakeDirectory, rotations: int
) -> None:
    token = (await issued(tokens)).token
    thief = Thief(lambda: tokens.rotate(KIM.id, token.id, by=KIM), rotations)
    await thief.beside(tokens).token_records.revoke(token, token_change("revoked", token), by=KIM)
    assert store.every(Token) == []


async def test_a_token_that_is_rotated_again_and_again_is_not_said_to_be_revoked(
    tokens: Tokens,
) -> None:
    token = (await issued(tokens)).token
    thief = Thief(lambda: tokens.rotate(KIM.id, token.id, by=KIM), MAX_ATTEMPTS)
    with pytest.raises(Busy):
        await thief.beside(tokens).token_records.revoke(
            token, token_change("revoked", token), by=KIM
        )


async def test_a_rotation_whose_process_ends_leaves_no_text_of_a_revoked_token(
    tokens: Tokens, store: FakeDirectory
) -> None:
    """The token is revoked while the rotation is about to add its new text."""
    token = (await issued(tokens)).token
    records = tokens.token_records

    async def intercept(method: str, proceed: Proceed) -> Any:
        if method == "remove":
            raise Busy  # What the rotation would remove after its new text is stored.
        await records.revoke(token, token_change("revoked", token), by=KIM)
        return await proceed()

    directory = intercepted(store, intercept, ("add", "remove"))
    writer = replace(records.audited_writer, directory=directory)
    dying = replace(records, directory=directory, audited_writer=writer)
    with pytest.raises(TokenNotFound):
        await dying.rotate(token, None, by=KIM)
    assert store.every(Token) == []


async def test_one_of_two_concurrent_rotations_succeeds(
    tokens: Tokens, store: FakeDirectory, clock: FakeClock
) -> None:
    """The second one begins after the first one has stored its text."""
    token = (await issued(tokens)).token
    rotated = list[IssuedToken]()

    async def rotate() -> None:
        clock.advance(timedelta(seconds=1))
        rotated.append(await tokens.rotate(KIM.id, token.id, by=KIM))

    clock.advance(timedelta(seconds=1))
    other = OtherWriter("remove", rotate)
    slow = replace(tokens.token_records, directory=other.over(store))
    with pytest.raises(TokenNotFound):
        await slow.rotate(token, None, by=KIM)
    [second] = rotated
    assert store.every(Token) == [second.token]


async def leave_a_text(tokens: Tokens, token: Token) -> None:
    """Rotate the token in a process that ends after the new text is stored."""
    records = tokens.token_records
    failing_directory = Fault("remove", Busy()).over(records.directory)
    dying = replace(tokens, token_records=replace(records, directory=failing_directory))
    with pytest.raises(Busy):
        await dying.rotate(KIM.id, token.id, by=KIM)


async def test_a_text_that_a_rotation_left_while_its_token_was_revoked_is_ended(
    tokens: Tokens, store: FakeDirectory
) -> None:
    token = (await issued(tokens)).token
    dying = Thief(lambda: leave_a_text(tokens, token), 1)
    await dying.beside(tokens).token_records.revoke(token, token_change("revoked", token), by=KIM)
    assert store.every(Token) == []


async def test_a_text_that_appears_after_its_token_was_revoked_is_ended_with_all(
    tokens: Tokens, store: FakeDirectory
) -> None:
    token = (await issued(tokens)).token
    left = token.model_copy(update={"hash": "f" * 64})

    async def intercept(_method: str, proceed: Proceed) -> Any:
        found = await proceed()
        if not found and not is_left.is_set():
            is_left.set()
            await store.add(left)
        return found

    is_left = asyncio.Event()
    records = tokens.token_records
    directory = intercepted(records.directory, intercept, ("list_by_owner",))
    records = replace(records, directory=directory)
    assert await records.revoke_all(KIM.id, by=KIM) == 1
    assert is_left.is_set()
    assert store.every(Token) == []


async def test_a_token_that_is_issued_while_all_are_revoked_is_revoked(
    tokens: Tokens, store: FakeDirectory
) -> None:
    await issued(tokens)
    thief = Thief(lambda: issued(tokens), 1)
    assert await thief.beside(tokens).token_records.revoke_all(KIM.id, by=KIM) == 2
    assert store.every(Token) == []
    thief = Thief(lambda: issued(tokens), 1000)  # Each time that one is revoked.
    await issued(tokens)
    with pytest.raises(Busy):
        await thief.beside(tokens).token_records.revoke_all(KIM.id, by=KIM)


def test_a_refusal_of_a_token_names_the_action_the_token_and_the_reason() -> None:
    request = TokenRequest("laptop", Grant(scopes=frozenset({Scope.READ})))
    reader = Principal(KIM.id, "token", (Grant(scopes=frozenset({Scope.READ})),))
    more = Token(
        id="",
        hash="",
        owner=KIM.id,
        name="laptop",
        grants=(Grant(),),
        created_ms=0,
        expires_ms=None,
    )
    refused: list[tuple[Callable[[], None], str]] = [
        (
            lambda: require_issuer(KIM.id, request, reader),
            "issue tokens: the token lacks the scope manage for it",
        ),
        (
            lambda: require_issuer("ann0000000", request, KIM),
            "issue the token laptop: it is for another account",
        ),
        (
            lambda: check_rights("rotate", more, reader, 0),
            "rotate the token laptop: it would allow more than the token that asks for it",
        ),
    ]
    for call, sentence in refused:
        with pytest.raises(NotPermitted, match=sentence):
            call()

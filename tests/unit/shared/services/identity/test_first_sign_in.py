"""Whether anybody has signed in."""

from datetime import timedelta

from shared.domain.errors.requests import Busy
from shared.domain.sign_in import Session
from shared.services.identity.first_sign_in import CHECK_MS, FirstSignIn
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock
from tests.support.port_doubles import Fault, failing, noting

LATER = timedelta(milliseconds=CHECK_MS)
SESSION = Session(
    id="s",
    account="a",
    provider="link",
    created_ms=0,
    seen_ms=0,
    expires_ms=0,
    idle_ms=0,
    signed_in_ms=0,
    secrets=(),
)


async def test_nobody_has_signed_in_before_there_is_a_session() -> None:
    assert not await FirstSignIn(FakeDirectory(), FakeClock()).has_happened()


async def test_it_is_read_again_after_a_while_and_never_once_it_has_happened() -> None:
    store, clock = FakeDirectory(), FakeClock()
    calls = list[str]()
    first = FirstSignIn(noting(store, calls.append), clock)
    assert not await first.has_happened()
    await store.put(SESSION)
    assert not await first.has_happened()
    clock.advance(LATER)
    assert await first.has_happened()
    clock.advance(LATER)
    assert await first.has_happened()
    assert calls == ["list_all", "list_all"]


async def test_a_store_that_is_unavailable_is_no_reason_to_look_for_a_link() -> None:
    store = failing(FakeDirectory(), Fault("list_all", Busy()))
    assert await FirstSignIn(store, FakeClock()).has_happened()

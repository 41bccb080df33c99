"""Links sign an account in, once."""

from datetime import timedelta
from typing import TypeVar

import pytest

from shared.auth.signing_keys import KeyRing
from shared.auth.tokens import Secret
from shared.domain.records import Entity
from shared.services.identity.sign_in import LINK_LIFETIME, SignInLinks
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.refusals import raises_refusal

E = TypeVar("E", bound=Entity)

KEYS = KeyRing((Secret("k" * 32),))
ACCOUNT, ID = "ann0000000", "session00000"
URL = "https://registry.test"
SECOND = timedelta(seconds=1)


@pytest.fixture
def work() -> FakeWork:
    """Return a store for what waits."""
    return FakeWork()


def links_of(work: FakeWork, clock: FakeClock | None = None) -> SignInLinks:
    return SignInLinks(work, clock or FakeClock(), FakeRandomness("links"), base_url=URL)


async def code_of(links: SignInLinks) -> str:
    link = (await links.create("ann0000000")).reveal()
    assert link.startswith(f"{URL}/sign-in/link/")
    return link.rpartition("/")[2]


async def test_a_link_is_redeemed_once_however_often_it_is_looked_at(work: FakeWork) -> None:
    links = links_of(work)
    code = await code_of(links)
    for _ in range(3):
        assert await links.peek(code) == "ann0000000"
    assert await links.redeem(code) == "ann0000000"
    with raises_refusal("link-expired"):
        await links.redeem(code)
    with raises_refusal("link-expired"):
        await links.peek(code)


async def test_a_link_is_valid_for_an_hour(work: FakeWork) -> None:
    clock = FakeClock()
    links = links_of(work, clock)
    code = await code_of(links)
    clock.advance(LINK_LIFETIME - timedelta(milliseconds=1))
    assert await links.peek(code)
    clock.advance(timedelta(milliseconds=1))
    with raises_refusal("link-expired"):
        await links.redeem(code)


async def test_the_store_holds_no_code(work: FakeWork) -> None:
    code = await code_of(links_of(work))
    assert code not in repr(work.values)

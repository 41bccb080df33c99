"""Links that sign an account in: for an hour, once, and kept as a hash."""

from datetime import timedelta

import pytest

from shared.auth.sign_in_links import LINK_LIFETIME, SignInLinks
from shared.domain.errors import LinkExpired
from tests.fakes.clock import FakeClock
from tests.fakes.randomness import FakeRandomness
from tests.fakes.work import FakeWork

URL = "https://registry.test"


@pytest.fixture
def work() -> FakeWork:
    """Return a store for what waits."""
    return FakeWork()


def links_of(work: FakeWork, clock: FakeClock | None = None) -> SignInLinks:
    """Return what makes links."""
    return SignInLinks(work, clock or FakeClock(), FakeRandomness("links"), base_url=URL)


async def code_of(links: SignInLinks) -> str:
    """Return the code of a new link."""
    link = (await links.create("ann0000000")).reveal()
    assert link.startswith(f"{URL}/sign-in/link/")
    return link.rpartition("/")[2]


async def test_a_link_is_redeemed_once_however_often_it_is_looked_at(work: FakeWork) -> None:
    links = links_of(work)
    code = await code_of(links)
    for _ in range(3):
        assert await links.look(code) == "ann0000000"
    assert await links.redeem(code) == "ann0000000"
    with pytest.raises(LinkExpired):
        await links.redeem(code)
    with pytest.raises(LinkExpired):
        await links.look(code)


async def test_a_link_is_good_for_an_hour(work: FakeWork) -> None:
    clock = FakeClock()
    links = links_of(work, clock)
    code = await code_of(links)
    clock.advance(LINK_LIFETIME - timedelta(milliseconds=1))
    assert await links.look(code)
    clock.advance(timedelta(milliseconds=1))
    with pytest.raises(LinkExpired):
        await links.redeem(code)


async def test_the_store_holds_no_code(work: FakeWork) -> None:
    code = await code_of(links_of(work))
    assert code not in repr(work.values)

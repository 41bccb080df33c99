"""Links that sign an account in."""

from datetime import timedelta

from shared.domain.one_time_links import SIGN_IN_LINK_LIFETIME
from shared.domain.tokens import hash_secret
from shared.services.identity.sign_in_links import SignInLinks
from tests.fakes.stores import FakeDirectory, FakeWork
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.refusals import raises_refusal

URL = "https://registry.test"


async def test_a_link_is_valid_for_an_hour_and_the_store_does_not_hold_it() -> None:
    work = FakeWork()
    clock = FakeClock()
    links = SignInLinks(work, FakeDirectory(), clock, FakeRandomness("links"), base_url=URL)
    code = (await links.create("ann0000000")).reveal().removeprefix(f"{URL}/sign-in/link#")
    assert code not in repr(work.values)
    assert hash_secret(code) not in repr(work.values)  # As links with their code in the path had.
    clock.advance(SIGN_IN_LINK_LIFETIME - timedelta(milliseconds=1))
    assert await links.peek(code) == "ann0000000"
    clock.advance(timedelta(milliseconds=1))
    with raises_refusal("link-expired"):
        async with links.redeemed(code):
            pass

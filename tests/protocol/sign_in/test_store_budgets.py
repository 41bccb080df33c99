"""Store operations of signing in, as docs/reference/store-operations.md describes them."""

from datetime import timedelta

import pytest

from shared.domain.sessions import SECRET_ROTATION
from tests.support.browsers import signed_in
from tests.support.port_doubles import CallRecorder
from tests.support.sign_in import SignInWorld, open_sign_in
from tests.support.storage import one_instance
from tests.support.world import OpenWorld, World

pytestmark = one_instance("it counts calls of one instance")

SETTINGS = "/account/settings.toml"  # It asks for the account, and for nothing else.


@pytest.fixture
async def world(worlds: OpenWorld, store_calls: CallRecorder) -> World:
    """Return a registry whose calls are counted."""
    return await worlds(wrap=store_calls.wrap)


@pytest.fixture
async def sign_ins(worlds: OpenWorld, store_calls: CallRecorder) -> SignInWorld:
    """Return a registry with every provider whose calls are counted."""
    return await open_sign_in(worlds, around=store_calls.wrap)


async def test_a_session_is_read_every_three_seconds_at_most(
    world: World, store_calls: CallRecorder
) -> None:
    browser = await signed_in(world, world.people.ann)
    await browser.open(SETTINGS)
    store_calls.forget()
    for _ in range(5):
        await browser.open(SETTINGS)
    often = store_calls.counts()["directory.get"]
    store_calls.forget()
    world.clock.advance(timedelta(seconds=3))
    for _ in range(5):
        await browser.open(SETTINGS)
    # It, whether its account is locked, and what is announced.
    assert store_calls.counts()["directory.get"] == often + 3
    assert set(store_calls.counts()) == {"directory.get", "directory.list_by_subject"}


async def test_the_secret_of_a_session_is_written_every_ten_minutes(
    world: World, store_calls: CallRecorder
) -> None:
    browser = await signed_in(world, world.people.ann)
    await browser.open(SETTINGS)
    world.clock.advance(SECRET_ROTATION)
    store_calls.forget()
    for _ in range(5):
        await browser.open(SETTINGS)
    # The new secret, and that it has arrived.
    assert store_calls.counts()["directory.replace"] == 2


async def test_an_invalid_cookie_costs_nothing(world: World, store_calls: CallRecorder) -> None:
    browser = await signed_in(world, world.people.ann)
    browser.cookies = {"__Host-ballroom": "guess"}
    store_calls.forget()
    await browser.open(SETTINGS)
    assert store_calls.counts() == {}


async def test_beginning_a_sign_in(sign_ins: SignInWorld, store_calls: CallRecorder) -> None:
    await sign_ins.browser().send("GET", "/sign-in/oidc")  # What is announced is read once.
    store_calls.forget()
    await sign_ins.browser().send("GET", "/sign-in/oidc")
    assert store_calls.counts() == {"work.count": 1, "work.put": 1}


async def test_finishing_one_of_somebody_known(
    sign_ins: SignInWorld, store_calls: CallRecorder
) -> None:
    await sign_ins.signed_in("oidc")
    browser = sign_ins.browser()
    begun = await browser.send("GET", "/sign-in/oidc")
    store_calls.forget()
    await browser._through_issuer(begun.headers["location"])
    await sign_ins.mails()
    assert store_calls.counts() == {
        "work.take": 1,
        "directory.get": 3,  # The identity, the account, and whom to tell of a new browser.
        "directory.add": 1,
        "events.append_outbox": 1,
    }

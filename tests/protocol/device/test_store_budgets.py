"""Store operations of a device login, as docs/reference/store-operations.md lists them."""

import pytest

from tests.support.browsers import signed_in
from tests.support.device_login import ask, decide, poll
from tests.support.port_doubles import CallRecorder
from tests.support.storage import one_instance
from tests.support.world import OpenWorld, World, asking

pytestmark = one_instance("it counts calls of one instance")

# Whether changes are taken, which a process reads once in three seconds.
NOTICES = {"directory.get": 1}


@pytest.fixture
async def world(worlds: OpenWorld, store_calls: CallRecorder) -> World:
    """Return a registry whose calls are counted."""
    return await worlds(wrap=store_calls.wrap, host=asking)


async def test_asking_for_codes(world: World, store_calls: CallRecorder) -> None:
    store_calls.forget()
    await ask(world)
    assert store_calls.counts() == {**NOTICES, "work.count": 1, "work.claim": 1, "work.put": 1}


async def test_waiting_for_an_answer(world: World, store_calls: CallRecorder) -> None:
    codes = await ask(world)
    store_calls.forget()
    await poll(world, codes)
    assert store_calls.counts() == {**NOTICES, "work.peek": 2, "work.claim": 1}


async def test_an_invalid_code(world: World, store_calls: CallRecorder) -> None:
    store_calls.forget()
    await poll(world, {"device_code": "guess"})
    assert store_calls.counts() == {**NOTICES, "work.peek": 1}


async def test_approving(world: World, store_calls: CallRecorder) -> None:
    codes = await ask(world)
    ann = await signed_in(world, world.people.ann, "/device")
    await ann.submit("/device", code=codes["user_code"])
    store_calls.forget()
    await ann.submit("/device", decision="approve")
    calls = store_calls.counts()
    work = {name: count for name, count in calls.items() if name.startswith("work.")}
    # Both limits, of changes and of codes, are counted; the code and its answer are read.
    assert work == {"work.count": 2, "work.peek": 2, "work.claim": 1}
    assert calls["events.append"] == 1
    assert sum(calls.values()) <= 9


async def test_getting_the_token(world: World, store_calls: CallRecorder) -> None:
    codes = await ask(world)
    await decide(await signed_in(world, world.people.ann), codes, "approve")
    store_calls.forget()
    await poll(world, codes)
    assert store_calls.counts() == {
        "work.peek": 2,
        "work.claim": 1,
        "work.take": 1,
        "directory.get": 3,  # The account; its session; and whether changes are taken.
        "directory.add": 1,
        "events.append_outbox": 1,
    }

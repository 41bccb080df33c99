"""Clients repeat a push at once on a 5xx, and may resend on a lost connection."""

from datetime import timedelta

import pytest

from shared.domain.errors.requests import Busy
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import JavaBal
from tests.support.archives import bala
from tests.support.port_doubles import Fault, Moment
from tests.support.world import OpenWorld, World

GREET = "acme/greet:1.0.0"
TAKEN = r"package already exists: acme/greet:1\.0\.0"


async def test_a_repeat_is_204_for_ten_minutes_and_publishes_nothing_twice(
    world: World, ann: JavaBal
) -> None:
    await ann.send_archive(GREET, bala(GREET))
    before = await world.stores.events.since(0, 100)
    for minutes in (0, 10):
        world.clock.advance(timedelta(minutes=minutes))
        await ann.send_archive(GREET, bala(GREET))
    assert await world.stores.events.since(0, 100) == before
    assert await ann.versions("acme/greet") == ["1.0.0"]
    world.clock.advance(timedelta(milliseconds=1))
    with pytest.raises(ClientFailure, match=TAKEN):
        await ann.send_archive(GREET, bala(GREET))


async def test_the_same_bytes_by_somebody_else_are_refused(world: World, ann: JavaBal) -> None:
    await ann.send_archive(GREET, bala(GREET))
    with pytest.raises(ClientFailure, match=TAKEN):
        await world.java(world.people.admin).send_archive(GREET, bala(GREET))


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize(
    ("port", "method"),
    [
        ("metadata", "find"),
        ("metadata", "claim"),
        ("documents", "put"),
        ("archives", "put"),
        ("metadata", "add_release"),
        ("metadata", "put_entries"),
        ("search", "offer"),
        ("events", "publish"),
    ],
)
async def test_a_push_that_fails_anywhere_succeeds_when_the_client_repeats_it(
    worlds: OpenWorld, port: str, method: str, moment: Moment
) -> None:
    fault = Fault(method, Busy(), moment)

    world = await worlds(wrap=fault.at(port))
    ann = world.java(world.people.ann)
    await ann.send_archive(GREET, bala(GREET))
    assert [each.status for each in ann.wire.exchanges] == [503, 204]
    assert await ann.versions("acme/greet") == ["1.0.0"]
    assert (await ann.search("greet"))["count"] == 1
    assert (await ann.pull(GREET)).content == bala(GREET)
    assert [event.kind for _, event in await world.stores.events.since(0, 100)].count(
        "release.published"
    ) == 1

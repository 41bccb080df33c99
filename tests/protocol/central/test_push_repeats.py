"""Clients repeat a push at once on a 5xx, and may resend on a lost connection."""

import asyncio
from datetime import timedelta

import pytest

from shared.domain.errors.requests import Busy
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import JavaBal
from tests.support.archives import bala
from tests.support.port_doubles import Fault, Moment
from tests.support.stored_state import stored
from tests.support.world import MAVEN, OpenWorld, World

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


RC1 = "acme/greet:1.0.0-RC1"
OTHER_CASE = (
    r"acme/greet:1\.0\.0-rc1 differs from the version 1\.0\.0-RC1, which exists, in upper and "
    "lower case alone, and both are one folder on Windows and macOS. Choose another version."
)


async def test_of_versions_that_differ_in_case_the_second_is_refused_and_stores_nothing(
    world: World, ann: JavaBal
) -> None:
    await ann.push(RC1, bala(RC1))
    before = await stored(world.stores)
    again = RC1.replace("RC", "rc")
    with pytest.raises(ClientFailure, match=OTHER_CASE):
        await ann.push(again, bala(again))
    url = f"{MAVEN}/acme/greet/1.0.0-rc1/greet-1.0.0-rc1.bala"
    answer = await world.send("PUT", url, by=world.people.ann, content=bala(again))
    assert answer.status_code == 409
    assert await stored(world.stores) == before
    assert (await ann.pull(RC1)).content == bala(RC1)
    with pytest.raises(ClientFailure, match="package not found for"):
        await ann.pull(again)
    await ann.push("acme/greet:1.0.0-rc2", bala("acme/greet:1.0.0-rc2"))
    assert await ann.versions("acme/greet") == ["1.0.0-rc2", "1.0.0-RC1"]


async def test_of_concurrent_pushes_of_versions_that_differ_in_case_one_succeeds(
    world: World,
) -> None:
    spelled = [f"acme/greet:1.0.0-{each}" for each in ("rc1", "RC1", "Rc1")]
    pushes = [world.push(bala(each)) for each in spelled]
    outcomes = await asyncio.gather(*pushes, return_exceptions=True)
    failures = [each for each in outcomes if each is not None]
    assert len(failures) == 2
    assert all("differs from the version" in str(each) for each in failures)
    assert len(await world.java().versions("acme/greet")) == 1


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

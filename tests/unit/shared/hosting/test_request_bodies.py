"""Bodies are read whole and within limits."""

import asyncio
from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.body_sizes import MAX_GROUP_BYTES
from shared.domain.errors.base import TooLarge
from shared.domain.errors.requests import NoRoomForUpload
from shared.hosting.request_bodies import BodyReader, BodySender, HostLimits, IdentifySender
from shared.hosting.requests import Message, Receive
from tests.support.waiting import let_tasks_run
from tests.unit.shared.hosting.asgi import Exchange, scope

LIMITS = HostLimits(body_bytes=100, small_body_bytes=10, large_bodies=1, room_seconds=0.01)
ANN = BodySender("192.0.2.1", "ann")
BOB = BodySender("192.0.2.2", "bob")


def arriving(*pieces: bytes) -> Exchange:
    return Exchange(list(pieces), [])


async def never() -> Message:
    pytest.fail("the body was read")


def uploading(intake: BodyReader, length: int, receive: Receive) -> Any:
    """Return the context in which a body is in hand."""
    return intake.body(scope("POST", "/", {"Content-Length": str(length)}), receive)


def intake_of(sender: BodySender, limits: HostLimits = LIMITS) -> BodyReader:
    return BodyReader(limits, identifying(repeat(sender)))


def identifying(senders: Iterator[BodySender]) -> IdentifySender:
    async def identify(_headers: Mapping[str, str], _path: str) -> BodySender:
        return next(senders)

    return identify


@pytest.mark.parametrize("sender", [ANN, BodySender("", "ann"), BodySender("192.0.2.1", "dan")])
async def test_no_account_and_no_address_gets_all_of_a_room(sender: BodySender) -> None:
    """An account has room for one of the largest bodies, and an address for half of all."""
    senders = iter([ANN, BodySender("192.0.2.1", "eve"), sender, BOB])
    intake = BodyReader(replace(LIMITS, large_bodies=4), identifying(senders))
    async with (
        uploading(intake, 100, arriving(b"x" * 100).receive),
        uploading(intake, 100, arriving(b"x" * 100).receive),
    ):
        with pytest.raises(NoRoomForUpload, match="one archive after the other"):
            async with uploading(intake, 11, never):
                pass
        async with uploading(intake, 100, arriving(b"y" * 100).receive) as body:
            assert body == b"y" * 100


async def test_a_slow_upload_makes_room_for_one_that_waits() -> None:
    limits = replace(LIMITS, room_seconds=60)
    intake = intake_of(ANN, limits)
    slow = asyncio.create_task(upload(intake, Pausing().receive))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(upload(intake, arriving(b"x" * 100).receive))
    now = asyncio.get_running_loop().time()
    await asyncio.sleep(0)
    intake.sweep(now + limits.grace_seconds - 1)
    await let_tasks_run()
    assert not slow.done()
    assert not waiting.done()
    intake.sweep(now + limits.grace_seconds + 1)
    assert await waiting == 100
    with pytest.raises(NoRoomForUpload, match="too slow"):
        await slow


async def test_an_upload_that_its_own_account_blocks_ends_no_other() -> None:
    limits = replace(LIMITS, contended_rate=1, large_bodies=4)
    intake = BodyReader(limits, identifying(iter([ANN, BOB, ANN])))
    mine = Pausing(b"x" * 60)
    other = Pausing()
    uploads = [asyncio.create_task(upload(intake, each.receive)) for each in (mine, other)]
    await asyncio.sleep(0)
    waiting = asyncio.create_task(upload(intake, never))
    await asyncio.sleep(0)
    intake.sweep(asyncio.get_running_loop().time() + 20)
    with pytest.raises(NoRoomForUpload, match="one archive after the other"):
        await waiting
    await let_tasks_run()
    assert not any(each.done() for each in uploads)
    for each in (mine, other):
        each.goes_on.set()
    assert await asyncio.gather(*uploads) == [60, 1]


async def test_a_slow_upload_stays_while_nobody_waits() -> None:
    intake = intake_of(ANN)
    slow = asyncio.create_task(upload(intake, Pausing().receive))
    await asyncio.sleep(0)
    intake.sweep(asyncio.get_running_loop().time() + 100)
    await let_tasks_run()
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


async def test_a_fast_upload_is_not_ended_for_others() -> None:
    limits = replace(LIMITS, contended_rate=1, large_bodies=1, room_seconds=60)
    intake = intake_of(ANN, limits)
    fast = Pausing(b"x" * 60)
    first = asyncio.create_task(upload(intake, fast.receive))
    waiting = asyncio.create_task(upload(intake, arriving(b"x" * 100).receive))
    for _ in range(3):
        await asyncio.sleep(0)
    now = asyncio.get_running_loop().time()
    intake.sweep(now + limits.grace_seconds + 1)
    await let_tasks_run()
    assert not first.done()
    fast.goes_on.set()
    assert (await first, await waiting) == (60, 100)


async def upload(intake: BodyReader, receive: Receive, length: int = 100) -> int:
    """Upload a body; return how much of it came."""
    async with uploading(intake, length, receive) as body:
        return len(body)


class Pausing:
    """Sends a piece, and nothing for a long time."""

    def __init__(self, piece: bytes = b"x") -> None:
        self.pieces = [piece]
        self.goes_on = asyncio.Event()

    async def receive(self) -> Message:
        if self.pieces:
            return {"type": "http.request", "body": self.pieces.pop(), "more_body": True}
        await self.goes_on.wait()
        return {"type": "http.request", "body": b"", "more_body": False}


async def test_a_group_of_a_directory_may_be_larger_than_other_bodies() -> None:
    of_groups = intake_of(BodySender("192.0.2.1", most_bytes=MAX_GROUP_BYTES), HostLimits())
    others = intake_of(BodySender("192.0.2.1"), HostLimits())
    sent = scope("POST", "/scim/v2/Groups", {"Content-Length": str(MAX_GROUP_BYTES)})
    content = b"x" * MAX_GROUP_BYTES
    async with of_groups.body(sent, arriving(content).receive) as body:
        assert body == content
    async with others.body(sent, never) as refused:
        assert isinstance(refused, TooLarge)
    larger = {"Content-Length": str(MAX_GROUP_BYTES + 1)}
    async with of_groups.body(scope("POST", "/scim/v2/Groups", larger), never) as refused:
        assert "more than 524,288 are taken only" in str(refused)

"""Bodies are read whole and within limits."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import Message, Receive

from shared.domain.errors import BodyNotTaken
from shared.hosting.bodies import (
    Disconnected,
    Intake,
    Limits,
    NoRoom,
    Sender,
    TooLarge,
    body_length,
    discard_body,
    read_body,
)
from tests.unit.hosting.asgi import Exchange, scope

LIMITS = Limits(body_bytes=100, small_body_bytes=10, large_bodies=1, room_seconds=0.01)
NOBODY, ANN, BOB = Sender(), Sender("192.0.2.1", "ann"), Sender("192.0.2.2", "bob")


def arriving(*pieces: bytes) -> Exchange:
    return Exchange(list(pieces), [])


async def never() -> Message:
    pytest.fail("the body was read")


async def test_a_body_is_the_sum_of_its_pieces() -> None:
    assert await read_body(arriving(b"a", b"", b"bc").receive) == b"abc"


async def test_a_client_that_leaves_early_has_no_body() -> None:
    with pytest.raises(Disconnected):
        await read_body(arriving().receive)


def test_a_body_without_a_length_is_none() -> None:
    assert body_length([(b"content-length", b"12")]) == 12
    assert body_length([(b"transfer-encoding", b"chunked")]) == 0


def uploading(intake: Intake, length: int, receive: Receive) -> Any:
    """Return the context in which a body is in hand."""
    return intake.body(scope("POST", "/", {"Content-Length": str(length)}), receive)


def intake_of(sender: Sender, limits: Limits = LIMITS) -> Intake:
    async def identify(_headers: Mapping[str, str]) -> Sender:
        return sender

    return Intake(limits, identify)


async def test_a_body_over_the_limit_is_not_read() -> None:
    with pytest.raises(TooLarge):
        async with uploading(Intake(LIMITS), 101, never):
            pass


async def test_a_body_that_is_not_kept_is_read_within_bounds() -> None:
    limits = Limits(discarded_bytes=6, room_seconds=0.01)
    assert await discard_body(6, arriving(b"123", b"456").receive, limits)
    assert not await discard_body(7, never, limits)
    assert not await discard_body(6, asyncio.Event().wait, limits)  # type: ignore[arg-type]
    with pytest.raises(Disconnected):
        await discard_body(6, arriving(b"123").receive, limits)


async def test_a_large_body_waits_for_room_and_gives_it_back() -> None:
    intake = Intake(LIMITS)
    async with uploading(intake, 60, arriving(b"x" * 60).receive):
        with pytest.raises(NoRoom):
            async with uploading(intake, 60, never):
                pass
    async with uploading(intake, 60, arriving(b"y" * 60).receive) as body:
        assert body == b"y" * 60


async def test_a_small_body_needs_no_room() -> None:
    intake = Intake(LIMITS)
    async with (
        uploading(intake, 100, arriving(b"x" * 100).receive),
        uploading(intake, 10, arriving(b"y" * 10).receive) as small,
    ):
        assert small == b"y" * 10


async def test_room_is_given_back_by_a_client_that_leaves() -> None:
    intake = Intake(LIMITS)
    with pytest.raises(Disconnected):
        async with uploading(intake, 100, arriving().receive):
            pass
    async with uploading(intake, 100, arriving(b"x" * 100).receive) as body:
        assert len(body) == 100


async def test_nobody_has_a_room_of_their_own_and_a_limit() -> None:
    limits = replace(LIMITS, anonymous_body_bytes=50, anonymous_bytes=60)
    intake = intake_of(NOBODY, limits)
    async with uploading(intake, 51, never) as refusal:
        assert isinstance(refusal, BodyNotTaken)
    async with uploading(intake, 50, arriving(b"x" * 50).receive):
        with pytest.raises(NoRoom):
            async with uploading(intake, 11, never):
                pass


@pytest.mark.parametrize("sender", [ANN, Sender("", "ann"), Sender("192.0.2.1", "eve")])
async def test_no_account_and_no_address_gets_all_of_a_room(sender: Sender) -> None:
    senders = iter([ANN, ANN, sender, BOB])

    async def identify(_headers: Mapping[str, str]) -> Sender:
        return next(senders)

    intake = Intake(replace(LIMITS, large_bodies=4), identify)
    async with (
        uploading(intake, 100, arriving(b"x" * 100).receive),
        uploading(intake, 100, arriving(b"x" * 100).receive),
    ):
        with pytest.raises(NoRoom):
            async with uploading(intake, 11, never):
                pass
        async with uploading(intake, 100, arriving(b"y" * 100).receive) as body:
            assert body == b"y" * 100


@pytest.mark.parametrize("large_bodies", [1, 2])
async def test_a_slow_upload_makes_room_for_one_that_waits(large_bodies: int) -> None:
    limits = replace(LIMITS, large_bodies=large_bodies, room_seconds=60)
    intake = intake_of(ANN, limits)
    slow = asyncio.create_task(upload(intake, Pausing().receive))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(upload(intake, arriving(b"x" * 100).receive))
    now = asyncio.get_running_loop().time()
    await asyncio.sleep(0)
    intake.sweep(now + limits.grace_seconds - 1)
    assert not waiting.done()
    intake.sweep(now + limits.grace_seconds + 1)
    assert await waiting == 100
    with pytest.raises(NoRoom):
        await slow


async def test_a_slow_upload_stays_while_nobody_waits() -> None:
    intake = intake_of(ANN)
    slow = asyncio.create_task(upload(intake, Pausing().receive))
    await asyncio.sleep(0)
    intake.sweep(asyncio.get_running_loop().time() + 100)
    await asyncio.sleep(0)
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


async def test_a_fast_upload_is_not_cut_off_for_others() -> None:
    limits = replace(LIMITS, contended_rate=1, large_bodies=1, room_seconds=60)
    intake = intake_of(ANN, limits)
    fast = Pausing(b"x" * 60)
    first = asyncio.create_task(upload(intake, fast.receive))
    waiting = asyncio.create_task(upload(intake, arriving(b"x" * 100).receive))
    for _ in range(3):
        await asyncio.sleep(0)
    now = asyncio.get_running_loop().time()
    intake.sweep(now + limits.grace_seconds + 1)
    await asyncio.sleep(0)
    assert not first.done()
    fast.goes_on.set()
    assert (await first, await waiting) == (60, 100)


async def upload(intake: Intake, receive: Receive) -> int:
    """Upload a body; return how much of it came."""
    async with uploading(intake, 100, receive) as body:
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


async def test_those_who_wait_are_let_in_one_after_the_other() -> None:
    intake = Intake(replace(LIMITS, room_seconds=60))
    inside = 0

    async def one() -> int:
        nonlocal inside
        async with uploading(intake, 60, arriving(b"x" * 60).receive):
            inside += 1
            most = inside
            await asyncio.sleep(0)
            inside -= 1
            return most

    assert await asyncio.gather(*(one() for _ in range(20))) == [1] * 20

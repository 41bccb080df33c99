"""Bodies are read whole and within limits."""

import asyncio

import pytest
from starlette.types import Message

from shared.hosting.bodies import (
    Disconnected,
    Intake,
    Limits,
    NoRoom,
    TooLarge,
    body_length,
    discard_body,
    read_body,
)
from tests.unit.hosting.asgi import Exchange

LIMITS = Limits(body_bytes=100, large_body_bytes=10, large_bodies=1, room_seconds=0.01)


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


async def test_a_body_over_the_limit_is_not_read() -> None:
    with pytest.raises(TooLarge):
        async with Intake(LIMITS).body(101, never):
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
    async with intake.body(11, arriving(b"x" * 11).receive):
        with pytest.raises(NoRoom):
            async with intake.body(11, never):
                pass
    async with intake.body(11, arriving(b"y" * 11).receive) as body:
        assert body == b"y" * 11


async def test_a_small_body_needs_no_room() -> None:
    intake = Intake(LIMITS)
    async with (
        intake.body(11, arriving(b"x" * 11).receive),
        intake.body(10, arriving(b"y" * 10).receive) as small,
    ):
        assert small == b"y" * 10


async def test_room_is_given_back_by_a_client_that_leaves() -> None:
    intake = Intake(LIMITS)
    with pytest.raises(Disconnected):
        async with intake.body(11, arriving().receive):
            pass
    async with intake.body(11, arriving(b"x" * 11).receive) as body:
        assert len(body) == 11


async def test_those_who_wait_are_let_in_one_after_the_other() -> None:
    intake = Intake(Limits(body_bytes=100, large_body_bytes=10, large_bodies=1, room_seconds=60))
    inside = 0

    async def upload() -> int:
        nonlocal inside
        async with intake.body(11, arriving(b"x" * 11).receive):
            inside += 1
            most = inside
            await asyncio.sleep(0)
            inside -= 1
            return most

    assert await asyncio.gather(*(upload() for _ in range(20))) == [1] * 20

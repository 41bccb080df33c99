"""Bodies are read whole and within limits."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from shared.domain.errors.base import TooLarge
from shared.domain.errors.requests import NoRoomForUpload
from shared.hosting.asgi import Message, Receive
from shared.hosting.request_bodies import (
    BodyReader,
    BodySender,
    BodyTooLarge,
    ClientDisconnected,
    HostLimits,
    body_length,
    discard_body,
    read_body,
)
from tests.unit.shared.hosting.asgi import Exchange, scope

LIMITS = HostLimits(body_bytes=100, small_body_bytes=10, large_bodies=1, room_seconds=0.01)
NOBODY, ANN, BOB = BodySender(), BodySender("192.0.2.1", "ann"), BodySender("192.0.2.2", "bob")


def arriving(*pieces: bytes) -> Exchange:
    return Exchange(list(pieces), [])


async def never() -> Message:
    pytest.fail("the body was read")


async def test_a_body_is_the_sum_of_its_pieces() -> None:
    assert await read_body(arriving(b"a", b"", b"bc").receive) == b"abc"


async def test_a_client_that_leaves_early_has_no_body() -> None:
    with pytest.raises(ClientDisconnected):
        await read_body(arriving().receive)


def test_a_request_without_a_length_has_no_body() -> None:
    assert body_length([(b"content-length", b"12")]) == 12
    assert body_length([(b"transfer-encoding", b"chunked")]) == 0


def uploading(intake: BodyReader, length: int, receive: Receive) -> Any:
    """Return the context in which a body is in hand."""
    return intake.body(scope("POST", "/", {"Content-Length": str(length)}), receive)


def intake_of(sender: BodySender, limits: HostLimits = LIMITS) -> BodyReader:
    async def identify(_headers: Mapping[str, str]) -> BodySender:
        return sender

    return BodyReader(limits, identify)


async def test_a_body_over_the_limit_is_not_read() -> None:
    with pytest.raises(BodyTooLarge):
        async with uploading(BodyReader(LIMITS), 101, never):
            pass


async def test_a_body_that_is_not_stored_is_read_within_limits() -> None:
    limits = HostLimits(discarded_bytes=6, room_seconds=0.01)
    assert await discard_body(6, arriving(b"123", b"456").receive, limits)
    assert await discard_body(6, arriving(b"456").receive, limits)  # The rest of one.
    assert not await discard_body(7, never, limits)
    assert not await discard_body(6, asyncio.Event().wait, limits)  # type: ignore[arg-type]
    with pytest.raises(ClientDisconnected):
        await discard_body(6, arriving().receive, limits)


async def test_a_large_body_waits_for_room_and_gives_it_back() -> None:
    intake = BodyReader(LIMITS)
    async with uploading(intake, 60, arriving(b"x" * 60).receive):
        with pytest.raises(NoRoomForUpload):
            async with uploading(intake, 60, never):
                pass
    async with uploading(intake, 60, arriving(b"y" * 60).receive) as body:
        assert body == b"y" * 60


async def test_a_small_body_needs_no_room() -> None:
    intake = BodyReader(LIMITS)
    async with (
        uploading(intake, 100, arriving(b"x" * 100).receive),
        uploading(intake, 10, arriving(b"y" * 10).receive) as small,
    ):
        assert small == b"y" * 10


async def test_room_is_given_back_by_a_client_that_leaves() -> None:
    intake = BodyReader(LIMITS)
    with pytest.raises(ClientDisconnected):
        async with uploading(intake, 100, arriving().receive):
            pass
    async with uploading(intake, 100, arriving(b"x" * 100).receive) as body:
        assert len(body) == 100


async def test_nobody_has_a_room_of_their_own_and_a_limit() -> None:
    limits = replace(LIMITS, anonymous_body_bytes=50, anonymous_bytes=60)
    intake = intake_of(NOBODY, limits)
    async with uploading(intake, 51, never) as refusal:
        assert isinstance(refusal, TooLarge)
    async with uploading(intake, 50, arriving(b"x" * 50).receive):
        with pytest.raises(NoRoomForUpload):
            async with uploading(intake, 11, never):
                pass


@pytest.mark.parametrize("sender", [ANN, BodySender("", "ann"), BodySender("192.0.2.1", "eve")])
async def test_no_account_and_no_address_gets_all_of_a_room(sender: BodySender) -> None:
    senders = iter([ANN, ANN, sender, BOB])

    async def identify(_headers: Mapping[str, str]) -> BodySender:
        return next(senders)

    intake = BodyReader(replace(LIMITS, large_bodies=4), identify)
    async with (
        uploading(intake, 100, arriving(b"x" * 100).receive),
        uploading(intake, 100, arriving(b"x" * 100).receive),
    ):
        with pytest.raises(NoRoomForUpload):
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
    with pytest.raises(NoRoomForUpload):
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


async def test_those_who_wait_are_let_in_one_after_the_other() -> None:
    intake = BodyReader(replace(LIMITS, room_seconds=60))
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


class Sending:
    """Sends as many bytes as were asked for, whenever they are."""

    def __init__(self) -> None:
        self.pieces = asyncio.Queue[bytes]()

    async def receive(self) -> Message:
        return {"type": "http.request", "body": await self.pieces.get(), "more_body": True}


@dataclass
class Contest:
    """Uploads of several accounts in one room, at a clock that the test moves."""

    intake: BodyReader
    sender: BodySender = NOBODY
    sending: list[Sending] = field(default_factory=list[Sending])
    tasks: dict[str, "asyncio.Task[int]"] = field(default_factory=dict[str, "asyncio.Task[int]"])
    now: float = 0.0

    @classmethod
    def of(cls, limits: HostLimits) -> "Contest":
        async def identify(_headers: Mapping[str, str]) -> BodySender:
            return contest.sender

        contest = cls(BodyReader(limits, identify))
        return contest

    async def begin(self, sender: BodySender, name: str) -> Sending:
        """Begin an upload of the largest size."""
        self.sender = sender
        sending = Sending()
        self.tasks[name] = asyncio.create_task(
            upload(self.intake, sending.receive, self.intake.limits.body_bytes)
        )
        await self.settle()
        self.now = self.now or asyncio.get_running_loop().time()
        return sending

    async def pass_seconds(self, seconds: int, rates: Mapping[Sending, int]) -> None:
        """Let seconds pass in which each upload sends so many bytes a second."""
        for _ in range(seconds):
            for sending, rate in rates.items():
                sending.pieces.put_nowait(b"x" * rate)
            await self.settle()
            self.now += 1
            self.intake.sweep(self.now)
            await self.settle()

    @staticmethod
    async def settle() -> None:
        """Let every task go on until it waits."""
        for _ in range(10):
            await asyncio.sleep(0)

    def ended(self) -> dict[str, str]:
        """Return which uploads were refused, and why."""
        return {
            name: str(task.exception()).partition(", and ")[2].partition(". ")[0]
            for name, task in self.tasks.items()
            if task.done()
        }

    async def close(self) -> None:
        """End all that go on."""
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


CONTEST = HostLimits(
    body_bytes=65_000,
    small_body_bytes=10,
    contended_rate=32,
    highest_rate=80,
    room_seconds=900,
)
SEVERAL = "this one was not the only one of its account or address while others waited"
SLOW = "this one was too slow to keep its room while others waited"
CARL, DORA = BodySender("192.0.2.3", "carl"), BodySender("192.0.2.4", "dora")


async def test_the_principal_with_the_most_room_loses_an_upload_for_a_first_one() -> None:
    contest = Contest.of(CONTEST)
    taking = [await contest.begin(ANN, "ann 1"), await contest.begin(ANN, "ann 2")]
    taking += [await contest.begin(BOB, "bob 1"), await contest.begin(BOB, "bob 2")]
    for number in range(3, 6):  # They wait, and come before the one below.
        taking += [
            await contest.begin(ANN, f"ann {number}"),
            await contest.begin(BOB, f"bob {number}"),
        ]
    honest = await contest.begin(CARL, "carl")
    await contest.pass_seconds(8, dict.fromkeys([*taking, honest], 40))
    assert contest.ended() == {"bob 2": SEVERAL}
    assert honest.pieces.empty()  # It is read.
    await contest.close()


async def test_accounts_at_one_address_share_what_it_may_hold() -> None:
    contest = Contest.of(CONTEST)
    taking: list[Sending] = []
    for number in range(4):  # Two accounts at each of two addresses.
        account = f"account {number}"
        taking.append(await contest.begin(BodySender(f"192.0.2.{number % 2}", account), account))
    honest = await contest.begin(CARL, "carl")
    await contest.pass_seconds(8, dict.fromkeys([*taking, honest], 40))
    assert contest.ended() == {"account 3": SEVERAL}
    assert honest.pieces.empty()
    await contest.close()


async def test_a_further_upload_ends_none_of_a_principal_with_less_room() -> None:
    contest = Contest.of(CONTEST)
    taking = [await contest.begin(sender, sender.account) for sender in (ANN, BOB, CARL, DORA)]
    await contest.begin(ANN, "ann again")
    await contest.pass_seconds(10, dict.fromkeys(taking, 40))
    assert not contest.ended()
    await contest.close()


async def test_an_upload_at_100_kib_a_second_is_never_ended_for_others() -> None:
    contest = Contest.of(CONTEST)
    honest = await contest.begin(CARL, "carl")
    for sender in (ANN, BOB):
        await contest.begin(sender, f"{sender.account} 1")
        await contest.begin(sender, f"{sender.account} 2")
    await contest.begin(DORA, "dora")
    for _ in range(64):
        await contest.pass_seconds(10, {honest: 100})
    assert "carl" not in contest.ended()
    assert honest.pieces.empty()
    await contest.close()


async def test_an_upload_that_pauses_for_seconds_is_not_taken_for_slow() -> None:
    contest = Contest.of(replace(CONTEST, large_bodies=1))
    honest = await contest.begin(CARL, "carl")
    await contest.begin(DORA, "dora")
    for _ in range(60):
        await contest.pass_seconds(3, {honest: 0})
        await contest.pass_seconds(1, {honest: 400})
    assert not contest.ended()
    await contest.close()


async def test_the_rate_that_is_asked_rises_with_the_age_while_others_wait() -> None:
    contest = Contest.of(CONTEST)
    senders = [BodySender(f"192.0.2.{number}", f"account {number}") for number in range(10, 14)]
    slow = [await contest.begin(each, each.account) for each in senders]
    waiting = await contest.begin(CARL, "carl")
    await contest.pass_seconds(70, dict.fromkeys(slow, 40))
    assert not contest.ended()
    await contest.pass_seconds(10, dict.fromkeys(slow, 40))
    assert list(contest.ended().values()) == [SLOW]
    await contest.pass_seconds(1, {waiting: 40})
    assert waiting.pieces.empty()
    await contest.close()


async def test_an_upload_that_its_own_account_blocks_ends_no_other() -> None:
    contest = Contest.of(CONTEST)
    ann = [await contest.begin(ANN, f"ann {number}") for number in range(3)]
    await contest.begin(BOB, "bob")
    await contest.begin(CARL, "carl")
    await contest.pass_seconds(10, dict.fromkeys(ann, 40))
    assert not contest.ended()
    await contest.close()


async def test_no_upload_is_ended_if_that_would_not_help() -> None:
    contest = Contest.of(replace(CONTEST, large_bodies=1))
    first = await contest.begin(ANN, "ann")
    await contest.begin(BOB, "bob")
    await contest.pass_seconds(10, {first: 40})
    assert not contest.ended()
    await contest.close()

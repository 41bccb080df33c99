"""Answers of the upstream that are kept."""

import asyncio
from datetime import timedelta

import pytest

from shared.ports import Unanswered
from shared.services.mirroring.upstreams import Ask, KeptAnswers, NewAnswer
from tests.fakes.system import FakeClock

FRESH = timedelta(minutes=5)


def answering(*answers: NewAnswer | Exception) -> Ask:
    """Return what gives these answers, one after the other."""
    left = list(answers)

    async def ask() -> NewAnswer:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def kept(clock: FakeClock) -> KeptAnswers:
    return KeptAnswers(clock, FRESH)


async def test_an_old_answer_is_renewed_before_it_is_used(
    kept: KeptAnswers, clock: FakeClock
) -> None:
    ask = answering(NewAnswer("one"), NewAnswer("two"))
    assert await kept.get("key", ask) == "one"
    clock.advance(timedelta(hours=2))
    assert await kept.get("key", ask) == "two"


async def test_an_old_answer_is_used_if_there_is_no_other(
    kept: KeptAnswers, clock: FakeClock
) -> None:
    ask = answering(NewAnswer("one"), Unanswered("silent"), NewAnswer("two"))
    await kept.get("key", ask)
    clock.advance(timedelta(hours=2))
    assert [await kept.get("key", ask) for _ in range(3)] == ["one", "one", "one"]
    clock.advance(timedelta(seconds=11))
    assert await kept.get("key", ask) == "two"


async def test_what_is_gone_is_no_longer_used(kept: KeptAnswers, clock: FakeClock) -> None:
    ask = answering(NewAnswer("one"), NewAnswer(None), NewAnswer("two"))
    await kept.get("key", ask)
    clock.advance(timedelta(minutes=6))
    assert await kept.get("key", ask) == "one"
    await kept.drain()
    assert await kept.get("key", ask) is None
    clock.advance(timedelta(minutes=1))  # For which nothing is asked again.
    assert await kept.get("key", ask) == "two"


async def test_an_answer_may_be_fresh_for_a_shorter_time(
    kept: KeptAnswers, clock: FakeClock
) -> None:
    kept.put("key", NewAnswer(None, fresh_for=timedelta(minutes=1)))
    assert kept.fresh("key") is not None
    clock.advance(timedelta(seconds=61))
    assert kept.fresh("key") is None


async def test_renewing_stops_at_the_end(kept: KeptAnswers, clock: FakeClock) -> None:
    async def ask() -> NewAnswer:
        return await asyncio.Future[NewAnswer]()

    await kept.get("key", answering(NewAnswer("one")))
    clock.advance(timedelta(minutes=6))
    assert await kept.get("key", ask) == "one"
    await kept.close()

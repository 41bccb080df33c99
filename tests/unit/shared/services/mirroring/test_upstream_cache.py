"""Answers of the upstream that are kept."""

import asyncio
from datetime import timedelta

import pytest

from shared.services.mirroring.upstream_cache import Ask, NewAnswer, UpstreamCache
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
def kept(clock: FakeClock) -> UpstreamCache:
    return UpstreamCache(clock, FRESH)


async def test_renewing_stops_at_the_end(kept: UpstreamCache, clock: FakeClock) -> None:
    async def ask() -> NewAnswer:
        return await asyncio.Future[NewAnswer]()

    await kept.get("key", answering(NewAnswer("one")))
    clock.advance(timedelta(minutes=6))
    assert await kept.get("key", ask) == "one"
    await kept.close()

"""What is announced is known within three seconds, read once for all, and never waited for long."""

import asyncio
from datetime import timedelta

import pytest

from shared.domain.bulletin import Bulletin
from shared.domain.entity import Entity, Place
from shared.domain.errors import Busy, TakesNoChanges
from shared.services.bulletins import KEPT_FOR, Bulletins
from shared.services.pausing import Pausing
from tests.fakes.clock import FakeClock
from tests.fakes.directory import E, FakeDirectory
from tests.fakes.pausing import READ_ONLY

LONG, NOT_AT_ALL = timedelta(minutes=1), timedelta(0)


class Slow(FakeDirectory):
    """A directory that answers when it is told to, and may be away."""

    def __init__(self, *entities: Entity) -> None:
        super().__init__(FakeDirectory.holding(*entities).entities)
        self.answers = asyncio.Event()
        self.is_away = False

    async def get(self, kind: type[E], place: Place) -> E | None:
        """Return the entity when it is time."""
        self.calls.append("get")
        await self.answers.wait()
        if self.is_away:
            raise Busy
        return self._at(kind, place)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_one_read_serves_everybody_for_three_seconds(clock: FakeClock) -> None:
    directory = Slow(READ_ONLY)
    bulletins = Bulletins(directory, clock, LONG)
    asking = [asyncio.create_task(bulletins.current()) for _ in range(20)]
    await asyncio.sleep(0)
    directory.answers.set()
    assert await asyncio.gather(*asking) == [READ_ONLY] * len(asking)
    await bulletins.current()
    assert directory.calls == ["get"]
    assert bulletins.read_ms == clock.now_ms()
    clock.step(timedelta(hours=-1))
    clock.advance(KEPT_FOR)
    await bulletins.current()
    assert directory.calls == ["get", "get"]


async def test_what_was_changed_here_is_read_again_at_once(clock: FakeClock) -> None:
    directory = FakeDirectory()
    bulletins = Bulletins(directory, clock)
    assert (await bulletins.current()).read_only is None
    await directory.put(READ_ONLY)
    assert (await bulletins.current()).read_only is None
    bulletins.forget()
    assert (await bulletins.current()).read_only is not None


async def test_nobody_waits_for_a_slow_store_and_its_answer_counts_when_it_comes(
    clock: FakeClock,
) -> None:
    directory = Slow(READ_ONLY)
    bulletins = Bulletins(directory, clock, NOT_AT_ALL)
    assert await bulletins.current() == Bulletin()
    assert await bulletins.current() == Bulletin()
    directory.answers.set()
    while bulletins.read_ms < 0:
        await asyncio.sleep(0)
    assert (await bulletins.current()).read_only is not None
    assert directory.calls == ["get"]


async def test_while_the_store_is_away_what_was_read_last_counts_and_it_is_asked_seldom(
    clock: FakeClock,
) -> None:
    directory = Slow(READ_ONLY)
    directory.answers.set()
    bulletins = Bulletins(directory, clock)
    known = await bulletins.current()
    directory.is_away = True
    clock.advance(KEPT_FOR)
    for _ in range(5):
        assert await bulletins.current() == known
    assert directory.calls == ["get", "get"]
    assert bulletins.read_ms == clock.now_ms() - KEPT_FOR // timedelta(milliseconds=1)


async def test_closing_waits_for_no_store(clock: FakeClock) -> None:
    bulletins = Bulletins(Slow(), clock, NOT_AT_ALL)
    await bulletins.close()
    await bulletins.current()
    await bulletins.close()


async def test_changes_are_let_through_until_a_store_has_said_otherwise(clock: FakeClock) -> None:
    directory = Slow(READ_ONLY)
    pausing = Pausing(Bulletins(directory, clock, NOT_AT_ALL))
    await pausing.admit()
    directory.answers.set()
    clock.advance(KEPT_FOR)
    pausing = Pausing(Bulletins(directory, clock, LONG))
    with pytest.raises(TakesNoChanges, match="moving house"):
        await pausing.admit()

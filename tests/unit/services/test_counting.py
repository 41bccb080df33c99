"""Pulls are counted one a caller, release and window, and survive a store that is down."""

import asyncio
from datetime import timedelta

import pytest

from shared.auth.keys import KeyRing
from shared.domain.errors import (
    Busy,
    KeyTrouble,
    Refusal,
    SigningKeyUnavailable,
    TakesNoChanges,
)
from shared.domain.names import Coordinate
from shared.ports import Pull
from shared.services.counting import Counting
from tests.fakes.clock import FakeClock

GREET = Coordinate.parse("acme", "greet", "1.0.0")
OTHER = Coordinate.parse("acme", "greet", "2.0.0")
MOVING = "moving house"
WINDOW_MS = 600_000


class Ledger:
    """A ledger that fails on request."""

    def __init__(self) -> None:
        self.pulls: list[Pull] = []
        self.is_down = False
        self.is_closed = False

    async def admit(self) -> None:
        if self.is_closed:
            raise TakesNoChanges(MOVING)

    async def record(self, pulls: list[Pull]) -> None:
        if self.is_down:
            raise Busy
        self.pulls += pulls


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def delays() -> list[Refusal]:
    return []


@pytest.fixture
def counting(ledger: Ledger, clock: FakeClock, delays: list[Refusal]) -> Counting:
    signer = KeyRing.of_setting("x" * 32).signer("callers")
    return Counting(
        ledger,  # pyright: ignore[reportArgumentType] - the part that is called.
        clock,
        signer,
        admit=ledger.admit,
        delayed=delays.append,
        flush_after=timedelta(0),
    )


async def until_written(counting: Counting) -> None:
    """Let the flush that is under way come to its end."""
    while counting.is_flushing:
        await asyncio.sleep(0)


async def test_a_caller_counts_once_in_ten_minutes(counting: Counting, ledger: Ledger) -> None:
    for _ in range(4):
        counting.pulled(GREET, "one")
    await counting.flush()
    counting.pulled(GREET, "one")
    assert await counting.flush() == 0
    assert len(ledger.pulls) == 1


async def test_another_caller_another_release_and_another_window_count(
    counting: Counting, ledger: Ledger, clock: FakeClock
) -> None:
    counting.pulled(GREET, "one")
    counting.pulled(GREET, "two")
    counting.pulled(OTHER, "one")
    clock.advance(timedelta(minutes=10))
    counting.pulled(GREET, "one")
    await counting.flush()
    assert len(ledger.pulls) == 4


async def test_pulls_of_an_earlier_window_are_not_remembered(
    counting: Counting, clock: FakeClock
) -> None:
    for caller in ("one", "two", "three"):
        counting.pulled(GREET, caller)
    assert counting.remembered == 3
    clock.advance(timedelta(minutes=10))
    counting.pulled(GREET, "one")
    assert counting.remembered == 1


async def test_callers_are_kept_as_keyed_hashes(counting: Counting, ledger: Ledger) -> None:
    counting.pulled(GREET, "203.0.113.7 2201.12.0")
    await counting.flush()
    assert "203.0.113.7" not in repr(ledger.pulls)


async def test_what_cannot_be_written_is_written_by_the_next_flush(
    counting: Counting, ledger: Ledger
) -> None:
    ledger.is_down = True
    counting.pulled(GREET, "one")
    with pytest.raises(Busy):
        await counting.flush()
    ledger.is_down = False
    counting.pulled(GREET, "two")
    assert await counting.flush() == 2


async def test_counts_are_written_by_themselves_after_a_while(
    counting: Counting, ledger: Ledger
) -> None:
    counting.pulled(GREET, "one")
    await until_written(counting)
    assert len(ledger.pulls) == 1


async def test_counts_that_cannot_be_written_are_tried_again_by_themselves(
    counting: Counting, ledger: Ledger, delays: list[Refusal]
) -> None:
    ledger.is_down = True
    counting.pulled(GREET, "one")
    for _ in range(10):
        await asyncio.sleep(0)
    ledger.is_down = False
    await until_written(counting)
    assert len(ledger.pulls) == 1
    assert isinstance(delays[0], Busy)


async def test_while_nothing_may_be_written_counts_wait_for_its_end(
    counting: Counting, ledger: Ledger, delays: list[Refusal]
) -> None:
    ledger.is_closed = True
    counting.pulled(GREET, "one")
    for _ in range(10):
        await asyncio.sleep(0)
    assert ledger.pulls == []
    assert isinstance(delays[0], TakesNoChanges)
    ledger.is_closed = False
    await until_written(counting)
    assert len(ledger.pulls) == 1


async def test_a_process_that_ends_meanwhile_writes_nothing(
    counting: Counting, ledger: Ledger
) -> None:
    ledger.is_closed = True
    counting.pulled(GREET, "one")
    await counting.close()
    assert ledger.pulls == []


async def test_closing_writes_what_is_left(counting: Counting, ledger: Ledger) -> None:
    counting.pulled(GREET, "one")
    await counting.close()
    assert len(ledger.pulls) == 1


async def test_a_pull_is_of_the_window_and_the_day_in_which_it_came(
    counting: Counting, ledger: Ledger, clock: FakeClock
) -> None:
    clock.at_ms = 1_000 * WINDOW_MS
    counting.pulled(GREET, "one")
    clock.at_ms += WINDOW_MS - 1
    counting.pulled(GREET, "one")
    clock.at_ms += 1
    counting.pulled(GREET, "one")
    await counting.flush()
    told = [(pull.coordinate, pull.window, pull.day) for pull in ledger.pulls]
    assert told == [(GREET, 1_000, "1970-01-07"), (GREET, 1_001, "1970-01-07")]


class KeylessSigner:
    """A signer whose key cannot be read."""

    async def ready(self) -> None:
        """Refuse."""
        raise SigningKeyUnavailable(KeyTrouble.SILENT)


async def test_a_process_that_ends_without_its_key_loses_its_counts(
    ledger: Ledger, clock: FakeClock
) -> None:
    counting = Counting(
        ledger,  # pyright: ignore[reportArgumentType] - the part that is called.
        clock,
        KeylessSigner(),  # pyright: ignore[reportArgumentType] - the part that is called.
        admit=ledger.admit,
        delayed=lambda _refusal: None,
    )
    counting.pulled(GREET, "one")
    await counting.close()
    assert ledger.pulls == []

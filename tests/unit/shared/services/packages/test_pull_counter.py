"""Counting pulls: what counts, and when it is written."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self, cast

import pytest
from msgspec.structs import replace

from shared.auth.signing_keys import KeyRing, SigningKeys
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import KeyTrouble, SigningKeyUnavailable
from shared.domain.errors.requests import Busy, TakesNoChanges
from shared.ports.pull_ledger import CallerScope, Pull, PullBatch, PullLedger
from shared.registry import Registry
from shared.services.limits.notices import ReadOnlyMode
from shared.services.packages.pull_counter import BATCH_PULLS, MAX_PULLS_REMEMBERED, PullCounter
from shared.services.packages.release_pullers import ReleasePullerRecorder
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.logs import capture_logs
from tests.support.port_doubles import Fault
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")
OTHER = Coordinate.parse("acme", "greet", "2.0.0")
MOVING = "moving house"
KEYS = KeyRing.of_setting("x" * 32)
WINDOW_MS = 600_000


@dataclass
class FailingLedger:
    """A ledger that fails on request."""

    batches: list[PullBatch] = field(default_factory=list[PullBatch])
    is_down: bool = False
    is_closed: bool = False
    answers: bool = True

    @property
    def pulls(self) -> list[Pull]:
        """Return the pulls of all batches."""
        return [pull for batch in self.batches for pull in batch.counts]

    async def require_changes_allowed(self) -> None:
        if self.is_closed:
            raise TakesNoChanges(MOVING)

    async def record(self, batch: PullBatch) -> None:
        if self.is_down:
            raise Busy
        self.batches.append(batch)
        if not self.answers:
            raise Busy


@pytest.fixture
def ledger() -> FailingLedger:
    return FailingLedger()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def delays() -> list[Refusal]:
    return []


def counter(
    ledger: FailingLedger,
    clock: FakeClock,
    on_delay: Callable[[Refusal], None],
    *,
    keys: SigningKeys | None = None,
    caller_scope: CallerScope = CallerScope.REGISTRY,
) -> PullCounter:
    return PullCounter(
        cast(PullLedger, ledger),
        caller_scope,
        clock,
        release_pullers=ReleasePullerRecorder(FakeDirectory(), clock, keys or KEYS),
        keys=keys or KEYS,
        randomness=FakeRandomness(),
        read_only_mode=cast(ReadOnlyMode, ledger),
        on_delay=on_delay,
        flush_after=timedelta(0),
    )


@pytest.fixture
def counting(ledger: FailingLedger, clock: FakeClock, delays: list[Refusal]) -> PullCounter:
    return counter(ledger, clock, delays.append)


@pytest.fixture
def cloud(ledger: FailingLedger, clock: FakeClock, delays: list[Refusal]) -> PullCounter:
    """Return what counts for a ledger that knows no callers."""
    return counter(ledger, clock, delays.append, caller_scope=CallerScope.PROCESS)


async def until_written(counting: PullCounter) -> None:
    """Let the flush that is under way come to its end."""
    while counting._flushing._running:
        await asyncio.sleep(0)


async def test_pulls_of_an_earlier_window_are_not_remembered(
    counting: PullCounter, clock: FakeClock
) -> None:
    for caller in ("one", "two", "three"):
        counting.count(GREET, caller)
    assert len(counting._seen) == 3
    clock.advance(timedelta(minutes=10))
    counting.count(GREET, "one")
    assert len(counting._seen) == 1


async def test_callers_are_stored_as_keyed_hashes(
    counting: PullCounter, ledger: FailingLedger
) -> None:
    counting.count(GREET, "203.0.113.7 2201.12.0")
    await counting.flush()
    assert "203.0.113.7" not in repr(ledger.pulls)


async def test_while_nothing_may_be_written_counts_wait_for_its_end(
    counting: PullCounter, ledger: FailingLedger, delays: list[Refusal]
) -> None:
    ledger.is_closed = True
    counting.count(GREET, "one")
    for _ in range(10):
        await asyncio.sleep(0)
    assert ledger.pulls == []
    assert isinstance(delays[0], TakesNoChanges)
    ledger.is_closed = False
    await until_written(counting)
    assert len(ledger.pulls) == 1


async def test_a_process_that_ends_meanwhile_writes_nothing(
    counting: PullCounter, ledger: FailingLedger
) -> None:
    ledger.is_closed = True
    counting.count(GREET, "one")
    await counting.close()
    assert ledger.pulls == []


async def test_a_pull_is_of_the_window_and_the_day_in_which_it_came(
    counting: PullCounter, ledger: FailingLedger, clock: FakeClock
) -> None:
    clock.at_ms = 1_000 * WINDOW_MS
    counting.count(GREET, "one")
    clock.at_ms += WINDOW_MS - 1
    counting.count(GREET, "one")
    clock.at_ms += 1
    counting.count(GREET, "one")
    await counting.flush()
    reported = [(pull.coordinate, pull.window, pull.day) for pull in ledger.pulls]
    assert reported == [(GREET, 1_000, "1970-01-07"), (GREET, 1_001, "1970-01-07")]


class UnavailableKeys:
    """Keys that cannot be read."""

    def signer(self, _purpose: str) -> Self:
        return self

    async def ready(self) -> None:
        """Refuse."""
        raise SigningKeyUnavailable(KeyTrouble.SILENT, "links and sessions")


async def test_a_process_that_ends_without_its_key_loses_its_counts(
    ledger: FailingLedger, clock: FakeClock, delays: list[Refusal]
) -> None:
    keys = cast(SigningKeys, UnavailableKeys())
    counting = counter(ledger, clock, delays.append, keys=keys)
    counting.count(GREET, "one")
    await counting.close()
    assert ledger.pulls == []


async def test_a_batch_whose_answer_was_lost_is_written_again_as_it_was(
    counting: PullCounter, ledger: FailingLedger
) -> None:
    ledger.answers = False
    counting.count(GREET, "one")
    with pytest.raises(Busy):
        await counting.flush()
    ledger.answers = True
    counting.count(GREET, "two")
    assert await counting.flush() == 2
    first, again, after = ledger.batches
    assert first == again
    assert (after.process, after.number) == (first.process, first.number + 1)


async def test_a_batch_is_of_bounded_size(cloud: PullCounter, ledger: FailingLedger) -> None:
    for number in range(BATCH_PULLS + 1):
        cloud.count(Coordinate.parse("acme", f"p{number}", "1.0.0"), "one")
    assert await cloud.flush() == BATCH_PULLS + 1
    assert [len(each.counts) for each in ledger.batches] == [BATCH_PULLS, 1]


@pytest.mark.slow
async def test_while_a_store_is_down_a_bounded_number_of_pulls_waits(counting: PullCounter) -> None:
    for number in range(MAX_PULLS_REMEMBERED + 5):
        counting.count(GREET, str(number))
    assert await counting.flush() == MAX_PULLS_REMEMBERED


async def test_flushes_at_the_same_time_write_each_pull_once(
    counting: PullCounter, ledger: FailingLedger
) -> None:
    counting.count(GREET, "one")
    assert sorted(await asyncio.gather(counting.flush(), counting.flush())) == [0, 1]
    assert len(ledger.batches) == 1


async def test_a_process_sums_up_by_release_and_day(
    cloud: PullCounter, ledger: FailingLedger
) -> None:
    for caller in ("one", "two", "one"):
        cloud.count(GREET, caller)
    cloud.count(OTHER, "one")
    assert await cloud.flush() == 3
    [batch] = ledger.batches
    assert batch.counts == {Pull(GREET, "2026-09-21"): 2, Pull(OTHER, "2026-09-21"): 1}


async def test_a_caller_counts_again_in_the_next_window(
    cloud: PullCounter, clock: FakeClock
) -> None:
    cloud.count(GREET, "one")
    clock.advance(timedelta(minutes=10))
    cloud.count(GREET, "one")
    assert len(cloud._seen) == 1
    assert await cloud.flush() == 2


async def test_counts_without_callers_need_no_key(
    ledger: FailingLedger, clock: FakeClock, delays: list[Refusal]
) -> None:
    keys = cast(SigningKeys, UnavailableKeys())
    cloud = counter(ledger, clock, delays.append, keys=keys, caller_scope=CallerScope.PROCESS)
    cloud.count(GREET, "one")
    assert await cloud.flush() == 1


async def test_counts_that_the_ledger_does_not_take_yet_are_logged_and_written_later(
    world: World,
) -> None:
    stores = replace(world.stores, pulls=Fault("record", Busy()).over(world.stores.pulls))
    counting = Registry(world.registry.settings, stores).packages.pull_counter
    counting._flushing._after = timedelta(0)
    with capture_logs() as logs:
        counting.count(GREET, "one")
        await until_written(counting)
    assert logs == [{"event": "pulls.delayed", "log_level": "warning", "reason": "Busy"}]
    assert await counting.flush() == 0

"""Timers run when they are due, in one process at a time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.functions.timer import TimerRequest

from shared.hosting.host import Timers
from shared.hosting.triggers import StartRefused, TimerFunction
from tests.fakes.system import FakeClock
from tests.support.logs import capture_logs

HOURLY = "0 0 * * * *"
FIRST = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


@dataclass
class Sleeper:
    """Lets the time pass that somebody sleeps, until the test has seen enough."""

    clock: FakeClock
    until: datetime

    async def sleep(self, seconds: float) -> None:
        if datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC) >= self.until:
            await asyncio.Event().wait()
        self.clock.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)


@dataclass
class Runs:
    """A timer that notes when it ran."""

    clock: FakeClock
    at: list[str] = field(default_factory=list[str])

    async def __call__(self, _request: TimerRequest) -> None:
        now = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC)
        self.at.append(f"{now:%H:%M:%S}")


def clock_at(when: datetime) -> FakeClock:
    return FakeClock(round(when.timestamp() * 1000))


def timers(runs: Runs, folder: Path, until: datetime, schedule: str = HOURLY) -> Timers:
    function = TimerFunction("Upkeep", schedule, runs)
    return Timers([function], folder, runs.clock, Sleeper(runs.clock, until).sleep)


@asynccontextmanager
async def running(coroutine: Awaitable[object]) -> AsyncGenerator[asyncio.Task[object]]:
    async def run() -> object:
        return await coroutine

    task = asyncio.create_task(run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0)


async def test_a_timer_runs_whenever_it_is_due(tmp_path: Path) -> None:
    runs = Runs(clock_at(FIRST))
    async with running(timers(runs, tmp_path, FIRST + timedelta(hours=3)).run()):
        await eventually(lambda: len(runs.at) == 3)
    assert runs.at == ["08:00:00", "09:00:00", "10:00:00"]


async def test_a_timer_runs_when_it_is_due_by_a_clock_that_was_set_back(tmp_path: Path) -> None:
    runs = Runs(clock_at(FIRST))
    sleeper = Sleeper(runs.clock, FIRST + timedelta(minutes=40))

    async def sleep(seconds: float) -> None:
        if runs.clock.stepped_ms == 0:
            runs.clock.step(timedelta(hours=-2))
        await sleeper.sleep(seconds)

    function = TimerFunction("Upkeep", HOURLY, runs)
    async with running(Timers([function], tmp_path, runs.clock, sleep).run()):
        await eventually(lambda: len(runs.at) == 3)
    assert runs.at == ["06:00:00", "07:00:00", "08:00:00"]


async def test_only_the_owner_runs_timers_and_another_process_takes_over(tmp_path: Path) -> None:
    first = Runs(clock_at(FIRST))
    second = Runs(clock_at(FIRST))
    owning = timers(first, tmp_path, FIRST + timedelta(hours=2))
    waiting = timers(second, tmp_path, FIRST + timedelta(days=365))
    async with running(owning.run()) as owner:
        await eventually(lambda: len(first.at) == 1)
        async with running(waiting.run()):
            await eventually(lambda: len(first.at) == 2)
            assert not second.at
            owner.cancel()
            await eventually(lambda: bool(second.at))


async def test_a_failure_is_one_event_and_the_timer_goes_on(tmp_path: Path) -> None:
    runs = Runs(clock_at(FIRST))

    async def failing(request: TimerRequest) -> None:
        await runs(request)
        raise LookupError

    function = TimerFunction("Upkeep", HOURLY, failing)
    until = Sleeper(runs.clock, FIRST + timedelta(hours=2))
    with capture_logs() as events:
        async with running(Timers([function], tmp_path, runs.clock, until.sleep).run()):
            await eventually(lambda: len(runs.at) == 2)
    assert [(event["event"], event["function"]) for event in events] == [
        ("function.failed", "Upkeep")
    ] * 2


async def test_timers_run_again_after_their_folder_could_not_be_used(tmp_path: Path) -> None:
    runs = Runs(clock_at(FIRST))
    folder = tmp_path / "timers"
    folder.touch()  # A file, in which no lock can be.
    sleeper = Sleeper(runs.clock, FIRST + timedelta(hours=2))

    async def sleep(seconds: float) -> None:
        if folder.is_file():
            folder.unlink()
        await sleeper.sleep(seconds)

    with capture_logs() as events:
        function = TimerFunction("Upkeep", HOURLY, runs)
        async with running(Timers([function], folder, runs.clock, sleep).run()):
            await eventually(lambda: bool(runs.at))
    assert [each["event"] for each in events] == ["timers.failed"]
    assert runs.at == ["08:00:00"]


@pytest.mark.parametrize("schedule", ["*/5 * * * *", "0 0 25 * * *", "00:05:00", "%SCHEDULE%", ""])
def test_an_invalid_schedule_is_refused_at_the_start(schedule: str, tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="is not six fields, seconds first"):
        timers(Runs(clock_at(FIRST)), tmp_path, FIRST, schedule)

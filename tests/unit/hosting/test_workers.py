"""Workers that end are started again, less and less eagerly, and each is brought to its end."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shared.hosting.serving import bind
from shared.hosting.workers import Crew, Pace

ENDS = "pass"
STAYS = "import sys; sys.stdin.read()"
STUCK = "import time; time.sleep(3600)"
QUICK = Pace(
    first_pause_seconds=0.0, longest_pause_seconds=0.0, steady_seconds=3600, grace_seconds=30
)


@dataclass
class Starts:
    """Says how to start a worker, and counts how often it is asked."""

    source: str
    descriptors: list[int] = field(default_factory=list[int])

    def command(self, descriptor: int) -> Sequence[str]:
        self.descriptors.append(descriptor)
        return [sys.executable, "-c", self.source]


@asynccontextmanager
async def keeping(starts: Starts, count: int, pace: Pace) -> AsyncGenerator[asyncio.Event]:
    stop = asyncio.Event()
    with bind("127.0.0.1", 0) as bound:
        keeping = asyncio.create_task(Crew(starts.command, count, pace).keep(bound, stop))
        try:
            yield stop
        finally:
            stop.set()
            await keeping


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


async def test_as_many_workers_run_as_were_asked_for() -> None:
    starts = Starts(STAYS)
    async with keeping(starts, 3, QUICK):
        await eventually(lambda: len(starts.descriptors) == 3)
    assert len(starts.descriptors) == 3


async def test_a_worker_that_ends_is_one_event_and_started_again() -> None:
    starts = Starts(ENDS)
    with capture_logs() as events:
        async with keeping(starts, 1, QUICK):
            await eventually(lambda: len(starts.descriptors) >= 3)
    assert {event["event"] for event in events} == {"worker.ended"}


async def test_no_worker_is_started_while_the_pause_lasts() -> None:
    starts = Starts(ENDS)
    slow = Pace(first_pause_seconds=3600)
    with capture_logs() as events:
        async with keeping(starts, 1, slow):
            await eventually(lambda: len(events) == 1)
    assert len(starts.descriptors) == 1


async def test_a_worker_that_does_not_end_is_killed() -> None:
    starts = Starts(STUCK)
    impatient = Pace(grace_seconds=0.01)
    with capture_logs() as events:
        async with keeping(starts, 1, impatient):
            await eventually(lambda: len(starts.descriptors) == 1)
            await asyncio.sleep(0)
    assert [event["event"] for event in events] == ["worker.killed"]
    with pytest.raises(ProcessLookupError):
        os.kill(events[0]["pid"], 0)


async def test_a_worker_inherits_the_socket(tmp_path: Path) -> None:
    written = tmp_path / "written"
    source = "import pathlib, socket, sys; s = socket.socket(fileno={}); pathlib.Path({!r})"
    ending = ".write_text(str(s.getsockname()[1])); s.detach(); sys.stdin.read()"

    @dataclass
    class Telling(Starts):
        def command(self, descriptor: int) -> Sequence[str]:
            text = source.format(descriptor, str(written)) + ending
            return [sys.executable, "-c", text]

    stop = asyncio.Event()
    with bind("127.0.0.1", 0) as bound:
        crew = asyncio.create_task(Crew(Telling("").command, 1, QUICK).keep(bound, stop))
        await eventually(lambda: written.exists() and written.read_text() != "")
        stop.set()
        await crew
        assert written.read_text() == str(bound.getsockname()[1])

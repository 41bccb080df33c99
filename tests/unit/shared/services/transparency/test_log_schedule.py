"""The log is written soon after events were appended, and no request waits for it."""

import asyncio
from datetime import timedelta

from shared.domain.errors.base import Unavailable
from shared.domain.events import Event
from shared.services.event_appender import EventAppender
from shared.services.transparency.log_schedule import LogWriting
from tests.fakes.stores import FakeEvents, FakeRevocations
from tests.support.waiting import let_tasks_run

EVENT = Event(id="e1", kind="release.published", at_ms=1, actor="kim", subject="acme/greet:1.0.0")


class Writer:
    """Counts its runs, fails in one of them, finds another process writing in one, and waits in
    others."""

    def __init__(self) -> None:
        self.runs = 0
        self.fails_in = 0
        self.is_second_in = 0
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def write(self) -> int | None:
        self.runs += 1
        self.began.set()
        await self.may_end.wait()
        if self.runs == self.fails_in:
            raise Unavailable("busy", "The store is busy.")
        return None if self.runs == self.is_second_in else 1


async def test_events_that_come_together_are_one_batch() -> None:
    writer = Writer()
    writing = LogWriting(writer.write, timedelta(0))
    events = FakeEvents()
    logged = EventAppender(events, FakeRevocations(), writing.start)
    await logged.append([EVENT])
    await logged.append([EVENT.model_copy(update={"id": "e2"})])
    assert writer.runs == 0
    await writer.began.wait()
    await let_tasks_run()
    assert writer.runs == 1
    assert len(events.feed) == 2
    await writing.close()


async def test_an_event_during_a_run_is_written_by_the_next_one() -> None:
    writer = Writer()
    writer.may_end.clear()
    writer.fails_in = 1
    writing = LogWriting(writer.write, timedelta(0))
    writing.start()
    await writer.began.wait()
    writing.start()
    writer.began.clear()
    writer.may_end.set()
    await writer.began.wait()
    assert writer.runs == 2
    await writing.close()


async def test_a_process_that_ends_stops_the_writer() -> None:
    writer = Writer()
    writer.may_end.clear()
    writing = LogWriting(writer.write, timedelta(0))
    writing.start()
    await writer.began.wait()
    await writing.close()
    assert writer.runs == 1


async def test_an_event_at_the_end_of_a_run_is_written_by_the_next_one() -> None:
    runs = 0
    is_written_again = asyncio.Event()

    async def write() -> int:
        nonlocal runs
        runs += 1
        if runs == 1:
            # It is called when the run has ended, and before anybody is told.
            asyncio.get_running_loop().call_soon(writing.start)
        else:
            is_written_again.set()
        return 1

    writing = LogWriting(write, timedelta(0))
    writing.start()
    await asyncio.wait_for(is_written_again.wait(), 5)
    await writing.close()


async def test_what_comes_while_another_process_writes_is_written_after_it() -> None:
    writer = Writer()
    writer.is_second_in = 1
    writing = LogWriting(writer.write, timedelta(0))
    writing.start()
    await writer.began.wait()
    writer.began.clear()
    await asyncio.wait_for(writer.began.wait(), 5)
    assert writer.runs == 2
    await writing.close()

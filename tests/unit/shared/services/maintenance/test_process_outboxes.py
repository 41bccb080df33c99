"""Outboxes that a crash left are processed."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil

import pytest

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.domain.coordinates import Coordinate
from shared.domain.entities import PendingEvents
from shared.domain.errors.requests import Busy
from shared.domain.events import Event
from shared.domain.names import MAX_PACKAGE_LENGTH
from shared.domain.packages import Head, Release
from shared.domain.principals import OPERATOR
from shared.domain.search import Query, ResultPage
from shared.domain.tasks import TaskReport
from shared.services.event_appender import EventAppender
from shared.services.maintenance.process_outboxes import (
    MAX_FAILED_KEPT,
    MOST_FAILURES,
    ProcessOutboxes,
)
from shared.services.maintenance.tasks import RUN_TIME
from shared.services.record_batches import RECORDS_AT_ONCE
from tests.contract.sample_records import account, named
from tests.fakes.cosmos.containers import LARGEST_ITEM
from tests.fakes.stores import FakeDirectory, FakeEvents, FakeRevocations, FakeWork
from tests.fakes.system import FakeClock
from tests.support.archives import bala
from tests.support.logs import capture_logs
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")


async def push(world: World, coordinate: str = "acme/greet:1.0.0") -> ArchiveName:
    content = bala(coordinate)
    await world.push(content)
    return named(content)


async def leave_half_published(world: World) -> None:
    """Store all that a push stores up to its commit, and nothing that follows."""
    await push(world)
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    other = Coordinate.parse("acme", "greet", "2.0.0")
    content = bala(str(other))
    outbox = (*release.outbox, _event(str(other)))
    await world.stores.archives.put(named(content), content, ArchiveContainer.PUBLIC)
    await world.stores.metadata.add_release(
        release.model_copy(
            update={"version": "2.0.0", "digest": Digest.of(content).hex, "outbox": outbox}
        )
    )


def _event(subject: str) -> Event:
    return Event(id=f"{subject}@1", kind="release.published", at_ms=1, actor="ann", subject=subject)


async def versions(world: World) -> list[str]:
    [survey] = await world.stores.metadata.survey([GREET.package])
    assert survey is not None
    return [entry.version for entry in survey.entries]


async def test_settling_lists_a_release_whose_push_was_cut_off_after_the_commit(
    world: World,
) -> None:
    await leave_half_published(world)
    assert await versions(world) == ["1.0.0"]
    report = await world.registry.maintenance.task_runner.run("process-outboxes")
    assert report is not None
    assert report.changed == 1
    assert await versions(world) == ["2.0.0", "1.0.0"]
    found = await world.registry.packages.search.search(
        Query.parse("greet"), ResultPage(), by=OPERATOR
    )
    assert [hit.listing.release.version for hit in found.hits] == ["2.0.0"]


@dataclass
class Half:
    """Metadata of which records wait, and deriving that fails for some of them."""

    waiting: list[Head]
    failure: Exception = field(default_factory=Busy)
    settled: list[str] = field(default_factory=list[str])
    attempts: int = 0
    read: int = 0
    clock: FakeClock = field(default_factory=FakeClock)
    attempt_takes: timedelta = timedelta(0)
    work: FakeWork = field(default_factory=FakeWork)

    async def records_with_outbox(self, count: int) -> list[Head]:
        """Return what is not settled yet."""
        self.read += count
        return [each for each in self.waiting if each.name not in self.settled][:count]

    async def update(self, record: Head) -> None:
        """Settle a record, but for those that are stuck."""
        self.attempts += 1
        self.clock.advance(self.attempt_takes)
        if record.name.startswith("stuck"):
            raise self.failure
        self.settled.append(record.name)


async def process(half: Half) -> TaskReport:
    appender = EventAppender(FakeEvents(), FakeRevocations(), start_log=None)
    stores = (half, half, FakeDirectory(), appender, half.work, half.clock)
    return await ProcessOutboxes(*stores).run()  # pyright: ignore[reportArgumentType] - the parts that are called.


def heads(*names: str) -> list[Head]:
    return [Head(org="acme", name=name, created_ms=1) for name in names]


@pytest.mark.parametrize(
    ("failure", "problem", "logged"),
    [
        (Busy(), str(Busy()), []),
        (
            ValueError("no such field"),
            "acme/stuck: unexpected failure (ValueError); the log has it.",
            ["acme/stuck"],
        ),
    ],
)
async def test_a_record_that_cannot_be_settled_does_not_delay_others(
    failure: Exception, problem: str, logged: list[str]
) -> None:
    half = Half(heads("stuck", "greet"), failure=failure)
    with capture_logs() as logs:
        report = await process(half)
    assert half.settled == ["greet"]
    assert (report.seen, report.changed) == (2, 1)
    assert report.problems == (problem,)
    assert [each["record"] for each in logs if each["event"] == "outbox.failed"] == logged


async def test_more_stuck_records_than_one_read_returns_do_not_delay_others() -> None:
    stuck = [f"stuck{number}" for number in range(2 * RECORDS_AT_ONCE + 1)]
    late = [f"late{number}" for number in range(RECORDS_AT_ONCE + 1)]
    half = Half(heads(*stuck, *late))
    report = await process(half)
    assert half.settled == late
    assert half.attempts == len(stuck) + len(late)  # Each was tried once.
    assert (report.seen, report.changed) == (len(stuck) + len(late), len(late))
    assert len(report.problems) == len(stuck)


async def test_a_run_ends_when_very_many_records_fail() -> None:
    half = Half(heads("greet", *(f"stuck{number}" for number in range(5_000))))
    report = await process(half)
    assert half.attempts == MOST_FAILURES + 1
    assert half.read <= 4 * half.attempts
    assert len(report.problems) == MOST_FAILURES
    assert report.unfinished


async def test_records_behind_very_many_stuck_ones_are_processed_after_a_few_runs() -> None:
    late = [f"late{number}" for number in range(RECORDS_AT_ONCE + 1)]
    half = Half(heads(*(f"stuck{number}" for number in range(4 * MOST_FAILURES + 1)), *late))
    for _ in range(4):
        assert (await process(half)).changed == 0
        half.clock.advance(timedelta(minutes=1))
    report = await process(half)
    assert half.settled == late
    assert report.unfinished  # The run went on with those that failed first.
    for number in range(10):
        half.waiting += heads(f"new{number}")
        half.clock.advance(timedelta(minutes=1))
        await process(half)
    assert {"new0", "new1", "new2", "new3", "new4"} <= set(half.settled)


async def test_records_that_failed_while_a_store_was_out_of_reach_are_soon_processed() -> None:
    waiting = [f"stuck{number}" for number in range(2 * MOST_FAILURES)]
    half = Half(heads(*waiting))
    assert not (await process(half)).changed
    half.waiting = heads(*(name.replace("stuck", "late") for name in waiting))
    half.clock.advance(timedelta(minutes=1))
    assert (await process(half)).changed == len(waiting)
    assert half.work.values == {}


async def test_slow_records_that_fail_do_not_delay_those_behind_them() -> None:
    stuck = [f"stuck{number}" for number in range(RECORDS_AT_ONCE // 2)]
    half = Half(heads(*stuck, "late"), attempt_takes=timedelta(seconds=8))
    attempts_of_a_run = ceil(RUN_TIME / half.attempt_takes)
    for _ in range(len(stuck) // attempts_of_a_run):
        await process(half)
        assert half.settled == []
    await process(half)
    assert half.settled == ["late"]


async def test_a_run_ends_when_its_time_is_over() -> None:
    names = ["greet", *(f"stuck{number}" for number in range(100))]
    half = Half(heads(*names), attempt_takes=timedelta(seconds=8))
    report = await process(half)
    assert half.attempts == -(-RUN_TIME // half.attempt_takes)
    assert (report.seen, report.changed) == (half.attempts, 1)
    assert report.unfinished


async def test_a_run_in_which_all_records_fail_is_not_repeated_at_once() -> None:
    half = Half(heads(*(f"stuck{number}" for number in range(5_000))))
    assert not (await process(half)).unfinished


async def test_a_run_that_processed_all_is_finished() -> None:
    assert not (await process(Half(heads("stuck", "greet")))).unfinished


class EventsWithoutOne(FakeEvents):
    """An event store that cannot append the events of one account."""

    async def append_outbox(self, source: Head | Release | PendingEvents) -> None:
        if any(event.subject == "stuck" for event in source.outbox):
            raise ValueError
        await super().append_outbox(source)


async def test_an_unexpected_failure_of_an_entity_does_not_delay_others() -> None:
    events = EventsWithoutOne()
    directory = FakeDirectory()
    for name in ("stuck", "bob"):
        outbox: tuple[Event, ...] = (_event(name),)
        await directory.add(account(f"u_{name}").model_copy(update={"outbox": outbox}))
    events.clear_outbox = lambda source: (
        directory.entities.pop((source.kind, source.place)) and None
    )
    half = Half([])
    appender = EventAppender(events, FakeRevocations(), start_log=None)
    task = ProcessOutboxes(half, half, directory, appender, half.work, half.clock)  # pyright: ignore[reportArgumentType] - the parts that are called.
    report = await task.run()
    assert [event.subject for event in events.feed] == ["bob"]
    assert report.problems == ("account u_stuck: unexpected failure (ValueError); the log has it.",)


async def test_the_names_of_many_failed_records_fit_into_an_item_of_the_cloud() -> None:
    longest = [f"stuck{number:0{MAX_PACKAGE_LENGTH - 9}}" for number in range(MAX_FAILED_KEPT)]
    half = Half(heads(*longest))
    for _ in range(MAX_FAILED_KEPT // MOST_FAILURES + 1):
        await process(half)
        value = await half.work.peek("failed-outboxes", "process-outboxes", half.clock.now_ms())
        assert value is None or len(json.dumps(value)) < LARGEST_ITEM * 3 // 4

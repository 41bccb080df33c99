"""The last run of each task is remembered, and when the next is due."""

from datetime import UTC, datetime, timedelta

from shared.domain.runs import PROBLEMS_KEPT, Result
from shared.services.reporting import Report
from shared.services.runs import SHOWN_AGAIN, Runs
from tests.fakes.clock import FakeClock
from tests.fakes.work import FakeWork

AN_HOUR_MS = 3_600_000


def at(clock: FakeClock, text: str) -> int:
    """Set the clock, and return its time."""
    clock.at_ms = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    return clock.at_ms


async def test_a_task_that_never_ran_is_due_and_not_overdue() -> None:
    clock = FakeClock()
    now_ms = at(clock, "2026-11-20T01:00:00")
    [standing] = await Runs(FakeWork(), clock).of(["sweep"])
    assert standing.last is None
    assert standing.due_ms == at(clock, "2026-11-20T03:20:00")
    assert not standing.is_overdue(now_ms + 10 * AN_HOUR_MS)


async def test_what_came_of_the_last_run_is_kept() -> None:
    clock, work = FakeClock(), FakeWork()
    started_ms = at(clock, "2026-11-20T03:20:00")
    at(clock, "2026-11-20T03:20:02")
    report = Report("sweep", 5, 2, ("acme/greet:1.0.0: wrong.",), unfinished=True)
    await Runs(work, clock).note("sweep", started_ms, report)
    [standing] = await Runs(work, clock).of(["sweep"])
    last = standing.last
    assert last is not None
    assert (last.seen, last.changed, last.unfinished) == (5, 2, True)
    assert last.problems == ("acme/greet:1.0.0: wrong.",)
    assert last.result is Result.PROBLEMS
    assert last.lasted == timedelta(seconds=2)


async def test_a_task_is_overdue_a_quarter_of_an_hour_after_it_was_due() -> None:
    clock, work = FakeClock(), FakeWork()
    started_ms = at(clock, "2026-11-20T03:20:00")
    await Runs(work, clock).note("sweep", started_ms, Report("sweep"))
    [standing] = await Runs(work, clock).of(["sweep"])
    assert not standing.is_overdue(at(clock, "2026-11-21T03:35:00"))
    assert standing.is_overdue(at(clock, "2026-11-21T03:35:01"))


async def test_a_task_without_a_schedule_is_never_due() -> None:
    clock, work = FakeClock(), FakeWork()
    await Runs(work, clock).note("refresh", clock.now_ms(), Report("refresh"))
    [standing] = await Runs(work, clock).of(["refresh"])
    assert standing.due_ms is None
    assert not standing.is_overdue(clock.now_ms() + 10**12)


async def test_a_run_without_a_report_failed() -> None:
    clock, work = FakeClock(), FakeWork()
    await Runs(work, clock).note("sweep", clock.now_ms(), None)
    [standing] = await Runs(work, clock).of(["sweep"])
    assert standing.last is not None
    assert standing.last.result is Result.FAILED


async def test_a_run_that_found_much_wrong_is_not_kept_in_full() -> None:
    clock, work = FakeClock(), FakeWork()
    problems = tuple(f"package {number}" for number in range(1_000))
    await Runs(work, clock).note("audit", clock.now_ms(), Report("audit", problems=problems))
    [standing] = await Runs(work, clock).of(["audit"])
    assert standing.last is not None
    assert len(standing.last.problems) == PROBLEMS_KEPT


async def test_those_who_ask_again_at_once_cost_no_read() -> None:
    clock, work = FakeClock(), FakeWork()
    runs = Runs(work, clock)
    before = await runs.lately(["sweep"])
    await Runs(work, clock).note("sweep", clock.now_ms(), Report("sweep"))
    assert await runs.lately(["sweep"]) == before
    clock.advance(SHOWN_AGAIN)
    [standing] = await runs.lately(["sweep"])
    assert standing.last is not None

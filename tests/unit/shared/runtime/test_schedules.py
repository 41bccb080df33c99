"""Schedules have six fields, as Azure Functions reads them."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from shared.runtime.schedules import is_schedule, next_run
from tests.support.tasks import TASKS

NOW = datetime(2026, 12, 31, 23, 59, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("0 */5 * * * *", "2027-01-01 00:00:00"),
        ("15 * * * * *", "2027-01-01 00:00:15"),
        ("45 * * * * *", "2026-12-31 23:59:45"),
        ("30 10 4 * * *", "2027-01-01 04:10:30"),
        ("*/10 * * * * *", "2026-12-31 23:59:40"),
        ("30 59 23 * * *", "2027-01-01 23:59:30"),
    ],
)
def test_the_next_run_is_after_the_time(schedule: str, due: str) -> None:
    due_ms = next_run(schedule, round(NOW.timestamp() * 1000))
    assert f"{datetime.fromtimestamp(due_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}" == due


@pytest.mark.parametrize("text", ["*/5 * * * *", "0 0 25 * * *", "60 * * * * *", "00:05:00", ""])
def test_other_texts_are_no_schedules(text: str) -> None:
    assert not is_schedule(text)


@pytest.mark.parametrize("schedule", [each.schedule for each in TASKS if each.schedule])
def test_tasks_have_schedules_of_equal_intervals(schedule: str) -> None:
    assert is_schedule(schedule)
    runs = [0]
    while len(runs) < 500:
        runs.append(next_run(schedule, runs[-1]))
    assert len({later - run for run, later in pairwise(runs[1:])}) == 1

"""Schedules are read as the host reads them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.maintenance_tasks import Schedule
from shared.hosting.timers import next_run

A_CENTURY_MS = 100 * 365 * 24 * 3_600 * 1_000

moments = st.integers(0, A_CENTURY_MS)


def field(most: int) -> st.SearchStrategy[str]:
    steps = st.sampled_from([each for each in range(1, most) if most % each == 0])
    return st.one_of(
        st.just("*"), st.integers(0, most - 1).map(str), steps.map(lambda step: f"*/{step}")
    )


@given(field(60), field(60), field(24), moments)
def test_the_next_time_is_the_one_that_the_local_host_keeps(
    seconds: str, minutes: str, hours: str, at_ms: int
) -> None:
    text = f"{seconds} {minutes} {hours} * * *"
    assert Schedule.parse(text).next_after(at_ms) == next_run(text, at_ms - at_ms % 1000)


def test_after_the_last_time_of_a_day_comes_the_first_of_the_next() -> None:
    at = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    due_ms = Schedule.parse("30 10 4 * * *").next_after(int(at.timestamp()) * 1000)
    assert datetime.fromtimestamp(due_ms / 1000, UTC).isoformat() == "2027-01-01T04:10:30+00:00"


@pytest.mark.parametrize("text", ["* * * * * 1", "0 0 0 1 * *", "60 * * * * *", "0 5/2 * * * *"])
def test_what_no_task_needs_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="schedule"):
        Schedule.parse(text)

"""Schedules of maintenance tasks in words."""

import pytest

from functions.manage.status import schedule_text


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("15 * * * * *", "every minute"),
        ("0 */5 * * * *", "every 5 minutes"),
        ("30 7 * * * *", "every hour"),
        ("0 15 */6 * * *", "every 6 hours"),
        ("0 5 2 * * *", "daily at 02:05 UTC"),
    ],
)
def test_a_schedule_is_said_in_words(schedule: str, words: str) -> None:
    assert schedule_text(schedule) == words


def test_a_task_without_a_schedule_runs_by_hand() -> None:
    assert schedule_text(None) == "on request"

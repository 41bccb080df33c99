"""Ages, names and results of recovery drills."""

from datetime import timedelta

import pytest

from shared.domain.drills import (
    MAX_AGE,
    Drill,
    DrillOutcome,
    age_text,
    time_of_name,
    too_old,
)

pytestmark = pytest.mark.measured

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0, "0 hours"),
        (1, "1 hour"),
        (23.99, "23 hours"),
        (24, "1 day"),
        (25, "1 day and 1 hour"),
        (50, "2 days and 2 hours"),
        (-1, "0 hours"),  # The clock was set back.
    ],
)
def test_an_age_is_written_in_days_and_hours(hours: float, text: str) -> None:
    assert age_text(int(hours * HOUR_MS)) == text


@pytest.mark.parametrize("name", ["20261121T033000Z", "20261121T033000123Z"])
def test_backups_and_snapshots_are_named_by_their_time(name: str) -> None:
    assert time_of_name(name) == 1_795_231_800_000


@pytest.mark.parametrize("name", ["monday", "20261121T033000", "20261321T033000Z", ""])
def test_other_names_say_no_time(name: str) -> None:
    assert time_of_name(name) is None


def test_a_copy_is_too_old_from_its_objective_on() -> None:
    at_most_ms = 36 * HOUR_MS
    assert too_old("monday", at_most_ms, MAX_AGE) == ""
    assert too_old("monday", at_most_ms + 1, MAX_AGE).startswith("monday is the newest copy, ")
    assert too_old("monday", at_most_ms + 1, timedelta(hours=37)) == ""


def test_a_registry_could_be_started_after_restore_and_upgrade() -> None:
    seconds = {"restore": 2.0, "upgrade": 1.0, "archives": 4.0}
    drill = Drill(at_ms=1, seconds=seconds, outcome=DrillOutcome.WHOLE)
    assert (drill.restore_seconds, drill.total_seconds) == (3.0, 7.0)

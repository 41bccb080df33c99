"""Times in parameters and in sentences."""

import time
from collections.abc import Iterator

import pytest
from pydantic import TypeAdapter

from shared.domain.times import LATEST_MS, StoredMs, parse_time, time_text


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the machine be in another time zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("new_york")
def test_times_are_in_utc_wherever_the_registry_runs() -> None:
    assert time_text(1_790_000_000_999) == "21 September 2026, 14:13 UTC"
    assert parse_time("until", "2026-09-21T14:13:20") == 1_790_000_000_000
    assert parse_time("until", "2026-09-21T16:13:20+02:00") == 1_790_000_000_000


@pytest.mark.parametrize("stored", [-1, LATEST_MS + 1, "soon"])
def test_a_stored_time_that_cannot_be_is_none(stored: object) -> None:
    assert TypeAdapter(StoredMs).validate_python(stored) == 0
    assert TypeAdapter(StoredMs).validate_python(LATEST_MS) == LATEST_MS


@pytest.mark.parametrize(
    ("sent", "stored"),
    [(0, 0), (LATEST_MS, LATEST_MS), (-1, 0), (LATEST_MS + 1, 0), ("soon", 0), (None, 0)],
)
def test_a_time_out_of_bounds_is_stored_as_none(sent: object, stored: int) -> None:
    assert TypeAdapter(StoredMs).validate_python(sent) == stored

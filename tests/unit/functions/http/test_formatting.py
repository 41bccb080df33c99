"""Filters of the templates: numbers, times and sizes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.http.formatting import (
    ago,
    breakable,
    counted,
    day,
    grouped,
    lasting,
    machine_moment,
    moment,
    short,
    sized,
)

AT_MS = 1_763_634_599_000  # 2025-11-20 10:29:59 UTC.
DAY_MS = 24 * 60 * 60 * 1000
LENGTHS = {
    "minute": 60_000,
    "hour": 60 * 60_000,
    "day": DAY_MS,
    "month": DAY_MS * 365 // 12,
    "year": 365 * DAY_MS,
}


def test_times_are_in_utc() -> None:
    assert moment(AT_MS) == "2025-11-20 10:29 UTC"
    assert machine_moment(AT_MS) == "2025-11-20T10:29:59Z"
    assert day(AT_MS) == "2025-11-20"


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (0, "just now"),
        (29_999, "just now"),
        (30_000, "1 minute ago"),
        (2 * 60_000, "2 minutes ago"),
        (60 * 60_000, "1 hour ago"),
        (90 * 60_000, "2 hours ago"),
        (DAY_MS - 1, "1 day ago"),
        (DAY_MS, "1 day ago"),
        (30 * DAY_MS, "30 days ago"),
        (31 * DAY_MS, "1 month ago"),
        (364 * DAY_MS, "1 year ago"),
        (365 * DAY_MS, "1 year ago"),
        (700 * DAY_MS, "2 years ago"),
        (10_000 * 365 * DAY_MS, "10,000 years ago"),
        (-1, "in a moment"),
        (-3 * DAY_MS, "in 3 days"),
        (-(3 * DAY_MS - 1), "in 3 days"),
        (-89 * DAY_MS, "in 3 months"),
    ],
)
def test_how_long_ago_a_time_was(passed: int, said: str) -> None:
    assert ago(AT_MS, AT_MS + passed) == said


@given(st.integers(0, 200 * 365 * DAY_MS))
def test_the_words_for_a_time_are_never_more_than_half_a_unit_off(passed: int) -> None:
    count, unit, _ = f"{ago(AT_MS, AT_MS + passed)} x".split()[:3]
    if unit != "now":
        length = LENGTHS[unit.removesuffix("s")]
        assert abs(int(count.replace(",", "")) * length - passed) <= length // 2 + 1


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(days=90), "90 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(minutes=10), "10 minutes"),
        (timedelta(seconds=5), "5 seconds"),
        (timedelta(milliseconds=1), "1 millisecond"),
    ],
)
def test_how_long_something_lasts(span: timedelta, said: str) -> None:
    assert lasting(span) == said


def test_thousands_stand_apart() -> None:
    assert [grouped(number) for number in (0, 999, 1_000, 12_345_678)] == [
        *("0", "999", "1,000", "12,345,678")
    ]


def test_large_numbers_are_short() -> None:
    assert [short(number) for number in (0, 999, 1_000, 9_999, 12_345, 1_234_567, 2 * 10**9)] == [
        *("0", "999", "1.0k", "10.0k", "12k", "1.2M", "2.0G")
    ]


def test_a_name_breaks_between_its_words_alone() -> None:
    assert breakable("health.fhir_r4.serviceRequest") == (
        "health.<wbr>fhir_<wbr>r4.<wbr>service<wbr>Request"
    )
    assert breakable("IT Operations/<b>") == "IT Operations/<wbr>&lt;b&gt;"


def test_one_is_no_plural() -> None:
    assert counted(1, "package") == "1 package"
    assert counted(0, "package") == "0 packages"
    assert counted(2_000, "entry", "entries") == "2,000 entries"


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1_023, "1,023 bytes"),
        (1_024, "1.0 KiB"),
        (20_480, "20 KiB"),
        (3 * 1_024**2, "3.0 MiB"),
        (5 * 1_024**4, "5,120.0 GiB"),
    ],
)
def test_bytes_are_in_the_unit_that_fits(size: int, said: str) -> None:
    assert sized(size) == said

"""Filters of the templates: numbers, times and sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.html.formatting import ago, short_number, sized

AT_MS = 1_763_634_599_000  # 2025-11-20 10:29:59 UTC.
DAY_MS = 24 * 60 * 60 * 1000
LENGTHS = {
    "minute": 60_000,
    "hour": 60 * 60_000,
    "day": DAY_MS,
    "month": DAY_MS * 365 // 12,
    "year": 365 * DAY_MS,
}


@given(st.integers(0, 200 * 365 * DAY_MS))
def test_the_words_for_a_time_are_never_more_than_half_a_unit_off(passed: int) -> None:
    count, unit, _ = f"{ago(AT_MS, AT_MS + passed)} x".split()[:3]
    if unit != "now":
        length = LENGTHS[unit.removesuffix("s")]
        assert abs(int(count.replace(",", "")) * length - passed) <= length // 2 + 1


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0k"),
        (9_949, "9.9k"),
        (9_960, "10k"),
        (9_999, "10k"),
        (12_345, "12k"),
        (12_999, "13k"),
        (999_499, "999k"),
        (999_600, "1.0M"),
        (1_234_567, "1.2M"),
        (9_960_000, "10M"),
        (999_600_000, "1.0G"),
        (2 * 10**9, "2.0G"),
        (9_960_000_000, "10G"),
        (3 * 10**12, "3000G"),
    ],
)
def test_large_numbers_are_short(number: int, shown: str) -> None:
    assert short_number(number) == shown


KIB = 1_024
MIB = KIB * KIB


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (1, "1 byte"),
        (1_023, "1,023 bytes"),
        (KIB, "1.0 KiB"),
        (int(9.94 * KIB), "9.9 KiB"),
        (int(9.96 * KIB), "10 KiB"),
        (int(1_023.4 * KIB), "1023 KiB"),
        (int(1_023.6 * KIB), "1.0 MiB"),
        (int(9.96 * MIB), "10 MiB"),
        (int(1_023.6 * MIB), "1.0 GiB"),
        (5_000 * KIB * MIB, "5,000.0 GiB"),
    ],
)
def test_a_size_is_shown_in_the_unit_that_fits_after_rounding(size_bytes: int, shown: str) -> None:
    assert sized(size_bytes) == shown

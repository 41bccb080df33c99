"""Filters of the templates: numbers, times and sizes."""

from hypothesis import given
from hypothesis import strategies as st

from functions.html.formatting import ago, short_number

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


def test_large_numbers_are_short() -> None:
    assert [
        short_number(number) for number in (0, 999, 1_000, 9_999, 12_345, 1_234_567, 2 * 10**9)
    ] == [
        "0",
        "999",
        "1.0k",
        "10.0k",
        "12k",
        "1.2M",
        "2.0G",
    ]

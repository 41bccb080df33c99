"""Charts of pulls."""

from hypothesis import given
from hypothesis import strategies as st

from functions.web.package.charts import HEIGHT, WIDTH, DailyChart, line_points

MONDAY = "2026-11-23"
TUESDAY = "2026-11-24"
WEDNESDAY = "2026-11-25"


def chart(*days: dict[str, int], names: tuple[str, ...] = (), limit: int = 4) -> DailyChart:
    """Return a chart of days, which have the names of numbers."""
    return DailyChart({str(place): each for place, each in enumerate(days)}, names, limit)


def heights(drawn: DailyChart) -> list[float]:
    """Return the heights of all parts of bars."""
    return [part.height for bar in drawn.bars for part in bar.parts]


def test_bars_are_as_high_as_their_counts() -> None:
    one, two = heights(chart({"a": 1}, {"a": 2}))
    assert abs(2 * one - two) < 0.2


def test_parts_stand_on_each_other() -> None:
    [bar] = chart({"x": 1, "y": 3}, names=("x", "y")).bars
    lower, upper = bar.parts
    assert (lower.series, upper.series) == (0, 1)
    assert abs(upper.y + upper.height - lower.y) < 0.2


def test_a_day_without_pulls_has_its_place_and_no_bar() -> None:
    drawn = DailyChart({MONDAY: {"a": 1}, TUESDAY: {}, WEDNESDAY: {"a": 1}}, (), 4)
    first, last = drawn.bars
    assert [each.text for each in drawn.labels] == [MONDAY, TUESDAY, WEDNESDAY]
    assert abs(last.parts[0].x - 2 * first.parts[0].width / 0.8 - first.parts[0].x) < 0.2


def test_no_pulls_at_all_are_an_empty_axis() -> None:
    drawn = DailyChart({MONDAY: {}, TUESDAY: {}}, (), 4)
    assert (list(drawn.bars), drawn.series, drawn.counts[0]) == ([], (), (MONDAY, ()))
    assert [each.value for each in drawn.grid] == [0, 1]


def test_a_bar_says_its_numbers() -> None:
    drawn = DailyChart({MONDAY: {"1.0.0": 1200, "0.9.0": 3}}, ("1.0.0",), 4)
    assert [each.text for each in drawn.bars] == [f"{MONDAY}: 1,203 (1.0.0: 1,200, 0.9.0: 3)"]


def test_one_series_is_not_named_in_a_bar() -> None:
    assert [each.text for each in DailyChart({MONDAY: {"a": 5}}, (), 4).bars] == [f"{MONDAY}: 5"]


def test_lines_are_at_round_numbers_and_the_highest_bar_is_below_the_last() -> None:
    assert [each.value for each in chart({"a": 1_234}).grid] == [0, 500, 1_000, 1_500]


def test_of_many_days_a_few_are_labelled() -> None:
    assert 5 <= len(list(chart(*({"a": 1} for _ in range(90))).labels)) <= 7


def test_the_largest_are_series_of_their_own_and_the_rest_is_one() -> None:
    drawn = chart({"a": 1, "b": 5, "c": 2}, {"d": 1, "b": 1}, {}, limit=2)
    assert drawn.series == ("b", "c", "others")
    assert [counts for _, counts in drawn.counts] == [(5, 2, 1), (1, 0, 1), (0, 0, 0)]


def test_there_are_no_others_where_all_have_room() -> None:
    assert chart({"a": 1}, limit=2).series == ("a",)


def test_the_newest_version_is_a_series_of_its_own_and_equal_ones_are_newest_first() -> None:
    counts = {"1.0.0": 9, "1.1.0": 5, "1.2.0": 5, "1.3.0": 5, "2.0.0": 1}
    order = ("2.0.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0")
    assert chart(counts, names=order, limit=3).series == ("2.0.0", "1.0.0", "1.3.0", "others")


def test_a_line_goes_from_the_left_to_the_right_and_higher_with_more() -> None:
    assert line_points([0, 2, 1]) == "2.0,46.0 120.0,2.0 238.0,24.0"
    assert line_points([0]) == "2.0,46.0"


def test_a_line_has_no_points_between_two_of_the_same_height() -> None:
    assert line_points([0] * 90) == "2.0,46.0 238.0,46.0"
    assert line_points([1, 1, 1, 0, 0]) == "2.0,2.0 120.0,2.0 179.0,46.0 238.0,46.0"


@given(st.lists(st.integers(0, 10**9), max_size=90))
def test_whatever_is_counted_stays_inside_the_drawing(counts: list[int]) -> None:
    for bar in chart(*({"a": count} for count in counts)).bars:
        for part in bar.parts:
            assert 0 <= part.x <= part.x + part.width <= WIDTH + 0.1
            assert 0 <= part.y <= part.y + part.height <= HEIGHT + 0.1

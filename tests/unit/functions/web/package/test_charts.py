"""Charts of pulls."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from functions.web.package.charts import BarChart, ChartBar, stacked_chart


def drawn(*bars: ChartBar, series: tuple[str, ...] = ("pulls",)) -> ElementTree.Element:
    """Return the drawing, parsed."""
    return ElementTree.fromstring(BarChart("Pulls", series, bars).svg())


def heights(picture: ElementTree.Element) -> list[float]:
    """Return the heights of all parts of bars."""
    return [float(each.get("height", "")) for each in picture.iter("rect")]


def test_bars_are_as_high_as_their_counts() -> None:
    one, two = heights(drawn(ChartBar("a", (1,)), ChartBar("b", (2,))))
    assert abs(2 * one - two) < 0.2


def test_parts_stand_on_each_other() -> None:
    picture = drawn(ChartBar("a", (1, 3)), series=("x", "y"))
    lower, upper = picture.iter("rect")
    assert (lower.get("class"), upper.get("class")) == ("series-0", "series-1")
    bottom = float(upper.get("y", "")) + float(upper.get("height", ""))
    assert abs(bottom - float(lower.get("y", ""))) < 0.2


def test_a_part_of_nothing_is_not_drawn() -> None:
    [rect] = drawn(ChartBar("a", (0, 3)), series=("x", "y")).iter("rect")
    assert rect.get("class") == "series-1"


def test_a_bar_says_its_numbers() -> None:
    picture = drawn(
        ChartBar("2026-11-20", (1200, 3)), ChartBar("none", (0, 0)), series=("1.0.0", "others")
    )
    assert [each.text for each in picture.iter("title")] == [
        "2026-11-20: 1,203 (1.0.0 1,200, others 3)"
    ]


def test_one_series_is_not_named_in_a_bar() -> None:
    assert [each.text for each in drawn(ChartBar("2026-11", (5,))).iter("title")] == ["2026-11: 5"]


def test_lines_are_at_round_numbers_and_the_highest_bar_is_below_the_last() -> None:
    texts = [each.text for each in drawn(ChartBar("a", (1_234,))).iter("text")]
    assert texts[:-1] == ["0", "500", "1,000", "1,500"]


def test_a_few_bars_are_not_wide_and_of_many_a_few_are_labelled() -> None:
    picture = drawn(*(ChartBar(f"d{number}", (1,)) for number in range(90)))
    labels = [each for each in picture.iter("text") if each.get("class") == "plot-label"]
    assert 5 <= len(labels) <= 7
    [rect] = drawn(ChartBar("a", (1,))).iter("rect")
    assert float(rect.get("width", "")) == 48


def test_nothing_is_drawn_of_no_counts() -> None:
    assert BarChart("Pulls", ("pulls",), ()).svg() == ""
    assert BarChart("Pulls", ("pulls",), (ChartBar("a", (0,)),)).svg() == ""


def test_values_are_beside_the_newest_bar() -> None:
    picture = drawn(*(ChartBar(f"d{number}", (1,)) for number in range(90)))
    values = [each for each in picture.iter("text") if each.get("class") == "plot-value"]
    last = max(
        float(each.get("x", "")) + float(each.get("width", "")) for each in picture.iter("rect")
    )
    assert all(float(each.get("x", "")) > last for each in values)


def test_no_name_is_markup() -> None:
    picture = drawn(ChartBar("<b>", (1, 1)), series=("<i>", '"'))
    assert {each.tag for each in picture.iter()} == {"svg", "path", "text", "g", "title", "rect"}


def test_the_largest_are_series_of_their_own_and_the_rest_is_one() -> None:
    counts = [("mon", {"a": 1, "b": 5, "c": 2}), ("tue", {"d": 1, "b": 1}), ("wed", {})]
    series, bars = stacked_chart(counts, 2)
    assert series == ("b", "c", "others")
    assert bars == (
        ChartBar("mon", (5, 2, 1)),
        ChartBar("tue", (1, 0, 1)),
        ChartBar("wed", (0, 0, 0)),
    )


def test_there_are_no_others_where_all_have_room() -> None:
    assert stacked_chart([("mon", {"a": 1})], 2) == (("a",), (ChartBar("mon", (1,)),))
    assert stacked_chart([], 2) == ((), ())


def test_the_newest_name_is_a_series_of_its_own_and_equal_ones_are_newest_first() -> None:
    counts = [("mon", {"1.0.0": 9, "1.1.0": 5, "1.2.0": 5, "1.3.0": 5, "2.0.0": 1})]
    order = ("2.0.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0")
    assert stacked_chart(counts, 3, order)[0] == ("2.0.0", "1.0.0", "1.3.0", "others")


@given(st.lists(st.integers(0, 10**9), max_size=90))
def test_whatever_is_counted_stays_inside_the_drawing(counts: list[int]) -> None:
    svg = BarChart("Pulls", ("pulls",), tuple(ChartBar(str(n), (n,)) for n in counts)).svg()
    for rect in ElementTree.fromstring(svg).iter("rect") if svg else ():
        x, y, width, height = (float(rect.get(each, "")) for each in ("x", "y", "width", "height"))
        assert 0 <= x <= x + width <= 720.1
        assert 0 <= y <= y + height <= 220.1

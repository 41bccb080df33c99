"""The tables of costs add up to the bills that they are made from."""

from dataclasses import replace

import pytest

from shared.domain.cost_tables import details, overview, price_list, sensitivity
from shared.domain.costs import PLANS, Size, bill, total, usual
from shared.domain.prices import Figure, Prices

PRICES = Prices.published()
LOAD = usual(2_000, 1_000_000)


def number(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize("size", Size)
def test_the_services_of_a_size_add_up_to_its_month(size: Size) -> None:
    *services, month, _, _ = overview(PLANS, LOAD, PRICES)
    assert month["dollars"] == "a month"
    of_size = sum(number(row[size.value]) for row in services)
    assert number(month[size.value]) == pytest.approx(of_size, abs=0.05)
    assert number(month[size.value]) == pytest.approx(
        total(bill(PLANS[size], LOAD, PRICES)), abs=0.01
    )


def test_a_million_pulls_more_cost_what_a_month_with_them_costs_more() -> None:
    *_, month, idle, more = overview(PLANS, usual(2_000, 0), PRICES)
    assert month["team"] == idle["team"]
    pushes = replace(LOAD, pushes=0)
    after = total(bill(PLANS[Size.TEAM], pushes, PRICES))
    assert number(idle["team"]) + number(more["team"]) == pytest.approx(after, abs=0.02)


def test_what_the_edge_has_is_told_in_percent() -> None:
    shares = [row["archives at the edge"] for row in sensitivity(PLANS, LOAD, PRICES)]
    assert shares == ["0%", "50%", "90%", "99%"]


def test_the_lines_of_a_size_end_with_their_sum() -> None:
    *lines, month = details(PLANS[Size.TEAM], LOAD, PRICES)
    assert (month["service"], month["quantity"]) == ("a month", "")
    of_lines = sum(number(line["dollars"]) for line in lines)
    assert number(month["dollars"]) == pytest.approx(of_lines, abs=0.1)


def test_a_line_that_counts_nothing_is_left_out() -> None:
    lines = details(PLANS[Size.DEV], LOAD, PRICES)
    assert "GB-s always ready" not in [line["what"] for line in lines]


def test_every_price_is_listed_with_its_page() -> None:
    rows = {row["name"]: row for row in price_list(PRICES)}
    assert set(rows) == {figure.value for figure in Figure}
    assert rows["functions.gigabyte-second"]["amount"] == "0.000026"
    assert rows["alerts.thousand-probes"]["source"] == "assumed"
    assert rows["logs.gigabyte"]["date"] == "2026"


def test_a_price_that_was_given_says_so() -> None:
    rows = {row["name"]: row for row in price_list(PRICES.changed(b'{"logs.gigabyte": 3}'))}
    assert (rows["logs.gigabyte"]["amount"], rows["logs.gigabyte"]["source"]) == ("3", "given")
    assert rows["logs.gigabyte"]["date"] == ""

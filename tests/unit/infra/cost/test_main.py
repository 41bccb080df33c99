"""cost prints a month in the cloud, without a registry."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.cost.__main__ import cost, details, overview, price_list, sensitivity
from infra.cost.model import COST_PLANS, Size, bill, total, usual
from infra.cost.prices import PUBLISHED, Prices
from tests.support.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """Return a terminal for the command, beside a folder that holds no registry."""
    return Terminal(tmp_path / "data", program=cost)


def test_all_sizes_are_shown_in_columns(terminal: Terminal) -> None:
    printed = terminal.run("--packages", "2000", "--pulls", "1000000")
    assert printed.splitlines()[0].split() == ["dollars", "dev", "team", "public"]
    assert "a month, idle" in printed
    assert "archives at the edge" in printed
    assert not terminal.data.exists()


def test_a_size_is_shown_by_its_lines(terminal: Terminal) -> None:
    lines = terminal.run("--size", "dev", "--pulls", "0", "--packages", "0").splitlines()
    assert lines[0].split() == ["service", "what", "quantity", "dollars"]
    assert lines[-1].startswith("a month")


def test_a_size_that_is_too_small_is_reported_on_stderr(terminal: Terminal) -> None:
    result = terminal.invoke("--size", "team", "--pulls", "10000000000")
    assert result.exit_code == 0
    assert "raise maximumThroughput" in result.stderr
    assert "raise maximumThroughput" not in result.stdout


def test_everything_that_is_asked_for_changes_the_sum(terminal: Terminal) -> None:
    usual = terminal.json("--size", "team")
    for given in (
        ("--pushes", "100000"),
        ("--resolves", "0"),
        ("--searches", "9000000"),
        ("--archive-kib", "1000"),
        ("--cache-hits", "10"),
        ("--edge", "premium"),
    ):
        assert terminal.json("--size", "team", *given)[-1] != usual[-1], given
    dev = terminal.json("--size", "dev")
    assert terminal.json("--size", "dev", "--with-token", "100")[-1] != dev[-1]


def test_json_has_both_tables(terminal: Terminal) -> None:
    services, shares = terminal.json()
    assert services[0]["dollars"] == "Functions"
    assert shares[0]["archives at the edge"] == "0%"


def test_a_file_gives_other_prices(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"logs.gigabyte": 2.76}')
    printed = terminal.run("--show-prices", "--prices", str(file))
    [line] = [each for each in printed.splitlines() if each.startswith("logs.gigabyte ")]
    assert line.split()[:2] == ["logs.gigabyte", "2.76"]
    assert line.endswith("given")


def test_an_invalid_file_is_refused_in_one_line(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"logs": 1}')
    assert terminal.fail("--prices", str(file)).startswith("'logs' in the file of prices")


PRICES = Prices.published()
LOAD = usual(2_000, 1_000_000)


def number(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize("size", Size)
def test_the_services_of_a_size_add_up_to_its_month(size: Size) -> None:
    *services, month, _, _, _, _ = overview(COST_PLANS, LOAD, PRICES)
    assert month["dollars"] == "a month"
    of_size = sum(number(row[size.value]) for row in services)
    assert number(month[size.value]) == pytest.approx(of_size, abs=0.05)
    assert number(month[size.value]) == pytest.approx(
        total(bill(COST_PLANS[size], LOAD, PRICES)), abs=0.01
    )


def test_a_million_pulls_more_cost_what_a_month_with_them_costs_more() -> None:
    *_, month, idle, _, more, _ = overview(COST_PLANS, usual(2_000, 0), PRICES)
    assert month["team"] == idle["team"]
    pushes = replace(LOAD, pushes=0)
    after = total(bill(COST_PLANS[Size.TEAM], pushes, PRICES))
    assert number(idle["team"]) + number(more["team"]) == pytest.approx(after, abs=0.02)


def test_a_million_pulls_more_are_shown_with_and_without_their_bytes() -> None:
    *_, more, without_bytes = overview(COST_PLANS, LOAD, PRICES)
    free = PRICES.without(
        ("egress.gigabyte", "edge.gigabyte", "edge.standard-ten-thousand-requests")
    )
    *_, more_of_free_bytes, _ = overview(COST_PLANS, LOAD, free)
    for size in Size:
        assert without_bytes[size.value] == more_of_free_bytes[size.value]
        assert number(without_bytes[size.value]) < number(more[size.value])


def test_who_uses_the_free_grant_elsewhere_pays_for_what_it_covers() -> None:
    *_, month, _, granted, _, _ = overview(COST_PLANS, LOAD, PRICES)
    seconds = PRICES["functions.free-gigabyte-seconds"] * PRICES["functions.gigabyte-second"]
    executions = PRICES["functions.free-executions"] * PRICES["functions.million-executions"] / 1e6
    paid = number(granted["dev"]) - number(month["dev"])
    assert paid == pytest.approx(seconds + executions, abs=0.02)
    assert granted["public"] == month["public"]  # Zones keep instances for everything.


def test_the_share_of_the_edge_is_shown_in_percent() -> None:
    shares = [row["archives at the edge"] for row in sensitivity(COST_PLANS, LOAD, PRICES)]
    assert shares == ["0%", "50%", "90%", "99%"]


def test_the_lines_of_a_size_end_with_their_sum() -> None:
    *lines, month = details(COST_PLANS[Size.TEAM], LOAD, PRICES)
    assert (month["service"], month["quantity"]) == ("a month", "")
    of_lines = sum(number(line["dollars"]) for line in lines)
    assert number(month["dollars"]) == pytest.approx(of_lines, abs=0.1)


def test_a_line_that_counts_nothing_is_left_out() -> None:
    lines = details(COST_PLANS[Size.DEV], LOAD, PRICES)
    assert "GB-s always ready" not in [line["what"] for line in lines]


def test_every_price_is_listed_with_its_page() -> None:
    rows = {row["name"]: row for row in price_list(PRICES)}
    assert set(rows) == set(PUBLISHED)
    assert rows["functions.gigabyte-second"]["amount"] == "0.000026"
    assert rows["alerts.thousand-probes"]["source"] == "assumed"
    assert rows["logs.gigabyte"]["date"] == "2026"


def test_a_price_that_was_given_says_so() -> None:
    rows = {row["name"]: row for row in price_list(PRICES.changed(b'{"logs.gigabyte": 3}'))}
    assert (rows["logs.gigabyte"]["amount"], rows["logs.gigabyte"]["source"]) == ("3", "given")
    assert rows["logs.gigabyte"]["date"] == ""

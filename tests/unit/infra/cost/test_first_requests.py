"""What requests cost that nothing in memory answers stays within what was promised."""

import json
from pathlib import Path

import pytest

from infra.cost.__main__ import cost
from infra.cost.first_requests import UNITS_BEFORE, FirstRequest, first_requests
from infra.cost.price_table import Prices
from infra.cost.usage import MEASURED, CountedRequest
from tests.support.terminal import Terminal

UNITS_A_PULL = 4.0
DOLLARS_A_MILLION_PULLS = 2.0


def test_a_first_pull_takes_four_request_units_and_two_dollars_a_million_at_most() -> None:
    pull = first_requests(Prices.published())[FirstRequest.PULL]
    assert pull.units <= UNITS_A_PULL
    assert pull.total <= DOLLARS_A_MILLION_PULLS


@pytest.mark.parametrize("kind", FirstRequest)
def test_no_first_request_takes_more_request_units_than_it_took(kind: FirstRequest) -> None:
    assert first_requests(Prices.published())[kind].units <= UNITS_BEFORE[kind]


def test_a_resolution_grows_with_its_packages_and_queries_as_often() -> None:
    twenty = MEASURED[CountedRequest.RESOLVE].units
    fifty = first_requests(Prices.published())[FirstRequest.RESOLUTION].units
    assert twenty < fifty < twenty * 50 / 20


def test_other_prices_change_only_the_dollars() -> None:
    published = Prices.published()
    double = published.changed(b'{"cosmos.serverless-million-units": 0.5}')
    before, after = (first_requests(each)[FirstRequest.PAGE] for each in (published, double))
    assert (after.units, after.database) == (before.units, before.database * 2)
    assert after.total - before.total == pytest.approx(before.database)


def test_the_command_prints_a_row_for_each_kind(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data", program=cost)
    rows = json.loads(terminal.run("--first-requests", "--json"))
    assert [row["first request"] for row in rows] == [kind.value for kind in FirstRequest]
    assert {"request units", "before", "Cosmos DB", "egress"} <= set(rows[0])

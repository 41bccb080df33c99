"""What a month costs follows from what is asked, and from how Azure counts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cost.model import (
    COST_PLANS,
    SECONDS,
    CostPlan,
    FrontDoorTier,
    Load,
    Network,
    Size,
    Traffic,
    behind,
    bill,
    logged_gigabytes,
    shortfalls,
    total,
    usual,
    within,
)
from infra.cost.price_table import Prices

PRICES = Prices.published()
DEV = COST_PLANS[Size.DEV]
TEAM = COST_PLANS[Size.TEAM]
NOBODY = usual(0, 0)
MILLION = usual(2_000, 1_000_000)


def traffic_of(plan: CostPlan, load: Load) -> Traffic:
    return Traffic(plan, load, PRICES)


def cost(plan: CostPlan, load: Load, service: str, what: str = "") -> float:
    """Return what a service costs, or one meter of it."""
    return sum(
        line.dollars
        for line in bill(plan, load, PRICES)
        if line.service == service and what in line.what
    )


def quantity(plan: CostPlan, load: Load, what: str) -> float:
    """Return how much of something is paid for."""
    [found] = [line.quantity for line in bill(plan, load, PRICES) if line.what == what]
    return found


def test_without_an_edge_a_client_with_a_token_gets_its_archive_from_the_app() -> None:
    traffic = traffic_of(DEV, replace(MILLION, with_token=0.25))
    assert (traffic.through_app, traffic.links) == (250_000, 750_000)


ISOLATED = within(Network.ISOLATED, COST_PLANS)
WITH_GATEWAY = within(Network.GATEWAY, COST_PLANS)


@pytest.mark.parametrize("size", Size)
def test_a_network_of_its_own_costs_46_dollars_a_month_when_nothing_passes(size: Size) -> None:
    assert cost(COST_PLANS[size], NOBODY, "Network") == 0
    assert cost(ISOLATED[size], NOBODY, "Network") == pytest.approx(6 * 7.3 + 5 * 0.5)


def test_a_gateway_and_its_address_are_paid_for_by_the_hour() -> None:
    more = cost(WITH_GATEWAY[Size.TEAM], NOBODY, "Network", "hours of ")
    more -= cost(ISOLATED[Size.TEAM], NOBODY, "Network", "hours of ")
    assert more == pytest.approx(32.85 + 3.65)
    assert quantity(WITH_GATEWAY[Size.TEAM], MILLION, "GB through the gateway") > 0


def test_the_app_sends_each_archive_that_nobody_else_reaches() -> None:
    dev, team = (traffic_of(ISOLATED[size], MILLION) for size in (Size.DEV, Size.TEAM))
    assert (dev.through_app, dev.links) == (1_000_000, 0)
    assert team.through_app == pytest.approx(100_000)  # What the edge has no copy of.
    assert team.blob_probes == 0
    assert dev.through_endpoints > team.through_endpoints > 0
    # Each of them is read once, by the app.
    assert team.usage.blob_reads == traffic_of(TEAM, MILLION).usage.blob_reads


def test_counting_the_pulls_of_one_package_costs_less_than_those_of_many() -> None:
    one, many = (traffic_of(DEV, usual(packages, 10_000_000)) for packages in (1, 10_000))
    assert one.counting.units < many.counting.units


@given(st.integers(0, 10**10), st.integers(0, 10**10))
def test_more_requests_never_cost_less(one: int, other: int) -> None:
    fewer, more = (usual(100, each) for each in sorted((one, other)))
    for plan in COST_PLANS.values():
        assert total(bill(plan, fewer, PRICES)) <= total(bill(plan, more, PRICES)) + 1e-6


def test_load_above_the_reserved_instances_runs_on_demand() -> None:
    flood = replace(usual(100, 20_000_000_000), pushes=0)
    room = SECONDS * TEAM.gigabytes
    assert quantity(TEAM, flood, "GB-s busy of those") == room
    assert quantity(TEAM, flood, "GB-s on demand") > room


def test_the_change_feed_is_asked_once_a_second_at_most_and_only_by_who_is_asked() -> None:
    few, many = (traffic_of(DEV, usual(100, n)) for n in (1_000, 1_000_000_000))
    assert few.edition.records == pytest.approx(few.busy_seconds, rel=0.01)
    assert many.edition.records <= many.busy_seconds
    assert traffic_of(DEV, NOBODY).edition.units == 0


def test_a_load_that_is_too_much_for_a_size_is_named() -> None:
    [sentence] = shortfalls(TEAM, usual(100, 10_000_000_000), PRICES)
    assert sentence.endswith("this size has 4,000: raise maximumThroughput, or clients wait.")
    assert shortfalls(TEAM, MILLION, PRICES) == []
    assert shortfalls(DEV, usual(100, 10_000_000_000), PRICES) == []


def test_another_edge_is_for_those_who_have_one() -> None:
    plans = behind(FrontDoorTier.PREMIUM)
    assert [plan.edge for plan in plans.values()] == [
        FrontDoorTier.NONE,
        FrontDoorTier.PREMIUM,
        FrontDoorTier.PREMIUM,
    ]
    assert cost(plans[Size.TEAM], NOBODY, "Front Door", "premium") == 330
    assert behind(FrontDoorTier.STANDARD) == COST_PLANS


def test_logs_end_at_what_a_day_lets_in() -> None:
    flood = usual(100, 10_000_000_000)
    assert logged_gigabytes(traffic_of(DEV, flood), PRICES) == pytest.approx(730 / 24)
    assert logged_gigabytes(traffic_of(TEAM, flood), PRICES) > 500

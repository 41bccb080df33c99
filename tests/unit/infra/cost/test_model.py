"""What a month costs follows from what is asked, and from how Azure counts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cost.model import (
    BLOB_PROBE_SECONDS,
    COST_PLANS,
    GROUPS,
    READY_IN_ZONES,
    REQUEST_SECONDS,
    SECONDS,
    TIMER_CALLS,
    CostPlan,
    FrontDoorTier,
    Load,
    Size,
    Traffic,
    Zones,
    behind,
    bill,
    busy_seconds,
    logged_gigabytes,
    shortfalls,
    total,
    usual,
)
from infra.cost.prices import Prices
from infra.cost.usage import FOLLOWED_PUSH, MEASURED, UPKEEP_USAGE, OperationUsage, Usage

PRICES = Prices.published()
PEAK = PRICES["assumed.busiest-hour-factor"]
DEV, TEAM, PUBLIC = (COST_PLANS[size] for size in Size)
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


# --- what is asked ---------------------------------------------------------------------------


def test_without_an_edge_a_client_with_a_token_gets_its_archive_from_the_app() -> None:
    traffic = traffic_of(DEV, replace(MILLION, with_token=0.25))
    assert (traffic.through_app, traffic.links) == (250_000, 750_000)


def test_behind_an_edge_blob_storage_sends_what_the_edge_has_not() -> None:
    traffic = traffic_of(TEAM, replace(MILLION, cache_hits=0.75))
    assert (traffic.edge_misses, traffic.through_app, traffic.links) == (250_000, 0, 0)
    more = traffic_of(TEAM, replace(MILLION, cache_hits=0.5)).usage.blob_reads
    assert more - traffic.usage.blob_reads == pytest.approx(250_000)


def test_the_edge_takes_both_hops_of_every_pull_and_all_else() -> None:
    load = replace(MILLION, cache_hits=1.0)
    others = load.resolves + load.searches + load.pushes
    probes = TEAM.watch.probes_an_hour * 730
    assert traffic_of(TEAM, load).at_edge == 2 * load.pulls + others + probes
    assert traffic_of(DEV, load).at_edge == 0


def test_an_archive_leaves_once_however_it_goes() -> None:
    load = replace(NOBODY, pulls=1_000, archive_bytes=1_000_000)
    answers = 1_000 * MEASURED[OperationUsage.PULL].answer_bytes / 1e9
    for plan in COST_PLANS.values():
        assert traffic_of(plan, load).out_gigabytes == pytest.approx(1 + answers)


def test_the_cost_of_timers_grows_with_the_releases() -> None:
    idle, full = (traffic_of(DEV, replace(NOBODY, packages=n)).upkeep.units for n in (0, 1_000))
    added = sum(
        task.each_release.units
        * (task.runs_a_month if task.visits_a_month is None else task.visits_a_month)
        * min(4_000, task.most_releases)
        for task in UPKEEP_USAGE.values()
    )
    assert full - idle == pytest.approx(added)


def test_counting_the_pulls_of_one_package_costs_less_than_those_of_many() -> None:
    one, many = (traffic_of(DEV, usual(packages, 10_000_000)) for packages in (1, 10_000))
    assert one.counting.units < many.counting.units


# --- instances -------------------------------------------------------------------------------


def test_an_occasional_request_occupies_an_instance_for_a_second() -> None:
    assert busy_seconds(1_000, 1, PRICES) == pytest.approx(1_000, rel=0.001)


def test_requests_that_come_densely_share_an_instance() -> None:
    a_second = 10 * SECONDS
    assert busy_seconds(a_second, 1, PRICES) == pytest.approx(SECONDS, rel=0.001)


def test_more_requests_than_an_instance_takes_need_more_instances() -> None:
    needed = 4_000 * REQUEST_SECONDS
    assert busy_seconds(4_000 * SECONDS, 1, PRICES) == pytest.approx(needed * SECONDS)


def test_requests_that_are_spread_over_two_instances_keep_both_busy() -> None:
    assert busy_seconds(1e6, 2, PRICES) > busy_seconds(1e6, 1, PRICES)


@given(st.integers(0, 10**10), st.integers(0, 10**10))
def test_more_requests_never_cost_less(one: int, other: int) -> None:
    fewer, more = (usual(100, each) for each in sorted((one, other)))
    for plan in COST_PLANS.values():
        assert total(bill(plan, fewer, PRICES)) <= total(bill(plan, more, PRICES)) + 1e-6


def test_an_instance_that_is_always_there_is_paid_for_when_idle() -> None:
    room = (1 + 1) * SECONDS * TEAM.gigabytes  # And one for changes.
    assert quantity(TEAM, NOBODY, "GB-s always ready") == room
    paid = room * PRICES["functions.ready-baseline-gigabyte-second"]
    assert cost(TEAM, NOBODY, "Functions", "always ready") == pytest.approx(paid)
    assert traffic_of(DEV, NOBODY).ready == 0


def test_in_several_zones_two_instances_of_each_group_are_paid_for() -> None:
    assert traffic_of(PUBLIC, NOBODY).ready == READY_IN_ZONES * (GROUPS + 1)
    more = replace(PUBLIC, always_ready=5)
    assert traffic_of(more, NOBODY).ready == 5 + READY_IN_ZONES * GROUPS


def test_a_timer_runs_on_demand_unless_zones_keep_an_instance_for_it() -> None:
    assert traffic_of(TEAM, NOBODY).ready_runs == 0
    assert traffic_of(PUBLIC, NOBODY).ready_runs == TIMER_CALLS
    assert quantity(PUBLIC, NOBODY, "GB-s on demand") == 0


def test_load_above_the_reserved_instances_runs_on_demand() -> None:
    flood = replace(usual(100, 20_000_000_000), pushes=0)
    room = SECONDS * TEAM.gigabytes
    assert quantity(TEAM, flood, "GB-s busy of those") == room
    assert quantity(TEAM, flood, "GB-s on demand") > room


def test_free_amounts_cost_nothing() -> None:
    assert cost(DEV, usual(10, 1_000), "Functions", "executions") == 0
    assert cost(DEV, usual(10, 1_000), "Bandwidth") == 0
    assert cost(DEV, usual(10, 1_000), "Logs") == 0


def test_the_change_feed_is_asked_once_a_second_at_most_and_only_by_who_is_asked() -> None:
    few, many = (traffic_of(DEV, usual(100, n)) for n in (1_000, 1_000_000_000))
    assert few.edition.records == pytest.approx(few.busy_seconds, rel=0.01)
    assert many.edition.records <= many.busy_seconds
    assert traffic_of(DEV, NOBODY).edition.units == 0


def test_a_larger_account_has_several_ranges_to_ask() -> None:
    team, public = (traffic_of(plan, MILLION).edition for plan in (TEAM, PUBLIC))
    assert public.records > 1.9 * team.records


def test_a_push_is_read_by_every_instance_that_answers_and_by_the_search() -> None:
    pushed = replace(NOBODY, pushes=1_000)
    for plan, instances in ((TEAM, 1), (PUBLIC, 2), (replace(PUBLIC, always_ready=50), 50)):
        told = traffic_of(plan, pushed).told
        assert told.units == pytest.approx(FOLLOWED_PUSH.units * 1_000 * instances)
    assert traffic_of(TEAM, NOBODY).told == Usage()


def test_a_read_that_succeeds_logs_what_a_test_allows() -> None:
    quiet = replace(TEAM, watch=replace(TEAM.watch, probes_an_hour=0))
    prices = PRICES.changed(b'{"assumed.log-bytes-of-metrics-a-minute": 0}')
    searches = replace(NOBODY, searches=1_000_000)
    one, more = (
        logged_gigabytes(Traffic(quiet, load, prices), prices) for load in (NOBODY, searches)
    )
    assert more - one == pytest.approx(0.060)


# --- the database ----------------------------------------------------------------------------


def test_serverless_pays_for_each_request_unit() -> None:
    units = traffic_of(DEV, MILLION).usage.units
    assert cost(DEV, MILLION, "Cosmos DB", "request units") == pytest.approx(units / 1e6 * 0.25)


def test_autoscale_pays_for_a_tenth_when_idle() -> None:
    assert quantity(TEAM, NOBODY, "RU/s in the busiest second") == 400
    assert cost(TEAM, NOBODY, "Cosmos DB", "RU/s") == pytest.approx(4 * 0.012 * 730)


def test_autoscale_pays_for_the_busiest_second_otherwise() -> None:
    load = usual(100, 2_000_000_000)
    busiest = traffic_of(TEAM, load).usage.units / SECONDS * PEAK
    assert quantity(TEAM, load, "RU/s in the busiest second") == pytest.approx(busiest)


def test_a_load_that_is_too_much_for_a_size_is_named() -> None:
    [sentence] = shortfalls(TEAM, usual(100, 10_000_000_000), PRICES)
    assert sentence.endswith("this size has 4,000: raise maximumThroughput, or clients wait.")
    assert shortfalls(TEAM, MILLION, PRICES) == []
    assert shortfalls(DEV, usual(100, 10_000_000_000), PRICES) == []


def test_restoring_to_a_week_ago_costs_nothing() -> None:
    assert cost(DEV, MILLION, "Cosmos DB", "backup") == 0
    assert cost(TEAM, MILLION, "Cosmos DB", "backup") > 0


# --- bytes, the edge and logs ----------------------------------------------------------------


def test_copies_in_several_zones_cost_more() -> None:
    several = replace(TEAM, zones=Zones.SEVERAL)
    copies = cost(several, NOBODY_BUT_PACKAGES, "Blobs")
    assert copies == pytest.approx(1.25 * cost(TEAM, NOBODY_BUT_PACKAGES, "Blobs"))


NOBODY_BUT_PACKAGES = usual(1_000, 0)


def test_requests_that_the_edge_answers_cost_less() -> None:
    costs = [
        total(bill(PUBLIC, replace(MILLION, cache_hits=share), PRICES)) for share in (0.0, 0.5, 1.0)
    ]
    assert costs == sorted(costs, reverse=True)


def test_each_place_of_the_edge_asks_blob_storage_too() -> None:
    probes = PUBLIC.edge_places * SECONDS / BLOB_PROBE_SECONDS
    assert quantity(PUBLIC, NOBODY, "probes of blobs") == probes
    assert cost(PUBLIC, NOBODY, "Blobs", "probes") > 10 * cost(TEAM, NOBODY, "Blobs", "probes") > 0
    assert traffic_of(DEV, NOBODY).blob_probes == 0


def test_the_host_of_each_app_renews_its_leases_in_its_storage() -> None:
    leases = PRICES["assumed.leases-of-an-app"] * SECONDS / 12
    assert quantity(DEV, NOBODY, "leases of hosts") == leases
    assert quantity(TEAM, NOBODY, "leases of hosts") == 2 * leases
    assert quantity(DEV, NOBODY, "runs of the timer") == TIMER_CALLS


def test_platform_metrics_are_logged_whether_anybody_comes_or_not() -> None:
    silent = PRICES.without(("assumed.log-bytes-a-platform-metric",))
    logged = (
        logged_gigabytes(Traffic(plan, NOBODY, prices), prices)
        for plan in (DEV, TEAM)
        for prices in (PRICES, silent)
    )
    dev, dev_silent, team, team_silent = logged
    assert dev - dev_silent == pytest.approx(5 * 12 * SECONDS / 60 * 500 / 1e9)
    assert team - team_silent == pytest.approx((dev - dev_silent) * 7 / 5)  # An edge, and two apps.


def test_without_an_edge_nothing_depends_on_what_it_would_have() -> None:
    assert bill(DEV, MILLION, PRICES) == bill(DEV, replace(MILLION, cache_hits=0.1), PRICES)


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


def test_logs_that_are_stored_longer_than_a_month_cost_more() -> None:
    assert cost(TEAM, MILLION, "Logs", "kept") == 0
    assert cost(PUBLIC, MILLION, "Logs", "kept") > 0


def test_nobody_pays_for_alerts_that_nobody_gets() -> None:
    assert cost(DEV, MILLION, "Alerts") == 0
    watch = TEAM.watch
    rules = watch.often * 1.5 + watch.seldom * 0.5 + watch.metric * 0.1
    assert cost(TEAM, MILLION, "Alerts", "rules") == pytest.approx(rules)
    probes = watch.probes_an_hour * 730 / 1_000 * 0.5
    assert cost(TEAM, MILLION, "Alerts", "probes") == pytest.approx(probes)

"""docs/run/azure/cost.md shows what the command prints, which knows what the templates make."""

import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from croniter import croniter

from infra.cost.__main__ import cost
from infra.cost.model import (
    COST_PLANS,
    ENDPOINTS,
    HOURS,
    KEY_LOOKS_AN_HOUR,
    REQUESTS_AT_ONCE,
    ZONES_OF_NAMES,
    CostPlan,
    FrontDoorTier,
    Size,
    Zones,
)
from infra.cost.page import BLOCK
from infra.cost.usage import UPKEEP_USAGE
from shared.auth.reread_secrets import REREAD_AFTER
from shared.services.maintenance.apply_mirror_rules import ApplyMirrorRules
from shared.services.maintenance.check_mail_domains import CheckMailDomains
from shared.services.maintenance.follow_releases import FollowReleases
from shared.services.maintenance.follow_upstream_withdrawals import FollowUpstreamWithdrawals
from shared.services.maintenance.update_advisories import UpdateAdvisories
from shared.services.maintenance.update_upstream_catalogue import UpdateUpstreamCatalogue
from shared.settings import Settings
from tests.paths import docs
from tests.repo.azure_monitor import PLATFORM, apps, probes, rules
from tests.repo.deployment_sizes import default
from tests.support.bicep_templates import module
from tests.support.tasks import TASKS
from tests.support.terminal import Terminal

PAGE = docs("run/azure/cost")
BLOCKS = BLOCK.findall(PAGE)


@pytest.mark.parametrize(("command", "printed"), BLOCKS, ids=[each for each, _ in BLOCKS])
def test_the_page_shows_what_the_command_prints(command: str, printed: str, tmp_path: Path) -> None:
    assert Terminal(tmp_path / "data", program=cost).run(*shlex.split(command)) == printed


def test_the_key_is_read_as_often_as_it_is_paid_for() -> None:
    assert timedelta(hours=1) / REREAD_AFTER == KEY_LOOKS_AN_HOUR


# --- the sizes ---------------------------------------------------------------------------------


@pytest.fixture(params=Size, ids=[size.value for size in Size])
def size(request: pytest.FixtureRequest) -> Size:
    return request.param


@pytest.fixture
def plan(size: Size) -> CostPlan:
    """Return what the costs assume of it."""
    return COST_PLANS[size]


def test_the_database_of_a_size_is_the_one_that_is_made(size: Size, plan: CostPlan) -> None:
    assert (default("capacity", size) == "serverless") == (plan.most_units is None)
    if plan.most_units is not None:
        assert int(default("maximumThroughput", size)) == plan.most_units
    assert default("restorable", size) == f"Continuous{plan.days_back}Days"


def test_the_app_of_a_size_is_the_one_that_is_made(size: Size, plan: CostPlan) -> None:
    assert int(default("alwaysReady", size)) == plan.always_ready
    assert (default("zoneRedundant", size) == "true") == (plan.zones is Zones.SEVERAL)
    assert (default("edge", size) == "true") == (plan.edge is not FrontDoorTier.NONE)


def test_the_logs_of_a_size_are_those_that_are_stored(size: Size, plan: CostPlan) -> None:
    assert int(default("logDays", size)) == plan.log_days
    most = int(default("logGigabytes", size))
    assert (float("inf") if most == -1 else most) == plan.log_gigabytes


def test_an_instance_is_as_large_as_the_one_that_is_made() -> None:
    functions = module("functions").parameters
    bounds = module("functions").value("bounds")
    for plan in COST_PLANS.values():
        assert functions["instanceMemory"]["default"] == plan.gigabytes * 1024
        assert int(bounds[f"reads{plan.gigabytes * 1024}"]["slots"]) == REQUESTS_AT_ONCE


def test_every_endpoint_of_a_network_is_paid_for() -> None:
    assert (len(module("network").value("doors")), len(module("network").value("zones"))) == (
        ENDPOINTS,
        ZONES_OF_NAMES,
    )


def test_every_alert_is_paid_for() -> None:
    often = [rule for rule in rules() if rule["frequency"] == "PT5M"]
    watch = COST_PLANS[Size.PUBLIC].watch
    assert (watch.often, watch.seldom) == (len(often), len(rules()) - len(often))
    of_each_app, *others = (module("alerts").value(name) for name in PLATFORM)
    of_stores = sum(map(len, others))
    assert watch.metric == len(probes()) + apps() * len(of_each_app) + of_stores
    asked = sum(3_600 // probe["seconds"] * len(probe["places"]) for probe in probes())
    assert watch.probes_an_hour == asked


NOT_COUNTED = (
    # Only a registry with an upstream has these.
    ApplyMirrorRules.id,
    FollowUpstreamWithdrawals.id,
    UpdateUpstreamCatalogue.id,
    CheckMailDomains.id,  # Only a registry that asks an RDAP server has this one.
    UpdateAdvisories.id,  # And only one that follows a mirror of advisories this one.
    FollowReleases.id,  # And only one that reads a feed of releases this one.
)


def test_every_timer_is_paid_for_as_often_as_it_runs() -> None:
    schedules = {
        task.id: task.schedule for task in TASKS if task.schedule and task.id not in NOT_COUNTED
    }
    assert set(UPKEEP_USAGE) == set(schedules)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for task, schedule in schedules.items():
        runs = croniter(schedule, start, second_at_beginning=True)
        is_hourly = schedule.split()[2:] == ["*"] * 4  # Then every hour is like the first one.
        hours = 1 if is_hourly else 240
        end = start + timedelta(hours=hours)
        count = 0
        while runs.get_next(datetime) <= end:
            count += 1
        a_month = count / hours * HOURS
        assert UPKEEP_USAGE[task].runs_a_month == pytest.approx(a_month, rel=0.01), task


def test_the_largest_archive_fits_the_limits_of_the_service() -> None:
    largest = Settings.model_fields["max_archive_bytes"].default
    assert largest < 100 * 1024 * 1024  # Of a request, docs/reference/limits.md.

"""What docs/reference/limits.md says of the cloud follows from what was counted there."""

import json
import re

import pytest

from infra.cost.model import COST_PLANS, REQUESTS_AT_ONCE, Size
from infra.cost.prices import Prices
from infra.cost.usage import ITEMS, MEASURED, OperationUsage
from shared.adapters.cosmos.pulls import BATCHES_AT_ONCE, PARTITIONS, WRITES_A_RUN
from shared.services.packages.pulls import FLUSH_AFTER
from shared.settings import Settings
from shared.settings.values import MIB
from tests.paths import ROOT, docs
from tests.repo.bicep_templates import MAIN, module

PAGE = docs("operations")
SECTION = PAGE.partition("\n### In the cloud\n")[2].partition("\n### ")[0]

PARTITION_BYTES = 20 * 1024**3
PARTITION_UNITS = 10_000
CONTAINER_UNITS = 5_000  # Serverless.
REGION_MEGABYTES = 512_000
INDEX = Prices.published()["assumed.database-index-factor"]

PULL = MEASURED[OperationUsage.PULL].units
COUNTING_SECONDS = FLUSH_AFTER.total_seconds()
ROLL_UP_SECONDS = 15 * 60
MERGED_A_ROLL_UP = len(PARTITIONS) * WRITES_A_RUN * BATCHES_AT_ONCE
VERSION = ITEMS["release"] + ITEMS["entry"]
MOST_FACTS = 16 * 1024
INSTANCES = REGION_MEGABYTES // int(COST_PLANS[Size.PUBLIC].gigabytes * 1024)


def fitting(item: float, most: float = PARTITION_BYTES) -> float:
    return most / (item * INDEX)


def units(size: Size) -> int:
    return COST_PLANS[size].most_units or CONTAINER_UNITS


NUMBERS = {
    "versions of a package": fitting(VERSION),
    "versions of a package, all of the maximum size": fitting(MOST_FACTS + ITEMS["entry"]),
    "packages": fitting(ITEMS["name"]),
    "events a week": fitting(ITEMS["event"]),
    "exact pulls of one package a second": PARTITION_UNITS / PULL,
    "exact pulls a second, dev": CONTAINER_UNITS / PULL,
    "exact pulls a second, team": units(Size.TEAM) / PULL,
    "exact pulls a second, public": units(Size.PUBLIC) / PULL,
    "processes that count pulls": MERGED_A_ROLL_UP / (ROLL_UP_SECONDS / COUNTING_SECONDS),
    "pushes a second, team": units(Size.TEAM) / MEASURED[OperationUsage.PUSH].units,
    "pushes a second, public": units(Size.PUBLIC) / MEASURED[OperationUsage.PUSH].units,
    "archives of 100 KiB a second": 50e9 / 8 / (100 * 1024),
    "instances in a region": INSTANCES,
    "requests at once": INSTANCES * REQUESTS_AT_ONCE,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_is_the_one_that_was_computed(name: str) -> None:
    [written] = re.findall(rf"^\| {re.escape(name)} \| ([\d,.]+)(?: million)? \|", SECTION, re.M)
    millions = f"| {name} | {written} million |" in SECTION
    shown = float(written.replace(",", "")) * (1_000_000 if millions else 1)
    assert shown == pytest.approx(NUMBERS[name], rel=0.05)


def test_every_number_of_the_table_is_computed() -> None:
    table = SECTION.partition("| item | maximum |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| ([^|-][^|]+?) \|", table, re.MULTILINE)
    assert set(rows) == set(NUMBERS)


def test_the_largest_archive_and_its_form_are_below_the_limit_of_a_request() -> None:
    largest = Settings.model_fields["max_archive_bytes"].default
    assert largest + MIB < 100 * MIB
    assert f"{largest // MIB} MiB" in SECTION


def test_the_bounds_of_the_host_are_those_that_are_deployed() -> None:
    http = json.loads((ROOT / "host.json").read_text())["extensions"]["http"]
    bounds = module("functions").value("bounds")
    for kind, memory in (("only", 2048), ("changes", 2048), ("changes", 4096)):
        bound = bounds[f"{kind}{memory}"]
        count = f"{bound['slots']} archives" if bound["slots"] > 1 else "one archive"
        assert f"{count} of up to {bound['archive']} MiB" in SECTION
    body = bounds["reads2048"]["body"]
    assert f"{REQUESTS_AT_ONCE} requests at once with bodies of up to {body} MiB" in SECTION
    assert f"{http['maxOutstandingRequests']} requests an instance that run or wait" in SECTION


def test_both_apps_fit_into_what_a_region_gives() -> None:
    most = int(re.findall(r"param maximumInstances int = .* \? (\d+) :", MAIN.read_text())[0])
    assert most + 40 <= INSTANCES
    assert f"`maximumInstances` {most}" in SECTION


def test_the_rate_limit_of_the_edge_is_that_of_the_template() -> None:
    pace = module("edge").parameters["requestsAMinute"]["default"]
    assert f"{pace:,} requests a minute" in SECTION

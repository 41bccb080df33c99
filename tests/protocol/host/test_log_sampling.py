"""Of the requests that succeed and only read a share is logged; all others are, and every alarm."""

import json

import pytest
from msgspec.structs import replace

from functions.faces import operations
from functions.http.calls import Exchange
from infra.cost.model import READ_LOG_BYTES
from infra.cost.price_table import Prices
from shared.settings import Settings
from shared.telemetry.metrics import REQUESTS
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.bicep_templates import module
from tests.support.logs import logged
from tests.support.storage import one_instance
from tests.support.telemetry import collect_metrics
from tests.support.world import URL, OpenWorld, World

SHARE = 0.01
GREET = "/packages/acme/greet/1.0.0"
MANY = 2_000
READS = 1_000
SAMPLING_SETTING = "AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__"
JSON = {"Content-Type": "application/json"}


async def sampled(worlds: OpenWorld, share: float = SHARE) -> World:
    world = await worlds(log_level="info", log_share=share, limit_read="")
    await world.push(bala("acme/greet:1.0.0"))
    return world


async def test_of_reads_that_succeed_a_share_has_a_line_that_stands_for_the_others(
    worlds: OpenWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    world = await sampled(worlds, share=0.05)
    with collect_metrics() as metrics:
        for _ in range(MANY):
            assert (await world.get(GREET)).status_code == 200
        counts = [each["count"] for each in metrics.points(REQUESTS) if each["status"] == 200]
    reads = [line for line in logged(capfd) if line["operation"] == "central_package"]
    assert {line["stands_for"] for line in reads} == {20}
    assert sum(line["stands_for"] for line in reads) == MANY
    assert sum(counts) == MANY  # The metrics count every request.


async def test_where_all_are_logged_no_line_stands_for_others(
    worlds: OpenWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    world = await sampled(worlds, share=1)
    for _ in range(50):
        await world.get(GREET)
    reads = [line for line in logged(capfd) if line["operation"] == "central_package"]
    assert len(reads) == 50
    assert not any("stands_for" in line for line in reads)


async def test_changes_and_refusals_are_logged_each(
    worlds: OpenWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    world = await sampled(worlds, share=0)
    for patch in range(1, 6):
        await world.push(bala(f"acme/greet:1.0.{patch}"))
    for _ in range(5):
        assert (await world.get("/packages/acme/missing/1.0.0")).status_code == 404
        assert (await world.get(GREET)).status_code == 200
    lines = [(line["operation"], line["status"]) for line in logged(capfd)]
    assert lines.count(("central_push", 204)) == 6
    assert lines.count(("central_package", 404)) == 5
    assert ("central_package", 200) not in lines


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("central_resolve_packages", "/packages/resolve-dependencies"),
        ("central_resolve_modules", "/packages/resolve-modules"),
        ("central_resolve_tools", "/tools/resolve-dependencies"),
        ("central_graphql", f"{URL}/2.0/graphql"),
    ],
)
async def test_what_asks_by_post_is_a_read(
    worlds: OpenWorld, capfd: pytest.CaptureFixture[str], operation: str, path: str
) -> None:
    world = await sampled(worlds, share=0)
    body = b'{"packages":[],"modules":[],"tools":[],"query":"{__typename}"}'
    answer = await world.send("POST", path, content=body, headers=JSON)
    assert answer.status_code == 200, answer.text
    assert [line for line in logged(capfd) if line["operation"] == operation] == []


async def test_slow_reads_failures_sign_ins_and_administration_are_logged_each(
    worlds: OpenWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    await sampled(worlds, share=0)
    begun = Exchange.begin("central_pull")
    replace(begun, started=begun.started - 1.5).end(302, "answered")
    Exchange.begin("central_pull").end(500, "broken")
    for operation, status in (("sign_in_callback", 303), ("manage_accounts", 200)):
        declared = next(each for each in operations(Settings()) if each.name == operation)
        Exchange.begin(operation, is_ordinary=declared.is_ordinary).end(status, "answered")
    Exchange.begin("central_pull").end(302, "answered")
    lines = [(line["operation"], line["status"]) for line in logged(capfd)]
    assert lines[-4:] == [
        ("central_pull", 302),
        ("central_pull", 500),
        ("sign_in_callback", 303),
        ("manage_accounts", 200),
    ]


def sampling_of_the_host() -> float:
    """Return the share of the records of requests that the Functions host keeps."""
    logging = json.loads((ROOT / "host.json").read_text())["logging"]
    sampling = logging["applicationInsights"]["samplingSettings"]
    percents = {sampling[f"{each}SamplingPercentage"] for each in ("initial", "min", "max")}
    assert sampling["isEnabled"]
    # Every line and every exception is kept.
    assert set(sampling["excludedTypes"].split(";")) == {"Trace", "Exception"}
    [percent] = percents
    return percent / 100


def test_the_host_writes_nothing_else_of_a_request() -> None:
    levels = json.loads((ROOT / "host.json").read_text())["logging"]["logLevel"]
    # "Executing" and "Executed" are of the category Function, a line of ours of Console.
    assert levels == {
        "default": "Warning",
        "Host.Results": "Information",
        "Host.Function.Console": "Information",
    }


def test_one_parameter_decides_for_host_and_lines_and_another_one_for_traces() -> None:
    functions = module("functions")
    assert functions.parameters["logPercent"]["default"] == SHARE * 100
    assert sampling_of_the_host() == SHARE
    host = functions.value("hostSettings")
    for each in ("initial", "min", "max"):
        assert host[f"{SAMPLING_SETTING}{each}SamplingPercentage"]
    assert functions.text.count("SamplingPercentage: string(logPercent)") == 3
    ours = functions.value("settings")
    assert (ours["BALLROOM_LOG_SHARE"], ours["BALLROOM_TRACE_SHARE"]) == ("logShare", "traceShare")
    assert functions.parameters["tracePercent"]["default"] == 0


@one_instance("each reads a package first")
async def test_a_read_that_succeeds_writes_at_most_60_bytes(
    worlds: OpenWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    prices = Prices.published()
    world = await sampled(worlds)
    paths = (GREET, "/packages/acme/greet", "/packages/acme/greet/*", "/packages?q=greet")
    for number in range(READS):
        path = paths[number % len(paths)]
        answer = await world.get(path, by=world.people.ann, headers={"X-Number": str(number)})
        assert answer.status_code == 200
    lines = [line for line in logged(capfd) if line["operation"] != "central_push"]
    assert len(lines) == READS * SHARE
    written = (
        sum(len(json.dumps(line)) + prices["assumed.log-bytes-around-a-line"] for line in lines)
        + READS * sampling_of_the_host() * prices["assumed.log-bytes-a-request"]
    )
    assert written / READS <= READ_LOG_BYTES

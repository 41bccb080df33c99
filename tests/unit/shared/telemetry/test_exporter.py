"""What is heard reaches Application Insights, by its own protocol."""

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from random import Random

import pytest

from shared.log import Activity, SpanOrigin, record_metric, set_backend
from shared.telemetry.exporter import TraceShareSampler, azure_monitor_backend
from shared.telemetry.metrics import PUSHES, REQUESTS
from tests.paths import ROOT
from tests.support.ingestion import Ingestion, ingesting


@pytest.fixture(autouse=True)
def environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back what switches the library off."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


@pytest.fixture
def ingestion() -> Generator[Ingestion]:
    """Serve it until the test ends."""
    with ingesting() as server:
        yield server


def test_metrics_and_spans_arrive_and_nothing_else(ingestion: Ingestion) -> None:
    listener = azure_monitor_backend(ingestion.connection, share=1.0)
    before = set_backend(listener)
    trace = "0af7651916cd43dd8448eb211c80319c"
    activity = Activity.begin("central_pull", SpanOrigin.HOSTED, f"00-{trace}-b7ad6b7169203331-00")
    shown = {"face": "central", "operation": "central_pull", "outcome": "answered", "status": 302}
    record_metric(REQUESTS, 0.25, shown)
    record_metric(PUSHES, 1, {"state": "live"})
    activity.end({"outcome": "answered"})
    set_backend(before)
    listener.close()
    metrics = {each["metrics"][0]["name"]: each for each in ingestion.of("MetricData")}
    assert set(metrics) == {REQUESTS.name, PUSHES.name}
    duration = metrics[REQUESTS.name]
    assert (duration["metrics"][0]["value"], duration["metrics"][0]["count"]) == (0.25, 1)
    assert duration["properties"]["operation"] == "central_pull"
    # Not a request: the host has told of that one, and this is a part of it.
    [span] = ingestion.of("RemoteDependencyData")
    assert (span["name"], span["type"]) == ("central_pull", "InProc")
    tags = [each["tags"] for each in ingestion.items if each["data"]["baseData"] == span]
    assert tags[0]["ai.operation.id"] == trace
    assert {path.rpartition("/")[2] for path in ingestion.paths} == {"track"}
    assert len(ingestion.items) == len(metrics) + 1


def test_no_span_is_recorded_if_no_trace_is_sampled(ingestion: Ingestion) -> None:
    listener = azure_monitor_backend(ingestion.connection, share=0.0)
    span = listener.begin("central_pull", SpanOrigin.SERVED, None)
    assert span is not None
    assert not span.trace.is_kept
    span.end({})
    listener.record(PUSHES, 1, {"state": "live"})
    listener.close()
    assert {each["data"]["baseType"] for each in ingestion.items} == {"MetricData"}


def test_the_share_of_sampled_traces_is_as_configured_and_each_has_its_weight() -> None:
    random, share = Random("traces"), TraceShareSampler(0.25)  # noqa: S311 - it chooses no secret.
    results = [share.should_sample(None, random.getrandbits(128), "any") for _ in range(4_000)]
    kept = [each for each in results if each.decision.is_recording()]
    assert 900 < len(kept) < 1_100
    assert all(each.attributes["_MS.sampleRate"] == 25 for each in kept)
    assert share.get_description() == "Share(0.25)"


@pytest.mark.parametrize(("share", "kept"), [(0, False), (1, True)])
def test_all_or_no_traces_may_be_sampled(share: float, *, kept: bool) -> None:
    for trace in (0, 1, 2**56 - 1, 2**128 - 1):
        assert (
            TraceShareSampler(share).should_sample(None, trace, "any").decision.is_recording()
            is kept
        )


PROGRAM = """
import asyncio, threading
import httpx
from function_app import app
from shared.hosting.host import Host

async def ask():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Host(app))) as http:
        for _ in range(3):
            answer = await http.get("http://registry.test/health/live")
            assert answer.status_code == 200, answer.text

asyncio.run(ask())
for each in threading.enumerate():
    if each.name == "telemetry":
        each.join(60)
"""


@pytest.mark.slow
def test_an_app_with_a_connection_string_exports_its_first_requests(
    ingestion: Ingestion, tmp_path: Path
) -> None:
    environment = {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection,
        "BALLROOM_DATA": str(tmp_path / "data"),
    }
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
    [requests] = ingestion.of("MetricData")
    assert requests["metrics"][0]["name"] == REQUESTS.name
    assert requests["metrics"][0]["count"] == 3
    assert requests["properties"]["operation"] == "health_live"

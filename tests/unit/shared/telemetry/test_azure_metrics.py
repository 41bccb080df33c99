"""Metrics and traces reach Application Insights, by its own protocol."""

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from azure.monitor.opentelemetry.exporter.export.trace._exporter import _convert_span_to_envelope
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.telemetry.activities import Span
from shared.telemetry.azure_metrics import azure_monitor_backend
from shared.telemetry.metrics import PUSHES, REQUESTS, record_metric, set_backend
from shared.telemetry.spans import SpanExporter, azure_monitor_spans, envelope_of
from shared.telemetry.traces import EndedTrace
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


def test_metrics_arrive_and_nothing_else(ingestion: Ingestion) -> None:
    listener = azure_monitor_backend(ingestion.connection)
    before = set_backend(listener)
    shown = {"face": "central", "operation": "central_pull", "outcome": "answered", "status": 302}
    record_metric(REQUESTS, 0.25, shown)
    record_metric(PUSHES, 1, {"state": "live"})
    set_backend(before)
    listener.close()
    metrics = {each["metrics"][0]["name"]: each for each in ingestion.of("MetricData")}
    assert set(metrics) == {REQUESTS.name, PUSHES.name}
    duration = metrics[REQUESTS.name]
    assert (duration["metrics"][0]["value"], duration["metrics"][0]["count"]) == (0.25, 1)
    assert duration["properties"]["operation"] == "central_pull"
    assert {path.rpartition("/")[2] for path in ingestion.paths} == {"track"}
    assert len(ingestion.items) == len(metrics)


TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
SYSTEMS = {"": "azure.cosmosdb", "archives": "azure.blob"}


def ended(*calls: Span, is_hosted: bool, sample_weight: float = 1) -> EndedTrace:
    """Return the trace of a push that broke after half a second."""
    shown = {"operation": "central_push", "status": 500, "method": "POST", "calls": 2}
    whole = Span("central_push", 10, 10.5, shown, is_failed=True)
    return EndedTrace(TRACE, SPAN, is_hosted, sample_weight, 1_700_000_000, whole, calls)


STORED = Span(
    "metadata.add_release",
    10.1,
    10.2,
    {"store": "metadata", "operation": "add_release", "outcome": "answered"},
    is_failed=False,
)
WROTE = Span(
    "archives.put",
    10.2,
    10.3,
    {"store": "archives", "operation": "put", "outcome": "broken"},
    is_failed=True,
)
ASKED = Span(
    "POST",
    10.3,
    10.4,
    {
        "method": "POST",
        "scheme": "https",
        "host": "hooks.test",
        "port": 443,
        "status": 204,
        "outcome": "answered",
    },
    is_failed=False,
)


def exported(ingestion: Ingestion, trace: EndedTrace) -> None:
    exporter = azure_monitor_spans(ingestion.connection, SYSTEMS)
    exporter.export(trace)
    exporter.close()


def test_a_trace_arrives_as_parts_of_the_record_of_the_functions_host(
    ingestion: Ingestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBSITE_SITE_NAME", "Func-Ballroom")
    exported(ingestion, ended(STORED, WROTE, ASKED, is_hosted=True))
    whole, stored, wrote, asked = ingestion.of("RemoteDependencyData")
    assert (whole["name"], whole["type"], whole["success"]) == ("central_push", "InProc", False)
    assert whole["duration"] == "0.00:00:00.500000"
    assert whole["properties"]["status"] == "500"
    # The application map draws a line from the app to each target.
    assert [(each["type"], each["target"], each["success"]) for each in (stored, wrote, asked)] == [
        ("azure.cosmosdb", "metadata", True),
        ("azure.blob", "archives", False),
        ("HTTP", "hooks.test", True),
    ]
    assert asked["resultCode"] == "204"
    assert [each["name"] for each in (stored, wrote)] == ["metadata.add_release", "archives.put"]
    tags = [each["tags"] for each in ingestion.items]
    assert {each["ai.operation.id"] for each in tags} == {TRACE}
    assert [each["ai.operation.parentId"] for each in tags] == [SPAN, *[whole["id"]] * 3]
    # The same role as in the records of the host: one node of the map.
    assert {each["ai.cloud.role"] for each in tags} == {"func-ballroom"}
    assert not any("sampleRate" in each for each in ingestion.items)
    assert {path.rpartition("/")[2] for path in ingestion.paths} == {"track"}


FIELDS = ("name", "id", "success", "properties", "type", "target", "data", "resultCode")
TAGS = ("ai.cloud.role", "ai.operation.id", "ai.operation.parentId", "ai.operation.name")


@pytest.mark.parametrize("is_hosted", [True, False])
def test_spans_are_converted_as_the_library_does(*, is_hosted: bool) -> None:
    kept = InMemorySpanExporter()
    SpanExporter(SimpleSpanProcessor(kept), SYSTEMS).export(
        ended(STORED, WROTE, is_hosted=is_hosted, sample_weight=20)
    )
    assert len(kept.get_finished_spans()) == 3
    for span in kept.get_finished_spans():
        theirs = _convert_span_to_envelope(span).as_dict()
        ours = envelope_of(span, "key")
        for name in ("name", "sampleRate"):
            assert ours[name] == theirs[name]
        assert ours["time"][:19] == theirs["time"][:19]
        assert [ours["tags"][name] for name in TAGS] == [theirs["tags"][name] for name in TAGS]
        assert ours["data"]["baseType"] == theirs["data"]["baseType"]
        data, known = (each["data"]["baseData"] for each in (ours, theirs))
        assert data["duration"][:-3] == known["duration"]
        shared = [name for name in FIELDS if name in known and name != "resultCode"]
        assert [data[name] for name in shared] == [known[name] for name in shared]


def test_a_trace_of_one_machine_has_the_request_itself(ingestion: Ingestion) -> None:
    exported(ingestion, ended(is_hosted=False))
    [request] = ingestion.of("RequestData")
    assert (request["name"], request["responseCode"]) == ("central_push", "500")
    assert request["success"] is False
    [tags] = [each["tags"] for each in ingestion.items]
    assert (tags["ai.operation.id"], tags["ai.operation.parentId"]) == (TRACE, SPAN)
    assert tags["ai.cloud.role"] == "ballroom"


def test_a_trace_says_how_many_it_stands_for(ingestion: Ingestion) -> None:
    exported(ingestion, ended(STORED, is_hosted=True, sample_weight=20))
    assert {each["sampleRate"] for each in ingestion.items} == {5}


PROGRAM = """
import asyncio, sys, threading
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
    if each.name in ("telemetry", "traces"):
        each.join(60)
print([name for name in sys.modules if "opentelemetry" in name or name == "shared.telemetry.spans"])
"""


def run(tmp_path: Path, **environment: str) -> str:
    """Serve three requests in a process of their own; return the modules that it loaded."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**environment, "BALLROOM_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_an_app_with_a_connection_string_exports_its_first_requests(
    ingestion: Ingestion, tmp_path: Path
) -> None:
    loaded = run(tmp_path, APPLICATIONINSIGHTS_CONNECTION_STRING=ingestion.connection)
    [requests] = ingestion.of("MetricData")
    assert requests["metrics"][0]["name"] == REQUESTS.name
    assert requests["metrics"][0]["count"] == 3
    assert requests["properties"]["operation"] == "health_live"
    # Traces are another setting.
    assert "shared.telemetry.spans" not in loaded
    assert len(ingestion.items) == 1


@pytest.mark.slow
def test_nothing_of_opentelemetry_is_imported_where_nothing_is_exported(tmp_path: Path) -> None:
    assert run(tmp_path, BALLROOM_TRACE_SHARE="0").strip() == "[]"


@pytest.mark.slow
def test_an_app_with_a_share_of_traces_exports_its_first_requests(
    ingestion: Ingestion, tmp_path: Path
) -> None:
    run(
        tmp_path,
        APPLICATIONINSIGHTS_CONNECTION_STRING=ingestion.connection,
        BALLROOM_TRACE_SHARE="1",
    )
    requests = ingestion.of("RequestData")
    assert [each["name"] for each in requests] == ["health_live"] * 3
    assert {each["responseCode"] for each in requests} == {"200"}
    [metric] = ingestion.of("MetricData")
    assert metric["metrics"][0]["count"] == 3

"""What is heard reaches Application Insights, by its own protocol."""

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from shared.log import record_metric, set_backend
from shared.telemetry.exporter import azure_monitor_backend
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

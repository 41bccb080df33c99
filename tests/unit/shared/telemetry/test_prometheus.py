"""Metrics in the format of Prometheus: what is exposed, and how processes are added up."""

from pathlib import Path

import pytest

from shared.log import SpanOrigin
from shared.telemetry.metrics import PUSHES, REQUESTS, SEARCH_AGE, STORE_CALLS, UPKEEP
from shared.telemetry.prometheus import PrometheusBackend

REQUEST = {"face": "central", "operation": "central_pull", "outcome": "answered", "status": 200}
FACE, REST = 'face="central"', 'operation="central_pull",outcome="answered",status="200"'


def exposed(backend: PrometheusBackend) -> dict[str, float]:
    """Return the samples that a process exposes."""
    lines = backend.exposition({}).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_a_histogram_has_buckets_a_sum_and_a_count(tmp_path: Path) -> None:
    backend = PrometheusBackend(tmp_path)
    for seconds in (0.002, 0.3, 42):
        backend.record(REQUESTS, seconds, REQUEST)
    found = exposed(backend)
    name = "ballroom_request_duration_seconds"
    assert found[f'{name}_bucket{{{FACE},le="0.005",{REST}}}'] == 1
    assert found[f'{name}_bucket{{{FACE},le="0.5",{REST}}}'] == 2
    assert found[f'{name}_bucket{{{FACE},le="+Inf",{REST}}}'] == 3
    assert found[f"{name}_count{{{FACE},{REST}}}"] == 3
    assert found[f"{name}_sum{{{FACE},{REST}}}"] == pytest.approx(42.302)
    assert not [each for each in found if "_created" in each]


def test_a_counter_and_a_gauge_have_one_sample(tmp_path: Path) -> None:
    backend = PrometheusBackend(tmp_path)
    backend.record(PUSHES, 1, {"state": "live"})
    backend.record(PUSHES, 2, {"state": "live"})
    backend.record(SEARCH_AGE, 7, {})
    backend.record(SEARCH_AGE, 5, {})
    assert exposed(backend) == {
        'ballroom_pushes_total{state="live"}': 3,
        "ballroom_search_age_seconds": 5,
    }


def test_each_metric_has_its_meaning_and_kind(tmp_path: Path) -> None:
    backend = PrometheusBackend(tmp_path)
    backend.record(UPKEEP, 3, {"task": "audit-archives", "result": "done"})
    text = backend.exposition({"ballroom_read_only": ("1 in read-only mode.", 0.0)}).decode()
    name = "ballroom_upkeep_duration_seconds"
    assert f"# HELP {name} {UPKEEP.about}\n# TYPE {name} histogram\n" in text
    assert "# TYPE ballroom_read_only gauge\nballroom_read_only 0.0\n" in text


def test_the_values_of_all_processes_are_added_up(tmp_path: Path) -> None:
    one, other = PrometheusBackend(tmp_path, "1"), PrometheusBackend(tmp_path, "2")
    one.record(PUSHES, 1, {"state": "live"})
    other.record(PUSHES, 4, {"state": "live"})
    other.record(PUSHES, 1, {"state": "held"})
    one.record(SEARCH_AGE, 3, {})
    other.record(SEARCH_AGE, 9, {})
    one.write()
    other.write()
    expected = {
        'ballroom_pushes_total{state="live"}': 5,
        'ballroom_pushes_total{state="held"}': 1,
        "ballroom_search_age_seconds": 9,
    }
    assert exposed(one) == exposed(other) == expected
    assert exposed(PrometheusBackend(tmp_path, "3")) == expected


def test_own_values_count_once_and_as_they_are_now(tmp_path: Path) -> None:
    backend = PrometheusBackend(tmp_path, "1")
    backend.record(PUSHES, 1, {"state": "live"})
    backend.write()
    backend.record(PUSHES, 1, {"state": "live"})
    assert exposed(backend) == {'ballroom_pushes_total{state="live"}': 2}


def test_a_file_that_is_not_whole_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "9.json").write_text('[["ballroom')
    assert exposed(PrometheusBackend(tmp_path, "1")) == {}


def test_values_that_cannot_be_written_stop_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    backend = PrometheusBackend(blocked / "metrics", "1")
    backend.record(PUSHES, 1, {"state": "live"})
    backend.write()
    assert exposed(backend) == {'ballroom_pushes_total{state="live"}': 1}


def test_there_are_no_spans(tmp_path: Path) -> None:
    assert PrometheusBackend(tmp_path).begin("central_pull", SpanOrigin.SERVED, None) is None


def test_calls_of_stores_have_short_buckets(tmp_path: Path) -> None:
    backend = PrometheusBackend(tmp_path)
    call = {"store": "metadata", "operation": "find", "outcome": "answered"}
    backend.record(STORE_CALLS, 0.0005, call)
    assert any('le="0.001"' in each for each in exposed(backend))

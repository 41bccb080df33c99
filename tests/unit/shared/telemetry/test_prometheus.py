"""Metrics in the format of Prometheus: what is exposed, and how processes are added up."""

from pathlib import Path

from shared.telemetry.metrics import PUSHES, SEARCH_AGE
from shared.telemetry.prometheus import PrometheusBackend


def exposed(backend: PrometheusBackend) -> dict[str, float]:
    """Return the samples that a process exposes."""
    lines = backend.exposition({}, {}).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


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


def test_the_values_of_all_processes_are_added_up(tmp_path: Path) -> None:
    one = PrometheusBackend(tmp_path, "1")
    other = PrometheusBackend(tmp_path, "2")
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

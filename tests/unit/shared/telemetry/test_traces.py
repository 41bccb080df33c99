"""Which traces are exported, how many others each stands for, and what waits for the exporter."""

import threading
from collections.abc import Iterator
from random import Random

import pytest
from azure.monitor.opentelemetry.exporter import ApplicationInsightsSampler

from shared.telemetry.activities import MAX_SPANS, Activity, Span, is_tracing, set_traces
from shared.telemetry.log_sampling import SLOW_SECONDS
from shared.telemetry.metrics import ANSWERED, BROKEN
from shared.telemetry.traces import (
    MAX_BUFFERED_TRACES,
    TRACES_A_SECOND,
    EndedTrace,
    Traces,
    trace_score,
)
from tests.support.logs import capture_logs

BOUND_SECONDS = 30
NO_BOUND = 1_000_000


class Exporter:
    """Keeps traces, and says when it has so many."""

    def __init__(self, wanted: int = 1) -> None:
        self.traces: list[EndedTrace] = []
        self.complete = threading.Event()
        self._wanted = wanted

    def export(self, trace: EndedTrace) -> None:
        self.traces.append(trace)
        if len(self.traces) == self._wanted:
            self.complete.set()


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    """Export nothing in other tests."""
    yield
    set_traces(None)


def loaded(share: float, *, a_second: int = NO_BOUND) -> tuple[Traces, Exporter]:
    exporter = Exporter()
    traces = Traces(share, lambda: exporter, a_second=a_second)
    traces.load()
    return traces, exporter


def ended(traces: Traces, trace_id: str, *, must_keep: bool = False, at: float = 0.01) -> None:
    activity = Activity.begin(f"00-{trace_id}-{'1' * 16}-00")
    end(traces, activity, at, must_keep=must_keep)


def end(traces: Traces, activity: Activity, at: float = 0.01, *, must_keep: bool = False) -> None:
    sample_weight = traces.sample_weight(activity, at, must_keep=must_keep)
    if sample_weight:
        span = Span("central_pull", 0, at, {}, is_failed=False)
        traces.export(activity, span, [], sample_weight)


def trace_ids(number: int) -> list[str]:
    random = Random("traces")  # noqa: S311 - it chooses no secret.
    return [f"{random.getrandbits(128):032x}" for _ in range(number)]


@pytest.mark.parametrize("share", [0.01, 0.25, 0.9])
def test_traces_are_those_of_which_the_functions_host_keeps_its_record(share: float) -> None:
    host = ApplicationInsightsSampler(share)
    traces, exporter = loaded(share)
    ids = trace_ids(4_000)
    for each in ids:
        ended(traces, each)
    kept = [
        each
        for each in ids
        if host.should_sample(None, int(each, 16), "any").decision.is_recording()
    ]
    assert [each.trace_id for each in exporter.traces] == kept
    assert len(kept) == pytest.approx(4_000 * share, rel=0.4)
    assert {each.sample_weight for each in exporter.traces} == {1 / share}


def test_a_smaller_share_is_a_part_of_a_larger_one() -> None:
    scores = [trace_score(each) for each in trace_ids(1_000)]
    assert min(scores) >= 0
    assert max(scores) <= 1
    assert 400 < sum(score < 0.5 for score in scores) < 600


def test_a_request_without_a_trace_begins_one_that_is_chosen_by_chance() -> None:
    traces, exporter = loaded(0.5)
    for _ in range(1_000):
        end(traces, Activity.begin())
    assert 350 < len(exporter.traces) < 650
    assert len({each.trace_id for each in exporter.traces}) == len(exporter.traces)
    assert {each.parent_id for each in exporter.traces} == {""}


def test_a_trace_that_must_be_kept_stands_for_itself() -> None:
    traces, exporter = loaded(1e-9)
    [one] = trace_ids(1)
    ended(traces, one, must_keep=True)
    assert [each.sample_weight for each in exporter.traces] == [1]


def test_a_process_exports_a_bounded_number_of_traces_in_a_second() -> None:
    """A client chooses the id of its trace, and so could make each of its requests a trace."""
    traces, exporter = loaded(0.5, a_second=TRACES_A_SECOND)
    chosen = next(each for each in trace_ids(100) if trace_score(each) < 0.5)
    for _ in range(3 * TRACES_A_SECOND):
        ended(traces, chosen, at=7.5)
        ended(traces, chosen, at=7.6, must_keep=True)
    assert len(exporter.traces) == TRACES_A_SECOND
    ended(traces, chosen, at=8.5)
    assert len(exporter.traces) == TRACES_A_SECOND + 1


def test_every_trace_is_exported_where_the_share_is_one() -> None:
    traces, exporter = loaded(1, a_second=TRACES_A_SECOND)
    for each in trace_ids(3 * TRACES_A_SECOND):
        ended(traces, each)
    assert len(exporter.traces) == 3 * TRACES_A_SECOND
    assert {each.sample_weight for each in exporter.traces} == {1}


# --- What an activity notes ---------------------------------------------------------------------


def test_an_activity_notes_no_calls_without_traces() -> None:
    activity = Activity.begin()
    activity.add_span("metadata.find", 0, {}, is_failed=False)
    activity.end("any", dict, is_failed=True)
    assert activity.spans is None


@pytest.mark.parametrize(
    ("seconds", "keep_slow", "exported"),
    [(SLOW_SECONDS / 2, True, 0), (SLOW_SECONDS * 1.1, True, 1), (SLOW_SECONDS * 1.1, False, 0)],
)
def test_a_slow_request_is_exported_whatever_the_share(
    seconds: float, exported: int, *, keep_slow: bool
) -> None:
    traces, exporter = loaded(1e-9)
    set_traces(traces)
    activity = Activity.begin()
    activity.began -= seconds
    activity.end("central_push", dict, is_failed=False, keep_slow=keep_slow)
    assert len(exporter.traces) == exported


def test_calls_of_stores_become_spans_with_their_names_and_outcomes() -> None:
    traces, exporter = loaded(1)
    set_traces(traces)
    activity = Activity.begin()
    activity.add_store_call("metadata", "find", ANSWERED, 1, 2)
    activity.add_store_call("directory", "get", BROKEN, 2, 4)
    activity.end("any", dict, is_failed=False)
    [trace] = exporter.traces
    found = {"store": "metadata", "operation": "find", "outcome": ANSWERED}
    failed = {"store": "directory", "operation": "get", "outcome": BROKEN}
    assert trace.calls == [
        Span("metadata.find", 1, 2, found, is_failed=False),
        Span("directory.get", 2, 4, failed, is_failed=True),
    ]


def test_a_trace_has_a_bounded_number_of_calls() -> None:
    traces, exporter = loaded(1)
    set_traces(traces)
    activity = Activity.begin()
    for _ in range(MAX_SPANS // 2 + 5):
        activity.calls["metadata.find"] = activity.calls.get("metadata.find", 0) + 2
        activity.add_span("metadata.find", 0, {}, is_failed=False)
        activity.add_store_call("metadata", "find", ANSWERED, 0, 1)
    activity.end("upkeep.any", dict, is_failed=False)
    [trace] = exporter.traces
    assert len(trace.calls) == MAX_SPANS
    assert trace.whole.attributes["calls"] == MAX_SPANS + 10


def test_calls_that_end_after_their_request_are_in_no_trace() -> None:
    traces, exporter = loaded(1)
    set_traces(traces)
    activity = Activity.begin()
    activity.end("any", dict, is_failed=False)
    activity.add_span("metadata.find", 0, {}, is_failed=False)
    activity.end("any", dict, is_failed=False)
    [trace] = exporter.traces
    assert list(trace.calls) == []


# --- Loading ------------------------------------------------------------------------------------


def test_the_exporter_is_loaded_with_the_first_trace_and_gets_those_that_waited() -> None:
    exporter = Exporter(wanted=3)
    may_load = threading.Event()

    def load() -> Exporter:
        may_load.wait(BOUND_SECONDS)
        return exporter

    traces = Traces(1, load)
    ids = trace_ids(3)
    for each in ids:
        ended(traces, each)
    assert exporter.traces == []
    may_load.set()
    assert exporter.complete.wait(BOUND_SECONDS)
    assert [each.trace_id for each in exporter.traces] == ids


def test_a_bounded_number_waits() -> None:
    exporter = Exporter()
    traces = Traces(1, lambda: exporter)
    traces._loading.acquire()  # As if it were loading.
    ids = trace_ids(MAX_BUFFERED_TRACES + 10)
    for each in ids:
        ended(traces, each)
    traces.load()
    assert [each.trace_id for each in exporter.traces] == ids[10:]


def test_libraries_that_cannot_be_loaded_are_logged_once_and_cost_nothing_later() -> None:
    def load() -> Exporter:
        raise ImportError

    traces = Traces(1, load)
    set_traces(traces)
    with capture_logs() as events:
        traces.load()
    assert [each["event"] for each in events] == ["telemetry.failed"]
    assert not is_tracing()

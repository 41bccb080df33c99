"""A share of the requests that only read has a line, chosen as Application Insights chooses."""

from random import Random

import pytest
from azure.monitor.opentelemetry.exporter.export.trace._sampling import ApplicationInsightsSampler

from shared.telemetry.exporter import TraceShareSampler
from shared.telemetry.recording import TraceContext
from shared.telemetry.sampling import (
    STACKS_A_SECOND,
    WHOLE_LINES_A_SECOND,
    LogSampling,
    trace_score,
)

SHARE = 0.01
MANY = 20_000


def traces(number: int = MANY) -> list[TraceContext]:
    random = Random("traces")  # noqa: S311 - it chooses no secret.
    return [TraceContext(f"{random.getrandbits(128):032x}", "0" * 16) for _ in range(number)]


def test_lines_are_of_the_same_traces_as_spans_and_the_records_of_the_host() -> None:
    lines, spans, host = LogSampling(0.1), TraceShareSampler(0.1), ApplicationInsightsSampler(0.1)
    for trace in traces(3_000):
        chosen = lines.weigh(trace) > 0
        number = int(trace.trace_id, 16)
        assert spans.should_sample(None, number, "any").decision.is_recording() is chosen
        assert host.should_sample(None, number, "any").decision.is_recording() is chosen


@pytest.mark.parametrize(
    ("trace_id", "score"),
    # As the server of Application Insights computes it.
    [("0" * 32, 0.02339), ("f" * 32, 0.99961)],
)
def test_the_score_is_the_hash_of_application_insights(trace_id: str, score: float) -> None:
    assert trace_score(trace_id) == pytest.approx(score, abs=0.00001)


def test_lines_stand_for_as_many_requests_as_there_were() -> None:
    sampling = LogSampling(SHARE)
    weights = [sampling.weigh(trace) for trace in traces()]
    assert set(weights) == {0, 100}
    assert sum(weights) == pytest.approx(MANY, rel=0.15)


def test_requests_without_a_trace_are_chosen_in_turn() -> None:
    sampling = LogSampling(SHARE)
    assert sum(sampling.weigh(None) for _ in range(MANY)) == MANY


@pytest.mark.parametrize(("share", "weight"), [(1.0, 1), (0.0, 0)])
def test_all_or_none_may_be_written(share: float, weight: int) -> None:
    sampling = LogSampling(share)
    assert {sampling.weigh(trace) for trace in [*traces(100), None]} == {weight}


def test_what_is_written_whole_stands_for_itself() -> None:
    sampling = LogSampling(SHARE)
    assert {sampling.weigh_whole(trace, now) for now, trace in enumerate(traces(200))} == {1}


def test_of_a_flood_a_bounded_number_a_second_is_written_whole() -> None:
    sampling = LogSampling(SHARE)
    first = [sampling.weigh_whole(trace, 7.5) for trace in traces()]
    assert first.count(1) == WHOLE_LINES_A_SECOND
    assert sum(first) == pytest.approx(MANY, rel=0.15)
    assert sampling.weigh_whole(traces(1)[0], 8.0) == 1


def test_where_every_request_is_written_a_flood_is_too() -> None:
    sampling = LogSampling(1)
    assert {sampling.weigh_whole(trace, 7.5) for trace in traces(1_000)} == {1}


@pytest.mark.parametrize(("share", "written"), [(SHARE, STACKS_A_SECOND), (1, 100)])
def test_of_a_flood_of_failures_a_bounded_number_of_stacks_is_written(
    share: float, written: int
) -> None:
    sampling = LogSampling(share)
    assert sum(sampling.has_room_for_a_stack(7.5) for _ in range(100)) == written
    assert sampling.has_room_for_a_stack(8)

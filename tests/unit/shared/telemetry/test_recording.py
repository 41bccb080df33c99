"""What happens is told to whoever listens, and to nobody otherwise."""

import asyncio

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from shared.log import (
    Activity,
    SpanOrigin,
    TraceContext,
    current_activity,
    current_trace,
    record_metric,
    start_span,
)
from shared.telemetry.metrics import INSTRUMENTS, STORE_CALLS, InstrumentKind
from tests.support.telemetry import hearing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-00"


def test_a_value_without_its_attributes_is_a_mistake() -> None:
    with hearing(), pytest.raises(KeyError):
        record_metric(STORE_CALLS, 1, {"store": "metadata"})


def test_names_are_ours_and_no_two_are_the_same() -> None:
    assert len({each.name for each in INSTRUMENTS}) == len(INSTRUMENTS)
    for each in INSTRUMENTS:
        assert each.name.startswith("ballroom.")
        assert each.about.endswith(".")
        assert (each.unit == "s") <= (each.kind is not InstrumentKind.COUNTER)


# --- Activities ---------------------------------------------------------------------------------


async def test_an_activity_is_part_of_the_trace_that_was_sent() -> None:
    activity = Activity.begin("central_pull", SpanOrigin.SERVED, SENT)
    assert activity.log_fields() == {"trace_id": TRACE, "span_id": SPAN}
    assert current_activity() is activity
    assert current_trace() is activity.trace


async def test_an_activity_without_a_trace_says_nothing_of_one() -> None:
    assert Activity.begin("central_pull", SpanOrigin.SERVED).log_fields() == {}
    assert Activity.begin("central_pull", SpanOrigin.SERVED, "nonsense").log_fields() == {}
    assert current_trace() is None


async def test_the_span_of_a_request_is_the_hosts_child_and_in_the_log() -> None:
    with hearing() as heard:
        activity = Activity.begin("central_pull", SpanOrigin.HOSTED, SENT)
        activity.calls["metadata.find"] = 2
        activity.units = 2.5
        activity.end({"outcome": "answered"})
        [span] = heard.spans
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == SPAN
    assert span.kind.name == "INTERNAL"
    assert span.attributes == {"outcome": "answered", "calls": 2, "units": 2.5}
    assert activity.log_fields() == {
        "calls": {"metadata.find": 2},
        "units": 2.5,
        "trace_id": TRACE,
        "span_id": f"{span.context.span_id:016x}",
    }


async def test_a_request_that_nobody_made_a_span_of_begins_a_trace() -> None:
    with hearing() as heard:
        Activity.begin("central_pull", SpanOrigin.SERVED).end({"outcome": "broken"})
        [span] = heard.spans
    assert span.parent is None
    assert span.kind.name == "SERVER"
    assert not span.status.is_ok


async def test_calls_of_a_trace_that_is_not_sampled_are_no_spans() -> None:
    with hearing(ALWAYS_OFF) as heard:
        activity = Activity.begin("central_pull", SpanOrigin.SERVED)
        assert activity.trace is not None
        assert start_span("metadata.find", SpanOrigin.CALL, activity.trace) is None
        activity.end({})
        assert heard.spans == []


async def test_calls_are_parts_of_what_they_are_made_for_in_other_tasks_too() -> None:
    async def call() -> None:
        span = start_span("metadata.find", SpanOrigin.CALL, current_trace())
        assert span is not None
        span.end({"store": "metadata"})

    with hearing() as heard:
        activity = Activity.begin("central_pull", SpanOrigin.SERVED)
        await asyncio.gather(call(), call())
        activity.end({})
        one, other, whole = heard.spans
    assert whole.context is not None
    for each in (one, other):
        assert each.parent is not None
        assert each.parent.span_id == whole.context.span_id
        assert each.kind.name == "CLIENT"


@pytest.mark.parametrize(
    "header", [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"01-{TRACE}-{SPAN}-00-more"]
)
def test_a_trace_and_its_span_are_read(header: str) -> None:
    assert TraceContext.parse(header) == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "traceparent",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f" 00-{TRACE}-{SPAN}-01",
        "brp_secret",
    ],
)
def test_an_invalid_trace_header_is_ignored(header: str) -> None:
    assert TraceContext.parse(header) is None

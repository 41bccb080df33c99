"""A trace is what W3C Trace Context says it is, and nothing else."""

import pytest

from shared.telemetry.tracing import Trace

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "header", [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"01-{TRACE}-{SPAN}-00-more"]
)
def test_a_trace_and_its_span_are_read(header: str) -> None:
    assert Trace.parse(header) == Trace(TRACE, SPAN)


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
def test_what_is_no_trace_is_none(header: str) -> None:
    assert Trace.parse(header) is None

"""The header of a trace is read as W3C Trace Context says, and an invalid one is ignored."""

import pytest

from shared.telemetry.trace_context import TraceContext

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


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

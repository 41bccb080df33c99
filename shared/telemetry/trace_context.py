"""The header `traceparent`, which names the trace of a request (W3C Trace Context)."""

import re
from typing import Self

from msgspec import Struct


class TraceContext(Struct, frozen=True):
    """A trace, and its current span."""

    trace_id: str
    span_id: str

    @classmethod
    def parse(cls, traceparent: str) -> Self | None:
        """Parse a `traceparent` header; return None if it is invalid."""
        found = _TRACEPARENT.match(traceparent)
        return cls(found[1], found[2]) if found else None


# Later versions may continue after this; ids of zeros are invalid.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-")

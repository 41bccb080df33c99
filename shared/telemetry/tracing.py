"""Which trace something is part of, as W3C Trace Context writes it."""

import re
from dataclasses import dataclass
from typing import Self

# Of other versions this is the beginning; an id of zeros is none.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-")


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace, the span of it that is current, and whether anybody keeps its spans."""

    trace_id: str
    span_id: str
    is_kept: bool = False

    @classmethod
    def parse(cls, traceparent: str) -> Self | None:
        """Read a `traceparent`; None for whatever is no such header."""
        found = _TRACEPARENT.match(traceparent)
        return cls(found[1], found[2]) if found else None

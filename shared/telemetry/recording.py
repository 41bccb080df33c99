"""Where what happens is told. Until somebody listens, to tell costs a comparison."""

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from shared.telemetry.catalog import Instrument
from shared.telemetry.tracing import Trace

Value = str | int | float
Attributes = Mapping[str, Value]


class Part(Enum):
    """What a span is of."""

    SERVED = "served"  # A request that nobody else made a span of.
    HOSTED = "hosted"  # A request or a run that the Functions host made a span of already.
    CALL = "call"  # A call of a store.


class Span(Protocol):
    """Something that takes time, as a part of a trace."""

    @property
    def trace(self) -> Trace:
        """Return the trace, with this as its current span."""
        ...

    def end(self, attributes: Attributes) -> None:
        """End it; a failure is one whose `outcome` is "broken"."""
        ...


class Listener(Protocol):
    """Takes what happens, on the thread where it happens; never raises, never waits."""

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Count the value."""
        ...

    def begin(self, name: str, part: Part, parent: Trace | None) -> Span | None:
        """Begin a span; None where no span is wanted."""
        ...


class _Heard:
    """Who listens in this process."""

    listener: Listener | None = None


_heard = _Heard()


def listen(listener: Listener | None) -> Listener | None:
    """Let it hear everything from now on, and return who did before."""
    before, _heard.listener = _heard.listener, listener
    return before


def is_heard() -> bool:
    """Tell whether anybody listens."""
    return _heard.listener is not None


def record(instrument: Instrument, value: float, attributes: Attributes) -> None:
    """Tell a value; its attributes are those that the catalog names."""
    listener = _heard.listener
    if listener is not None:
        listener.record(instrument, value, attributes)


def begin(name: str, part: Part, parent: Trace | None) -> Span | None:
    """Begin a span, if anybody listens and wants it."""
    listener = _heard.listener
    return None if listener is None else listener.begin(name, part, parent)

"""Every metric: its name, unit, meaning and attributes; and the backend that records values.
Without a backend, recording costs one comparison.

Values of attributes come from the code, never from a request: names of operations, stores, tasks
and refusals. So there are few of them, and none is a secret.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from msgspec import Struct

AttributeValue = str | int | float
Attributes = Mapping[str, AttributeValue]


class InstrumentKind(Enum):
    COUNTER = "counter"  # Values are added up.
    HISTOGRAM = "histogram"  # The count, the sum, the minimum and the maximum are reported.
    GAUGE = "gauge"  # The last value is reported.


class Instrument(Struct, frozen=True):
    """One metric."""

    name: str
    kind: InstrumentKind
    unit: str
    about: str
    attributes: tuple[str, ...]


FIRST_ERROR_STATUS = 400  # The lowest status of a request that was refused.
FIRST_FAILURE_STATUS = (
    500  # The lowest one of a request that failed through no fault of its client.
)

# Values of `outcome`: an answer, one that the host streams, and a failure. The outcome of a refusal
# is the name of its class.
ANSWERED = "answered"
STREAMED = "streamed"
BROKEN = "broken"

REQUESTS = Instrument(
    "ballroom.request.duration",
    InstrumentKind.HISTOGRAM,
    "s",
    "Duration of a request in its Function.",
    ("face", "operation", "outcome", "status"),
)
STORE_CALLS = Instrument(
    "ballroom.store.duration",
    InstrumentKind.HISTOGRAM,
    "s",
    "Duration of a call of a store, including its repeats.",
    ("store", "operation", "outcome"),
)
COSMOS_ANSWERS = Instrument(
    "ballroom.cosmos.answers",
    InstrumentKind.COUNTER,
    "{answer}",
    "Responses of Cosmos DB, one for each attempt; 429 means that request units ran out.",
    ("container", "operation", "status"),
)
COSMOS_UNITS = Instrument(
    "ballroom.cosmos.units",
    InstrumentKind.COUNTER,
    "{RU}",
    "Request units that Cosmos DB charged.",
    ("container", "operation"),
)
SEARCH_AGE = Instrument(
    "ballroom.search.age",
    InstrumentKind.GAUGE,
    "s",
    "Time since the search index of an instance was checked.",
    (),
)
SIGNING_KEY_AGE = Instrument(
    "ballroom.signing_key.age",
    InstrumentKind.GAUGE,
    "s",
    "Time since the newest of the keys `links`, `releases` or `log` was made; recorded when an "
    "instance reads the key vault.",
    ("key",),
)
LOG_ERRORS = Instrument(
    "ballroom.log.errors",
    InstrumentKind.COUNTER,
    "{line}",
    "Lines of the log of level error.",
    ("event",),
)
PUSHES = Instrument(
    "ballroom.pushes",
    InstrumentKind.COUNTER,
    "{release}",
    "Published releases, by their first state.",
    ("state",),
)
UPKEEP = Instrument(
    "ballroom.upkeep.duration",
    InstrumentKind.HISTOGRAM,
    "s",
    "Duration of a run of a maintenance task.",
    ("task", "result"),
)
UPKEEP_PROBLEMS = Instrument(
    "ballroom.upkeep.problems",
    InstrumentKind.COUNTER,
    "{problem}",
    "Problems that maintenance tasks found.",
    ("task",),
)
WEBHOOK_ATTEMPTS = Instrument(
    "ballroom.webhook.attempts",
    InstrumentKind.COUNTER,
    "{attempt}",
    "Attempts to deliver an event to a webhook: accepted, refused or unanswered.",
    ("result",),
)

INSTRUMENTS = (
    REQUESTS,
    STORE_CALLS,
    COSMOS_ANSWERS,
    COSMOS_UNITS,
    SEARCH_AGE,
    SIGNING_KEY_AGE,
    LOG_ERRORS,
    PUSHES,
    UPKEEP,
    UPKEEP_PROBLEMS,
    WEBHOOK_ATTEMPTS,
)


class MetricsBackend(Protocol):
    """Receives metrics on the thread that records them; never raises, never waits."""

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Record the value with the attributes of the instrument."""
        ...


class _Backend:
    current: MetricsBackend | None = None


_backend = _Backend()


def set_backend(backend: MetricsBackend | None) -> MetricsBackend | None:
    """Send metrics of this process to the backend; return the previous one."""
    previous = _backend.current
    _backend.current = backend
    return previous


def current_backend() -> MetricsBackend | None:
    """Return the backend of this process, if there is one."""
    return _backend.current


def is_recording() -> bool:
    return _backend.current is not None


def record_metric(instrument: Instrument, value: float, attributes: Attributes) -> None:
    """Record a value; `attributes` has those of the instrument."""
    backend = _backend.current
    if backend is not None:
        backend.record(instrument, value, attributes)

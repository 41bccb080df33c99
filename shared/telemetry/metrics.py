"""Every metric: its name, unit, meaning and attributes.

Values of attributes come from the code, never from a request: names of operations, stores, tasks
and refusals. So there are few of them, and none is a secret.
"""

from dataclasses import dataclass
from enum import Enum


class InstrumentKind(Enum):
    COUNTER = "counter"  # Values are added up.
    HISTOGRAM = "histogram"  # The count, the sum, the minimum and the maximum are reported.
    GAUGE = "gauge"  # The last value is reported.


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric."""

    name: str
    kind: InstrumentKind
    unit: str
    about: str
    attributes: tuple[str, ...]


REQUESTS = Instrument(
    "ballroom.request.duration",
    InstrumentKind.HISTOGRAM,
    "s",
    "How long a request took, from the Function's first line to its last.",
    ("face", "operation", "outcome", "status"),
)
STORE_CALLS = Instrument(
    "ballroom.store.duration",
    InstrumentKind.HISTOGRAM,
    "s",
    "How long a call of a store took, with all its repeats.",
    ("store", "operation", "outcome"),
)
COSMOS_ANSWERS = Instrument(
    "ballroom.cosmos.answers",
    InstrumentKind.COUNTER,
    "{answer}",
    "Answers of Cosmos DB, each attempt by itself; 429 is one for want of request units.",
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
    "How old the index is that an instance searches.",
    (),
)
PUSHES = Instrument(
    "ballroom.pushes",
    InstrumentKind.COUNTER,
    "{release}",
    "Releases that were published, by the state that they began in.",
    ("state",),
)
UPKEEP = Instrument(
    "ballroom.upkeep.duration",
    InstrumentKind.HISTOGRAM,
    "s",
    "How long a run of a task of upkeep took.",
    ("task", "result"),
)
UPKEEP_PROBLEMS = Instrument(
    "ballroom.upkeep.problems",
    InstrumentKind.COUNTER,
    "{problem}",
    "What tasks of upkeep found wrong.",
    ("task",),
)

INSTRUMENTS = (
    REQUESTS,
    STORE_CALLS,
    COSMOS_ANSWERS,
    COSMOS_UNITS,
    SEARCH_AGE,
    PUSHES,
    UPKEEP,
    UPKEEP_PROBLEMS,
)

# Attributes of spans of requests, store operations and maintenance tasks. The names of spans are
# those of Functions, operations ("metadata.find") and tasks ("upkeep.sweep").
REQUEST_SPAN = ("face", "operation", "outcome", "http.response.status_code", "calls", "units")
STORE_SPAN = ("store", "operation", "outcome")
UPKEEP_SPAN = ("task", "result", "calls", "units")

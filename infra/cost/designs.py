"""How the registry uses the services of the cloud, as far as it decides the cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.cost.usage import (
    COUNTED_PULL,
    COUNTED_WINDOW,
    MEASURED,
    ROLLED_PACKAGE,
    Counting,
    OperationUsage,
    Usage,
)

TIMER_CALLS = 43_800.0  # A month: one a minute.
DAYS = 30.4  # A month.
GROUPS = 3  # HTTP, the timer, the change feed.
READ_LOG_BYTES = 60.0  # At most: a test counts them.
LINE_BYTES = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Logging:
    """Bytes that are logged."""

    read: float  # Of a request that succeeds and only reads.
    line: float  # Of another request, and of a run of a task, without what the host adds.
    database: bool  # Each request to Cosmos DB.
    edge: bool  # Each request to Front Door.


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What decides the cost, apart from size and load."""

    groups: int  # Of Functions that have instances of their own.
    timer_calls: float
    gigabytes: float | None  # Of an instance; None for those of the size.
    request_seconds: float  # Of an instance, for each of many requests.
    changes_apart: bool  # Behind Front Door an app for changes, beside the one for reads.
    measured: Mapping[OperationUsage, Usage]
    counted_pull: Usage  # Part of a pull in `measured`.
    in_memory: bool  # Reads are answered from memory while the change feed has no news.
    counting: Counting
    archives_from_blobs: bool  # Front Door reads public archives from Blob Storage.
    probe_seconds: int | None  # Between two probes of the app by a place of Front Door.
    logging: Logging


DESIGN = Design(
    groups=GROUPS,
    timer_calls=TIMER_CALLS,
    gigabytes=None,
    request_seconds=0.0015,  # Of processor, in host and worker; an instance has one core.
    changes_apart=True,
    measured=MEASURED,
    counted_pull=Usage(),
    in_memory=True,
    counting=Counting(
        pull=COUNTED_PULL,
        window=COUNTED_WINDOW,
        package=ROLLED_PACKAGE,
        runs_a_month=DAYS,
    ),
    archives_from_blobs=True,
    probe_seconds=120,
    logging=Logging(read=READ_LOG_BYTES, line=LINE_BYTES, database=False, edge=False),
)

"""How the registry uses the services of the cloud, as far as it decides the cost: today, and before
reads were answered from memory.

`COUNTED_BEFORE` and `BEFORE` are a record: they have what was counted then, and do not change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

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

COUNTED_BEFORE: Mapping[OperationUsage, Usage] = MappingProxyType(
    {
        OperationUsage.PULL: Usage(12.1, 3, 0, 0, 951),
        OperationUsage.ARCHIVE: Usage(8.1, 3, 1),
        OperationUsage.METADATA: Usage(6.1, 2, 1, 0, 1_596),
        OperationUsage.VERSIONS: Usage(11.4, 2, 0, 0, 353),
        OperationUsage.INDEX: Usage(11.4, 2, 0, 0, 2_572),
        OperationUsage.RESOLVE: Usage(228, 40, 0, 0, 10_595),
        OperationUsage.SEARCH: Usage(0, 0, 0, 0, 1_730),
        OperationUsage.PUSH: Usage(141.25, 28.38, 0, 3, 351),
    }
)

# 21 November 2026.
BEFORE = Design(
    groups=15,  # With a timer for each of 13 tasks.
    timer_calls=67_464.1,
    gigabytes=4,
    request_seconds=0.0025,  # 20 ms in hand, eight at once.
    changes_apart=False,
    measured=COUNTED_BEFORE,
    counted_pull=Usage(6, 1),
    in_memory=False,
    counting=Counting(pull=Usage(22.75, 1), package=Usage(59, 14.3, 2), runs_a_month=8_760),
    archives_from_blobs=False,
    probe_seconds=None,
    logging=Logging(read=1_500, line=800, database=True, edge=True),
)

# The changes in between, and what of the design each of them changed.
PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "one timer for all tasks": ("groups", "timer_calls"),
        "sampled logs": ("logging",),
        "smaller instances": ("gigabytes", "request_seconds"),
        "an app for changes": ("changes_apart",),
        "batched reads": ("measured", "counted_pull"),
        "reads from memory": ("in_memory",),
        "counts in bulk": ("counting",),
        "archives from Blob Storage": ("archives_from_blobs",),
        "copies for a registry that is down": ("probe_seconds",),
    }
)


def steps() -> Iterator[tuple[str, Design]]:
    """Yield the design before, and after each change."""
    design = BEFORE
    yield "before", design
    for name, fields in PARTS.items():
        design = replace(design, **{each: getattr(DESIGN, each) for each in fields})
        yield name, design

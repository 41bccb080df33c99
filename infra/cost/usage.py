"""The usage of the stores in the cloud by each kind of request, as counted.

`python -m bench.store_usage` counts and prints it: over the double of Cosmos DB, with its model of
request units, and over an emulator of Blob Storage, with packages of the real index. A test counts
again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import inf
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Usage:
    """Usage by one request: of Cosmos DB and Blob Storage, and the bytes of its answer."""

    units: float = 0.0  # Request units.
    records: float = 0.0  # Requests to Cosmos DB.
    blob_reads: float = 0.0
    blob_writes: float = 0.0
    answer_bytes: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.units + other.units,
            self.records + other.records,
            self.blob_reads + other.blob_reads,
            self.blob_writes + other.blob_writes,
            self.answer_bytes + other.answer_bytes,
        )

    def __mul__(self, times: float) -> "Usage":
        return Usage(
            self.units * times,
            self.records * times,
            self.blob_reads * times,
            self.blob_writes * times,
            self.answer_bytes * times,
        )


class CountedRequest(Enum):
    """The operations of a registry."""

    PULL = "pull, hop one"
    ARCHIVE = "archive through the app"
    METADATA = "metadata"
    VERSIONS = "versions"
    INDEX = "index file"
    RESOLVE = "resolve"
    PAGE = "package page"
    API_PAGE = "API page"
    SEARCH = "search"
    PUSH = "push"


RESOLVED = 20  # Packages in the resolve request that was counted.


@dataclass(frozen=True, slots=True)
class UpkeepUsage:
    """A maintenance task: how often it runs, what a run takes of an idle registry, and what each
    release adds to it, up to the most that it reads, in all runs or in so many of them."""

    runs_a_month: float
    idle: Usage
    each_release: Usage = Usage()
    most_releases: float = inf
    visits_a_month: float | None = None

    def usage(self, releases: float) -> Usage:
        """Return the usage in a month."""
        visits = self.runs_a_month if self.visits_a_month is None else self.visits_a_month
        visit = self.each_release * min(releases, self.most_releases)
        return self.idle * self.runs_a_month + visit * visits


@dataclass(frozen=True, slots=True)
class Stored:
    """Stored bytes of a release without its archive."""

    record_bytes: float  # Bytes in Cosmos DB without its index.
    document_bytes: float  # Bytes in Blob Storage.


# When nothing is in memory.
MEASURED: Mapping[CountedRequest, Usage] = MappingProxyType(
    {
        CountedRequest.PULL: Usage(3.9, 1, 0, 0, 951),  # A pull without counting it.
        CountedRequest.ARCHIVE: Usage(5.9, 2, 1),  # The requests of an archive without its bytes.
        # The first of a release in a process, which reads the proof that the log has it.
        CountedRequest.METADATA: Usage(6.56, 2.2, 1, 0, 2_426),
        CountedRequest.VERSIONS: Usage(5.2, 1, 0, 0, 353),
        CountedRequest.INDEX: Usage(5.76, 1.15, 0, 0, 3_304),
        CountedRequest.RESOLVE: Usage(72.6, 2, 0, 0, 10_595),
        # The first of a package in a process that answered others.
        CountedRequest.PAGE: Usage(18.42, 5.84, 4, 0, 16_810),
        CountedRequest.API_PAGE: Usage(9.1, 3, 2, 0, 11_845),
        CountedRequest.SEARCH: Usage(0, 0, 0, 0, 1_730),
        # Includes writing the log for a single push, and the proof.
        CountedRequest.PUSH: Usage(199.36, 37.51, 2, 8, 351),
    }
)

# What reading a push in the change feed takes of every instance that is asked.
FOLLOWED_PUSH = Usage(9.6, 1)

UPKEEP_USAGE: Mapping[str, UpkeepUsage] = MappingProxyType(
    {
        "process-outboxes": UpkeepUsage(43_800, Usage(42.8, 9)),
        "deliver-webhooks": UpkeepUsage(43_800, Usage(25.6, 6)),
        "write-log": UpkeepUsage(43_800, Usage(42.6, 11, 1)),
        "notify-dependents": UpkeepUsage(8_760, Usage(51.4, 15)),
        "tell-followers": UpkeepUsage(8_760, Usage(55.8, 12)),
        "send-digests": UpkeepUsage(730, Usage(25.6, 6)),
        "follow-advisories": UpkeepUsage(2_920, Usage(45, 11)),
        # The idle run that is counted begins a visit of all releases, as one does each day.
        "generate-api-docs": UpkeepUsage(
            4_380, Usage(70.8, 16), Usage(25.33, 3.33, 5.57), visits_a_month=30.4
        ),
        "place-archives": UpkeepUsage(8_760, Usage(22, 6)),
        # It visits all packages once a day, which the idle run that is counted does.
        "sign-releases": UpkeepUsage(730, Usage(39.6, 10), Usage(2.13, 0.29), visits_a_month=30.4),
        "update-search-index": UpkeepUsage(8_760, Usage(26.6, 7, 2, 2)),
        "roll-up-pulls": UpkeepUsage(2_920, Usage(28.6, 6)),
        "delete-expired-records": UpkeepUsage(730, Usage(41.4, 9)),
        "send-expiry-reminders": UpkeepUsage(730, Usage(25.6, 6)),
        "apply-group-rules": UpkeepUsage(121.7, Usage(30.2, 7)),
        "find-ownerless-organizations": UpkeepUsage(121.7, Usage(68.2, 18)),
        "create-snapshot": UpkeepUsage(30.4, Usage(350.8, 71, 7, 12), Usage(7.99, 0.84)),
        "delete-orphaned-archives": UpkeepUsage(30.4, Usage(39.6, 10, 0, 3), Usage(7.91, 1.01)),
        "audit-archives": UpkeepUsage(30.4, Usage(32.6, 8), Usage(4.09, 0.29, 1.01)),
        "anonymize-events": UpkeepUsage(30.4, Usage(27.6, 7)),
        "complete-event-logs": UpkeepUsage(730, Usage(29, 7)),
        "freeze-leaves": UpkeepUsage(8_760, Usage(31.6, 8)),
        "lock-disabled-accounts": UpkeepUsage(30.4, Usage(46.6, 10)),
        "renew-sigstore-root": UpkeepUsage(30.4, Usage(22, 6)),
        "erase-accounts": UpkeepUsage(730, Usage(38.2, 9)),
        "repair-derived-data": UpkeepUsage(30.4, Usage(32.6, 8), Usage(16.45, 2.06, 0.51)),
        # Organizations without a limit are counted once a day.
        "count-usage": UpkeepUsage(730, Usage(66.4, 15), Usage(1.5, 0.05), visits_a_month=30.4),
        "remove-prereleases": UpkeepUsage(30.4, Usage(28.6, 6)),
        "finish-deletions": UpkeepUsage(121.7, Usage(28.6, 6)),
    }
)

# What the pulls take that a process counts in half a minute: written, read, merged and deleted.
# Each pull adds bytes to them, which tests/in_the_cloud/test_pull_budget.py counts.
COUNTED_WINDOW = Usage(12.0, 2)
COUNTED_PULL = Usage(0.02)

# What a package takes for each day on which it was pulled.
ROLLED_PACKAGE = Usage(15.0, 3)

STORED_USAGE = Stored(record_bytes=10_558, document_bytes=1_287)

# Bytes of an item in Cosmos DB, including the fields of the service.
ITEMS: Mapping[str, int] = MappingProxyType(
    {"release": 1_913, "entry": 923, "listing": 2_543, "head": 585, "name": 250, "event": 1_220}
)

"""What each use-case takes of the stores in the cloud, as it was counted.

`python -m bench.charges` counts and prints it: over the double of Cosmos DB, with its model of
request units, and over an emulator of Blob Storage, with packages of the real index. A test counts
again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Usage:
    """What one request takes: of Cosmos DB, of Blob Storage, and what it answers."""

    units: float = 0.0  # Request units.
    records: float = 0.0  # Requests to Cosmos DB.
    blob_reads: float = 0.0
    blob_writes: float = 0.0
    answer_bytes: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        """Return what both take."""
        return Usage(
            self.units + other.units,
            self.records + other.records,
            self.blob_reads + other.blob_reads,
            self.blob_writes + other.blob_writes,
            self.answer_bytes + other.answer_bytes,
        )

    def __mul__(self, times: float) -> "Usage":
        """Return what so many take."""
        return Usage(
            self.units * times,
            self.records * times,
            self.blob_reads * times,
            self.blob_writes * times,
            self.answer_bytes * times,
        )


class Use(Enum):
    """What is asked of a registry."""

    PULL = "pull, hop one"
    ARCHIVE = "archive through the app"
    METADATA = "metadata"
    VERSIONS = "versions"
    INDEX = "index file"
    RESOLVE = "resolve"
    SEARCH = "search"
    PUSH = "push"


RESOLVED = 20  # Packages that the counted resolve asks for.


@dataclass(frozen=True, slots=True)
class Upkeep:
    """A task of upkeep: how often it runs, what a run takes of an idle registry, and what each
    release adds to it."""

    runs_a_month: float
    idle: Usage
    each_release: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Stored:
    """What a release takes at rest, beside its archive."""

    record_bytes: float  # In Cosmos DB, without its index.
    document_bytes: float  # In Blob Storage.


MEASURED: Mapping[Use, Usage] = MappingProxyType(
    {
        Use.PULL: Usage(12.1, 3, 0, 0, 951),  # 6 of them count the pull.
        Use.ARCHIVE: Usage(8.1, 3, 1),  # The bytes of the archive come on top.
        Use.METADATA: Usage(6.1, 2, 1, 0, 1_596),
        Use.VERSIONS: Usage(16.05, 2, 0, 0, 387),
        Use.INDEX: Usage(16.05, 2, 0, 0, 4_675),
        Use.RESOLVE: Usage(321, 40, 20, 0, 11_237),
        Use.SEARCH: Usage(0, 0, 0, 0, 1_742),
        Use.PUSH: Usage(120.37, 24.71, 0, 3, 351),
    }
)

UPKEEP: Mapping[str, Upkeep] = MappingProxyType(
    {
        "settle": Upkeep(43_800, Usage(36.8, 8)),
        "roll-up": Upkeep(8_760, Usage(31.2, 7)),
        "expire": Upkeep(730, Usage(34.8, 8)),
        "remind": Upkeep(730, Usage(25.6, 6)),
        "snapshot": Upkeep(30.4, Usage(155.2, 29, 1, 11), Usage(4.88, 0.4)),
        "sweep": Upkeep(30.4, Usage(28, 7, 0, 2), Usage(8.19, 3)),
        "audit": Upkeep(30.4, Usage(32.6, 8), Usage(3.14, 0.27, 1)),
        "forget": Upkeep(30.4, Usage(25.6, 6)),
        "prove": Upkeep(30.4, Usage(25.6, 6)),
        "mend": Upkeep(30.4, Usage(32.6, 8), Usage(5.2, 0.53, 1)),
        "keep": Upkeep(121.7, Usage(34.2, 7)),
    }
)

# What a counted pull adds to the next roll-up, and what each package does that was pulled.
ROLLED_PULL = Usage(16.75)
ROLLED_PACKAGE = Usage(56.75, 12.2, 1)

STORED = Stored(record_bytes=4_740, document_bytes=650)

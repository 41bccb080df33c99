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
        Use.PUSH: Usage(120.37, 24.71, 0, 3, 351),
        Use.PULL: Usage(12.10, 3, 0, 0, 649),  # 6 of them count the pull.
        Use.ARCHIVE: Usage(8.10, 3, 1, 0, 0),  # The bytes of the archive come on top.
        Use.METADATA: Usage(6.10, 2, 1, 0, 1_596),
        Use.VERSIONS: Usage(16.05, 2, 0, 0, 387),
        Use.INDEX: Usage(16.05, 2, 0, 0, 4_675),
        Use.RESOLVE: Usage(321.00, 40, 20, 0, 11_237),
        Use.SEARCH: Usage(0, 0, 0, 0, 1_742),
    }
)

UPKEEP: Mapping[str, Upkeep] = MappingProxyType(
    {
        "settle": Upkeep(43_800, Usage(30.80, 7)),
        "roll-up": Upkeep(8_760, Usage(25.20, 6)),
        "expire": Upkeep(730, Usage(28.80, 7)),
        "remind": Upkeep(730, Usage(19.60, 5)),
        "sweep": Upkeep(30.4, Usage(15.00, 4, 0, 1), Usage(8.18, 3)),
        "audit": Upkeep(30.4, Usage(19.60, 5), Usage(3.09, 0.26, 1)),
        "forget": Upkeep(30.4, Usage(19.60, 5)),
        "prove": Upkeep(30.4, Usage(19.60, 5)),
        "keep": Upkeep(121.7, Usage(28.20, 6)),
    }
)

# What a counted pull adds to the next roll-up, and what each package does that was pulled.
ROLLED_PULL = Usage(13.50)
ROLLED_PACKAGE = Usage(60.00, 12.20, 1)

STORED = Stored(record_bytes=4_700, document_bytes=650)

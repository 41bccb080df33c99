"""The budget of a job, what a part of it may exceed, what becomes of a part, and the names of
what tasks read and write."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias

from msgspec import Struct

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"

LEAST_SECONDS = 0.02  # With less processor time left, no part is started.
_MIB = 1024 * 1024


class Budget(Struct, frozen=True):
    """The limits of a whole job; memory is counted above that of the idle child."""

    processor_seconds: float
    memory_bytes: int
    output_bytes: int


class Order(Struct, frozen=True):
    """A job as the child gets it: `skip` are the parts that finished or were refused before, and
    `left_seconds` is what these left of the budget."""

    task: str
    folder: str
    request: Any  # JSON.
    skip: frozenset[str]
    budget: Budget
    left_seconds: float


# Each part writes its pieces, and the last part all of them into one file.
RELEASE_BUDGET = Budget(processor_seconds=20, memory_bytes=384 * _MIB, output_bytes=2 * 96 * _MIB)


class Exceeded(Enum):
    """Why a part of a job is refused: the same input would end in the same way again."""

    MEMORY = "memory"
    PROCESSOR = "processor"
    TIME = "time"
    OUTPUT = "output"
    CRASHED = "crashed"

    def sentence(self, budget: Budget) -> str:
        """Return the reason for readers, as the end of a sentence."""
        match self:
            case Exceeded.MEMORY:
                return f"it takes more than {budget.memory_bytes // _MIB} MiB of memory"
            case Exceeded.PROCESSOR:
                seconds = f"{budget.processor_seconds:g} seconds"
                return f"it takes more processor time than is left of the {seconds} of a job"
            case Exceeded.TIME:
                return "it takes too long"
            case Exceeded.OUTPUT:
                return f"the result does not fit into {budget.output_bytes // _MIB} MiB"
            case Exceeded.CRASHED:
                return "it cannot be read without an error of the program"


class PartResult(Struct, frozen=True):
    """A part of a job that finished, or that was refused with a sentence.

    The part with the empty name is what a task does outside of its parts; its refusal ends the job.
    """

    name: str
    refused: str | None
    result: Json


class ConfinedUnavailable(Exception):
    """The child could not be started, or ended by a restart: nothing is known about the input.

    Store nothing, and repeat the job later.
    """

    def __init__(self) -> None:
        super().__init__("The confined process is not available. Repeat the job later.")


class ConfinedEnded(ConfinedUnavailable):
    """The child ended from outside while it did the job, as when the machine had no memory left.

    A job that ends so `MOST_ENDS` times is set aside for a day, for the reason `SET_ASIDE`.
    """


MOST_ENDS = 3
SET_ASIDE = f"the process that reads it was ended from outside {MOST_ENDS} times; it is tried daily"


OUTPUT = "output"  # The folder with the files of the parts that finished.

# What tasks read: a release, and documents of modules in two folders.
REQUEST = "request.json"
ARCHIVE = "archive"
BEFORE = "before"  # The folder of the earlier version.
AFTER = "after"  # The folder of the later version.
SINCE = "since"  # A file in one of these: since which version the symbols exist.
SOURCE = "source"  # The file that is highlighted.
REGISTRY_SBOM = "registry.cdx.json"
AUTHOR_SBOM = "author.cdx.json"
SIGSTORE_BUNDLE = "sigstore.json"
ROOTS = "roots"  # The folder of trusted roots of Sigstore.
METADATA = "metadata"  # The folder of the verified files of The Update Framework.
FETCHED = "fetched"  # The folder of the fetched files.

# What they write.
RECORD = "record.json"
PIECES = "all.pieces"
SOURCE_PAGE = "source.html"
DIFFERENCES = "differences.json"
TRUSTED_ROOT = "trusted_root.json"

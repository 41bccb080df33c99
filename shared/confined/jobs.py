"""Jobs of the confined process: the order that its child gets, the result of a part, and why a job
is refused or ends.
"""

import errno
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias

from msgspec import Struct

from shared.confined.budget import Budget

_MIB = 1024 * 1024


Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"


class Order(Struct, frozen=True):
    """A job as the child gets it: `skip` are the parts that finished or were refused before, and
    `left_seconds` is what these left of the budget."""

    task: str
    folder: str
    request: Any  # JSON.
    skip: frozenset[str]
    budget: Budget
    left_seconds: float


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


# Failures of the machine, which say nothing about the input: the job is repeated later.
MACHINE_ERRORS = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE)
)

MOST_ENDS = 3
SET_ASIDE = f"the process that reads it was ended from outside {MOST_ENDS} times; it is tried daily"

"""The budget of a job: processor time and real time, memory and output."""

from msgspec import Struct

LEAST_SECONDS = 0.02  # With less processor time left, no part is started.
DEADLINE_FACTOR = 3  # Seconds of real time for each second of processor time.
DEADLINE_SECONDS = 5  # Of real time beside that, for each part of a job.
_MIB = 1024 * 1024


class Budget(Struct, frozen=True):
    """The limits of a whole job; memory is counted above that of the idle child."""

    processor_seconds: float
    memory_bytes: int
    output_bytes: int


# Each part writes its pieces, and the last part all of them into one file.
RELEASE_BUDGET = Budget(processor_seconds=20, memory_bytes=384 * _MIB, output_bytes=2 * 96 * _MIB)

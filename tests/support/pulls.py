"""Pulls as a process hands them to a ledger."""

from collections import Counter
from dataclasses import dataclass
from itertools import count

from shared.ports.pull_ledger import Pull, PullBatch


@dataclass
class Process:
    """A process that counts pulls."""

    name: str = "process"

    def __post_init__(self) -> None:
        """Begin with the first batch."""
        self._numbers = count(1)

    def batch(self, *pulls: Pull) -> PullBatch:
        """Return the next batch of the process, with these pulls."""
        return PullBatch(self.name, next(self._numbers), Counter(pulls))

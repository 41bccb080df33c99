"""The steps of an inclusion proof, as a page draws them: which lines each hash is of."""

from msgspec import Struct

from shared.domain.transparency.merkle_tree import plan_inclusion


class Lines(Struct, frozen=True):
    """Lines of the log, from `start` and before `end`, counted from 0."""

    start: int
    end: int

    @property
    def count(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        """Return the first and the last line, counted from 1."""
        first = f"{self.start + 1:,}"
        return first if self.count == 1 else f"{first} to {self.end:,}"


class ProofStep(Struct, frozen=True):
    """One hash of a proof: the lines that it is of, and those of the hash that it leads to."""

    beside: Lines
    above: Lines


def proof_steps(index: int, size: int) -> list[ProofStep]:
    """Return the steps from a leaf to the root of a tree, in the order of its proof."""
    steps: list[ProofStep] = []
    reached = Lines(index, index + 1)
    for each in plan_inclusion(index, size).ranges:
        beside = Lines(each.start, each.end)
        reached = Lines(min(reached.start, beside.start), max(reached.end, beside.end))
        steps.append(ProofStep(beside, reached))
    return steps

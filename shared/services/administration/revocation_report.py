"""What applying the list of revocations found, and the reason of what it changes."""

from collections import Counter

from msgspec import Struct

REASON = "As before the restore of a backup"


class AppliedRevocations(Struct, frozen=True):
    """What was applied, and what a person has to decide; sentences."""

    applied: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


class RevocationReport:
    """Collects the sentences, and counts what the backup does not have."""

    def __init__(self) -> None:
        self.applied = list[str]()
        self.undecided = list[str]()
        self.missing = Counter[str]()

    def finish(self) -> AppliedRevocations:
        """Return all sentences, those about what is missing last."""
        missing = [f"{count} {what}" for what, count in self.missing.items()]
        return AppliedRevocations(tuple(self.applied), (*self.undecided, *missing))

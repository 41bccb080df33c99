"""What an upkeep task says of its run."""

from dataclasses import asdict, dataclass

BATCH = 200  # Records that a task holds at once, so that its memory stays bounded.


@dataclass(frozen=True, slots=True)
class Report:
    """How many things a task looked at, how many it changed, and what is wrong, a sentence each."""

    task: str
    seen: int = 0
    changed: int = 0
    problems: tuple[str, ...] = ()
    unfinished: bool = False  # The time was up; the next run goes on from there.

    def as_event(self) -> dict[str, object]:
        """Return the report as the fields of a log event."""
        return asdict(self)

"""Recovery drills: what one found, how old the copy was, and how long each step took."""

import re
from datetime import UTC, datetime, timedelta
from enum import Enum

from pydantic import Field

from shared.domain.records import Record
from shared.domain.sentences import counted
from shared.domain.times import MS

PROBLEMS_KEPT = 20  # Sentences; what the command prints has all of them.
# Copies are made every night: half a day is left to see that one is missing.
MAX_AGE = timedelta(hours=36)
SAMPLED_ARCHIVES = 200  # Archives that a drill in the cloud reads; all of them may be terabytes.

_NAMED_BY_TIME = re.compile(r"(\d{8}T\d{6})(?:\d{3})?Z")


class DrillOutcome(Enum):
    """What a drill shows about the copy."""

    WHOLE = "whole"  # It was restored, and nothing in it is wrong.
    PROBLEMS = "problems"  # It was restored, and something in it is wrong, or it is too old.
    FAILED = "failed"  # It could not be restored, or there is none.


class Drill(Record):
    """The result of a drill. `copied_ms` is the time of the copy, and None if there is none;
    `archives` counts those that were read, which are a sample in the cloud."""

    at_ms: int
    source: str = ""
    copied_ms: int | None = None
    seconds: dict[str, float] = Field(default_factory=dict[str, float])
    packages: int = 0
    releases: int = 0
    archives: int = 0
    entries: int = 0
    problems: tuple[str, ...] = ()
    outcome: DrillOutcome

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values())

    @property
    def restore_seconds(self) -> float:
        """How long it took until the registry could have been started."""
        return sum(
            self.seconds.get(step.value, 0.0) for step in (DrillStep.RESTORE, DrillStep.UPGRADE)
        )


class DrillStep(Enum):
    """The steps of a drill, in their order."""

    RESTORE = "restore"
    UPGRADE = "upgrade"  # The schema of the copy becomes that of this version, as at a start.
    DATABASE = "database"
    ARCHIVES = "archives"
    LOG = "log"


def time_of_name(name: str) -> int | None:
    """Return the time by which a backup or a snapshot is named, such as 20261121T033000Z; None for
    another name."""
    found = _NAMED_BY_TIME.fullmatch(name)
    if found is None:
        return None
    try:
        moment = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000


def age_text(age_ms: int) -> str:
    """Return an age for a sentence, such as 3 days and 2 hours."""
    hours = max(age_ms, 0) * MS // timedelta(hours=1)
    days, rest = divmod(hours, 24)
    if not days:
        return counted(rest, "hour")
    more = f" and {counted(rest, 'hour')}" if rest else ""
    return f"{counted(days, 'day')}{more}"


def too_old(source: str, age_ms: int, max_age: timedelta) -> str:
    """Return the sentence about a copy that is older than it may be; empty if it is not."""
    if age_ms * MS <= max_age:
        return ""
    return (
        f"{source} is the newest copy, and it is {age_text(age_ms)} old: it may be "
        f"{age_text(max_age // MS)} old at most. See why no newer one was made, and make one."
    )

"""What each maintenance task does and when it runs, in words for pages."""

from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from shared.schedules import next_run

_MINUTE_MS = 60_000
_MINUTES_A_DAY = 24 * 60
_MINUTES_AN_HOUR = 60


@dataclass(frozen=True, slots=True)
class TaskDescription:
    """What a task is for, in a line for everybody and in a sentence for whoever runs it."""

    title: str
    sentence: str


TASK_DESCRIPTIONS = MappingProxyType(
    {
        "settle": TaskDescription(
            "List what was published, where a crash came between",
            "Derives lists, search and logs again from every record whose changes are not in them.",
        ),
        "roll-up": TaskDescription(
            "Add up the pulls",
            "Adds the pulls that were counted to the packages, by which the search ranks them.",
        ),
        "expire": TaskDescription(
            "Let go of what has ended",
            "Deletes tokens, codes, invitations and counts whose time is over.",
        ),
        "remind": TaskDescription(
            "Tell people of tokens that end soon",
            "Writes to the owners of tokens that end within seven days, and within one.",
        ),
        "snapshot": TaskDescription(
            "Write all records down",
            "Writes every record to a snapshot, reads it again, counts what there is, "
            "and lets go of snapshots whose time is over.",
        ),
        "search": TaskDescription(
            "Find what other instances published",
            "Brings to the search index what the change feed did not bring.",
        ),
        "search-rebuild": TaskDescription(
            "Build the search anew",
            "Makes the search index again from the listings of all packages.",
        ),
        "sweep": TaskDescription(
            "Remove archives that no release has",
            "Removes what interrupted pushes left, after a grace period, and moves archives that "
            "lie on the wrong side.",
        ),
        "audit": TaskDescription(
            "Compare archives with their records",
            "Reads every archive again and names each release that is not what its archive says.",
        ),
        "forget": TaskDescription(
            "Forget where old events came from",
            "Takes address and credential out of events that are older than the log keeps them.",
        ),
        "prove": TaskDescription(
            "Look again at the domains of organizations",
            "Looks for the record of every verified domain, and takes away what it proved if it "
            "is gone.",
        ),
        "mend": TaskDescription(
            "Mend what is stale",
            "Derives lists and documents again where they are not what the releases say.",
        ),
        "keep": TaskDescription(
            "Finish what was to wait for two days",
            "Keeps an organization that is being deleted if a push that was under way brought it "
            "a package.",
        ),
        "refresh": TaskDescription(
            "Derive everything again",
            "Derives entries, search and documents of every package again from its releases.",
        ),
    }
)


def schedule_text(schedule: str | None) -> str:
    """Return when a task runs by itself: `every 5 minutes`, `daily at 03:20 UTC`, `by hand`.

    The schedule is one of equal intervals.
    """
    if schedule is None:
        return "by hand"
    first_ms = next_run(schedule, 0)
    minutes = (next_run(schedule, first_ms) - first_ms) // _MINUTE_MS
    if minutes == _MINUTES_A_DAY:
        return f"daily at {datetime.fromtimestamp(first_ms / 1000, UTC):%H:%M} UTC"
    if minutes < _MINUTES_AN_HOUR:
        return "every minute" if minutes == 1 else f"every {minutes} minutes"
    hours = minutes // _MINUTES_AN_HOUR
    return "every hour" if hours == 1 else f"every {hours} hours"

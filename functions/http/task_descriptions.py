"""The title, description and schedule of each maintenance task, for pages of administrators."""

from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from shared.schedules import next_run

_MINUTE_MS = 60_000
_MINUTES_A_DAY = 24 * 60
_MINUTES_AN_HOUR = 60


@dataclass(frozen=True, slots=True)
class TaskDescription:
    """The title of a task and a sentence that describes it."""

    title: str
    sentence: str


TASK_DESCRIPTIONS = MappingProxyType(
    {
        "settle": TaskDescription(
            "List changes after crashes",
            "Adds changes to lists, search and logs that are missing there.",
        ),
        "document": TaskDescription(
            "Document packages",
            "Makes the API documentation of releases that have none, or one by an older version of "
            "the registry.",
        ),
        "roll-up": TaskDescription(
            "Add up pulls",
            "Adds counted pulls to the totals of packages, which search uses for ranking.",
        ),
        "expire": TaskDescription(
            "Delete expired records",
            "Deletes expired tokens, codes, invitations and counts.",
        ),
        "remind": TaskDescription(
            "Send reminders about expiring tokens",
            "Notifies the owners of tokens seven days and one day before they expire.",
        ),
        "snapshot": TaskDescription(
            "Take a snapshot",
            "Writes all records to a snapshot, verifies it, counts records, and deletes old "
            "snapshots.",
        ),
        "search": TaskDescription(
            "Update the search index",
            "Adds changes of other instances to the search index that the change feed missed.",
        ),
        "copy": TaskDescription(
            "Copy public packages",
            "Compares the copies that Front Door reads while the registry does not answer with the "
            "records of all packages.",
        ),
        "pack": TaskDescription(
            "Pack popular packages",
            "Writes the records of the packages that are pulled most, which new instances load.",
        ),
        "search-rebuild": TaskDescription(
            "Rebuild the search index",
            "Creates the search index again from the listings of all packages.",
        ),
        "sweep": TaskDescription(
            "Delete orphaned archives",
            "Deletes archives of interrupted pushes after a grace period, and moves archives that "
            "are in the wrong container.",
        ),
        "audit": TaskDescription(
            "Audit archives",
            "Reads every archive and reports releases whose record does not match.",
        ),
        "forget": TaskDescription(
            "Anonymize old events",
            "Removes IP address and credential from events after their retention period.",
        ),
        "prove": TaskDescription(
            "Check verified domains",
            "Checks the TXT record of every verified domain, and removes the verification if it "
            "is gone.",
        ),
        "mend": TaskDescription(
            "Repair derived data",
            "Computes lists and documents again that do not match the releases.",
        ),
        "keep": TaskDescription(
            "Finish scheduled deletions",
            "Cancels the deletion of an organization if a push in progress published a package to "
            "it.",
        ),
        "refresh": TaskDescription(
            "Rebuild all derived data",
            "Computes lists, search entries and documents of all packages again from their "
            "releases.",
        ),
    }
)


def schedule_text(schedule: str | None) -> str:
    """Return when a task runs by itself: `every 5 minutes`, `daily at 03:20 UTC`, `on request`.

    The schedule is one of equal intervals.
    """
    if schedule is None:
        return "on request"
    first_ms = next_run(schedule, 0)
    minutes = (next_run(schedule, first_ms) - first_ms) // _MINUTE_MS
    if minutes == _MINUTES_A_DAY:
        return f"daily at {datetime.fromtimestamp(first_ms / 1000, UTC):%H:%M} UTC"
    if minutes < _MINUTES_AN_HOUR:
        return "every minute" if minutes == 1 else f"every {minutes} minutes"
    hours = minutes // _MINUTES_AN_HOUR
    return "every hour" if hours == 1 else f"every {hours} hours"

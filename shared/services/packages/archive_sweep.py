"""When the task `delete-orphaned-archives` runs, and when it has deleted a given archive at the
latest."""

from datetime import timedelta

from shared.domain.times import MS
from shared.runtime.schedules import next_run

SWEEP_SCHEDULE = "0 20 3 * * *"
SWEEP_TIME = timedelta(hours=1)  # The longest time that the task takes.


def erased_by_ms(removed_ms: int, sweep_grace_hours: int) -> int:
    """Return when the archive of a release that was removed then is deleted at the latest."""
    grace_ends_ms = removed_ms + timedelta(hours=sweep_grace_hours) // MS
    return next_run(SWEEP_SCHEDULE, grace_ends_ms) + SWEEP_TIME // MS

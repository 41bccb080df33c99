"""Schedules: when each task of upkeep runs. A task that is not here is run by hand."""

from types import MappingProxyType

from shared.domain.schedules import Schedule

SCHEDULES = MappingProxyType(
    {
        "settle": "15 * * * * *",  # What a crash left half listed is listed within a minute.
        "search": "45 */5 * * * *",  # What the change feed did not bring; in the cloud alone.
        "roll-up": "0 */5 * * * *",
        "expire": "30 7 * * * *",
        "remind": "30 37 * * * *",
        "snapshot": "0 5 2 * * *",  # Before the sweep: what it names is there for a day and more.
        "sweep": "0 20 3 * * *",
        "audit": "0 40 3 * * *",
        "forget": "0 50 3 * * *",
        "prove": "0 10 4 * * *",
        "mend": "0 30 4 * * *",
        "keep": "0 15 */6 * * *",
    }
)

# After it runs what somebody asked for: a timer of its own would keep an instance busy each minute.
TAKES_UP = "settle"


def schedule_of(task: str) -> Schedule | None:
    """Return when the task runs by itself, or None."""
    text = SCHEDULES.get(task)
    return None if text is None else Schedule.parse(text)

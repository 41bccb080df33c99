"""Schedules of tasks, as cron expressions with seconds."""

from datetime import UTC, datetime

_FIELDS = 6


def is_schedule(text: str) -> bool:
    from croniter import croniter  # noqa: PLC0415 - its import takes 40 ms, and few requests need it.

    return len(text.split()) == _FIELDS and croniter.is_valid(text, second_at_beginning=True)


def next_run(schedule: str, after_ms: int) -> int:
    """Return when the schedule is due next after a time, in milliseconds since 1970."""
    from croniter import croniter  # noqa: PLC0415 - the same.

    start = datetime.fromtimestamp(after_ms / 1000, UTC)
    following = croniter(schedule, start, second_at_beginning=True).get_next(datetime)
    return round(following.timestamp() * 1000)

"""When a task runs: schedules of the six fields of a timer, every day, in UTC."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

DAILY = ("*", "*", "*")  # Day, month and weekday: no task needs others.

_UNITS = (60, 60, 24)  # Seconds, minutes and hours.
_DAY_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Schedule:
    """The seconds, minutes and hours of each day at which something runs."""

    text: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a schedule: each field a number, `*`, or `*/n`; raise `ValueError` otherwise."""
        *of_the_day, day, month, weekday = text.split()
        if (day, month, weekday) != DAILY:
            message = f"the schedule '{text}' is not of every day"
            raise ValueError(message)
        fields = zip(of_the_day, _UNITS, strict=True)
        return cls(text, *(tuple(_values(field, most)) for field, most in fields))

    def next_after(self, at_ms: int) -> int:
        """Return the first time after this one."""
        at_s = at_ms // 1000
        day_s = at_s - at_s % _DAY_S
        of_day = at_s - day_s
        later = next((each for each in self._of_the_day() if each > of_day), None)
        if later is None:
            later = _DAY_S + next(iter(self._of_the_day()))
        return (day_s + later) * 1000

    def _of_the_day(self) -> Iterable[int]:
        return (
            (hour * 60 + minute) * 60 + second
            for hour in self.hours
            for minute in self.minutes
            for second in self.seconds
        )


def _values(field: str, most: int) -> range:
    first, _, step = field.partition("/")
    if first == "*":
        return range(0, most, int(step or 1))
    value = int(first)
    if step or value not in range(most):
        message = f"'{field}' is no field of a schedule"
        raise ValueError(message)
    return range(value, value + 1)

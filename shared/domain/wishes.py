"""Wishes: tasks of upkeep that an administrator wants to run now."""

from datetime import timedelta
from typing import ClassVar

from shared.domain.entity import Entity, Place

OWNER = "upkeep"
LASTS = timedelta(days=1)  # What no timer took up for that long is asked for again, or never.


class Wish(Entity):
    """A task that somebody asked for, until it has run."""

    kind: ClassVar[str] = "upkeep-wish"

    task: str
    asked_by: str
    asked_ms: int
    begun_ms: int | None = None  # When an instance took it up last.
    is_held_up: bool = False  # A run that began before is under way; this one comes after it.

    @property
    def place(self) -> Place:
        """Return the task's place among all wishes."""
        return place_of_wish(self.task)

    @property
    def ends_ms(self) -> int:
        """Return when nobody waits for it any more."""
        return self.asked_ms + LASTS // timedelta(milliseconds=1)


def place_of_wish(task: str) -> Place:
    """Return where it is written who asked for a task; of several the first is kept."""
    return Place(OWNER, task)

"""Oversight: how a registry is, what of that is not as it should be, and what to do about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from shared.domain.bulletin import ReadOnly
from shared.domain.census import Counted
from shared.domain.rates import Limits, OperationClass, Wait
from shared.domain.runs import Result, Run, Standing
from shared.domain.wishes import Wish

SCARCE_BYTES = 5 * 1024**3  # Some eighty of the largest archives.
SCARCE_PART = 20  # Of the whole disk: others fill it as well.
GONE_BYTES = 1024**3  # Databases write what they change twice before it is once.
LATE = timedelta(minutes=10)  # Settling runs each minute; what waits for longer is stuck.
_MS = timedelta(milliseconds=1)


class Mood(Enum):
    """How much something matters."""

    WARN = "warn"  # Packages are served all the same.
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that is not as it should be, and what to do; `task` is the one that it is about."""

    mood: Mood
    sentence: str
    way_out: str
    task: str = ""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Records whose changes are not listed yet, as far as they were counted."""

    count: int
    is_more: bool
    oldest_ms: int | None

    def is_stuck(self, now_ms: int) -> bool:
        """Say whether one has waited for longer than the next run of upkeep."""
        return self.oldest_ms is not None and now_ms - self.oldest_ms > LATE // _MS


@dataclass(frozen=True, slots=True)
class Room:
    """How much there is on the disk that everything lies on, and how much of it is free."""

    total_bytes: int
    free_bytes: int

    @property
    def is_scarce(self) -> bool:
        """Say whether somebody should make room within days."""
        return self.free_bytes < max(SCARCE_BYTES, self.total_bytes // SCARCE_PART)

    @property
    def is_gone(self) -> bool:
        """Say whether pushes may be refused within hours."""
        return self.free_bytes < GONE_BYTES


@dataclass(frozen=True, slots=True)
class Task:
    """A task as administrators see it: how it stands, and who wants it to run now, if anybody."""

    standing: Standing
    wish: Wish | None = None
    asked_by: str = ""

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.standing.task


@dataclass(frozen=True, slots=True)
class Waiter:
    """Somebody who has to wait; an account by its name, anything else by what it is counted by."""

    wait: Wait
    name: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast everybody may be, and who was too fast: those who wait longest, of `count`."""

    rules: Mapping[OperationClass, Limits]
    waiters: tuple[Waiter, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What is known of the registry at one moment; None of stores that did not answer."""

    at_ms: int
    standings: tuple[Standing, ...] | None
    backlog: Backlog | None
    counted: Counted | None
    room: Room | None
    read_only: ReadOnly | None = None

    @property
    def concerns(self) -> tuple[Concern, ...]:
        """Return what is not as it should be, the worst first."""
        found = [*self._of_stores(), *self._of_tasks(), *self._of_backlog(), *self._of_itself()]
        return tuple(sorted(found, key=lambda each: each.mood is not Mood.BAD))

    @property
    def troubled(self) -> tuple[Standing, ...]:
        """Return the tasks that are late, broke off, or found something wrong."""
        known = self.standings or ()
        return tuple(each for each in known if any(_of_task(each, self.at_ms)))

    def standing(self, task: str) -> Standing | None:
        """Return how one task stands; None where there is none of the name, or nobody knows."""
        return next((each for each in self.standings or () if each.task == task), None)

    def _of_stores(self) -> Iterator[Concern]:
        if self.standings is None or self.backlog is None:
            yield Concern(
                Mood.BAD,
                "The stores do not answer.",
                "Packages cannot be read or published until they do; what was published is safe. "
                "The log of the registry says what they refuse.",
            )

    def _of_tasks(self) -> Iterator[Concern]:
        standings = self.standings or ()
        for each in standings:
            yield from _of_task(each, self.at_ms)
        if standings and not any(each.last for each in standings):
            yield Concern(
                Mood.WARN,
                "No task has run yet.",
                "After the first start that takes a minute. Later it means that no timer runs: "
                "start the registry again.",
            )

    def _of_backlog(self) -> Iterator[Concern]:
        if self.backlog and self.backlog.is_stuck(self.at_ms):
            yield Concern(
                Mood.WARN,
                "Changes that were made are not listed yet.",
                "Each is safe, but lists, search and logs lack it. Run the task that lists them; "
                "what it cannot list, it names.",
                "settle",
            )

    def _of_itself(self) -> Iterator[Concern]:
        if self.read_only:
            reason = self.read_only.reason.rstrip(".")
            sentence = f"The registry takes no changes: {reason}."
            yield Concern(Mood.WARN, sentence, "Turn that off when its reason is gone.")
        if self.room and self.room.is_gone:
            sentence = "The disk is almost full."
            way_out = "Make room now: when nothing is left, nothing can be published or changed."
            yield Concern(Mood.BAD, sentence, way_out)
        elif self.room and self.room.is_scarce:
            sentence = "The disk is filling up."
            way_out = "Make room within the next days, or move the registry to a larger disk."
            yield Concern(Mood.WARN, sentence, way_out)


def _of_task(standing: Standing, now_ms: int) -> Iterator[Concern]:
    last = standing.last
    if last and last.result is Result.FAILED:
        sentence = f"The task {standing.task} broke off."
        way_out = "What it had done is done. Run it again; the log says where it stopped."
        yield Concern(Mood.BAD, sentence, way_out, standing.task)
    if last and last.result is Result.PROBLEMS:
        sentence = f"The task {standing.task} found {_problems(last)}"
        way_out = "It says so until a run finds nothing wrong."
        yield Concern(Mood.WARN, sentence, way_out, standing.task)
    if standing.is_overdue(now_ms):
        sentence = f"The task {standing.task} is overdue."
        way_out = "Run it now. If others are late as well, no timer runs: start the registry again."
        yield Concern(Mood.WARN, sentence, way_out, standing.task)


def _problems(run: Run) -> str:
    first, *others = run.problems
    if not others:
        return f"a problem: {first}"
    or_more = " or more" if run.may_have_more else ""
    return f"{len(run.problems)} problems{or_more}, the first: {first}"

"""Status of the registry: counts, backlog, disk space, tasks with their runs, problems with
what to do about them; and the notice and the read-only mode that pages show.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from enum import Enum
from typing import ClassVar, Self

from msgspec import Struct
from msgspec.structs import asdict

from shared.domain.accounts import Account
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Release
from shared.domain.product_releases import ProductRelease
from shared.domain.records import Record
from shared.domain.release_states import State
from shared.domain.sentences import named
from shared.domain.times import MS
from shared.domain.visibility import Visibility

PROBLEMS_KEPT = 20  # Sentences; the log has all of them.
# Longer than any task takes, and than an instance needs to start.
OVERDUE_AFTER = timedelta(minutes=15)


class TaskReport(Struct, frozen=True):
    """How many things a run read and changed, and the problems it found, a sentence each."""

    seen: int = 0
    changed: int = 0
    problems: tuple[str, ...] = ()
    unfinished: bool = False  # Its time was over; the next run goes on from its checkpoint.

    def as_event(self) -> dict[str, object]:
        """Return the report as fields of a log event."""
        return asdict(self)


class TaskResult(Enum):
    """The outcome of a run."""

    DONE = "done"
    PROBLEMS = "problems"  # It finished, and found problems.
    FAILED = "failed"  # It stopped; what it had done stays.


class TaskRun(Record):
    task: str
    started_ms: int
    ended_ms: int
    result: TaskResult
    seen: int = 0
    changed: int = 0
    problems: tuple[str, ...] = ()
    unfinished: bool = False  # The next run continues where this one stopped.

    @property
    def may_have_more(self) -> bool:
        """Whether the run may have found more problems than are stored."""
        return len(self.problems) == PROBLEMS_KEPT

    @property
    def duration(self) -> timedelta:
        return timedelta(milliseconds=self.ended_ms - self.started_ms)


class TaskState(Struct, frozen=True):
    """A task: its last run, if any, when the next is due, if it has a schedule, and when somebody
    asked for a run that has not begun."""

    task: str
    last_run: TaskRun | None
    due_ms: int | None
    requested_ms: int | None = None

    def is_overdue(self, now_ms: int) -> bool:
        """Check whether a run is missing. A task that never ran is never overdue."""
        if self.last_run is None or self.due_ms is None:
            return False
        return now_ms - self.due_ms > OVERDUE_AFTER // MS


MAX_NOTICE_LENGTH = 300  # Two sentences.
MAX_READ_ONLY_REASON_LENGTH = 200  # It is a part of a sentence.

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Banner(Struct, frozen=True):
    """A text above every page."""

    text: str
    is_about_read_only: bool = False


class ReadOnlyState(Record):
    """Why the registry is read-only, and since when."""

    reason: str
    since_ms: int


class NoticeBoard(Entity):
    """The notice, empty for none, and the read-only state in one record, so that one read gets
    both."""

    kind: ClassVar[str] = "bulletin"

    notice: str = ""
    read_only: ReadOnlyState | None = None

    @property
    def place(self) -> Place:
        return NOTICE_BOARD_PLACE

    @property
    def banners(self) -> tuple[Banner, ...]:
        """The banners of pages, the most severe first."""
        banners = (Banner(self.notice),) if self.notice else ()
        if self.read_only is None:
            return banners
        text = (
            f"This registry is in read-only mode: {self.read_only.reason}. "
            "Packages can still be searched and pulled."
        )
        return (Banner(text, is_about_read_only=True), *banners)


NOTICE_BOARD_PLACE = Place("registry")


def parse_notice(text: str) -> str:
    """Return a notice in one line, or raise `InvalidRequest`."""
    return _line("notice", text, MAX_NOTICE_LENGTH)


def parse_read_only_reason(text: str) -> str:
    """Return the reason as a part of a sentence, or raise `InvalidRequest`."""
    return _line("reason", text, MAX_READ_ONLY_REASON_LENGTH).rstrip(".!? ")


def _line(what: str, text: str, most: int) -> str:
    line = " ".join(text.split())
    if not line.strip(".!? ") or len(line) > most or _CONTROL.search(line):
        message = f"A {what} has 1 to {most} characters, in one line. Write it again."
        raise InvalidRequest(message)
    return line


LOW_DISK_BYTES = 5 * 1024**3  # About eighty of the largest archives.
LOW_DISK_FRACTION = 20  # The disk is also low on space if less than one part in 20 is free.
FULL_DISK_BYTES = 1024**3  # Databases need temporary space for writes.
BACKLOG_STUCK_AFTER = timedelta(minutes=10)  # Outboxes are processed every minute.


class Urgency(Enum):
    """How urgent a problem or a notice is."""

    WARN = "warn"  # Packages are still served.
    BAD = "bad"


class StatusProblem(Struct, frozen=True):
    """A problem and what to do about it; `task` is the task concerned, and `page` where somebody
    decides, if any."""

    severity: Urgency
    sentence: str
    way_out: str
    task: str = ""
    page: str = ""


class Backlog(Struct, frozen=True):
    """Records whose changes are not listed yet, counted up to a bound."""

    count: int
    is_more: bool
    oldest_ms: int | None
    task: str  # The id of the task that lists them.

    def is_stuck(self, now_ms: int) -> bool:
        """Check whether a record waits longer than the next run of upkeep."""
        return self.oldest_ms is not None and now_ms - self.oldest_ms > BACKLOG_STUCK_AFTER // MS


class DiskSpace(Struct, frozen=True):
    """Total and free space of the disk with all data."""

    total_bytes: int
    free_bytes: int

    @property
    def is_low(self) -> bool:
        """Whether space is needed within days."""
        return self.free_bytes < max(LOW_DISK_BYTES, self.total_bytes // LOW_DISK_FRACTION)

    @property
    def is_full(self) -> bool:
        """Whether pushes may be refused within hours."""
        return self.free_bytes < FULL_DISK_BYTES


class RegistryCounts(Record):
    """The number of records, including private and withheld ones, without removed releases."""

    accounts: int = 0
    organizations: int = 0
    packages: int = 0
    private_packages: int = 0
    releases: int = 0
    public_releases: int = 0  # Live releases of public packages.
    withheld_releases: int = 0
    pulls: int = 0
    archive_bytes: int = 0

    @classmethod
    def of_package(cls, head: Head, releases: Iterable[Release]) -> Self:
        """Count one package with its releases; a name without releases counts as nothing."""
        kept = [each for each in releases if each.state is not State.REMOVED]
        if not kept:
            return cls()
        is_public = head.visibility is Visibility.PUBLIC
        live = sum(each.state is State.LIVE for each in kept)
        return cls(
            packages=1,
            private_packages=0 if is_public else 1,
            releases=len(kept),
            public_releases=live if is_public else 0,
            withheld_releases=sum(each.state in _WITHHELD for each in kept),
            pulls=head.pulls,
            archive_bytes=sum(each.size_bytes for each in kept),
        )

    @classmethod
    def of_entities(cls, entities: Sequence[Entity], now_ms: int) -> Self:
        organizations = [each for each in entities if isinstance(each, Organization)]
        return cls(
            accounts=sum(isinstance(each, Account) for each in entities),
            organizations=sum(not each.is_deleted_at(now_ms) for each in organizations),
        )

    def plus(self, other: Self) -> Self:
        theirs = other.model_dump(include=_COUNT_FIELDS)
        return self.model_copy(update={name: getattr(self, name) + theirs[name] for name in theirs})


class DatedCounts(Record):
    """The counts of a registry, and the time at which they were made."""

    census: RegistryCounts
    at_ms: int


class StatusReport(Struct, frozen=True):
    """The status of the registry; None for what stores did not answer."""

    at_ms: int
    tasks: tuple[TaskState, ...] | None
    backlog: Backlog | None
    counts: DatedCounts | None
    disk_space: DiskSpace | None
    read_only: ReadOnlyState | None = None
    to_decide: tuple[StatusProblem, ...] = ()  # What waits for an administrator.
    newer: tuple[ProductRelease, ...] = ()  # Releases of Ballroom, the newest first.

    @property
    def problems(self) -> tuple[StatusProblem, ...]:
        """The problems, the most severe first."""
        found = [
            *self._store_problems(),
            *self._task_problems(),
            *self._backlog_problems(),
            *self._other_problems(),
            *self.to_decide,
            *release_problems(self.newer),
        ]
        return tuple(sorted(found, key=lambda each: each.severity is not Urgency.BAD))

    @property
    def problem_tasks(self) -> tuple[TaskState, ...]:
        """The tasks that are overdue, failed, or found problems."""
        known = self.tasks or ()
        return tuple(each for each in known if any(_task_problems(each, self.at_ms)))

    def task(self, task: str) -> TaskState | None:
        return next((each for each in self.tasks or () if each.task == task), None)

    def _store_problems(self) -> Iterator[StatusProblem]:
        if self.tasks is None or self.backlog is None:
            yield StatusProblem(
                Urgency.BAD,
                "The stores do not respond.",
                "Packages cannot be read or published until they do; published packages are safe. "
                "The log of the registry has the errors.",
            )

    def _task_problems(self) -> Iterator[StatusProblem]:
        standings = self.tasks or ()
        for each in standings:
            yield from _task_problems(each, self.at_ms)
        if standings and not any(each.last_run for each in standings):
            yield StatusProblem(
                Urgency.WARN,
                "No task has run yet.",
                "After the first start, this takes a minute. Otherwise no timer is running: "
                "restart the registry.",
            )

    def _backlog_problems(self) -> Iterator[StatusProblem]:
        if self.backlog and self.backlog.is_stuck(self.at_ms):
            yield StatusProblem(
                Urgency.WARN,
                "Some changes are not listed yet.",
                "They are stored, but missing in lists, search and logs. Run the task that lists "
                "them; it reports changes that it cannot list.",
                self.backlog.task,
            )

    def _other_problems(self) -> Iterator[StatusProblem]:
        if self.read_only:
            reason = self.read_only.reason.rstrip(".")
            sentence = f"Read-only mode is on: {reason}."
            yield StatusProblem(Urgency.WARN, sentence, "Turn it off when it is no longer needed.")
        if self.disk_space and self.disk_space.is_full:
            sentence = "The disk is almost full."
            way_out = "Free space now: on a full disk, nothing can be published or changed."
            yield StatusProblem(Urgency.BAD, sentence, way_out)
        elif self.disk_space and self.disk_space.is_low:
            sentence = "Disk space is low."
            way_out = "Free space within the next days, or move the registry to a larger disk."
            yield StatusProblem(Urgency.WARN, sentence, way_out)


NAMED_AT_MOST = 10  # Names that a list in a sentence shows.


def first_of(names: Sequence[str]) -> str:
    """Return the first names for a sentence, and how many more there are."""
    return named(names, NAMED_AT_MOST, "; ")


def release_problems(newer: Sequence[ProductRelease]) -> Iterator[StatusProblem]:
    """Yield a problem if a newer version of Ballroom fixes a vulnerability."""
    if fixing := [each for each in newer if each.is_security]:
        versions = ", ".join(each.version for each in fixing)
        sentence = f"Newer versions of Ballroom fix vulnerabilities: {versions}."
        page = f" {fixing[0].page} says what it fixes." if fixing[0].page else ""
        way_out = f"Upgrade to {newer[0].version}.{page}"
        yield StatusProblem(Urgency.WARN, sentence, way_out)


def _task_problems(state: TaskState, now_ms: int) -> Iterator[StatusProblem]:
    last = state.last_run
    if last and last.result is TaskResult.FAILED:
        sentence = f"The task {state.task} failed."
        way_out = "Run it again; the log has the error."
        yield StatusProblem(Urgency.BAD, sentence, way_out, state.task)
    if last and last.result is TaskResult.PROBLEMS:
        sentence = f"The task {state.task} found {_problems(last)}"
        way_out = "This is shown until a run finds no problem."
        yield StatusProblem(Urgency.WARN, sentence, way_out, state.task)
    if state.is_overdue(now_ms):
        sentence = f"The task {state.task} is overdue."
        way_out = "Run it now. If others are overdue, no timer is running: restart the registry."
        yield StatusProblem(Urgency.WARN, sentence, way_out, state.task)


def _problems(run: TaskRun) -> str:
    first, *others = run.problems
    if not others:
        return f"a problem: {first}"
    or_more = " or more" if run.may_have_more else ""
    return f"{len(run.problems)} problems{or_more}, the first: {first}"


_WITHHELD = {State.HELD, State.QUARANTINED}

_COUNT_FIELDS = set(RegistryCounts.model_fields) - set(Record.model_fields)

SOFTWARE_VERSION = "0.3.0"  # As in pyproject.toml, which is not deployed.

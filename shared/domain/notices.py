"""Notices to all users, and the read-only mode of the registry."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import ClassVar, Self

from shared.domain.errors.base import Conflict, InvalidRequest, NotFound, about_field, quoted
from shared.domain.records import Entity, Place, Record
from shared.domain.times import MS, parse_time

MAX_NOTICE_LENGTH = 300  # Two sentences.
MAX_READ_ONLY_REASON_LENGTH = 200  # It is a part of a sentence.
MAX_NOTICE_LINK_LENGTH = 500
DEFAULT_NOTICE_PERIOD = timedelta(days=7)  # When no end is given.
MAX_NOTICE_PERIOD = timedelta(days=90)  # Anything longer belongs on a page.
MAX_NOTICES = 5  # Current and future ones.
ENDED_NOTICES_KEPT = 20  # Shown to administrators.

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Browsers read `//` and a backslash at the start as another host.
_LINK = re.compile(
    r"/(?![/\\])[^\s\\\"<>]*|https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:[/?#][^\s\\\"<>]*)?",
    re.IGNORECASE,
)
_SCHEME = "https://"


class NoticeKind(Enum):
    """How a notice is meant; the gravest are shown first."""

    MAINTENANCE = "maintenance"
    WARNING = "warning"
    INFORMATION = "information"


class NoticeStage(Enum):
    """Whether a notice is shown."""

    CURRENT = "current"
    COMING = "coming"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Banner:
    text: str
    mood: NoticeKind
    link: str = ""

    @property
    def host(self) -> str:
        """The host of a link to another site; empty for a page of this registry."""
        if not self.link.startswith(_SCHEME):
            return ""
        return re.split(r"[/?#]", self.link.removeprefix(_SCHEME), maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class NoticeDraft:
    text: str
    mood: NoticeKind
    link: str
    from_ms: int
    until_ms: int

    @classmethod
    def parse(
        cls, text: str, mood: str, link: str = "", *, span: tuple[str, str], now_ms: int
    ) -> Self:
        """Parse a form; `span` is the begin and the end, each may be empty.

        Raises `InvalidRequest`.
        """
        begins, ends = span
        from_ms = max(now_ms, parse_time("from", begins)) if begins else now_ms
        with about_field("until"):
            until_ms = parse_time("until", ends) if ends else from_ms + DEFAULT_NOTICE_PERIOD // MS
            _check_span(from_ms, until_ms, now_ms)
        with about_field("text"):
            said = _line("notice", text, MAX_NOTICE_LENGTH)
        with about_field("link"):
            checked = _link(link)
        return cls(said, _mood(mood), checked, from_ms, until_ms)


class Notice(Record):
    """One or two sentences that every page shows for a time."""

    id: str
    text: str
    mood: NoticeKind
    link: str = ""
    from_ms: int
    until_ms: int

    def stage(self, now_ms: int) -> NoticeStage:
        if self.until_ms <= now_ms:
            return NoticeStage.ENDED
        return NoticeStage.COMING if now_ms < self.from_ms else NoticeStage.CURRENT


class ReadOnlyState(Record):
    """Why the registry is read-only, and since when."""

    reason: str
    since_ms: int


class NoticeBoard(Entity):
    """All notices and the read-only state, in one record, so that one read gets them all."""

    kind: ClassVar[str] = "bulletin"

    notices: tuple[Notice, ...] = ()
    read_only: ReadOnlyState | None = None

    @property
    def place(self) -> Place:
        return NOTICE_BOARD_PLACE

    def banners(self, now_ms: int) -> tuple[Banner, ...]:
        """Return the banners of pages at that time, the most severe first."""
        moods = list(NoticeKind)
        current = sorted(
            self.at_stage(NoticeStage.CURRENT, now_ms), key=lambda n: moods.index(n.mood)
        )
        said = tuple(Banner(each.text, each.mood, each.link) for each in current)
        if self.read_only is None:
            return said
        text = (
            f"This registry is in read-only mode: {self.read_only.reason}. "
            "Packages can still be searched and pulled."
        )
        return (Banner(text, NoticeKind.MAINTENANCE), *said)

    def at_stage(self, stage: NoticeStage, now_ms: int) -> list[Notice]:
        found = [each for each in self.notices if each.stage(now_ms) is stage]
        return sorted(found, key=lambda notice: notice.from_ms)

    def with_notice(self, notice: Notice, now_ms: int) -> "NoticeBoard":
        """Return the board with one more notice, or raise `too-many-notices`."""
        ended = self.at_stage(NoticeStage.ENDED, now_ms)[-ENDED_NOTICES_KEPT:]
        others = [each for each in self.notices if each.stage(now_ms) is not NoticeStage.ENDED]
        if len(others) >= MAX_NOTICES:
            raise Conflict(
                "too-many-notices",
                f"There are {MAX_NOTICES} active and scheduled notices, which is the limit. End "
                "one of them first.",
            )
        return self._with((*ended, *others, notice))

    def with_end(self, notice_id: str, until_ms: int, now_ms: int) -> "NoticeBoard":
        """Return the board with another end of a notice; an end in the past ends it now.

        Raises `notice-not-found` or `InvalidRequest`.
        """
        notice = self.open_notice(notice_id, now_ms)
        if until_ms > now_ms:
            _check_span(notice.from_ms, until_ms, now_ms)
        changed = notice.model_copy(update={"until_ms": max(until_ms, now_ms)})
        return self._with([changed if each is notice else each for each in self.notices])

    def open_notice(self, notice_id: str, now_ms: int) -> Notice:
        """Return a notice that has not ended, or raise `notice-not-found`."""
        for each in self.notices:
            if each.id == notice_id and each.stage(now_ms) is not NoticeStage.ENDED:
                return each
        raise NotFound(
            "notice-not-found",
            f"There is no active or scheduled notice {quoted(notice_id)}. Reload the page: it may "
            "have ended.",
        )

    def _with(self, notices: Sequence[Notice]) -> "NoticeBoard":
        return self.model_copy(update={"notices": tuple(notices)})


NOTICE_BOARD_PLACE = Place("registry")


def parse_read_only_reason(text: str) -> str:
    """Return the reason as a part of a sentence, or raise `InvalidRequest`."""
    return _line("reason", text, MAX_READ_ONLY_REASON_LENGTH).rstrip(".!? ")


def _line(what: str, text: str, most: int) -> str:
    line = " ".join(text.split())
    if not line.strip(".!? ") or len(line) > most or _CONTROL.search(line):
        message = f"A {what} has 1 to {most} characters, in one line. Write it again."
        raise InvalidRequest(message)
    return line


def _mood(text: str) -> NoticeKind:
    try:
        return NoticeKind(text)
    except ValueError:
        message = f"A notice is one of {', '.join(each.value for each in NoticeKind)}."
        raise InvalidRequest(message) from None


def _link(text: str) -> str:
    if text and (
        len(text) > MAX_NOTICE_LINK_LENGTH or not text.isascii() or not _LINK.fullmatch(text)
    ):
        message = (
            "The link of a notice is a page of this registry, such as /about/status, or begins "
            "with https://. Correct it, or leave it out."
        )
        raise InvalidRequest(message)
    return text


def _check_span(from_ms: int, until_ms: int, now_ms: int) -> None:
    if not max(from_ms, now_ms) < until_ms <= now_ms + MAX_NOTICE_PERIOD // MS:
        message = (
            f"A notice ends after it begins, and within {MAX_NOTICE_PERIOD.days} days from now. "
            "Choose another end."
        )
        raise InvalidRequest(message)

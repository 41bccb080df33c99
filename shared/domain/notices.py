"""The notice above every page, and the read-only mode."""

import re
from typing import ClassVar

from msgspec import Struct

from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest
from shared.domain.records import Record

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

"""Organizations: their records, display names, descriptions and look-alike names."""

import re
import unicodedata
from typing import ClassVar

from shared.domain.errors.base import Invalid, InvalidRequest
from shared.domain.packages import Visibility
from shared.domain.records import Entity, Place

MAX_DISPLAY_NAME, MAX_DESCRIPTION = 80, 500  # Characters: a line of a list, a paragraph.


class Organization(Entity):
    """The owner of packages. `name` keeps its first spelling and never changes."""

    kind: ClassVar[str] = "organization"

    id: str = ""  # Never changes; tokens refer to it.
    name: str
    founder: str
    created_ms: int
    display_name: str = ""
    description: str = ""
    default_visibility: Visibility = Visibility.PUBLIC  # Where the archive says nothing.
    deleting_ms: int | None = None  # When it is deleted, unless that is undone before.
    bursts_until_ms: int = 0  # Until then burst detection is off.
    upstream: str = ""  # The registry that its name was moved to; nothing is published in it.

    @property
    def key(self) -> str:
        return self.name.lower()

    @property
    def is_hidden(self) -> bool:
        """Whether only members may know that it exists."""
        return self.default_visibility is Visibility.PRIVATE

    def is_deleted_at(self, now_ms: int) -> bool:
        """Check whether it is deleted at that time; while its record stays, its name is taken."""
        return self.deleting_ms is not None and now_ms >= self.deleting_ms

    @property
    def place(self) -> Place:
        return organization_place(self.name)


def organization_place(org: str) -> Place:
    return Place(org.lower())


class NameSkeleton(Entity):
    """One of two skeletons of an organization's name, by which look-alikes are found."""

    kind: ClassVar[str] = "look-alike"

    org: str
    skeleton: str

    @property
    def place(self) -> Place:
        """The place is in the organization's partition, so both are added at once."""
        return Place(self.org.lower(), self.skeleton)

    @property
    def subject(self) -> str:
        return self.skeleton


# Control and private characters, and invisible ones that change direction or join letters.
_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def parse_display_name(text: str) -> str:
    """Return `text` as a display name, which may be empty, or raise `InvalidRequest`."""
    return _line("display name", text, MAX_DISPLAY_NAME)


def parse_description(text: str) -> str:
    """Return `text` as a description, which may be empty, or raise `InvalidRequest`."""
    return _line("description", text, MAX_DESCRIPTION)


def parse_invitation_label(text: str) -> str:
    """Return `text` as the label of an invitation, or raise `InvalidRequest`."""
    return _line("label", text, MAX_DISPLAY_NAME)


def parse_reason(text: str, what: str = "reason") -> str:
    """Return `text` as one line, which may be empty, or raise `InvalidRequest` about `what`."""
    return _line(what, text, MAX_DESCRIPTION)


def parse_required_reason(text: str, what: str) -> str:
    """Return `text` as the reason for `what`, or raise `reason-missing` or `InvalidRequest`."""
    reason = parse_reason(text)
    if not reason:
        raise Invalid(
            "reason-missing",
            f"Enter a reason for {what}, in one line: others read it later.",
        )
    return reason


def _line(what: str, text: str, limit: int) -> str:
    line = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()
    if len(line) > limit:
        message = f"The {what} has {len(line)} characters, and {limit} fit. Shorten it."
        raise InvalidRequest(message)
    if any(unicodedata.category(character) in _UNSEEN for character in line):
        message = f"The {what} holds characters that nobody sees. Write it with visible ones."
        raise InvalidRequest(message)
    return line

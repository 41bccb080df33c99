"""Queries for events: of the audit log, of histories and of the feed."""

from collections.abc import Mapping
from typing import Self

from msgspec import Struct

from shared.domain.errors.base import InvalidRequest
from shared.domain.events import Event
from shared.domain.times import parse_time

EVENTS_PAGE_SIZE = 50
MAX_EVENTS_PAGE_SIZE = 500
MAX_FILTER_LENGTH = 200  # Characters.


class EventQuery(Struct, frozen=True):
    """Events with a number below `before`, latest first, filtered by kind, actor and time; or those
    with a number above `after`, in the order of the feed.

    `kind` is a prefix. `subject` is in lower case; no URL sets it.
    """

    before: int | None = None
    after: int | None = None
    count: int = EVENTS_PAGE_SIZE
    kind: str = ""
    actor: str = ""
    subject: str = ""
    since_ms: int = 0
    until_ms: int | None = None

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> Self:
        """Parse query parameters, or raise `InvalidRequest`."""
        if params.get("before") and params.get("after"):
            raise two_directions()
        return cls(
            before=_number(params, "before", 1, 2**62),
            after=_number(params, "after", 0, 2**53),
            count=_number(params, "count", 1, MAX_EVENTS_PAGE_SIZE) or EVENTS_PAGE_SIZE,
            kind=params.get("kind", "")[:MAX_FILTER_LENGTH],
            actor=params.get("actor", "")[:MAX_FILTER_LENGTH],
            since_ms=_time(params, "since") or 0,
            until_ms=_time(params, "until"),
        )

    def matches(self, event: Event) -> bool:
        return (
            event.kind.startswith(self.kind)
            and self.actor in ("", event.actor)
            and self.subject in ("", event.subject.lower())
            and self.since_ms <= event.at_ms
            and (self.until_ms is None or event.at_ms < self.until_ms)
        )


def two_directions() -> InvalidRequest:
    """Return the refusal of parameters that ask for older events and for newer ones."""
    return InvalidRequest("Send before for older events or after for newer ones, not both.")


def _number(params: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):  # noqa: PLR2004 - digits of 2**62.
        message = f"The parameter {name} is a number from {least} to {most}, not {text[:40]!r}."
        raise InvalidRequest(message)
    return int(text)


def _time(params: Mapping[str, str], name: str) -> int | None:
    text = params.get(name, "")
    return parse_time(name, text) if text else None

"""Atom feeds: releases as feed readers follow them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from shared.domain.markup import document, element, leaf

_NAMESPACE = "http://www.w3.org/2005/Atom"
_NEVER_MS = 0  # When a feed without entries changed: Atom wants a time.


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One release in a feed; `url` names it for ever."""

    title: str
    url: str
    published_ms: int
    changed_ms: int
    author: str
    summary: str


@dataclass(frozen=True, slots=True)
class Feed:
    """Releases, newest first; `url` is the feed's own address, `page` what it is about."""

    title: str
    url: str
    page: str
    entries: tuple[FeedEntry, ...]

    def xml(self) -> bytes:
        """Return the document."""
        changed_ms = max((each.changed_ms for each in self.entries), default=_NEVER_MS)
        content = (
            leaf("title", self.title),
            leaf("id", self.url),
            leaf("updated", _time(changed_ms)),
            _link(self.url, "self"),
            _link(self.page, "alternate"),
            leaf("generator", "Ballroom"),
            *_entries(self.entries),
        )
        root = element("feed", *content).replace("<feed>", f'<feed xmlns="{_NAMESPACE}">', 1)
        return document(root)


def _entries(entries: Iterable[FeedEntry]) -> Iterable[str]:
    for each in entries:
        yield element(
            "entry",
            leaf("title", each.title),
            leaf("id", each.url),
            leaf("published", _time(each.published_ms)),
            leaf("updated", _time(each.changed_ms)),
            element("author", leaf("name", each.author)),
            _link(each.url, "alternate"),
            leaf("summary", each.summary),
        )


def _link(url: str, relation: str) -> str:
    return f'<link rel="{relation}" href="{escape(url)}"/>'


def _time(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"

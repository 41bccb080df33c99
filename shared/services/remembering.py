"""Remembering documents of packages, so that they are made once for each change."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.recent import Recent
from shared.domain.document import Document
from shared.domain.names import Package
from shared.domain.package import Survey, Visibility
from shared.ports import Clock

TRUSTED_FOR = timedelta(seconds=3)  # What is withdrawn is so everywhere within five.
REMEMBERED = 2_000  # About 6 KB each: most packages have few releases.
ENTRIES_ON_THE_LOOP = 200  # Making their document takes two milliseconds.

_TRUSTED_FOR_MS = TRUSTED_FOR // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class _Made:
    """A document, which revision of its package it shows, and when a store said that last."""

    document: Document
    revision: int
    is_public: bool
    read_ms: int


class Remembering:
    """Makes one kind of document of packages, and keeps those that were asked for last."""

    def __init__(self, make: Callable[[Survey], bytes], clock: Clock) -> None:
        """Make documents by `make`, a pure function."""
        self._make = make
        self._clock = clock
        self._made = Recent[_Made](REMEMBERED)
        self._turn = asyncio.Lock()

    def now_ms(self) -> int:
        """Return the time to give to `document`: from before its survey was read."""
        return self._clock.now_ms()

    def known(self, package: Package, tags: Collection[str]) -> Document | None:
        """Return the document of a public package if it has one of the tags, without any store.

        It is what a store said at most three seconds ago, and only those who have it get it.
        """
        made = self._made.get(package.key)
        if made is None or not made.is_public or made.document.tag not in tags:
            return None
        return made.document if self.now_ms() - made.read_ms < _TRUSTED_FOR_MS else None

    async def document(self, survey: Survey, read_ms: int) -> Document:
        """Return the document of a survey that was read at that time."""
        if len(survey.entries) <= ENTRIES_ON_THE_LOOP:
            document = self._remembered(survey) or self._fresh(survey)
        else:
            async with self._turn:  # What many wait for is made once.
                document = self._remembered(survey)
                document = document or await asyncio.to_thread(self._fresh, survey)
        is_public = survey.head.visibility is Visibility.PUBLIC
        made = _Made(document, survey.revision, is_public, read_ms)
        self._made.put(survey.head.package.key, made)
        return document

    def _remembered(self, survey: Survey) -> Document | None:
        made = self._made.get(survey.head.package.key)
        return made.document if made and made.revision == survey.revision else None

    def _fresh(self, survey: Survey) -> Document:
        return Document.of(self._make(survey), survey.changed_ms)

"""Remembering documents of packages, so that they are made once for each change."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.document import Document
from shared.domain.names import Package
from shared.domain.package import Survey, Visibility
from shared.ports import Clock

TRUSTED_FOR = timedelta(seconds=3)  # What is withdrawn is so everywhere within five.
REMEMBERED_BYTES = 64 * 1024 * 1024  # The whole public index has about 4 MB.
ENTRIES_ON_THE_LOOP = 200  # Making their document takes two milliseconds.

_TRUSTED_FOR_MS = TRUSTED_FOR // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class _Made:
    """A document, which revision of its package it shows, and when a store said that last."""

    document: Document
    revision: int
    is_public: bool
    read_ms: int

    @property
    def size(self) -> int:
        return len(self.document.content) + len(self.document.gzipped)


class Remembering:
    """Makes one kind of document of packages, and keeps those that were asked for last."""

    def __init__(
        self, make: Callable[[Survey], bytes], clock: Clock, capacity: int = REMEMBERED_BYTES
    ) -> None:
        """Make documents by `make`, a pure function, and keep up to `capacity` bytes of them."""
        self._make = make
        self._clock = clock
        self._capacity = capacity
        self._bytes = 0
        self._made: dict[str, _Made] = {}  # What was read last is last.
        self._turn = asyncio.Lock()

    def now_ms(self) -> int:
        """Return the time to give to `document`: from before its survey was read."""
        return self._clock.monotonic_ms()

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
        key, revision = survey.head.package.key, survey.revision
        document = self._remembered(key, revision) or await self._fresh(survey, revision)
        is_public = survey.head.visibility is Visibility.PUBLIC
        self._keep(key, _Made(document, revision, is_public, read_ms))
        return document

    def _remembered(self, key: str, revision: int) -> Document | None:
        made = self._made.get(key)
        return made.document if made and made.revision == revision else None

    async def _fresh(self, survey: Survey, revision: int) -> Document:
        if len(survey.entries) <= ENTRIES_ON_THE_LOOP:
            return self._document(survey)
        async with self._turn:  # What many wait for is made once.
            key = survey.head.package.key
            document = self._remembered(key, revision)
            return document or await asyncio.to_thread(self._document, survey)

    def _document(self, survey: Survey) -> Document:
        return Document.of(self._make(survey), survey.changed_ms)

    def _keep(self, key: str, made: _Made) -> None:
        self._forget(key)
        self._made[key] = made
        self._bytes += made.size
        while self._bytes > self._capacity and len(self._made) > 1:
            self._forget(next(iter(self._made)))

    def _forget(self, key: str) -> None:
        before = self._made.pop(key, None)
        self._bytes -= before.size if before else 0

"""Derived data: lists, search, events, and documents that are made from releases."""

import asyncio
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.caching import LruCache
from shared.domain.archives.names import Digest
from shared.domain.documents import DerivedDocument
from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import NotListedYet
from shared.domain.moderation import (
    WithheldNote,
    is_state_change_pending,
    withheld_owner,
    withheld_place,
)
from shared.domain.names import Coordinate, Package
from shared.domain.packages import (
    Head,
    Listing,
    Release,
    ReleaseEntry,
    State,
    Survey,
    Texts,
    Visibility,
)
from shared.domain.selection import latest
from shared.domain.versions import ANY_CLIENT, Range
from shared.ports import (
    Clock,
    DirectoryStore,
    DocumentStore,
    EventStore,
    MetadataStore,
    SearchIndex,
    Stale,
)
from shared.services.archives import ArchiveRelocation

# Withholding: keeping the list of what is withheld true to the releases.
#
# The list is for people who look through it. Whether a release is served is asked of its record.


@dataclass(frozen=True)
class WithheldReleases:
    """Notes what is withheld; every call may be repeated."""

    directory: DirectoryStore
    metadata: MetadataStore

    async def update(self, release: Release) -> None:
        """Note what a release that was just changed says; nothing is asked for most changes.

        Whoever changes it meanwhile may be overtaken, so it is read again until it stands.
        """
        if release.state is State.LIVE and not is_state_change_pending(release):
            return
        now: Release | None = release
        while now is not None:
            release = now
            await self._note(release)
            found = (await self.metadata.find(release.coordinate)).release
            now = found if found and found.revision != release.revision else None

    async def rebuild(self, package: Package, releases: Sequence[Release]) -> None:
        """Note again what all releases of the package say."""
        noted = await self._noted(package)
        wanted = _wanted(releases, noted)
        for version in noted.keys() - wanted.keys():
            await self._forget(noted[version])
        for version, each in wanted.items():
            if noted.get(version) != each:
                await self.directory.put(each)

    async def is_stale(self, package: Package, releases: Sequence[Release]) -> bool:
        """Say whether the list says anything else of the package than its releases."""
        noted = await self._noted(package)
        return noted != _wanted(releases, noted)

    async def _noted(self, package: Package) -> dict[str, WithheldNote]:
        found = await self.directory.of(WithheldNote, withheld_owner(package))
        return {each.version: each for each in found}

    async def _note(self, release: Release) -> None:
        noted = await self.directory.get(WithheldNote, withheld_place(release.coordinate))
        if release.state is not State.LIVE:
            await self.directory.put(WithheldNote.of(release, _by(noted, release)))
        elif noted:
            await self._forget(noted)

    async def _forget(self, noted: WithheldNote) -> None:
        with suppress(Stale):  # Somebody else did.
            await self.directory.remove(noted)


# Deriving: keeping what is made from releases (lists, search, events) true to them.
#
# Releases are the truth. Everything here may be repeated, and an outbox is cleared last: derived
# data may be stale only for records whose outbox is not empty, and by that upkeep finds them.


@dataclass(frozen=True)
class DerivedData:
    """Refreshes the derived data of releases and packages."""

    metadata: MetadataStore
    documents: DocumentStore
    search: SearchIndex
    events: EventStore
    withheld_releases: WithheldReleases
    archive_relocation: ArchiveRelocation | None = (
        None  # None where archives lie together and nobody else sends them.
    )

    async def add_release(self, head: Head, release: Release, texts: Texts) -> None:
        """List a release that was just published. The cost does not grow with history.

        Raises `NotListedYet` where a store fails: the release itself is there for good.
        """
        with _after_commit(release.coordinate):
            # Entry before offer: who shows another release meanwhile sees the entry when it looks
            # again, or is overtaken by the offer.
            await self.metadata.put_entries(head.package, [ReleaseEntry.of(release)])
            if release.state is State.LIVE:
                await self._offer(Listing(head, release, texts))
            await self.withheld_releases.update(release)
            await self.events.publish(release)

    async def update(self, record: Head | Release) -> None:
        """Bring everything up to date with a release or a head that was just changed.

        Raises `NotListedYet` where a store fails: the change itself is there for good.
        """
        subject = record.package if isinstance(record, Head) else record.coordinate
        package = subject if isinstance(subject, Package) else subject.package
        with _after_commit(subject):
            if isinstance(record, Release):
                await self.metadata.put_entries(package, [ReleaseEntry.of(record)])
            await self.update_search(package)
            if isinstance(record, Release):
                await self.withheld_releases.update(record)
            if self.archive_relocation:
                await self.archive_relocation.apply(record)
            await self.events.publish(record)

    async def rebuild(self, package: Package) -> None:
        """Derive everything of the package again from its releases. The cost grows with history."""
        releases = await self.metadata.releases(package)
        await self.metadata.put_entries(package, [ReleaseEntry.of(release) for release in releases])
        await self.update_search(package)
        await self.withheld_releases.rebuild(package, releases)

    async def update_search(self, package: Package) -> None:
        """Let the search show the package's newest live release, or nothing when there is none."""
        [survey] = await self.metadata.survey([package])
        while survey is not None:
            await self._show(survey)
            [now] = await self.metadata.survey([package])
            if now is None or now.revision == survey.revision:
                return
            survey = now  # Somebody was faster, and may have been overwritten.

    async def _offer(self, listing: Listing) -> None:
        head = listing.head
        is_new = await self.search.offer(listing)
        # The index had no newer head to compare with. One that was there before the push may have
        # become private since; one that came with it has not.
        if is_new and head.created_ms < listing.release.created_ms:
            await self.update_search(head.package)

    async def _show(self, survey: Survey) -> None:
        entry = latest(survey, Range(), ANY_CLIENT)
        listing = await self._listing(survey, entry) if entry else None
        if listing:
            await self.search.replace(listing)
        else:
            await self.search.remove(survey.head.package)

    async def _listing(self, survey: Survey, entry: ReleaseEntry) -> Listing | None:
        coordinate = survey.head.package.at(entry.parsed)
        found, texts = await asyncio.gather(
            self.metadata.find(coordinate), self.documents.texts(Digest(entry.digest))
        )
        return Listing(survey.head, found.release, texts) if found.release else None


@contextmanager
def _after_commit(subject: Coordinate | Package) -> Generator[None]:
    """Raise a store's failure as what it is by now: it must not say that nothing happened."""
    try:
        yield
    except Unavailable as failure:
        raise NotListedYet(subject) from failure


def _wanted(releases: Sequence[Release], noted: dict[str, WithheldNote]) -> dict[str, WithheldNote]:
    """Return what the list should say, with who decided as far as it says that now."""
    return {
        each.version: WithheldNote.of(each, _by(noted.get(each.version), each))
        for each in releases
        if each.state is not State.LIVE
    }


def _by(noted: WithheldNote | None, release: Release) -> str:
    return noted.by if noted and noted.of_revision == release.revision else ""


DOCUMENTS_TRUSTED_FOR = timedelta(seconds=3)  # What is withdrawn is so everywhere within five.
DOCUMENTS_CACHED_BYTES = 64 * 1024 * 1024  # The whole public index has about 4 MB.
ENTRIES_ON_THE_LOOP = 200  # Making their document takes two milliseconds.

_TRUSTED_FOR_MS = DOCUMENTS_TRUSTED_FOR // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class _Made:
    """A document, which revision of its package it shows, and when a store said that last."""

    document: DerivedDocument
    revision: int
    is_public: bool
    read_ms: int

    @property
    def size(self) -> int:
        return len(self.document.content) + len(self.document.gzipped)


class DocumentCache:
    """Makes one kind of document of packages, and keeps those that were asked for last."""

    def __init__(
        self, make: Callable[[Survey], bytes], clock: Clock, capacity: int = DOCUMENTS_CACHED_BYTES
    ) -> None:
        """Make documents by `make`, a pure function, and keep up to `capacity` bytes of them."""
        self._make = make
        self._clock = clock
        self._made = LruCache[str, _Made](capacity, weigh=lambda _, made: made.size)
        self._turn = asyncio.Lock()

    def now_ms(self) -> int:
        """Return the time to give to `document`: from before its survey was read."""
        return self._clock.monotonic_ms()

    def cached_with_tag(self, package: Package, tags: Collection[str]) -> DerivedDocument | None:
        """Return the document of a public package if it has one of the tags, without any store.

        It is what a store said at most three seconds ago, and only those who have it get it.
        """
        made = self._made.get(package.key)
        if made is None or not made.is_public or made.document.tag not in tags:
            return None
        return made.document if self.now_ms() - made.read_ms < _TRUSTED_FOR_MS else None

    async def document(self, survey: Survey, read_ms: int) -> DerivedDocument:
        """Return the document of a survey that was read at that time."""
        key, revision = survey.head.package.key, survey.revision
        document = self._remembered(key, revision) or await self._fresh(survey, revision)
        is_public = survey.head.visibility is Visibility.PUBLIC
        self._made.put(key, _Made(document, revision, is_public, read_ms))
        return document

    def _remembered(self, key: str, revision: int) -> DerivedDocument | None:
        made = self._made.get(key)
        return made.document if made and made.revision == revision else None

    async def _fresh(self, survey: Survey, revision: int) -> DerivedDocument:
        if len(survey.entries) <= ENTRIES_ON_THE_LOOP:
            return self._document(survey)
        async with self._turn:  # What many wait for is made once.
            key = survey.head.package.key
            document = self._remembered(key, revision)
            return document or await asyncio.to_thread(self._document, survey)

    def _document(self, survey: Survey) -> DerivedDocument:
        return DerivedDocument.of(self._make(survey), survey.changed_ms)

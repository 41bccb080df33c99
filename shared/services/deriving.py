"""Deriving: keeping what is made from releases (lists, search, events) true to them.

Releases are the truth. Everything here may be repeated, and an outbox is cleared last: derived data
may be stale only for records whose outbox is not empty, and by that upkeep finds them.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.domain.digest import Digest
from shared.domain.errors import NotListedYet, Unavailable
from shared.domain.language import EVERYTHING
from shared.domain.names import Coordinate, Package
from shared.domain.package import Entry, Head, Listing, Release, State, Survey, Texts
from shared.domain.selection import newest
from shared.domain.version import Range
from shared.ports import DocumentStore, EventStore, MetadataStore, SearchIndex
from shared.services.placing import Placing
from shared.services.withholding import Withholding


@dataclass(frozen=True)
class Deriving:
    """Refreshes the derived data of releases and packages."""

    metadata: MetadataStore
    documents: DocumentStore
    search: SearchIndex
    events: EventStore
    withholding: Withholding
    placing: Placing | None = None  # None where archives lie together and nobody else sends them.

    async def added(self, head: Head, release: Release, texts: Texts) -> None:
        """List a release that was just published. The cost does not grow with history.

        Raises `NotListedYet` where a store fails: the release itself is there for good.
        """
        with _after_commit(release.coordinate):
            # Entry before offer: who shows another release meanwhile sees the entry when it looks
            # again, or is overtaken by the offer.
            await self.metadata.put_entries(head.package, [Entry.of(release)])
            if release.state is State.LIVE:
                await self._offer(Listing(head, release, texts))
            await self.withholding.follow(release)
            await self.events.publish(release)

    async def changed(self, record: Head | Release) -> None:
        """Bring everything up to date with a release or a head that was just changed.

        Raises `NotListedYet` where a store fails: the change itself is there for good.
        """
        subject = record.package if isinstance(record, Head) else record.coordinate
        package = subject if isinstance(subject, Package) else subject.package
        with _after_commit(subject):
            if isinstance(record, Release):
                await self.metadata.put_entries(package, [Entry.of(record)])
            await self.show_newest(package)
            if isinstance(record, Release):
                await self.withholding.follow(record)
            if self.placing:
                await self.placing.follow(record)
            await self.events.publish(record)

    async def rebuild(self, package: Package) -> None:
        """Derive everything of the package again from its releases. The cost grows with history."""
        releases = await self.metadata.releases(package)
        await self.metadata.put_entries(package, [Entry.of(release) for release in releases])
        await self.show_newest(package)
        await self.withholding.rebuild(package, releases)

    async def show_newest(self, package: Package) -> None:
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
            await self.show_newest(head.package)

    async def _show(self, survey: Survey) -> None:
        entry = newest(survey, Range(), EVERYTHING)
        listing = await self._listing(survey, entry) if entry else None
        if listing:
            await self.search.replace(listing)
        else:
            await self.search.remove(survey.head.package)

    async def _listing(self, survey: Survey, entry: Entry) -> Listing | None:
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

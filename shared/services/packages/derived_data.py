"""Derived data: version lists, search, events and the list of withheld releases.

Derived data is computed only from releases. Everything here may be repeated, and the outbox of a
record is cleared last. So only records with an outbox that is not empty can have stale derived
data, and maintenance finds them by it.
"""

import asyncio
from collections.abc import AsyncIterable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from msgspec import Struct

from shared.domain.api_docs.item_summaries import NO_API
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import NotListedYet
from shared.domain.listings import Listing
from shared.domain.packages import Head, Release, ReleaseEntry, Survey, Texts
from shared.domain.release_states import State
from shared.domain.version_choice import latest
from shared.domain.versions import Range
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore
from shared.ports.search import SearchIndex
from shared.services.event_appender import EventAppender
from shared.services.packages.archive_relocation import ArchiveRelocation
from shared.services.packages.withheld_releases import WithheldReleases
from shared.services.record_batches import package_batches

# Many at once, because each write of the search index changes most of its lists of packages.
PACKAGES_LISTED_AT_ONCE = 1_000
LISTINGS_READ_AT_ONCE = 50


class DerivedData(Struct, frozen=True):
    """Refreshes the derived data of releases and packages."""

    metadata: MetadataStore
    documents: DocumentStore
    search: SearchIndex
    event_appender: EventAppender
    withheld_releases: WithheldReleases
    standard_names: tuple[str, ...]  # The organizations that search prefers, in lower case.
    # None if all archives are in one container and only the registry serves them.
    archive_relocation: ArchiveRelocation | None

    async def add_release(self, head: Head, release: Release, texts: Texts) -> None:
        """List a release that was just published. The cost does not grow with history.

        Raises `NotListedYet` if a store fails: the release itself is published.
        """
        with _after_commit(release.coordinate):
            # Entry before search: another process that updates the search meanwhile either reads
            # the entry or is overwritten by this one.
            await self.metadata.put_entries(head.package, [ReleaseEntry.of(release)])
            if release.state is State.LIVE:
                listing = Listing(head, release, texts, self._is_standard(head))
                is_new = await self.search.offer(listing)
                # The index had no newer head to compare with. A head from before this push may have
                # become private meanwhile; a head that this push created cannot have.
                if is_new and head.created_ms < release.created_ms:
                    await self.update_search(head.package)
            await self.withheld_releases.update(release)
            # `EventAppender` adds withdrawals to the list of revocations first, and starts the
            # log afterwards.
            await self.event_appender.append_outbox(release)

    async def update(self, record: Head | Release) -> None:
        """Derive everything again that a changed release or head affects.

        Raises `NotListedYet` if a store fails: the change itself is stored.
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
            await self.event_appender.append_outbox(record)

    async def rebuild(self, package: Package) -> bool:
        """Derive everything of the package from its releases; return whether anything was
        different. The cost grows with history."""
        releases = await self.metadata.releases(package)
        [survey] = await self.metadata.survey([package])
        listed = {each.version: each for each in survey.entries} if survey else {}
        wanted = {each.version: ReleaseEntry.of(each) for each in releases}
        is_changed = listed != wanted
        if is_changed:
            await self.metadata.put_entries(package, list(wanted.values()))
        is_changed |= await self.update_search(package)
        is_changed |= await self.withheld_releases.rebuild(package, releases)
        return is_changed

    async def fill_search(self, catalogue: AsyncIterable[Sequence[Listing]] | None = None) -> None:
        """List all packages in a search index that was never filled, from where an earlier call
        ended, and those of the `catalogue`, of which nothing is stored. Nothing else may change
        packages meanwhile."""
        after = await self.search.filled_until()
        if after is None:
            return
        async for heads in package_batches(self.metadata, PACKAGES_LISTED_AT_ONCE, after=after):
            found = list[Listing]()
            for start in range(0, len(heads), LISTINGS_READ_AT_ONCE):
                some = [head.package for head in heads[start : start + LISTINGS_READ_AT_ONCE]]
                surveys = await self.metadata.survey(some)
                read = await asyncio.gather(*(self._listing(each) for each in surveys if each))
                found += filter(None, read)
            after = heads[-1].package.key
            await self.search.fill(found, after)
        if catalogue is not None:
            async for listings in catalogue:
                await self.search.fill(listings, after)
        await self.search.fill([], None)

    async def update_search(self, package: Package) -> bool:
        """Put the latest release of the package into the search index, or remove the package from
        the index; return whether the index changed."""
        is_changed = False
        [survey] = await self.metadata.survey([package])
        while survey is not None:
            listing = await self._listing(survey)
            shown = self.search.replace(listing) if listing else self.search.remove(package)
            is_changed |= await shown
            [now] = await self.metadata.survey([package])
            is_same = now is None or now.revision == survey.revision
            # Documentation changes no revision.
            if is_same and (not listing or await self._with_api_docs(listing) == listing):
                break
            survey = now  # Another process wrote before, and this write may have overwritten it.
        return is_changed

    async def _listing(self, survey: Survey) -> Listing | None:
        """Return the listing that search shows of the package; None if search must not show the
        package."""
        entry = latest(survey, Range(), ANY_CLIENT)
        if entry is None:
            return None
        coordinate = survey.head.package.at(entry.parsed)
        found, texts = await asyncio.gather(
            self.metadata.find(coordinate), self.documents.texts(Digest(entry.digest))
        )
        if found.release is None:
            return None
        listing = Listing(survey.head, found.release, texts, self._is_standard(survey.head))
        return await self._with_api_docs(listing)

    async def _with_api_docs(self, listing: Listing) -> Listing:
        """Return the listing with the current API documentation of its release."""
        docs = await self.documents.api_docs_record(listing.release.archive_digest)
        if docs is None:
            return replace(listing, api=None, symbols="", mentions=())
        api = None if docs.api == NO_API else docs.api
        return replace(listing, api=api, symbols=docs.symbols, mentions=docs.mentions)

    def _is_standard(self, head: Head) -> bool:
        return head.org.lower() in self.standard_names


@contextmanager
def _after_commit(subject: Coordinate | Package) -> Generator[None]:
    """Raise `NotListedYet` if a store fails. The refusal of the store itself would say that nothing
    was changed, and the change is stored already."""
    try:
        yield
    except Unavailable as failure:
        raise NotListedYet(subject) from failure

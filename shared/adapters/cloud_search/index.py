"""The search index of a registry in the cloud, and the copy of it that this process searches."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from shared.adapters.blob.client import BlobContainers
from shared.adapters.cloud_search.copies import (
    COPY_FILE,
    COPY_SCHEMA,
    CloudSearchFeed,
    CopyFolders,
    IndexCopy,
    remove_folder,
)
from shared.adapters.cloud_search.parts import (
    IndexPointer,
    PointerUnchanged,
    SearchBlobs,
    Unreadable,
)
from shared.adapters.cosmos.change_feed import FeedReader
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.cosmos.listings import CosmosListings, ListingChange, listing_changes
from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import SearchUnconfirmed
from shared.domain.listings import Listing
from shared.domain.names import Package
from shared.domain.search import (
    FacetedResults,
    IndexTotals,
    Query,
    ResultPage,
    Results,
    Suggestion,
    SymbolQuery,
    SymbolResults,
    Viewer,
)
from shared.domain.search_facets import Facet, FacetCount
from shared.domain.times import MS
from shared.log import log
from shared.ports import Clock, Randomness
from shared.telemetry import recording
from shared.telemetry.metrics import SEARCH_AGE

# The copy that is searched is replaced in the background: the pointer is read every 15 seconds. A
# request waits only for the first copy of its process. A copy that cannot be loaded is logged, and
# the current one stays in use. Before each search a copy gets what the edition of this process read
# in the change feed, so that a package that became private is found for a second at most.

Sleep = Callable[[float], Awaitable[object]]
FIRST_COPY_TIMEOUT = timedelta(seconds=10)  # 100,000 packages load in less.
REFRESH_INTERVAL = timedelta(seconds=15)
UNREADABLE_RETRY_INTERVAL = timedelta(
    minutes=5
)  # Before a base that could not be read is downloaded again.
# A search of an older state is refused: somebody was told that a package is private.
CONFIRMED_WITHIN = timedelta(seconds=3)


class FollowedEdition(Protocol):
    """The edition of this process, which reads the change feed."""

    async def confirm(self) -> bool:
        """Ask for changes if that is due, and wait for a moment."""
        ...

    def is_confirmed_within(self, age: timedelta) -> bool:
        """Check whether every change is known that was made up to so long ago."""
        ...

    def add_reader(self, reader: FeedReader) -> None:
        """Let a reader read what the edition reads."""
        ...


class LoadedCopy:
    """A copy, what it does not have yet, and how many searches are reading it."""

    def __init__(self, copy: IndexCopy, base: str, after: str) -> None:
        self.copy = copy
        self.base = base
        self.after = after  # It has all changes up to this position of the feed.
        self.fed_ms: int | None = None  # None: no index has been built.
        self.readers = 0
        self.is_retired = False
        self._waiting: dict[str, ListingChange] = {}
        self._is_complete = False  # Whether nothing is missing that is not waiting.
        self._lock = asyncio.Lock()

    def wait_for(self, changes: Mapping[str, ListingChange]) -> None:
        """Keep changes until the copy is read; only the feed has those before the first read."""
        if self._is_complete:
            self._waiting |= changes

    def lost(self) -> None:
        """Note that changes may have been left out."""
        self._is_complete = False
        self._waiting.clear()

    async def bring_up_to_date(self, listings: CosmosListings) -> None:
        """Apply what is waiting, or all after its position; raise `SearchUnconfirmed` if that is
        one of the feed of another container."""
        async with self._lock:
            if not self._is_complete:
                self._is_complete = True  # From here on all are collected.
                try:
                    self.after = await self.copy.read_on(listings, self.after)
                except BaseException as failure:
                    self.lost()
                    if isinstance(failure, ValueError):  # A backup was restored.
                        raise SearchUnconfirmed from failure
                    raise
            if changes := self._waiting:
                self._waiting = {}
                try:
                    await self.copy.apply(changes.values())
                except BaseException:
                    self._waiting = changes | self._waiting
                    raise


class CurrentCopy:
    """Keeps a copy of the index that the pointer names."""

    def __init__(
        self,
        listings: CosmosListings,
        blobs: SearchBlobs,
        folders: CopyFolders,
        environment: "CopyEnvironment",
        *,
        patience: timedelta = FIRST_COPY_TIMEOUT,
    ) -> None:
        self._listings = listings
        self._blobs = blobs
        self._folders = folders
        self._clock = environment.clock
        self._sleep = environment.sleep
        self._edition = environment.edition
        self._patience = patience
        self._current: LoadedCopy | None = None
        self._loading: LoadedCopy | None = None
        self._etag = ""
        self._lock = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None
        self._first_refresh = asyncio.Event()  # Set after the first refresh.
        self._unreadable = ("", 0)
        self._edition.add_reader(self)

    @asynccontextmanager
    async def borrow(self) -> AsyncGenerator[IndexCopy]:
        """Provide the copy for one search, with what changed up to a second ago; raise
        `search-loading` if none is loaded in time, or `SearchUnconfirmed`."""
        if self._current is None:
            if not await self._edition.confirm():  # No copy can be loaded without the feed.
                raise SearchUnconfirmed
            await self._wait_for_copy()
        is_confirmed = await self._edition.confirm()
        if not is_confirmed and not self._edition.is_confirmed_within(CONFIRMED_WITHIN):
            raise SearchUnconfirmed
        loaded = self._current or await self._wait_for_copy()
        async with self._reading(loaded):
            await loaded.bring_up_to_date(self._listings)
            yield loaded.copy

    async def refresh(self) -> None:
        """Load a newer base now; keep the current copy if it cannot be read."""
        async with self._lock:
            try:
                with suppress(PointerUnchanged):
                    await self._load_newer()
                if self._current is not None:  # Changes add up while nobody searches.
                    async with self._reading(self._current):
                        await self._current.bring_up_to_date(self._listings)
            except Exception as failure:  # Searches use the current copy.
                reason = f"{type(failure).__name__}: {failure}"
                log.warning("search.not_renewed", reason=reason)
            finally:
                self._first_refresh.set()
                self._record_age()

    def read(self, items: Sequence[Mapping[str, object]]) -> None:
        """Keep changed listings for the copies."""
        self._wait_for({each.key: each for each in listing_changes(dict(item) for item in items)})

    def lost(self) -> None:
        """Note that changes may have been left out."""
        for each in self._copies():
            each.lost()

    def apply_own_change(self, change: ListingChange | None) -> None:
        """Show a change of this process in its next search."""
        if change is not None:
            self._wait_for({change.key: change})

    async def close(self) -> None:
        """Stop refreshing, and remove every copy."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
            self._refreshing = None
        loaded, self._current = self._current, None
        if loaded is not None:
            await asyncio.to_thread(loaded.copy.close)
        self._etag = ""
        self._first_refresh.clear()
        self._folders.close()

    def _copies(self) -> list[LoadedCopy]:
        return [each for each in (self._current, self._loading) if each is not None]

    def _wait_for(self, changes: Mapping[str, ListingChange]) -> None:
        for each in self._copies():
            each.wait_for(changes)

    # --- loading -------------------------------------------------------------------------------

    async def _wait_for_copy(self) -> LoadedCopy:
        """Wait for the first refresh."""
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh_periodically())
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await self._first_refresh.wait()
        except TimeoutError:
            raise _search_loading() from None
        if self._current is None:
            raise _search_loading()
        return self._current

    async def _refresh_periodically(self) -> None:
        while True:
            await self.refresh()
            await self._sleep(REFRESH_INTERVAL.total_seconds())

    async def _load_newer(self) -> None:
        found = await self._blobs.pointer(self._etag if self._current else "")
        if found is None:
            if self._current is None:
                await self._replace_current(None)
            return
        if found.pointer.schema != COPY_SCHEMA:
            message = f"it has schema {found.pointer.schema}, and this Ballroom needs {COPY_SCHEMA}"
            raise Unreadable(message)
        current = self._current
        if current is None or current.base != found.pointer.base.name:
            await self._replace_current(found.pointer)
        self._etag = found.etag
        if self._current is not None:
            self._current.fed_ms = found.pointer.fed_ms

    async def _replace_current(self, pointer: IndexPointer | None) -> None:
        """Use the base of the pointer, or all listings if no index has been built."""
        name, until = self._unreadable
        if pointer and name == pointer.base.name and self._clock.monotonic_ms() < until:
            raise PointerUnchanged
        copy = IndexCopy(self._folders.folder() / COPY_FILE)
        after = pointer.after if pointer else await self._listings.now()
        loaded = self._loading = LoadedCopy(copy, pointer.base.name if pointer else "", after)
        try:
            if pointer:
                await self._blobs.fetch_base(pointer.base, copy.file)
                await copy.check()
            else:
                await copy.fill(self._listings)
            if self._current is not None:  # The new one has to show no less.
                await loaded.bring_up_to_date(self._listings)
        except BaseException as failure:
            await _discard(copy)
            if pointer and isinstance(failure, Unreadable):
                retry_ms = self._clock.monotonic_ms() + UNREADABLE_RETRY_INTERVAL // MS
                self._unreadable = pointer.base.name, retry_ms
            raise
        finally:
            self._loading = None
        before, self._current = self._current, loaded
        if before is not None:
            log.info("search.renewed", base=loaded.base)
            before.is_retired = True
            await self._discard_if_unused(before)

    # --- reading -------------------------------------------------------------------------------

    @asynccontextmanager
    async def _reading(self, loaded: LoadedCopy) -> AsyncGenerator[None]:
        loaded.readers += 1
        try:
            yield
        finally:
            loaded.readers -= 1
            await self._discard_if_unused(loaded)

    async def _discard_if_unused(self, loaded: LoadedCopy) -> None:
        """Remove a replaced copy once no search reads it."""
        if loaded.is_retired and not loaded.readers:
            loaded.is_retired = False
            await _discard(loaded.copy)

    def _record_age(self) -> None:
        if self._current is not None and self._current.fed_ms is not None:
            age_ms = self._clock.now_ms() - self._current.fed_ms
            recording.record_metric(SEARCH_AGE, age_ms / 1000, {})


class CloudSearchIndex:
    """The SearchIndex of a registry in the cloud: listings are stored in Cosmos DB, and searches
    read a copy that is some seconds old."""

    def __init__(self, listings: CosmosListings, current_copy: CurrentCopy) -> None:
        self._listings = listings
        self._copy = current_copy

    async def offer(self, listing: Listing) -> bool:
        is_new, change = await self._listings.offer(listing)
        self._copy.apply_own_change(change)
        return is_new

    async def replace(self, listing: Listing) -> bool:
        change = await self._listings.replace(listing)
        self._copy.apply_own_change(change)
        return change is not None

    async def remove(self, package: Package) -> bool:
        change = await self._listings.remove(package)
        self._copy.apply_own_change(change)
        return change is not None

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        async with self._copy.borrow() as copy:
            return await copy.search(query, page, viewer)

    async def search_with_facets(
        self, query: Query, page: ResultPage, viewer: Viewer
    ) -> FacetedResults:
        async with self._copy.borrow() as copy:
            return await copy.search_with_facets(query, page, viewer)

    async def facet_values(
        self, facet: Facet, query: Query, viewer: Viewer
    ) -> tuple[FacetCount, ...]:
        async with self._copy.borrow() as copy:
            return await copy.facet_values(facet, query, viewer)

    async def totals(self) -> IndexTotals:
        async with self._copy.borrow() as copy:
            return await copy.totals()

    async def symbols(self, query: SymbolQuery, page: ResultPage, viewer: Viewer) -> SymbolResults:
        async with self._copy.borrow() as copy:
            return await copy.symbols(query, page, viewer)

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        async with self._copy.borrow() as copy:
            return await copy.suggest(text, viewer, count)

    async def look(self) -> None:
        """Load the changes of other processes now, without waiting for the edition."""
        self._copy.lost()
        await self._copy.refresh()

    async def close(self) -> None:
        """Remove the copies of this process."""
        await self._copy.close()


async def _discard(copy: IndexCopy) -> None:
    await asyncio.to_thread(copy.close)
    await asyncio.to_thread(remove_folder, copy.file.parent)


@dataclass(frozen=True)
class CloudSearchPorts:
    """The ports of the search in the cloud, and the copy of this process."""

    index: CloudSearchIndex
    feed: CloudSearchFeed
    current_copy: CurrentCopy


@dataclass(frozen=True, slots=True)
class CopyEnvironment:
    """The clock, randomness, sleep and edition of the search."""

    clock: Clock
    randomness: Randomness
    sleep: Sleep
    edition: FollowedEdition


def open_cloud_search(
    cosmos: CosmosDatabase, blobs: BlobContainers, folder: Path, environment: CopyEnvironment
) -> CloudSearchPorts:
    """Return the search over these stores, with its copies below the folder; starts nothing."""
    listings = CosmosListings(cosmos)
    parts = SearchBlobs(blobs, environment.clock, environment.randomness)
    folders = CopyFolders(folder, environment.randomness)
    current_copy = CurrentCopy(listings, parts, folders, environment)
    feed = CloudSearchFeed(listings, parts, folders, environment.clock)
    return CloudSearchPorts(CloudSearchIndex(listings, current_copy), feed, current_copy)


def _search_loading() -> Unavailable:
    return Unavailable(
        "search-loading",
        "The search of this server is still being loaded, which takes some seconds; everything "
        "else works. Search again in a moment.",
        timedelta(seconds=10),
    )

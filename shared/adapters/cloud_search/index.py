"""The search index of a registry in the cloud, and the copy of it that this process searches."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.adapters.blob.client import BlobContainers
from shared.adapters.cloud_search.copies import (
    COPY_FILE,
    COPY_SCHEMA,
    CopyFolders,
    IndexCopy,
    remove_folder,
)
from shared.adapters.cloud_search.feed import CloudSearchFeed
from shared.adapters.cloud_search.parts import (
    IndexPointer,
    PointerUnchanged,
    SearchBlobs,
    StoredPointer,
    Unreadable,
)
from shared.adapters.cloud_search.recent_changes import FollowedEdition, RecentChanges
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.cosmos.listings import CosmosListings, ListingChange
from shared.domain.errors.requests import SearchLoading
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
from shared.domain.search_facets import Facet, FacetCount, Facets
from shared.log import log
from shared.ports import Clock, Randomness
from shared.runtime.caching import LruCache
from shared.telemetry import recording
from shared.telemetry.metrics import SEARCH_AGE

# The copy that is searched is replaced in the background: the pointer is read every 15 seconds. A
# request waits only for the first copy of its process. A copy that cannot be loaded is logged, and
# the current one stays in use.

Sleep = Callable[[float], Awaitable[object]]
FIRST_COPY_TIMEOUT = timedelta(seconds=10)  # 100,000 packages load in less.


@dataclass
class LoadedCopy:
    """A copy, the parts that it contains, and how many searches are reading it."""

    copy: IndexCopy
    base: str = ""
    delta: str = ""
    fed_ms: int | None = None  # None: no index has been built.
    readers: int = 0
    is_retired: bool = False


class CurrentCopy:
    """Keeps a copy of the index that the pointer names."""

    def __init__(
        self,
        blobs: SearchBlobs,
        folders: CopyFolders,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        *,
        patience: timedelta = FIRST_COPY_TIMEOUT,
        recent: RecentChanges | None = None,
    ) -> None:
        self._patience = patience
        self._recent = recent
        self._recent_lock = asyncio.Lock()
        self._after = ""  # The position in the feed up to which the copy has all changes.
        self._blobs = blobs
        self._folders = folders
        self._clock = clock
        self._sleep = sleep
        self._current: LoadedCopy | None = None
        self._etag = ""
        self._own_changes = LruCache[str, ListingChange](MAX_OWN_CHANGES)
        self._lock = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None
        self._first_refresh = asyncio.Event()  # Set after the first refresh.
        self._unreadable = ("", 0)

    @asynccontextmanager
    async def borrow(self) -> AsyncGenerator[IndexCopy]:
        """Provide the copy for one search, with what changed up to a second ago; raise
        `SearchLoading` if none is loaded in time, or `SearchUnconfirmed`."""
        if self._current is None:
            await self._wait_for_copy()
        if self._recent is not None:
            await self._recent.confirm()
            await self._apply_recent(self._recent)
        loaded = self._current or await self._wait_for_copy()
        async with self._reading(loaded):
            yield loaded.copy

    async def refresh(self) -> None:
        """Load newer parts now; keep the current copy if they cannot be read."""
        async with self._lock:
            try:
                with suppress(PointerUnchanged):
                    await self._load_newer()
                if self._recent is not None and self._recent.is_complete:
                    await self._apply_recent(self._recent)  # They add up while nobody searches.
            except Exception as failure:  # Searches use the current copy.
                log.warning("search.not_renewed", reason=_reason_of(failure))
            finally:
                self._first_refresh.set()
                self._record_age()

    async def apply_own_change(self, change: ListingChange | None) -> None:
        """Apply a change of this process at once; others receive it from the feed."""
        if change is None:
            return
        self._own_changes.put(change.key, change)
        loaded = self._current
        if loaded is not None:
            await self._apply(loaded, change)

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

    async def _apply_recent(self, recent: RecentChanges) -> None:
        async with self._recent_lock:
            loaded = self._current
            if loaded is None:
                return
            if not recent.is_complete:
                recent.put_back(await recent.since(self._after))
            if changes := recent.take():
                try:
                    async with self._reading(loaded):
                        await loaded.copy.apply(changes)
                except BaseException:
                    recent.put_back(changes)
                    raise

    async def _apply(self, loaded: LoadedCopy, change: ListingChange) -> None:
        try:
            async with self._reading(loaded):
                await loaded.copy.apply([change])
        except Exception as failure:  # The change is stored, and also arrives with the feed.
            log.warning("search.not_noted", reason=_reason_of(failure))

    # --- loading -------------------------------------------------------------------------------

    async def _wait_for_copy(self) -> LoadedCopy:
        """Wait for the first refresh."""
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh_periodically())
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await self._first_refresh.wait()
        except TimeoutError:
            raise SearchLoading from None
        if self._current is None:
            raise SearchLoading
        return self._current

    async def _refresh_periodically(self) -> None:
        while True:
            await self.refresh()
            await self._sleep(REFRESH_INTERVAL.total_seconds())

    async def _load_newer(self) -> None:
        found = await self._blobs.pointer(self._etag if self._current else "")
        if found is None:
            if self._current is None:
                await self._use_empty_index()
            return
        if found.pointer.schema != COPY_SCHEMA:
            message = f"it has schema {found.pointer.schema}, and this Ballroom needs {COPY_SCHEMA}"
            raise Unreadable(message)
        loaded = self._current
        if loaded is not None and loaded.base == found.pointer.base.name:
            await self._apply_delta(loaded, found.pointer)
            await self._replace_current(loaded, found)
            return
        if self._recent is not None:
            self._recent.begin_load()
        try:
            await self._replace_current(await self._load(found.pointer), found)
        finally:
            if self._recent is not None:
                self._recent.end_load()

    async def _use_empty_index(self) -> None:
        """Use an empty index until one has been built."""
        copy = IndexCopy(self._folders.folder() / COPY_FILE)
        await asyncio.to_thread(copy.create)
        await copy.apply(self._own_changes.values())
        self._current = LoadedCopy(copy)

    async def _load(self, pointer: IndexPointer) -> LoadedCopy:
        """Return a copy of the base with the delta applied."""
        name, until = self._unreadable
        if name == pointer.base.name and self._clock.monotonic_ms() < until:
            raise PointerUnchanged
        file = self._folders.folder() / COPY_FILE
        loaded = LoadedCopy(IndexCopy(file), pointer.base.name)
        try:
            await self._blobs.fetch_base(pointer.base, file)
            await loaded.copy.check()
            await self._apply_delta(loaded, pointer)
            await loaded.copy.apply(self._own_changes.values())
            await self._apply_missed(loaded, pointer)
        except BaseException as failure:
            await _discard(loaded.copy)
            if isinstance(failure, Unreadable):
                self._unreadable = (
                    pointer.base.name,
                    self._clock.monotonic_ms() + UNREADABLE_RETRY_INTERVAL // _MS,
                )
            raise
        return loaded

    async def _apply_missed(self, loaded: LoadedCopy, pointer: IndexPointer) -> None:
        """Apply what the current copy has and the new one may not have yet."""
        recent = self._recent
        if recent is None or not recent.is_complete:
            return  # There is none, or the next search reads what is missing.
        changes = [*await recent.since(pointer.after), *recent.take_loaded()]
        while changes:  # Others may come while these are applied.
            await loaded.copy.apply(changes)
            changes = recent.take_loaded()

    async def _apply_delta(self, loaded: LoadedCopy, pointer: IndexPointer) -> None:
        if pointer.delta is not None and pointer.delta.name != loaded.delta:
            delta = await self._blobs.delta(pointer.delta)
            await loaded.copy.apply(delta.changes.values())
            loaded.delta = pointer.delta.name
        loaded.fed_ms = pointer.fed_ms

    async def _replace_current(self, loaded: LoadedCopy, found: StoredPointer) -> None:
        before, self._current, self._etag = self._current, loaded, found.etag
        self._after = found.pointer.after
        if before is not None and before is not loaded:
            log.info("search.renewed", base=loaded.base, packages=found.pointer.packages)
            before.is_retired = True
            await self._discard_if_unused(before)
            # Changes that were made while it was loaded.
            await loaded.copy.apply(self._own_changes.values())

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
        await self._copy.apply_own_change(change)
        return is_new

    async def replace(self, listing: Listing) -> bool:
        change = await self._listings.replace(listing)
        await self._copy.apply_own_change(change)
        return change is not None

    async def remove(self, package: Package) -> bool:
        change = await self._listings.remove(package)
        await self._copy.apply_own_change(change)
        return change is not None

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        async with self._copy.borrow() as copy:
            return await copy.search(query, page, viewer)

    async def search_with_facets(
        self, query: Query, page: ResultPage, viewer: Viewer
    ) -> FacetedResults:
        async with self._copy.borrow() as copy:
            return await copy.search_with_facets(query, page, viewer)

    async def facets(self, query: Query, viewer: Viewer) -> Facets:
        async with self._copy.borrow() as copy:
            return await copy.facets(query, viewer)

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
        """Load the changes of other processes now, without waiting for the next refresh."""
        await self._copy.refresh()

    async def close(self) -> None:
        """Remove the copies of this process."""
        await self._copy.close()


REFRESH_INTERVAL = timedelta(
    seconds=15
)  # With the feed's five seconds a push is found within thirty.
UNREADABLE_RETRY_INTERVAL = timedelta(
    minutes=5
)  # Before a base that could not be read is downloaded again.
_MS = timedelta(milliseconds=1)

MAX_OWN_CHANGES = 256  # Applied before they arrive with the feed, which takes some seconds.


def _reason_of(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}"


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
    """The clock, randomness and sleep of the search."""

    clock: Clock
    randomness: Randomness
    sleep: Sleep


def open_cloud_search(
    cosmos: CosmosDatabase,
    blobs: BlobContainers,
    folder: Path,
    environment: CopyEnvironment,
    edition: FollowedEdition | None = None,
) -> CloudSearchPorts:
    """Return the search over these stores, with its copies below the folder; starts nothing.
    Without an edition it finds what the index has been fed with."""
    clock, randomness = environment.clock, environment.randomness
    listings = CosmosListings(cosmos)
    parts = SearchBlobs(blobs, clock, randomness)
    folders = CopyFolders(folder, randomness)
    recent = RecentChanges(edition, cosmos.container("packages")) if edition else None
    current_copy = CurrentCopy(parts, folders, clock, environment.sleep, recent=recent)
    feed = CloudSearchFeed(listings, cosmos.container("packages"), parts, folders, clock)
    return CloudSearchPorts(CloudSearchIndex(listings, current_copy), feed, current_copy)

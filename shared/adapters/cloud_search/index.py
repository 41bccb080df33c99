"""The search index of a registry in the cloud, and the copy of it that this process searches."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
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
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.cosmos.listings import CosmosListings, ListingChange
from shared.caching import LruCache
from shared.domain.errors.requests import SearchLoading
from shared.domain.names import Package
from shared.domain.packages import Listing
from shared.domain.search import Facets, IndexTotals, Query, ResultPage, Results, Suggestion, Viewer
from shared.log import log
from shared.ports import Clock, Randomness
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
        workplace: CopyFolders,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        *,
        patience: timedelta = FIRST_COPY_TIMEOUT,
    ) -> None:
        self._patience = patience
        self._blobs = blobs
        self._workplace = workplace
        self._clock = clock
        self._sleep = sleep
        self._shown: LoadedCopy | None = None
        self._etag = ""
        self._own = LruCache[str, ListingChange](OWN_CHANGES_KEPT)
        self._one_at_a_time = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None
        self._looked = asyncio.Event()  # Set after the first refresh.
        self._spared = ("", 0)

    @asynccontextmanager
    async def borrow(self) -> AsyncGenerator[IndexCopy]:
        """Provide the copy for one search; raise `SearchLoading` if none is loaded in time."""
        shown = self._shown or await self._first()
        async with self._reading(shown):
            yield shown.copy

    async def refresh(self) -> None:
        """Load newer parts now; keep the current copy if they cannot be read."""
        async with self._one_at_a_time:
            try:
                await self._advance()
            except PointerUnchanged:
                pass
            except Exception as failure:  # Searches use the current copy.
                log.warning("search.not_renewed", reason=_reason_of(failure))
            finally:
                self._looked.set()
                self._tell_age()

    async def apply_own_change(self, change: ListingChange | None) -> None:
        """Apply a change of this process at once; others receive it from the feed."""
        if change is None:
            return
        self._own.put(change.key, change)
        shown = self._shown
        if shown is not None:
            await self._apply(shown, change)

    async def close(self) -> None:
        """Stop refreshing, and remove every copy."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            self._following = None
        shown, self._shown = self._shown, None
        if shown is not None:
            await asyncio.to_thread(shown.copy.close)
        self._etag = ""
        self._looked.clear()
        self._workplace.close()

    async def _apply(self, shown: LoadedCopy, change: ListingChange) -> None:
        try:
            async with self._reading(shown):
                await shown.copy.apply([change])
        except Exception as failure:  # The change is stored, and also arrives with the feed.
            log.warning("search.not_noted", reason=_reason_of(failure))

    # --- loading -------------------------------------------------------------------------------

    async def _first(self) -> LoadedCopy:
        """Wait for the first refresh."""
        if self._following is None:
            self._following = asyncio.create_task(self._follow())
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await self._looked.wait()
        except TimeoutError:
            raise SearchLoading from None
        if self._shown is None:
            raise SearchLoading
        return self._shown

    async def _follow(self) -> None:
        while True:
            await self.refresh()
            await self._sleep(REFRESH_INTERVAL.total_seconds())

    async def _advance(self) -> None:
        found = await self._blobs.pointer(self._etag if self._shown else "")
        if found is None:
            if self._shown is None:
                await self._begin_empty()
            return
        if found.pointer.schema != COPY_SCHEMA:
            message = f"it has schema {found.pointer.schema}, and this Ballroom needs {COPY_SCHEMA}"
            raise Unreadable(message)
        shown = self._shown
        if shown is None or shown.base != found.pointer.base.name:
            shown = await self._loaded(found.pointer)
        else:
            await self._brought_up(shown, found.pointer)
        await self._show(shown, found)

    async def _begin_empty(self) -> None:
        """Use an empty index until one has been built."""
        copy = IndexCopy(self._workplace.folder() / COPY_FILE)
        await asyncio.to_thread(copy.create)
        await copy.apply(self._own.values())
        self._shown = LoadedCopy(copy)

    async def _loaded(self, pointer: IndexPointer) -> LoadedCopy:
        """Return a copy of the base with the delta applied."""
        name, until = self._spared
        if name == pointer.base.name and self._clock.monotonic_ms() < until:
            raise PointerUnchanged
        file = self._workplace.folder() / COPY_FILE
        shown = LoadedCopy(IndexCopy(file), pointer.base.name)
        try:
            await self._blobs.fetch_base(pointer.base, file)
            await shown.copy.check()
            await self._brought_up(shown, pointer)
            await shown.copy.apply(self._own.values())
        except BaseException as failure:
            await _discard(shown.copy)
            if isinstance(failure, Unreadable):
                self._spared = (
                    pointer.base.name,
                    self._clock.monotonic_ms() + UNREADABLE_RETRY_INTERVAL // _MS,
                )
            raise
        return shown

    async def _brought_up(self, shown: LoadedCopy, pointer: IndexPointer) -> None:
        if pointer.delta is not None and pointer.delta.name != shown.delta:
            delta = await self._blobs.delta(pointer.delta)
            await shown.copy.apply(delta.changes.values())
            shown.delta = pointer.delta.name
        shown.fed_ms = pointer.fed_ms

    async def _show(self, shown: LoadedCopy, found: StoredPointer) -> None:
        before, self._shown, self._etag = self._shown, shown, found.etag
        if before is not None and before is not shown:
            log.info("search.renewed", base=shown.base, packages=found.pointer.packages)
            before.is_retired = True
            await self._end(before)
            await shown.copy.apply(
                self._own.values()
            )  # Changes that were made while it was loaded.

    # --- reading -------------------------------------------------------------------------------

    @asynccontextmanager
    async def _reading(self, shown: LoadedCopy) -> AsyncGenerator[None]:
        shown.readers += 1
        try:
            yield
        finally:
            shown.readers -= 1
            await self._end(shown)

    async def _end(self, shown: LoadedCopy) -> None:
        """Remove a replaced copy once no search reads it."""
        if shown.is_retired and not shown.readers:
            shown.is_retired = False
            await _discard(shown.copy)

    def _tell_age(self) -> None:
        if self._shown is not None and self._shown.fed_ms is not None:
            age_ms = self._clock.now_ms() - self._shown.fed_ms
            recording.record_metric(SEARCH_AGE, age_ms / 1000, {})


class CloudSearchIndex:
    """The SearchIndex of a registry in the cloud: listings are stored in Cosmos DB, and searches
    read a copy that is some seconds old."""

    def __init__(self, listings: CosmosListings, looking: CurrentCopy) -> None:
        self._listings = listings
        self._looking = looking

    async def offer(self, listing: Listing) -> bool:
        is_new, change = await self._listings.offer(listing)
        await self._looking.apply_own_change(change)
        return is_new

    async def replace(self, listing: Listing) -> None:
        await self._looking.apply_own_change(await self._listings.replace(listing))

    async def remove(self, package: Package) -> None:
        await self._looking.apply_own_change(await self._listings.remove(package))

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        async with self._looking.borrow() as copy:
            return await copy.search(query, page, viewer)

    async def facets(self, query: Query, viewer: Viewer) -> Facets:
        async with self._looking.borrow() as copy:
            return await copy.facets(query, viewer)

    async def totals(self) -> IndexTotals:
        async with self._looking.borrow() as copy:
            return await copy.totals()

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        async with self._looking.borrow() as copy:
            return await copy.suggest(text, viewer, count)

    async def look(self) -> None:
        """Load the changes of other processes now, without waiting for the next refresh."""
        await self._looking.refresh()

    async def close(self) -> None:
        """Remove the copies of this process."""
        await self._looking.close()


REFRESH_INTERVAL = timedelta(
    seconds=15
)  # With the feed's five seconds a push is found within thirty.
UNREADABLE_RETRY_INTERVAL = timedelta(
    minutes=5
)  # Before a base that could not be read is downloaded again.
_MS = timedelta(milliseconds=1)

OWN_CHANGES_KEPT = 256  # Applied before they arrive with the feed, which takes some seconds.


def _reason_of(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}"


async def _discard(copy: IndexCopy) -> None:
    await asyncio.to_thread(copy.close)
    await asyncio.to_thread(remove_folder, _folder_of(copy))


def _folder_of(copy: IndexCopy) -> Path:
    return copy.file.parent


@dataclass(frozen=True)
class CloudSearchPorts:
    """The ports of the search in the cloud, and the copy of this process."""

    index: CloudSearchIndex
    feed: CloudSearchFeed
    looking: CurrentCopy


@dataclass(frozen=True, slots=True)
class CopyEnvironment:
    """The clock, randomness and sleep of the search."""

    clock: Clock
    randomness: Randomness
    sleep: Sleep


def open_cloud_search(
    cosmos: CosmosDatabase, blobs: BlobContainers, folder: Path, surroundings: CopyEnvironment
) -> CloudSearchPorts:
    """Return the search over these stores, with its copies below the folder; starts nothing."""
    clock, randomness = surroundings.clock, surroundings.randomness
    listings = CosmosListings(cosmos)
    parts = SearchBlobs(blobs, clock, randomness)
    workplace = CopyFolders(folder, randomness)
    looking = CurrentCopy(parts, workplace, clock, surroundings.sleep)
    feed = CloudSearchFeed(listings, cosmos.container("packages"), parts, workplace, clock)
    return CloudSearchPorts(CloudSearchIndex(listings, looking), feed, looking)

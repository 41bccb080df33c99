"""The search index of a registry in the cloud, and the copy of it that this process searches.

The copy that is searched is replaced in the background: the pointer is read every 15 seconds. A
request waits only for the first copy of its process. A copy that cannot be loaded is logged, and
the current one stays in use. If the edition of this process knows of a change, or this process
made one, a search first reads the change feed: a package that became private is found for a
second at most.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from shared.adapters.blob.client import BlobContainers
from shared.adapters.cosmos.change_feed import ChangeFeedEdition
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.search.cloud_blobs import (
    IndexPointer,
    PointerUnchanged,
    SearchBlobs,
    Unreadable,
)
from shared.adapters.search.cloud_copies import (
    COPY_FILE,
    COPY_SCHEMA,
    CloudSearchFeed,
    CopyFolders,
    IndexCopy,
    remove_folder,
)
from shared.adapters.search.cloud_listings import CosmosListings
from shared.adapters.search.index import IndexReader
from shared.domain.coordinates import Package
from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import SearchUnconfirmed
from shared.domain.listings import Listing
from shared.ports.system import Clock, Randomness
from shared.telemetry.log import log
from shared.telemetry.metrics import SEARCH_AGE, record_metric

Sleep = Callable[[float], Awaitable[object]]
FIRST_COPY_TIMEOUT = timedelta(seconds=10)  # 100,000 packages load in less.
REFRESH_INTERVAL = timedelta(seconds=15)
# A search of an older state is refused: somebody was told that a package is private.
CURRENT_WITHIN = timedelta(seconds=3)


class LoadedCopy:
    """A copy, up to where it has the feed, and how many searches are reading it."""

    def __init__(self, copy: IndexCopy, base: str, after: str) -> None:
        self.copy = copy
        self.base = base
        self.after = after  # It has all changes up to this position of the feed.
        self.fed_ms: int | None = None  # None: no index has been built.
        self.readers = 0
        self.is_retired = False
        self.changes = -1  # The number of the edition when the feed was read last.
        self._lock = asyncio.Lock()

    async def bring_up_to_date(self, listings: CosmosListings, changes: int) -> None:
        """Apply all changes after its position, unless that was done at this number of the edition;
        raise `SearchUnconfirmed` if its position is one of the feed of another container."""
        async with self._lock:
            if changes != self.changes:
                try:
                    self.after = await self.copy.read_on(listings, self.after)
                except ValueError as failure:  # A backup was restored.
                    raise SearchUnconfirmed from failure
                self.changes = changes


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
        self._etag = ""
        self._lock = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None
        self._first_refresh = asyncio.Event()  # Set after the first refresh.

    @asynccontextmanager
    async def borrow(self) -> AsyncGenerator[IndexCopy]:
        """Provide the copy for one search, with what changed up to a second ago; raise
        `search-loading` if none is loaded in time, or `SearchUnconfirmed`."""
        if self._current is None:
            if not await self._edition.poll():  # No copy can be loaded without the feed.
                raise SearchUnconfirmed
            await self._wait_for_copy()
        is_current = await self._edition.poll()
        if not is_current and not self._edition.is_current_within(CURRENT_WITHIN):
            raise SearchUnconfirmed
        loaded = self._current or await self._wait_for_copy()
        async with self._reading(loaded):
            await self._bring_up_to_date(loaded)
            yield loaded.copy

    async def refresh(self) -> None:
        """Load a newer base now; keep the current copy if it cannot be read."""
        async with self._lock:
            try:
                with suppress(PointerUnchanged):
                    await self._load_newer()
                # Changes add up if they are not read while nobody searches.
                if self._current is not None:
                    async with self._reading(self._current):
                        await self._current.bring_up_to_date(
                            self._listings, self._edition.package_changes
                        )
            except Exception as failure:  # Searches use the current copy.
                reason = f"{type(failure).__name__}: {failure}"
                log.warning("search.not_renewed", reason=reason)
            finally:
                self._first_refresh.set()
                self._record_age()

    async def close(self) -> None:
        """Stop refreshing, and remove every copy."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
            self._refreshing = None
        loaded = self._current
        self._current = None
        if loaded is not None:
            await asyncio.to_thread(loaded.copy.close)
        self._etag = ""
        self._first_refresh.clear()
        self._folders.close()

    async def _bring_up_to_date(self, loaded: LoadedCopy) -> None:
        await loaded.bring_up_to_date(self._listings, self._edition.package_changes)

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
        if current is None or current.base != found.pointer.base:
            await self._replace_current(found.pointer)
        self._etag = found.etag
        if self._current is not None:
            self._current.fed_ms = found.pointer.fed_ms

    async def _replace_current(self, pointer: IndexPointer | None) -> None:
        """Use the base of the pointer, or all listings if no index has been built."""
        copy = IndexCopy(self._folders.folder() / COPY_FILE)
        after = pointer.after if pointer else await self._listings.now()
        loaded = LoadedCopy(copy, pointer.base if pointer else "", after)
        try:
            if pointer:
                await self._blobs.fetch_base(pointer.base, copy.file)
            else:
                await copy.fill(self._listings)
            # The new copy must not lack changes that the current one has.
            if self._current is not None:
                await self._bring_up_to_date(loaded)
        except BaseException:
            await _discard(copy)
            raise
        before = self._current
        self._current = loaded
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
            record_metric(SEARCH_AGE, age_ms / 1000, {})


class CloudSearchIndex(IndexReader):
    """The SearchIndex of a registry in the cloud: listings are stored in Cosmos DB, and searches
    read a copy that is some seconds old."""

    def __init__(self, listings: CosmosListings, current_copy: CurrentCopy) -> None:
        self._listings = listings
        self._copy = current_copy

    def borrow(self) -> AbstractAsyncContextManager[IndexCopy]:
        return self._copy.borrow()

    async def offer(self, listing: Listing) -> bool:
        return await self._listings.offer(listing)

    async def replace(self, listing: Listing) -> bool:
        return await self._listings.replace(listing)

    async def filled_until(self) -> str | None:
        return None

    async def fill(self, listings: Sequence[Listing], until: str | None) -> None:  # noqa: ARG002 - of other indexes.
        for listing in listings:
            await self._listings.replace(listing)

    async def remove(self, package: Package) -> bool:
        return await self._listings.remove(package)

    async def close(self) -> None:
        """Remove the copies of this process."""
        await self._copy.close()


async def _discard(copy: IndexCopy) -> None:
    await asyncio.to_thread(copy.close)
    await asyncio.to_thread(remove_folder, copy.file.parent)


class CloudSearchPorts(Struct, frozen=True):
    """The ports of the search in the cloud, and the copy of this process."""

    index: CloudSearchIndex
    feed: CloudSearchFeed
    current_copy: CurrentCopy


class CopyEnvironment(Struct, frozen=True):
    """The clock, randomness, sleep and edition of the search."""

    clock: Clock
    randomness: Randomness
    sleep: Sleep
    edition: ChangeFeedEdition


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

"""Changed listings go into the delta, and with it into a new base when that has grown.

Every step may be interrupted and repeated: a change that is already applied has no effect, parts
are written before the pointer is changed, and the pointer is written with its ETag as condition.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from shared.adapters.cloud_search.copies import (
    COPY_FILE,
    COPY_SCHEMA,
    CopyFolders,
    IndexCopy,
    remove_folder,
)
from shared.adapters.cloud_search.parts import (
    LARGEST_DELTA_BYTES,
    IndexDelta,
    IndexNotBuilt,
    IndexPart,
    IndexPointer,
    SearchBlobs,
    StoredPointer,
    Unreadable,
)
from shared.adapters.cosmos.client import ChangeFeedPage, CosmosContainer
from shared.adapters.cosmos.listings import CosmosListings, ListingChange, listing_changes
from shared.domain.errors.requests import Busy
from shared.log import log
from shared.ports import Clock, Stale
from shared.runtime.retries import back_off, retry_when_stale

WRITE_ATTEMPTS = 8  # Each attempt that fails is another process that succeeded.
BASE_LIFETIME = timedelta(hours=1)  # Every instance reads the delta after each change.
SWEEP_GRACE_PERIOD = timedelta(minutes=15)  # Another process may still read or write the part.
UPGRADE_OVERLAP = timedelta(
    minutes=30
)  # How long two versions of the program may run at the same time.
MAX_PAGES_PER_RUN = 500  # Of the feed in one run: half a million items.

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class BuiltBase:
    """A new base, and how many packages it shows."""

    part: IndexPart
    packages: int


class CloudSearchFeed:
    """The SearchFeed of a registry in the cloud."""

    def __init__(
        self,
        listings: CosmosListings,
        container: CosmosContainer,
        blobs: SearchBlobs,
        workplace: CopyFolders,
        clock: Clock,
    ) -> None:
        self._listings = listings
        self._container = container
        self._blobs = blobs
        self._workplace = workplace
        self._clock = clock

    async def merge(self, items: Sequence[Mapping[str, Any]]) -> int:
        changes = listing_changes(dict(item) for item in items)
        if not changes:
            return 0
        try:
            await self._merge(changes)
        except Unreadable as wrong:
            await self._begin_anew(wrong)
        return len(changes)

    async def catch_up(self) -> int:
        try:
            found = await self._current()
            count = await self._read_on(found.pointer.after)
            await self._renew_old()
        except Unreadable as wrong:
            return await self._begin_anew(wrong)
        return count

    async def rebuild(self) -> int:
        begun, after = self._clock.now_ms(), await self._container.now()
        async with self._new_copy() as copy:
            await asyncio.to_thread(copy.create)
            async for page in self._listings.all():
                await copy.apply(page)
            built = await self._stored(copy)
        await self._point_at(built, after, begun)
        log.info("search.rebuilt", packages=built.packages, size_bytes=built.part.size_bytes)
        return built.packages

    async def _begin_anew(self, wrong: Unreadable) -> int:
        if not isinstance(wrong, IndexNotBuilt):
            log.warning("search.begun_anew", reason=str(wrong))
        return await self.rebuild()

    # --- the delta -----------------------------------------------------------------------------

    async def _current(self) -> StoredPointer:
        """Return the pointer; raise `Unreadable` if its index cannot be continued."""
        found = await self._blobs.pointer()
        if found is None:
            raise IndexNotBuilt
        schema, age_ms = found.pointer.schema, self._clock.now_ms() - found.pointer.made_ms
        # During an upgrade the newer version builds the index; after a rollback this one does.
        if schema < COPY_SCHEMA or (schema > COPY_SCHEMA and age_ms > UPGRADE_OVERLAP // _MS):
            message = f"the base has schema {schema}, and this Ballroom needs {COPY_SCHEMA}"
            raise Unreadable(message)
        return found

    async def _read_on(self, after: str) -> int:
        """Merge the changes after that position of the feed; return how many there were."""
        count = 0
        for _ in range(MAX_PAGES_PER_RUN):
            page = await self._page(after)
            changes, after = listing_changes(page.items), page.after
            if changes:
                await self._merge(changes, after)
                count += len(changes)
            if not page.items:
                break
        await self._merge([], after)
        return count

    async def _page(self, after: str) -> ChangeFeedPage:
        try:
            return await self._container.changes(after)
        except ValueError as wrong:  # A backup was restored.
            message = "its place in the change feed is one of another container"
            raise Unreadable(message) from wrong

    async def _merge(self, changes: Sequence[ListingChange], after: str = "") -> None:
        """Put changes into the delta; with `after`, it then contains all up to that position."""

        async def attempt() -> None:
            nonlocal changes
            found = await self._current()
            known = await self._delta(found.pointer)
            delta = known.merged(changes)
            if delta is known and not after:
                return
            part = found.pointer.delta if delta is known else await self._blobs.put_delta(delta)
            if part is not None and part.size_bytes > LARGEST_DELTA_BYTES:
                await self._renew(found, delta)
                changes = []  # They are in the base.
                raise Stale
            if not await self._blobs.replace_pointer(
                self._fed(found.pointer, part, after), found.etag
            ):
                raise Stale

        await retry_when_stale(attempt, WRITE_ATTEMPTS, back_off)

    def _fed(self, pointer: IndexPointer, delta: IndexPart | None, after: str) -> IndexPointer:
        if not after:
            return replace(pointer, delta=delta)
        return replace(pointer, delta=delta, after=after, fed_ms=self._clock.now_ms())

    async def _delta(self, pointer: IndexPointer) -> IndexDelta:
        return await self._blobs.delta(pointer.delta) if pointer.delta else IndexDelta()

    # --- the base ------------------------------------------------------------------------------

    async def _renew_old(self) -> None:
        """Build a new base from an old one and its delta; remove parts that are no longer read."""
        found = await self._current()
        now_ms = self._clock.now_ms()
        if self._is_due(found.pointer, now_ms):
            await self._renew(found, await self._delta(found.pointer))
            found = await self._current()
        await self._blobs.delete_unused(found.pointer, now_ms - SWEEP_GRACE_PERIOD // _MS)

    def _is_due(self, pointer: IndexPointer, now_ms: int) -> bool:
        is_old = now_ms - pointer.made_ms >= BASE_LIFETIME // _MS
        return is_old and pointer.delta is not None and pointer.schema == COPY_SCHEMA

    async def _renew(self, found: StoredPointer, delta: IndexDelta) -> None:
        """Build a base that contains the delta, and point at it."""
        if found.pointer.schema != COPY_SCHEMA:
            raise Busy  # The newer version of the program builds it.
        begun = self._clock.now_ms()
        async with self._new_copy() as copy:
            await self._blobs.fetch_base(found.pointer.base, copy.file)
            await copy.check()
            await copy.apply(delta.changes.values())
            built = await self._stored(copy)
        await self._succeed(found, built, delta, begun)
        log.info("search.base_renewed", packages=built.packages, size_bytes=built.part.size_bytes)

    async def _succeed(
        self, found: StoredPointer, built: BuiltBase, applied: IndexDelta, begun: int
    ) -> None:
        """Point at a base built from the pointer's base, unless another base has replaced that."""
        now = found
        while now.pointer.base == found.pointer.base:
            left = (await self._delta(now.pointer)).without(applied)
            pointer = replace(
                now.pointer,
                base=built.part,
                made_ms=begun,
                packages=built.packages,
                delta=await self._blobs.put_delta(left) if left.changes else None,
            )
            if await self._blobs.replace_pointer(pointer, now.etag):
                return
            now = await self._current()

    async def _point_at(self, built: BuiltBase, after: str, begun: int) -> None:
        """Point at a base built from all listings, whatever the pointer was before."""

        async def attempt() -> None:
            etag = await self._blobs.etag()
            pointer = IndexPointer(
                schema=COPY_SCHEMA,
                base=built.part,
                made_ms=begun,
                packages=built.packages,
                # Changes merged meanwhile may be newer than the base; older ones have no effect.
                delta=await self._merged_meanwhile(),
                fed_ms=begun,
                after=after,
            )
            if not await self._blobs.replace_pointer(pointer, etag):
                raise Stale

        await retry_when_stale(attempt, WRITE_ATTEMPTS, back_off)

    async def _merged_meanwhile(self) -> IndexPart | None:
        try:
            found = await self._current()
            await self._delta(found.pointer)
        except Unreadable:
            return None
        return found.pointer.delta

    async def _stored(self, copy: IndexCopy) -> BuiltBase:
        packages = await copy.compact()
        return BuiltBase(await self._blobs.put_base(copy.file), packages)

    @asynccontextmanager
    async def _new_copy(self) -> AsyncGenerator[IndexCopy]:
        copy = IndexCopy(self._workplace.folder() / COPY_FILE)
        try:
            yield copy
        finally:
            await asyncio.to_thread(copy.close)
            await asyncio.to_thread(remove_folder, copy.file.parent)

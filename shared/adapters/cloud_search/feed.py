"""Builds bases of the search index, from which instances read on in the change feed.

Every step may be interrupted and repeated: a base is written before the pointer is changed, and the
pointer is written with its ETag as condition.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.adapters.cloud_search.copies import (
    COPY_FILE,
    COPY_SCHEMA,
    CopyFolders,
    IndexCopy,
    remove_folder,
)
from shared.adapters.cloud_search.parts import (
    IndexNotBuilt,
    IndexPart,
    IndexPointer,
    SearchBlobs,
    StoredPointer,
    Unreadable,
)
from shared.adapters.cosmos.listings import CosmosListings
from shared.domain.times import MS
from shared.log import log
from shared.ports import Clock, Stale
from shared.runtime.retries import back_off, retried

BASE_LIFETIME = timedelta(hours=1)  # An instance that starts reads what changed since.
MOST_CHANGES = 2_000  # Since a base: an instance applies as many in two seconds.
SWEEP_GRACE_PERIOD = timedelta(minutes=15)  # Another process may still read or write the base.
UPGRADE_OVERLAP = timedelta(
    minutes=30
)  # How long two versions of the program may run at the same time.


@dataclass(frozen=True)
class BuiltBase:
    """A new base, how many packages it shows, and up to which position it has all changes."""

    part: IndexPart
    packages: int
    after: str


class CloudSearchFeed:
    """The SearchFeed of a registry in the cloud."""

    def __init__(
        self, listings: CosmosListings, blobs: SearchBlobs, workplace: CopyFolders, clock: Clock
    ) -> None:
        self._listings = listings
        self._blobs = blobs
        self._workplace = workplace
        self._clock = clock

    async def catch_up(self) -> int:
        try:
            return await self._catch_up()
        except Unreadable as wrong:
            if not isinstance(wrong, IndexNotBuilt):
                log.warning("search.begun_anew", reason=str(wrong))
            return await self.rebuild()

    async def rebuild(self) -> int:
        begun_ms, after = self._clock.now_ms(), await self._listings.now()
        async with self._new_copy() as copy:
            await copy.fill(self._listings)
            built = await self._stored(copy, after)

        @retried(pause=back_off)
        async def attempt() -> None:
            if not await self._point_at(built, begun_ms, await self._blobs.etag()):
                raise Stale

        await attempt()
        log.info("search.rebuilt", packages=built.packages, size_bytes=built.part.size_bytes)
        return built.packages

    async def _catch_up(self) -> int:
        begun_ms, found = self._clock.now_ms(), await self._current()
        pointer = found.pointer
        try:
            count, after = 0, pointer.after
            async for changes, position in self._listings.since(pointer.after):
                count, after = count + len(changes), position
        except ValueError as wrong:  # A backup was restored.
            message = "its place in the change feed is one of another container"
            raise Unreadable(message) from wrong
        is_due = count > MOST_CHANGES or begun_ms - pointer.made_ms >= BASE_LIFETIME // MS
        if count and is_due and pointer.schema == COPY_SCHEMA:
            await self._renew(found, begun_ms)
        else:  # Where no listing changed, others need not read the same again.
            read = replace(pointer, fed_ms=begun_ms, after=pointer.after if count else after)
            await self._blobs.replace_pointer(read, found.etag)
        await self._blobs.delete_unused(
            (await self._current()).pointer, begun_ms - SWEEP_GRACE_PERIOD // MS
        )
        return count

    async def _current(self) -> StoredPointer:
        """Return the pointer; raise `Unreadable` if its index cannot be continued."""
        found = await self._blobs.pointer()
        if found is None:
            raise IndexNotBuilt
        schema, age_ms = found.pointer.schema, self._clock.now_ms() - found.pointer.made_ms
        # During an upgrade the newer version builds the index; after a rollback this one does.
        if schema < COPY_SCHEMA or (schema > COPY_SCHEMA and age_ms > UPGRADE_OVERLAP // MS):
            message = f"the base has schema {schema}, and this Ballroom needs {COPY_SCHEMA}"
            raise Unreadable(message)
        return found

    async def _renew(self, found: StoredPointer, begun_ms: int) -> None:
        """Build a base from the current one and what changed since. Of several processes that do
        this at the same time one stores its pointer."""
        async with self._new_copy() as copy:
            await self._blobs.fetch_base(found.pointer.base, copy.file)
            await copy.check()
            after = await copy.read_on(self._listings, found.pointer.after)
            built = await self._stored(copy, after)
        await self._point_at(built, begun_ms, found.etag)
        log.info("search.base_renewed", packages=built.packages, size_bytes=built.part.size_bytes)

    async def _point_at(self, built: BuiltBase, begun_ms: int, etag: str) -> bool:
        pointer = IndexPointer(
            schema=COPY_SCHEMA,
            base=built.part,
            made_ms=begun_ms,
            packages=built.packages,
            fed_ms=begun_ms,
            after=built.after,
        )
        return await self._blobs.replace_pointer(pointer, etag)

    async def _stored(self, copy: IndexCopy, after: str) -> BuiltBase:
        packages = await copy.compact()
        return BuiltBase(await self._blobs.put_base(copy.file), packages, after)

    @asynccontextmanager
    async def _new_copy(self) -> AsyncGenerator[IndexCopy]:
        copy = IndexCopy(self._workplace.folder() / COPY_FILE)
        try:
            yield copy
        finally:
            await asyncio.to_thread(copy.close)
            await asyncio.to_thread(remove_folder, copy.file.parent)

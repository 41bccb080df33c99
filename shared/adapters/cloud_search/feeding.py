"""Feeding: changed listings go into the delta, and with it into a new base when that has grown.

Every step may be repeated and interrupted: a change that is known is no news, parts are written
before the pointer is changed, and it is changed only by whoever knows its last version.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from shared.adapters.cloud_search.blobs import Found, SearchBlobs
from shared.adapters.cloud_search.copies import SCHEMA, Copy
from shared.adapters.cloud_search.deltas import LIMIT, Delta
from shared.adapters.cloud_search.pointer import NothingYet, Part, Pointer, Unreadable
from shared.adapters.cloud_search.workplaces import FILE, Workplace, remove
from shared.adapters.cosmos.connecting import Changes, Container, stand_back
from shared.adapters.cosmos.listings import Change, CosmosListings, changes_of
from shared.domain.errors import Busy
from shared.log import log
from shared.ports import Clock

ATTEMPTS = 8  # Each that fails is another feeder that succeeded.
BASE_LIFETIME = timedelta(hours=1)  # What a delta holds is read by every instance, again and again.
GRACE = timedelta(
    minutes=15
)  # Somebody may still be reading a part that was replaced, or write one.
TAKE_OVER = timedelta(minutes=30)  # How long two versions of the program may run side by side.
MOST_PAGES = 500  # Of the feed in one run: half a million items.

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Built:
    """A new base, and how many packages it shows."""

    part: Part
    packages: int


class CloudSearchFeed:
    """The SearchFeed of a registry in the cloud."""

    def __init__(
        self,
        listings: CosmosListings,
        container: Container,
        blobs: SearchBlobs,
        workplace: Workplace,
        clock: Clock,
    ) -> None:
        """Feed what changes in `container`, where `listings` are, into `blobs`."""
        self._listings = listings
        self._container = container
        self._blobs = blobs
        self._workplace = workplace
        self._clock = clock

    async def merge(self, items: Sequence[Mapping[str, Any]]) -> int:
        """Bring changed items to the searches; return how many changed what a package shows."""
        changes = changes_of(dict(item) for item in items)
        if not changes:
            return 0
        try:
            await self._merge(changes)
        except Unreadable as wrong:
            await self._begin_anew(wrong)
        return len(changes)

    async def catch_up(self) -> int:
        """Read the change feed from where this ended last; return as `merge` does."""
        try:
            found = await self._current()
            count = await self._read_on(found.pointer.after)
            await self._renew_old()
        except Unreadable as wrong:
            return await self._begin_anew(wrong)
        return count

    async def rebuild(self) -> int:
        """Build a base from all listings; return the number of packages that it shows."""
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
        if not isinstance(wrong, NothingYet):
            log.warning("search.begun_anew", reason=str(wrong))
        return await self.rebuild()

    # --- the delta -----------------------------------------------------------------------------

    async def _current(self) -> Found:
        """Return the pointer; raise `Unreadable` where nobody can go on from it."""
        found = await self._blobs.pointer()
        if found is None:
            raise NothingYet
        schema, age_ms = found.pointer.schema, self._clock.now_ms() - found.pointer.made_ms
        # While a newer program takes over it has the word; after it was taken back, it has not.
        if schema < SCHEMA or (schema > SCHEMA and age_ms > TAKE_OVER // _MS):
            message = f"the base has schema {schema}, and this Ballroom needs {SCHEMA}"
            raise Unreadable(message)
        return found

    async def _read_on(self, after: str) -> int:
        """Merge what the feed shows after that place; return how much it was."""
        count = 0
        for _ in range(MOST_PAGES):
            page = await self._page(after)
            changes, after = changes_of(page.items), page.after
            if changes:
                await self._merge(changes, after)
                count += len(changes)
            if not page.items:
                break
        await self._merge([], after)
        return count

    async def _page(self, after: str) -> Changes:
        try:
            return await self._container.changes(after)
        except ValueError as wrong:  # A backup was restored.
            message = "its place in the change feed is one of another container"
            raise Unreadable(message) from wrong

    async def _merge(self, changes: Sequence[Change], after: str = "") -> None:
        """Put changes into the delta; `after` says that all up to that place are in it now."""
        for attempt in range(ATTEMPTS):
            found = await self._current()
            known = await self._delta(found.pointer)
            delta = known.merged(changes)
            if delta is known and not after:
                return
            part = found.pointer.delta if delta is known else await self._blobs.put_delta(delta)
            if part is not None and part.size_bytes > LIMIT:
                await self._renew(found, delta)
                changes = []  # They are in the base.
            elif await self._blobs.flip(self._fed(found.pointer, part, after), found.etag):
                return
            else:
                await stand_back(attempt)
        raise Busy

    def _fed(self, pointer: Pointer, delta: Part | None, after: str) -> Pointer:
        if not after:
            return replace(pointer, delta=delta)
        return replace(pointer, delta=delta, after=after, fed_ms=self._clock.now_ms())

    async def _delta(self, pointer: Pointer) -> Delta:
        return await self._blobs.delta(pointer.delta) if pointer.delta else Delta()

    # --- the base ------------------------------------------------------------------------------

    async def _renew_old(self) -> None:
        """Make a new base of one that is old and its delta; remove what nobody reads any more."""
        found = await self._current()
        now_ms = self._clock.now_ms()
        if self._is_due(found.pointer, now_ms):
            await self._renew(found, await self._delta(found.pointer))
            found = await self._current()
        await self._blobs.sweep(found.pointer, now_ms - GRACE // _MS)

    def _is_due(self, pointer: Pointer, now_ms: int) -> bool:
        is_old = now_ms - pointer.made_ms >= BASE_LIFETIME // _MS
        return is_old and pointer.delta is not None and pointer.schema == SCHEMA

    async def _renew(self, found: Found, delta: Delta) -> None:
        """Point at a base that has the delta in it."""
        if found.pointer.schema != SCHEMA:
            raise Busy  # The newer program that takes over makes it.
        begun = self._clock.now_ms()
        async with self._new_copy() as copy:
            await self._blobs.fetch_base(found.pointer.base, copy.file)
            await copy.check()
            await copy.apply(delta.changes.values())
            built = await self._stored(copy)
        await self._succeed(found, built, delta, begun)
        log.info("search.base_renewed", packages=built.packages, size_bytes=built.part.size_bytes)

    async def _succeed(self, found: Found, built: Built, applied: Delta, begun: int) -> None:
        """Point at a base that was made of this pointer's, unless that has a successor already."""
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
            if await self._blobs.flip(pointer, now.etag):
                return
            now = await self._current()

    async def _point_at(self, built: Built, after: str, begun: int) -> None:
        """Point at a base that was made of all listings, whatever was pointed at before."""
        for attempt in range(ATTEMPTS):
            pointer = Pointer(
                schema=SCHEMA,
                base=built.part,
                made_ms=begun,
                packages=built.packages,
                delta=None,
                fed_ms=begun,
                after=after,
            )
            etag = await self._blobs.etag()
            # What was merged meanwhile may be newer than the base; what is older is no news to it.
            pointer = replace(pointer, delta=await self._merged_meanwhile())
            if await self._blobs.flip(pointer, etag):
                return
            await stand_back(attempt)
        raise Busy

    async def _merged_meanwhile(self) -> Part | None:
        try:
            found = await self._current()
            await self._delta(found.pointer)
        except Unreadable:
            return None
        return found.pointer.delta

    async def _stored(self, copy: Copy) -> Built:
        packages = await copy.compact()
        return Built(await self._blobs.put_base(copy.file), packages)

    @asynccontextmanager
    async def _new_copy(self) -> AsyncGenerator[Copy]:
        copy = Copy(self._workplace.folder() / FILE)
        try:
            yield copy
        finally:
            await asyncio.to_thread(copy.close)
            await asyncio.to_thread(remove, copy.file.parent)

"""The copy that is searched, and its successors.

It is looked for a newer one every quarter of a minute, beside the requests. A request waits once at
most: for the first copy of its process, and not for long. What cannot be read is told to the
operator, and the copy that is there serves on.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.adapters.cloud_search.blobs import Found, SearchBlobs, Unchanged
from shared.adapters.cloud_search.copies import SCHEMA, Copy
from shared.adapters.cloud_search.pointer import Pointer, Unreadable
from shared.adapters.cloud_search.workplaces import FILE, Workplace, remove
from shared.adapters.cosmos.listings import Change
from shared.domain.errors import SearchLoading
from shared.log import log
from shared.ports import Clock
from shared.telemetry import recording
from shared.telemetry.catalog import SEARCH_AGE

Sleep = Callable[[float], Awaitable[object]]

EVERY = timedelta(seconds=15)  # With the feed's five seconds a push is found within thirty.
PATIENCE = timedelta(seconds=10)  # 100,000 packages load in less.
RESPITE = timedelta(minutes=5)  # Until a base that could not be read is fetched again.
_MS = timedelta(milliseconds=1)

OWN_CHANGES = 256  # That are shown before the feed brings them; it takes some seconds.


@dataclass
class Shown:
    """A copy with what it holds, and how many searches are reading it."""

    copy: Copy
    base: str = ""
    delta: str = ""
    fed_ms: int | None = None  # None: nothing was built yet.
    readers: int = 0
    is_retired: bool = False


class Looking:
    """Keeps a copy of what the pointer points at."""

    def __init__(
        self,
        blobs: SearchBlobs,
        workplace: Workplace,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        *,
        patience: timedelta = PATIENCE,
    ) -> None:
        """Look into `blobs`, and keep copies in `workplace`; nothing is begun yet."""
        self._patience = patience
        self._blobs = blobs
        self._workplace = workplace
        self._clock = clock
        self._sleep = sleep
        self._shown: Shown | None = None
        self._etag = ""
        self._own: OrderedDict[str, Change] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None
        self._looked = asyncio.Event()  # At least once.
        self._spared = ("", 0)

    @asynccontextmanager
    async def lent(self) -> AsyncGenerator[Copy]:
        """Lend the copy for one search; raise `SearchLoading` where there is none in time."""
        shown = self._shown or await self._first()
        async with self._reading(shown):
            yield shown.copy

    async def look(self) -> None:
        """Look for newer parts now, and show them; keep what is shown if they cannot be read."""
        async with self._one_at_a_time:
            try:
                await self._advance()
            except Unchanged:
                pass
            except Exception as failure:  # Whatever it is, searches go on.
                log.warning("search.not_renewed", reason=_told(failure))
            finally:
                self._looked.set()
                self._tell_age()

    async def note(self, change: Change | None) -> None:
        """Show a change of this process at once; the others learn of it by the feed."""
        if change is None:
            return
        self._own[change.key] = change
        self._own.move_to_end(change.key)
        if len(self._own) > OWN_CHANGES:
            self._own.popitem(last=False)
        shown = self._shown
        if shown is not None:
            await self._apply(shown, change)

    async def close(self) -> None:
        """Stop looking, and remove every copy."""
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

    async def _apply(self, shown: Shown, change: Change) -> None:
        try:
            async with self._reading(shown):
                await shown.copy.apply([change])
        except Exception as failure:  # What is decided is decided; the feed brings it as well.
            log.warning("search.not_noted", reason=_told(failure))

    # --- looking -------------------------------------------------------------------------------

    async def _first(self) -> Shown:
        """Wait for the first look; only then there is nothing to answer from."""
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
            await self.look()
            await self._sleep(EVERY.total_seconds())

    async def _advance(self) -> None:
        found = await self._blobs.pointer(self._etag if self._shown else "")
        if found is None:
            if self._shown is None:
                await self._begin_empty()
            return
        if found.pointer.schema != SCHEMA:
            message = f"it has schema {found.pointer.schema}, and this Ballroom needs {SCHEMA}"
            raise Unreadable(message)
        shown = self._shown
        if shown is None or shown.base != found.pointer.base.name:
            shown = await self._loaded(found.pointer)
        else:
            await self._brought_up(shown, found.pointer)
        await self._show(shown, found)

    async def _begin_empty(self) -> None:
        """Show nothing: before anything was built there is nothing to find."""
        copy = Copy(self._workplace.folder() / FILE)
        await asyncio.to_thread(copy.create)
        await copy.apply(self._own.values())
        self._shown = Shown(copy)

    async def _loaded(self, pointer: Pointer) -> Shown:
        """Return a copy of the base with the delta applied."""
        name, until = self._spared
        if name == pointer.base.name and self._clock.monotonic_ms() < until:
            raise Unchanged
        file = self._workplace.folder() / FILE
        shown = Shown(Copy(file), pointer.base.name)
        try:
            await self._blobs.fetch_base(pointer.base, file)
            await shown.copy.check()
            await self._brought_up(shown, pointer)
            await shown.copy.apply(self._own.values())
        except BaseException as failure:
            await _discard(shown.copy)
            if isinstance(failure, Unreadable):
                self._spared = (pointer.base.name, self._clock.monotonic_ms() + RESPITE // _MS)
            raise
        return shown

    async def _brought_up(self, shown: Shown, pointer: Pointer) -> None:
        if pointer.delta is not None and pointer.delta.name != shown.delta:
            delta = await self._blobs.delta(pointer.delta)
            await shown.copy.apply(delta.changes.values())
            shown.delta = pointer.delta.name
        shown.fed_ms = pointer.fed_ms

    async def _show(self, shown: Shown, found: Found) -> None:
        before, self._shown, self._etag = self._shown, shown, found.etag
        if before is not None and before is not shown:
            log.info("search.renewed", base=shown.base, packages=found.pointer.packages)
            before.is_retired = True
            await self._end(before)
            await shown.copy.apply(self._own.values())  # What was noted while it was loaded.

    # --- reading -------------------------------------------------------------------------------

    @asynccontextmanager
    async def _reading(self, shown: Shown) -> AsyncGenerator[None]:
        shown.readers += 1
        try:
            yield
        finally:
            shown.readers -= 1
            await self._end(shown)

    async def _end(self, shown: Shown) -> None:
        """Remove a copy that has a successor, once nobody reads it."""
        if shown.is_retired and not shown.readers:
            shown.is_retired = False
            await _discard(shown.copy)

    def _tell_age(self) -> None:
        if self._shown is not None and self._shown.fed_ms is not None:
            age_ms = self._clock.now_ms() - self._shown.fed_ms
            recording.record(SEARCH_AGE, age_ms / 1000, {})


def _told(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}"


async def _discard(copy: Copy) -> None:
    await asyncio.to_thread(copy.close)
    await asyncio.to_thread(remove, _folder_of(copy))


def _folder_of(copy: Copy) -> Path:
    return copy.file.parent

"""The notice on every page, and the read-only mode of the registry."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import TakesNoChanges
from shared.domain.notices import (
    NOTICE_BOARD_PLACE,
    NoticeBoard,
    ReadOnlyState,
    parse_notice,
    parse_read_only_reason,
)
from shared.domain.principals import Principal
from shared.domain.times import MS
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange

_NOTICE = "the notice of the registry"
_READ_ONLY = "whether the registry takes changes"

NOTICES_CACHED_FOR = timedelta(seconds=3)  # A change is in force everywhere within five.
# The longest that a page waits for a slow store.
NOTICES_READ_TIMEOUT = timedelta(milliseconds=250)

_CACHED_FOR_MS = NOTICES_CACHED_FOR // MS


class NoticeCache:
    """Caches the notice board, read every three seconds and only while requests need it.

    While the store is slow or fails, the board that was read last stays in force.
    """

    def __init__(
        self, directory: DirectoryStore, clock: Clock, timeout: timedelta = NOTICES_READ_TIMEOUT
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._timeout_s = timeout.total_seconds()
        self._board = NoticeBoard()  # Empty until a store was read.
        self._read_ms = -_CACHED_FOR_MS
        self._tried_ms = -_CACHED_FOR_MS
        self._reading: asyncio.Task[None] | None = None
        self._waits_until = 0.0

    @property
    def read_ms(self) -> int:
        """When the board was read last."""
        return self._read_ms

    async def current(self) -> NoticeBoard:
        """Return the board as it was at most three seconds ago, or as it was read last."""
        now_ms = self._clock.monotonic_ms()
        if self._reading is None and now_ms - self._tried_ms >= _CACHED_FOR_MS:
            self._begin(now_ms)
        if self._reading is not None:
            # All requests during a slow read share one timeout.
            left_s = max(0.0, self._waits_until - asyncio.get_running_loop().time())
            await asyncio.wait({self._reading}, timeout=left_s)
        return self._board

    def invalidate(self) -> None:
        """Read the board again at the next request, because this process changed it."""
        self._tried_ms = -_CACHED_FOR_MS

    async def close(self) -> None:
        """Cancel a read that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    def _begin(self, now_ms: int) -> None:
        self._tried_ms = now_ms
        self._waits_until = asyncio.get_running_loop().time() + self._timeout_s
        self._reading = asyncio.create_task(self._read(self._clock.now_ms()))
        self._reading.add_done_callback(self._ended)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        self._reading = None

    async def _read(self, now_ms: int) -> None:
        # The time before the read counts: a change during it is read by the next.
        with suppress(Unavailable):
            self._board = (
                await self._directory.get(NoticeBoard, NOTICE_BOARD_PLACE) or NoticeBoard()
            )
            self._read_ms = now_ms


class Notices(Struct, frozen=True):
    """Changes the notice board. This process shows a change at once, others within five seconds."""

    registry_authorization: RegistryAuthorization
    directory: DirectoryStore
    audited_writer: AuditedWriter
    notice_cache: NoticeCache
    clock: Clock

    async def current(self, *, by: Principal) -> NoticeBoard:
        """Return the stored board to an administrator or auditor."""
        await self.registry_authorization.require_auditor(by, "look at", _NOTICE)
        return await self._read()

    async def publish(self, text: str, *, by: Principal) -> None:
        """Show the notice on every page, in place of the one before; raise `InvalidRequest`."""
        await self.registry_authorization.require_fresh(by, "change", _NOTICE)
        notice = parse_notice(text)
        change = _change("notice.announced", "registry", {"text": notice})
        await self._write(lambda old: old.model_copy(update={"notice": notice}), change, by)

    async def end(self, *, by: Principal) -> None:
        """Show no notice any more; a repeat changes nothing."""
        await self.registry_authorization.require_fresh(by, "change", _NOTICE)
        if (await self._read()).notice:
            change = _change("notice.ended", "registry")
            await self._write(lambda old: old.model_copy(update={"notice": ""}), change, by)

    async def enter_read_only_mode(self, reason: str, *, by: Principal) -> ReadOnlyState:
        """Make the registry read-only, or change the reason; raise `InvalidRequest`."""
        await self.registry_authorization.require_fresh(by, "change", _READ_ONLY)
        read_only = ReadOnlyState(
            reason=parse_read_only_reason(reason), since_ms=self.clock.now_ms()
        )
        change = _change("registry.read-only", "registry", {"reason": read_only.reason})
        await self._write(lambda old: _with_reason(old, read_only), change, by)
        return read_only

    async def leave_read_only_mode(self, *, by: Principal) -> None:
        """Allow changes again; a repeat changes nothing."""
        await self.registry_authorization.require_fresh(by, "change", _READ_ONLY)
        if (await self._read()).read_only is None:
            return
        change = _change("registry.writable", "registry")
        await self._write(lambda old: old.model_copy(update={"read_only": None}), change, by)

    async def _read(self) -> NoticeBoard:
        return await self.directory.get(NoticeBoard, NOTICE_BOARD_PLACE) or NoticeBoard(revision=0)

    @retried_when_stale
    async def _write(
        self, decide: Callable[[NoticeBoard], NoticeBoard], change: EntityChange, by: Principal
    ) -> None:
        decided = decide(await self._read())
        if decided.revision:
            await self.audited_writer.replace(decided, change=change, by=by)
        else:
            first = decided.model_copy(update={"revision": 1})
            await self.audited_writer.add(first, change=change, by=by)
        self.notice_cache.invalidate()


def _change(kind: str, subject: str, details: Mapping[str, str] | None = None) -> EntityChange:
    return EntityChange(kind, subject, details=details or {})


def _with_reason(old: NoticeBoard, read_only: ReadOnlyState) -> NoticeBoard:
    """Return the board with the state; a new reason does not change since when it is in force."""
    since_ms = old.read_only.since_ms if old.read_only else read_only.since_ms
    return old.model_copy(update={"read_only": read_only.model_copy(update={"since_ms": since_ms})})


class ReadOnlyMode(Struct, frozen=True):
    """Refuses changes while the registry is read-only.

    Until a store was read, changes are allowed: a store that does not answer stores none anyway.
    """

    notice_cache: NoticeCache

    async def require_changes_allowed(self) -> None:
        """Raise `TakesNoChanges` while the registry is read-only, by the cached board."""
        read_only = (await self.notice_cache.current()).read_only
        if read_only is not None:
            raise TakesNoChanges(read_only.reason)

"""A secret that is stored outside the process, and read again while the process runs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

from msgspec import Struct

from shared.auth.secrets import Secret
from shared.domain.errors.identity import KeyTrouble, SigningKeyUnavailable
from shared.domain.errors.requests import Busy
from shared.domain.times import MS
from shared.ports.system import Clock

REREAD_AFTER = timedelta(minutes=5)  # Every process reads a new key before it signs.
SIGNS_AFTER = timedelta(minutes=10)  # After a new key was stored.
RETRY_AFTER = timedelta(seconds=10)  # While no key was read.
REREAD_AFTER_UNKNOWN_KEY = timedelta(seconds=30)  # Between two reads because of unknown signatures.

T = TypeVar("T")


class StoredKeys(Struct, frozen=True):
    """The keys in a vault as text, and when they were stored."""

    text: Secret
    stored_ms: int


# Returns None where there is no secret; raises `Busy`.
ReadKeys = Callable[[], Awaitable[StoredKeys | None]]


class RereadSecret(Generic[T]):
    """A parsed secret, which is read again every five minutes, and when it is asked for.

    The last one stays valid while its store does not respond.
    """

    def __init__(
        self,
        read: ReadKeys,
        parse: Callable[[StoredKeys], T],
        clock: Clock,
        *,
        on_trouble: Callable[[KeyTrouble], None],
        signed: str,
    ) -> None:
        """Parse with `parse`, which raises `ValueError`; call `on_trouble` for each read that
        returned nothing usable. `signed` says what cannot be signed while there is nothing."""
        self._read = read
        self._parse = parse
        self._clock = clock
        self._on_trouble = on_trouble
        self._signed = signed
        self._current: T | None = None
        self._trouble = KeyTrouble.UNREAD
        self._read_ms: int | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def current(self) -> T:
        """The secret as it was read last; raises `SigningKeyUnavailable`."""
        if self._current is None:
            raise SigningKeyUnavailable(self._trouble, self._signed)
        return self._current

    async def ready(self) -> None:
        """Read the secret if it is unknown or old; raise `SigningKeyUnavailable`."""
        if self._current is None:
            await self._read_after(RETRY_AFTER)
        elif self._is_due(2 * REREAD_AFTER):
            # Unused for long: the key that signs here may be unknown to other processes.
            await self._read_after(REREAD_AFTER)
        elif self._is_due(REREAD_AFTER):
            self._start_reading()
        _ = self.current

    async def reread(self) -> bool:
        """Read the secret again, unless it was just read; say whether it changed."""
        before = self._current
        await self._read_after(REREAD_AFTER_UNKNOWN_KEY)
        return self._current != before

    def reread_in_background(self) -> None:
        """Start reading the secret again, unless it was just read."""
        if self._is_due(REREAD_AFTER_UNKNOWN_KEY):
            self._start_reading()

    async def _read_after(self, pause: timedelta) -> None:
        """Read the secret, or wait for the current read, unless the last one is newer than
        `pause`."""
        if self._reading or self._is_due(pause):
            # Shared by all callers, so the cancellation of one must not stop it.
            await asyncio.shield(self._start_reading())

    def _is_due(self, pause: timedelta) -> bool:
        if self._read_ms is None:
            return True
        # After the clock was set back, the age is unknown.
        return not 0 <= self._clock.now_ms() - self._read_ms < pause // MS

    def _start_reading(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._read_ms = self._clock.now_ms()
            self._reading = asyncio.create_task(self._update())
        return self._reading

    async def _update(self) -> None:
        try:
            self._trouble = await self._read_keys()
        finally:
            self._reading = None
        if self._trouble is not KeyTrouble.NONE:
            self._on_trouble(self._trouble)

    async def _read_keys(self) -> KeyTrouble:
        try:
            stored = await self._read()
        except Busy:
            return KeyTrouble.SILENT
        if stored is None:
            return KeyTrouble.MISSING
        try:
            self._current = self._parse(stored)
        except ValueError:
            return KeyTrouble.UNUSABLE
        return KeyTrouble.NONE

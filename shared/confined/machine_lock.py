"""The lock that allows one child on a machine, whatever the number of serving processes."""

import asyncio
from pathlib import Path
from typing import BinaryIO

from shared.confined.budget import ConfinedUnavailable
from shared.runtime.file_lock import try_file_lock

_POLL_SECONDS = 0.05


class MachineLock:
    """A lock of the machine in a folder; whoever waits for it holds a second one meanwhile.

    The second lock tells the holder that somebody waits, and puts those who wait into a line.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: BinaryIO | None = None
        self._closed = False

    async def acquire(self) -> None:
        """Hold the lock, if it is not held already; raise `ConfinedUnavailable` once closed."""
        if self._held is not None:
            return
        wanted = await self._wait_for("confined.wanted")
        try:
            self._held = await self._wait_for("confined.lock")
        finally:
            wanted.close()

    def is_wanted(self) -> bool:
        """Say whether somebody waits for the lock, which this one holds."""
        try:
            lock = try_file_lock(self._folder / "confined.wanted")
        except OSError:
            return False  # Nobody else can wait either.
        if lock is not None:
            lock.close()
        return lock is None

    def release(self) -> None:
        """Let somebody else hold the lock; does nothing if it is not held."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed = True

    async def _wait_for(self, name: str) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        while (lock := try_file_lock(self._folder / name)) is None:
            if self._closed:
                raise ConfinedUnavailable
            await asyncio.sleep(_POLL_SECONDS)
        return lock

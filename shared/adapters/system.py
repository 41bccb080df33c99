"""This machine: its clock and its random source, which no other module reads, and the free space of
its disk.
"""

import asyncio
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from shared.adapters.disk_errors import translate_disk_errors
from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import StorageFull
from shared.domain.status import DiskSpace

_NS_PER_MS = 1_000_000


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970, UTC."""
        return time.time_ns() // _NS_PER_MS

    def monotonic_ms(self) -> int:
        """Return milliseconds since a fixed moment; never decreases."""
        return time.monotonic_ns() // _NS_PER_MS


class SystemRandomness:
    """The machine's source of randomness for secrets."""

    def token_bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)


PROBE_BYTES = 256 * 1024  # A push of a small package writes about as much to both databases.
PROBE_INTERVAL = timedelta(seconds=1)


def disk_space(data: Path) -> DiskSpace | None:
    """Return the total and free space; None if the system does not report it."""
    try:
        usage = shutil.disk_usage(data)
    except OSError:
        return None
    return DiskSpace(usage.total, usage.free)


class WriteProbe:
    """Checks at most once a second whether the disk accepts writes, by writing a temporary file."""

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._monotonic = monotonic
        self._good_until = -1.0

    async def require_disk_space(self) -> None:
        """Raise `storage-not-writable` if the disk is full or over quota, `Busy` if it fails."""
        if self._monotonic() < self._good_until:
            return
        await asyncio.to_thread(self._write)
        self._good_until = self._monotonic() + PROBE_INTERVAL.total_seconds()

    def _write(self) -> None:
        try:
            with translate_disk_errors(), tempfile.TemporaryFile(dir=self._folder) as file:
                file.write(bytes(PROBE_BYTES))
        except StorageFull:
            raise Unavailable(
                "storage-not-writable",
                "The registry's storage is full: packages are read and pulled, but nothing can be "
                "published or changed. Make room on its disk, or move it to a larger one.",
                timedelta(minutes=1),
            ) from None

"""Room on the disk that a registry on one machine lives on."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from shared.adapters.disk_failures import translated
from shared.domain.errors import StorageFull, StorageNotWritable
from shared.domain.oversight import Room

PROBE_BYTES = 256 * 1024  # A push of a small package writes about as much to both databases.
PROBED_EVERY = timedelta(seconds=1)


def room_of(data: Path) -> Room | None:
    """Return how much room there is; None where the disk does not say."""
    try:
        usage = shutil.disk_usage(data)
    except OSError:
        return None
    return Room(usage.total, usage.free)


class WriteProbe:
    """Writes a little to the disk, at most once a second, to tell whether it takes more."""

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Write to files of no name in `folder`."""
        self._folder = folder
        self._monotonic = monotonic
        self._good_until = -1.0

    async def require_room(self) -> None:
        """Raise `StorageNotWritable` if the disk is full or over its quota, `Busy` if it fails."""
        if self._monotonic() < self._good_until:
            return
        await asyncio.to_thread(self._write)
        self._good_until = self._monotonic() + PROBED_EVERY.total_seconds()

    def _write(self) -> None:
        try:
            with translated(), tempfile.TemporaryFile(dir=self._folder) as file:
                file.write(bytes(PROBE_BYTES))
        except StorageFull:
            raise StorageNotWritable from None

"""Reading archives on threads, a few at a time, so that the event loop never waits for one."""

import asyncio
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.domain.bala import ArchiveLimits, Bala, read_bala
from shared.domain.errors import ArchiveTooLarge, Busy

READERS = 2  # Archives read at once by a process: more would starve the loop of the interpreter.
SMALLEST_SHARE = 256  # A tiny archive counts as this part of a large one: a thousand may wait.


def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(READERS, thread_name_prefix="bala")


@dataclass
class Reading:
    """Reads uploads within the limits of this registry.

    Uploads wait for their turn as long as all of them together take no more memory than
    `max_in_hand` of the largest would: a hundred small pushes at once are no reason to refuse one.
    """

    limits: ArchiveLimits
    max_archive_bytes: int
    max_in_hand: int
    _bytes_in_hand: int = 0
    _threads: ThreadPoolExecutor = field(default_factory=_readers, repr=False)

    async def read(self, content: bytes | memoryview) -> Bala:
        """Return what the archive holds; raise `ArchiveTooLarge`, `Busy` or a `BadArchive`."""
        if len(content) > self.max_archive_bytes:
            raise ArchiveTooLarge(len(content), self.max_archive_bytes)
        with self._in_hand(len(content)):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, read_bala, content, self.limits)

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def _in_hand(self, size_bytes: int) -> Generator[None]:
        counted = max(size_bytes, self.max_archive_bytes // SMALLEST_SHARE)
        if self._bytes_in_hand + counted > self.max_in_hand * self.max_archive_bytes:
            raise Busy
        self._bytes_in_hand += counted
        try:
            yield
        finally:
            self._bytes_in_hand -= counted

"""Reading archives on threads, a few at a time, so that the event loop never waits for one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from shared.domain.bala import ArchiveLimits, Bala, read_bala
from shared.domain.errors import ArchiveTooLarge, Busy

READERS = 2  # Archives read at once by a process: more would starve the loop of the interpreter.


def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(READERS, thread_name_prefix="bala")


@dataclass
class Reading:
    """Reads uploads within the limits of this registry."""

    limits: ArchiveLimits
    max_archive_bytes: int
    max_in_hand: int
    in_hand: int = 0
    _threads: ThreadPoolExecutor = field(default_factory=_readers, repr=False)

    async def read(self, content: bytes | memoryview) -> Bala:
        """Return what the archive holds; raise `ArchiveTooLarge`, `Busy` or a `BadArchive`."""
        if len(content) > self.max_archive_bytes:
            raise ArchiveTooLarge(len(content), self.max_archive_bytes)
        if self.in_hand >= self.max_in_hand:
            raise Busy
        self.in_hand += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, read_bala, content, self.limits)
        finally:
            self.in_hand -= 1

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

"""Fakes for archives in the cloud: links, a cache in front of them, public and private
containers.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import StoreLink
from shared.domain.archives.names import ArchiveName
from shared.domain.errors.requests import Busy
from shared.ports.archive_store import ArchiveStore

STORE = "https://blobs.test"


@dataclass
class FakeLinks:
    """Links that say where they lead; none while `is_silent`."""

    is_silent: bool = False

    async def link(self, name: ArchiveName, container: ArchiveContainer, file: str) -> StoreLink:
        if self.is_silent:
            raise Busy
        path = f"{container.value}/{name.digest}/{name.tail}"
        return StoreLink(f"{STORE}/{path}?file={file}&sig=a%2Fb")


@dataclass
class FakeEdge:
    """A cache that writes down what it is told to forget; nothing while `is_silent`."""

    forgotten: list[str] = field(default_factory=list[str])
    is_silent: bool = False

    async def forget(self, paths: Sequence[str]) -> None:
        if self.is_silent:
            raise Busy
        self.forgotten.extend(paths)


@dataclass
class PlacedArchives:
    """Archives whose moves are written down, after `delay` turns of the loop; the first `failures`
    of them come to nothing."""

    archives: ArchiveStore
    moves: list[tuple[str, ArchiveContainer]] = field(
        default_factory=list[tuple[str, ArchiveContainer]]
    )
    failures: int = 0
    delay: int = 0

    async def move(self, name: ArchiveName, to: ArchiveContainer) -> None:
        """Note the move."""
        if self.failures:
            self.failures -= 1
            raise Busy
        for _ in range(self.delay):
            await asyncio.sleep(0)
        self.moves.append((str(name.coordinate), to))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.archives, name)

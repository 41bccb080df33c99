"""The worlds that keep the promises of the ports: a new adapter joins by one entry of `WORLDS`."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from shared.adapters.embedded import open_embedded
from shared.ports import (
    ArchiveStore,
    Clock,
    DirectoryStore,
    DocumentStore,
    EventStore,
    MetadataStore,
    PullLedger,
    WorkStore,
)
from tests.contract.cloud import cloud


class Stores(Protocol):
    """Every port of one world, over the same data."""

    @property
    def metadata(self) -> MetadataStore:
        """Packages, releases and entries."""
        ...

    @property
    def documents(self) -> DocumentStore:
        """Documents by digest."""
        ...

    @property
    def archives(self) -> ArchiveStore:
        """Balas by digest."""
        ...

    @property
    def directory(self) -> DirectoryStore:
        """Accounts, organizations and all that belongs to them."""
        ...

    @property
    def events(self) -> EventStore:
        """The feed."""
        ...

    @property
    def work(self) -> WorkStore:
        """Short-lived state."""
        ...

    @property
    def pulls(self) -> PullLedger:
        """Pull counts."""
        ...


# Opens the stores over a place that belongs to the test; to open it twice is to be two processes.
World = Callable[[Path, Clock], AbstractAsyncContextManager[Stores]]


@asynccontextmanager
async def embedded(place: Path, clock: Clock) -> AsyncGenerator[Stores]:
    """Open the stores of one machine."""
    stores = open_embedded(place, clock)
    stores.migrate()
    try:
        yield stores
    finally:
        stores.close()


WORLDS: dict[str, World] = {"embedded": embedded, "cloud": cloud}

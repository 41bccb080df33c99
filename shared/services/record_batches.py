"""Reading many records batch by batch."""

from collections.abc import AsyncGenerator
from typing import TypeVar

from shared.domain.entities import Entity
from shared.domain.packages import Head
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore

E = TypeVar("E", bound=Entity)

RECORDS_AT_ONCE = 200  # Records that a task holds in memory at once.
# Records that one read returns.
ENTITIES_READ_AT_ONCE = 500
PACKAGES_READ_AT_ONCE = 100
DEPENDENTS_READ_AT_ONCE = 100
FOLLOWERS_READ_AT_ONCE = 100
EVENTS_READ_AT_ONCE = 500  # Events of the feed, which tasks read whole.
# Fewer than of the feed, because a page of a log shows 50 of them and does not need the others.
LOG_EVENTS_READ_AT_ONCE = 200


async def entity_batches(
    directory: DirectoryStore, kind: type[E], size: int
) -> AsyncGenerator[list[E]]:
    """Yield every entity of the kind in order of place, up to `size` at once."""
    batch = list[E]()
    async for entity in await directory.read_all(kind):
        batch.append(entity)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def all_entities(directory: DirectoryStore, kind: type[E]) -> list[E]:
    """Return every entity of the kind, in order of place. The cost grows with their number."""
    return [entity async for entity in await directory.read_all(kind)]


async def package_batches(
    metadata: MetadataStore, size: int, *, prefix: str = "", after: str = ""
) -> AsyncGenerator[list[Head]]:
    """Yield the packages whose keys begin with `prefix` and come after `after`, in order of key.

    Each read returns up to `size` of them.
    """
    after = max(after, prefix)
    while heads := await metadata.packages(after, size):
        batch = [head for head in heads if head.key.startswith(prefix)]
        if batch:
            yield batch
        if len(batch) < len(heads):
            return
        after = heads[-1].package.key

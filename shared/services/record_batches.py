"""Reading many records or events: batch by batch, or with as few reads as are needed."""

from collections.abc import AsyncGenerator
from typing import TypeVar

from shared.domain.entities import Entity
from shared.domain.packages import Head
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventStore
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


async def last_event_number(events: EventStore) -> int:
    """Return the number of the last event, by some forty reads: numbers have no gaps."""
    low = 0
    high = 1
    while await events.since(high - 1, 1):
        low = high
        high = high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if await events.since(middle - 1, 1):
            low = middle
        else:
            high = middle
    return low

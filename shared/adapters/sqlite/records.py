"""Heads and releases as rows: how they are read, and when they wait for their events."""

from collections.abc import Callable
from functools import lru_cache

from shared.domain.package import Event, Head, Release

CACHED_HEADS = 8_192  # About 12 MB when every place is taken.
CACHED_RELEASES = 2_048  # About 20 MB.

# By the text itself: what was decoded stays true, and no write has to be noticed. Hashing the text
# takes a twentieth of decoding it.
read_head: Callable[[str], Head] = lru_cache(CACHED_HEADS)(Head.model_validate_json)
read_release: Callable[[str], Release] = lru_cache(CACHED_RELEASES)(Release.model_validate_json)


def waiting_since(outbox: tuple[Event, ...]) -> int | None:
    """Return since when a record waits for its events to be published, or None."""
    return outbox[0].at_ms if outbox else None

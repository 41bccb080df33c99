"""Listings of the packages of a page, as they are stored and decoded."""

import sqlite3
from collections.abc import Sequence
from threading import Lock

from shared.adapters.search.rows import parse_listing, unpack_listing
from shared.domain.listings import Listing
from shared.runtime.lru_cache import LruCache

# Memory for decoded listings in each process: about 1,500 listings.
LISTINGS_CACHED_BYTES = 16 * 1024 * 1024

_THESE = "SELECT value FROM json_each(?)"  # Ids that are bound as one value.


class DecodedListings:
    """The listings that were shown last, decoded; only the newest of each package. Safe for
    threads.

    Several indexes may share them: a listing is compared with what is stored.
    """

    def __init__(self) -> None:
        self._listings = LruCache[int, tuple[bytes, Listing, int]](
            LISTINGS_CACHED_BYTES, weigh=lambda _, cached: cached[2]
        )
        self._lock = Lock()

    def decode(self, package: int, stored: bytes) -> Listing:
        """Return the stored listing of a package, by its id."""
        with self._lock:
            cached = self._listings.get(package)
        if cached is None or cached[0] != stored:
            document = unpack_listing(stored)
            listing = parse_listing(document)
            size = memory_of_listing(listing, len(document)) + len(stored)
            cached = stored, listing, size
            with self._lock:
                self._listings.put(package, cached)
        return cached[1]


# Bytes besides those of the JSON, measured with tracemalloc. A model has a set of the names of its
# fields, which takes much more memory from the fifth one on.
_LISTING_BYTES = 5_000
_DEPENDENCY_BYTES = 420
_MODULE_BYTES = 360
_ITEM_BYTES = 1_200  # Memory of a connector or trigger.
_TEXT_BYTES = 55


def memory_of_listing(listing: Listing, json_bytes: int) -> int:
    """Return about how many bytes of memory a listing takes that was decoded from so much JSON.

    Takes a fiftieth of the time of decoding it, where `memory_of` takes a third. Counts a fourth of
    a readme that is wide because of one character.
    """
    release = listing.release
    api = listing.api
    items = len(api.connectors) + len(api.triggers) if api else 0
    texts = len(release.keywords) + len(release.modules) + len(listing.mentions)
    return (
        _LISTING_BYTES
        + json_bytes
        + _DEPENDENCY_BYTES * len(release.dependencies)
        + _MODULE_BYTES * len(listing.texts.modules)
        + _ITEM_BYTES * items
        + _TEXT_BYTES * texts
    )


shown_listing = DecodedListings().decode


def listings_of(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, Listing]:
    """Return the listings of packages by their ids, in the order of these."""
    statement = f"SELECT id, listing FROM listings WHERE id IN ({_THESE})"  # noqa: S608 - ours.
    stored = dict(connection.execute(statement, (str([*ids]),)).fetchall())
    return {package: shown_listing(package, stored[package]) for package in ids}

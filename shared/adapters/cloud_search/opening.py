"""The search of the cloud, put together."""

from dataclasses import dataclass
from pathlib import Path

from shared.adapters.blob.connecting import Blobs
from shared.adapters.cloud_search.blobs import SearchBlobs
from shared.adapters.cloud_search.feeding import CloudSearchFeed
from shared.adapters.cloud_search.index import CloudSearchIndex
from shared.adapters.cloud_search.looking import Looking, Sleep
from shared.adapters.cloud_search.workplaces import Workplace
from shared.adapters.cosmos.connecting import Cosmos
from shared.adapters.cosmos.listings import CosmosListings
from shared.ports import Clock, Randomness


@dataclass(frozen=True)
class CloudSearch:
    """What is searched, what brings changes to it, and who looks for them."""

    index: CloudSearchIndex
    feed: CloudSearchFeed
    looking: Looking


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the search takes from outside its stores."""

    clock: Clock
    randomness: Randomness
    sleep: Sleep


def open_search(
    cosmos: Cosmos, blobs: Blobs, folder: Path, surroundings: Surroundings
) -> CloudSearch:
    """Return the search over these stores, with copies below the folder; nothing is begun yet."""
    clock, randomness = surroundings.clock, surroundings.randomness
    listings = CosmosListings(cosmos)
    parts = SearchBlobs(blobs, clock, randomness)
    workplace = Workplace(folder, randomness)
    looking = Looking(parts, workplace, clock, surroundings.sleep)
    feed = CloudSearchFeed(listings, cosmos.container("packages"), parts, workplace, clock)
    return CloudSearch(CloudSearchIndex(listings, looking), feed, looking)

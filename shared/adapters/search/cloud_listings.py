"""What each package shows to searches in the cloud: one item in its partition of Cosmos DB, changed
by optimistic locking."""

import dataclasses
from collections.abc import AsyncIterator, Callable, Iterable

from msgspec import Struct
from pydantic import TypeAdapter

from shared.adapters.cosmos.client import CosmosDatabase, Item
from shared.adapters.search.rows import excerpt_of
from shared.domain.coordinates import Package
from shared.domain.listings import Listing, release_for_search
from shared.ports.conflicts import Stale
from shared.runtime.retries import back_off, retried

LISTING = "listing"
ALL_LISTINGS_QUERY = "SELECT * FROM c WHERE c.kind = 'listing'"

# Pulls are counted every few minutes. A total that grew by less than this hardly changes an order
# by pulls, and each write costs ten times what a read costs.
REPORTED_GROWTH = 0.03

_LISTING = TypeAdapter(Listing)


class ListingChange(Struct, frozen=True):
    """The listing of a package at a revision, as stored; None if it has no listing."""

    key: str
    revision: int
    body: Item | None

    def listing(self) -> Listing | None:
        return None if self.body is None else _LISTING.validate_python(self.body)


def listing_changes(items: Iterable[Item]) -> list[ListingChange]:
    """Return the changed listings among the items of the change feed, which has all items."""
    return [_change_of(item) for item in items if item.get("kind") == LISTING]


class CosmosListings:
    """Stores the listing of each package atomically, and returns what changed."""

    def __init__(self, cosmos: CosmosDatabase) -> None:
        self._container = cosmos.container("packages")

    async def offer(self, listing: Listing) -> bool:
        """Show this release, unless a better one of the package is shown; return if none was."""
        offered = await excerpt_of(listing)
        before, _ = await self._decide(
            offered.head.package, lambda shown: release_for_search(shown, offered)
        )
        return before is None

    async def replace(self, listing: Listing) -> bool:
        """Show this release, whatever is shown now; return whether this is a change."""
        shown = await excerpt_of(listing)
        return (await self._decide(shown.head.package, lambda _: shown))[1]

    async def remove(self, package: Package) -> bool:
        """Show the package no longer; return whether this is a change."""
        return (await self._decide(package, lambda _: None))[1]

    async def all(self) -> AsyncIterator[list[ListingChange]]:
        """Yield the listings of all packages page by page, also empty ones."""
        async for items in self._container.pages(ALL_LISTINGS_QUERY):
            yield listing_changes(items)

    async def now(self) -> str:
        """Return the position in the change feed after all changes until now."""
        return await self._container.now()

    async def since(self, after: str) -> AsyncIterator[tuple[list[ListingChange], str]]:
        """Yield the changes after a position of the feed page by page, each with the position after
        it; raise `ValueError` for a position in the feed of another container."""
        while True:
            page = await self._container.changes(after)
            after = page.after
            yield listing_changes(page.items), after
            if not page.items:
                return

    @retried(pause=back_off)
    async def _decide(
        self, package: Package, choose: Callable[[Listing | None], Listing | None]
    ) -> tuple[Listing | None, bool]:
        """Return the previous listing, and whether `choose` changed it."""
        item = await self._container.read(package.key, LISTING)
        before = _change_of(item).listing() if item else None
        chosen = choose(before)
        if not _is_news(before, chosen):
            return before, False
        changed: Item = {
            "id": LISTING,
            "pk": package.key,
            "schema": 1,
            "kind": LISTING,
            "revision": 1 + (item["revision"] if item else 0),
            "body": chosen and _LISTING.dump_python(chosen, mode="json"),
        }
        if item is None:
            is_stored = await self._container.create(changed)
        else:
            is_stored = await self._container.replace(changed, item["_etag"])
        if not is_stored:
            raise Stale
        return before, True


def _change_of(item: Item) -> ListingChange:
    return ListingChange(item["pk"], item["revision"], item["body"])


def _is_news(before: Listing | None, chosen: Listing | None) -> bool:
    if before is None or chosen is None:
        return before is not chosen
    pulls = chosen.head.pulls
    counted = dataclasses.replace(before, head=before.head.model_copy(update={"pulls": pulls}))
    grown = abs(pulls - before.head.pulls) > REPORTED_GROWTH * before.head.pulls
    return counted != chosen or grown

"""The search index, and what builds the index of a registry in the cloud."""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.coordinates import Package
from shared.domain.listings import Facet, Listing
from shared.domain.search import (
    FacetedResults,
    FacetPage,
    IndexTotals,
    KeywordCount,
    Query,
    ResultPage,
    Results,
    Suggestion,
    SymbolQuery,
    SymbolResults,
    Viewer,
)


class SearchIndex(Protocol):
    """One row for each package: its latest live release."""

    async def offer(self, listing: Listing) -> bool:
        """List this release unless a better one of the package is listed: stable before
        pre-release, then not deprecated before deprecated, then the newer version. The facts of the
        newer head apply to both. Return whether no release of the package was listed."""
        ...

    async def replace(self, listing: Listing) -> bool:
        """List this release, whichever is listed. Return whether the index listed anything else,
        if only other symbols of it, or other pulls by more than what a search shows."""
        ...

    async def filled_until(self) -> str | None:
        """Return the key up to which `fill` has listed the packages of this index, empty for none
        of them; None if it has listed all, and for an index that its feed fills."""
        ...

    async def fill(self, listings: Sequence[Listing], until: str | None) -> None:
        """List these releases of different packages, as `replace` does each of them, after which
        the packages up to the key `until` are listed, or all of them for None. On one machine one
        write does both, which takes less than one for each package."""
        ...

    async def remove(self, package: Package) -> bool:
        """Remove the package from the index; return whether it was listed."""
        ...

    async def search(self, query: Query, page: ResultPage, viewer: Viewer) -> Results:
        """Return a page of the matches that `viewer` may see, and their exact number."""
        ...

    async def search_with_facets(
        self, query: Query, page: ResultPage, viewer: Viewer
    ) -> FacetedResults:
        """Return the results of `search`, how many of all packages that it finds have each value of
        each facet, and the number of deprecated packages that a search without them leaves out."""
        ...

    async def facet_values(
        self, facet: Facet, text: str, page: ResultPage, viewer: Viewer
    ) -> FacetPage:
        """Return a page of the values of one facet that contain the text, whatever its case, of all
        packages that `viewer` may see, deprecated ones too; `sort` changes nothing. The cost does
        not grow with the number of public packages, but a text is looked for in every value."""
        ...

    async def totals(self) -> IndexTotals:
        """Return the totals of public packages, which are kept: the cost does not grow with the
        number of packages."""
        ...

    async def keywords(self, most: int) -> tuple[KeywordCount, ...]:
        """Return the most frequent keywords of public packages, the most frequent first. The cost
        does not grow with the number of packages."""
        ...

    async def symbols(self, query: SymbolQuery, page: ResultPage, viewer: Viewer) -> SymbolResults:
        """Return a page of the symbols that match, of the packages that `viewer` may see; without
        words they are all of the wanted organizations, and none without those.
        Exact names come first, then the packages that are used most; `sort` changes nothing."""
        ...

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        """Return names that begin with `text` or are similar to it."""
        ...


class SearchFeed(Protocol):
    """Builds the index from which instances begin, where searches read copies of it. All methods
    may be repeated and run concurrently."""

    async def catch_up(self) -> int:
        """Build a new index if there is none, or it is old; return how much changed since it."""
        ...

    async def rebuild(self) -> int:
        """Create a new index from all records; return the number of packages."""
        ...

    async def erase_earlier(self) -> None:
        """Create a new index from all records, and delete every earlier one."""
        ...

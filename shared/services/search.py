"""Search: finding packages among those that the caller may see, and updates of the search index."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.auth.authorization import Authorization
from shared.domain.identity import Principal
from shared.domain.members import Membership
from shared.domain.names import OrgName
from shared.domain.search import Facets, Query, ResultPage, Results, Suggestion
from shared.ports import SearchFeed, SearchIndex
from shared.services.upkeep import TaskReport

SUGGESTIONS = 8  # As many as a list below an input shows without scrolling.

_COUNT_ALONE = ResultPage(limit=0)
_NOTHING = Results((), 0)


@dataclass(frozen=True, slots=True)
class FacetedResults:
    """One page of results, how all of them divide, and how many deprecated packages match too."""

    results: Results
    facets: Facets
    deprecated: int


@dataclass(frozen=True, slots=True)
class PackageSearch:
    """Finds packages by what their authors say of them.

    Without credentials only the index is asked. With them the stores are asked who the caller is,
    before the index and whatever it holds: what takes longer tells nothing of private packages.
    """

    index: SearchIndex
    authorization: Authorization

    async def search(self, query: Query, page: ResultPage, *, by: Principal) -> Results:
        """Return one page of the packages that match, with the count of all of them."""
        if query.own_only:
            query = replace(query, own_only=False).within(await self._own(by))
        viewer = await self.authorization.viewer(by)
        return _NOTHING if query.is_wordless else await self.index.search(query, page, viewer)

    async def search_with_facets(
        self, query: Query, page: ResultPage, *, by: Principal
    ) -> FacetedResults:
        """Return one page of what matches, and by what it can be narrowed."""
        viewer = await self.authorization.viewer(by)
        if query.is_wordless:
            return FacetedResults(_NOTHING, {}, 0)
        results, facets, deprecated = await asyncio.gather(
            self.index.search(query, page, viewer),
            self.index.facets(query, viewer),
            self.index.search(replace(query, deprecated_only=True), _COUNT_ALONE, viewer),
        )
        return FacetedResults(results, facets, deprecated.count)

    async def search_organization(
        self, org: OrgName, page: ResultPage, *, by: Principal
    ) -> Results:
        """Return one page of the organization's packages."""
        return await self.search(Query().within(frozenset({org})), page, by=by)

    async def suggest(
        self, text: str, *, by: Principal, count: int = SUGGESTIONS
    ) -> list[Suggestion]:
        """Return the packages whose names begin with, or are close to, what is being typed."""
        viewer = await self.authorization.viewer(by)
        if Query.parse(text).is_wordless:
            return []
        return await self.index.suggest(text, viewer, count)

    async def _own(self, by: Principal) -> frozenset[str]:
        """Return the organizations that the caller is a member of."""
        if by.is_anonymous:
            return frozenset()
        memberships = await self.authorization.directory.about(Membership, by.id)
        return frozenset(each.org for each in memberships)


@dataclass(frozen=True)
class SearchIndexUpdates:
    """Brings changes to the searches: as they come, and in case that some did not come."""

    feed: SearchFeed

    async def merge(self, items: Sequence[Mapping[str, object]]) -> int:
        """Bring changed items, of whatever kind; return how many changed what a package shows."""
        return await self.feed.merge(items)

    async def catch_up(self) -> TaskReport:
        """Bring what was not brought yet, and tidy up."""
        changed = await self.feed.catch_up()
        return TaskReport("search", changed, changed)

    async def rebuild(self) -> TaskReport:
        """Make the index anew: for one that is lost or damaged."""
        packages = await self.feed.rebuild()
        return TaskReport("search-rebuild", packages, packages)

"""Search: finds packages that the caller may see, and updates the search index."""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.domain.approved_packages import ApprovalLimit
from shared.domain.coordinates import Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import NotFound
from shared.domain.errors.requests import SearchUnconfirmed
from shared.domain.listings import Facet
from shared.domain.memberships import Membership
from shared.domain.name_suggestions import MAX_COMPARED, MAX_SIMILAR, similar_names
from shared.domain.packages import Survey
from shared.domain.principals import Principal
from shared.domain.search import (
    MAX_LIMIT,
    MAX_SYMBOLS_FOUND,
    FacetedResults,
    FacetPage,
    Hit,
    Query,
    ResultPage,
    Results,
    Suggestion,
    SymbolHit,
    SymbolQuery,
    SymbolResults,
    Viewer,
)
from shared.domain.version_choice import live_release
from shared.domain.versions import Range
from shared.ports.search import SearchIndex
from shared.services.packages.hosted_packages import HostedPackages

SUGGESTIONS = 8  # As many as a list below an input shows without scrolling.

_NOTHING = Results((), 0)
_COUNT_ONLY = ResultPage(limit=0)
# Results that are read for a caller who may only use approved releases.
_MOST_LIMITED = 5 * MAX_LIMIT


class PackageSearch(Struct, frozen=True):
    """Finds packages by their names, keywords and texts.

    If the caller has credentials, the stores are always asked first what the caller may see, and
    the index is searched afterwards. So the time of a search reveals nothing about private
    packages.
    """

    index: SearchIndex
    authorization: Authorization
    # What a caller may take of other registries; None: everything.
    limit_of: Callable[[Principal], Awaitable[ApprovalLimit | None]]
    hosted: HostedPackages

    async def search(self, query: Query, page: ResultPage, *, by: Principal) -> Results:
        """Return a page of the packages that match, with the count of all of them; for programs,
        which find of other registries only what their caller may take."""
        if query.own_only:
            query = replace(query, own_only=False).within(await self._own_organizations(by))
        viewer = await self.authorization.viewer(by)
        if query.is_wordless:
            return _NOTHING
        limit = await self.limit_of(by)
        if limit is None:
            return await self.index.search(query, page, viewer)
        found = await self._within(limit, query, page, viewer)
        shown = [await self._approved_hit(limit, each, by) for each in found.hits]
        return replace(found, hits=tuple(each for each in shown if each))

    async def _approved_hit(self, limit: ApprovalLimit, hit: Hit, by: Principal) -> Hit | None:
        """Return the result with the newest approved release of its package, which may be older
        than the one that everybody else is shown; None if none is stored here."""
        head = hit.listing.head
        if limit.shows_release(head, hit.listing.release.coordinate.version):
            return hit
        try:
            survey = await self.hosted.survey(head.package, by=by)
            entries = tuple(e for e in survey.entries if limit.shows_release(head, e.parsed))
            entry = live_release(Survey(survey.head, entries), Range(), ANY_CLIENT)
            if entry is None:
                return None
            listing = await self.hosted.describe(
                head.package, entry.parsed, client=ANY_CLIENT, by=by
            )
        except NotFound:
            return None
        return replace(hit, listing=listing)

    async def _within(
        self, limit: ApprovalLimit, query: Query, page: ResultPage, viewer: Viewer
    ) -> Results:
        """Return a page of what matches and is ours, or has an approved version. All results are
        read, up to some thousands: the index does not know what is approved."""
        hits = list[Hit]()
        offset = 0
        found = _NOTHING
        while offset == 0 or (offset < found.count and offset < _MOST_LIMITED):
            batch = replace(page, offset=offset, limit=MAX_LIMIT)
            found = await self.index.search(query, batch, viewer)
            hits += (each for each in found.hits if limit.shows(each.listing.head))
            offset += MAX_LIMIT
        shown = tuple(hits[page.offset : page.offset + page.limit])
        return Results(shown, len(hits), found.corrections)

    async def dependents(self, package: Package, page: ResultPage, *, by: Principal) -> Results:
        """Return a page of the packages whose latest release depends on a package directly, of
        those that the caller may see."""
        query = Query(depends_on=package.key, include_deprecated=True)
        return await self.search(query, page, by=by)

    async def count_dependents(self, package: Package, *, by: Principal) -> int:
        """Return how many packages `dependents` has."""
        return (await self.dependents(package, _COUNT_ONLY, by=by)).count

    async def search_with_facets(
        self, query: Query, page: ResultPage, *, by: Principal
    ) -> FacetedResults:
        """Return a page of the packages that match, with the facets that narrow the search."""
        viewer = await self.authorization.viewer(by)
        if query.is_wordless:
            return FacetedResults(_NOTHING, {}, 0)
        return await self.index.search_with_facets(query, page, viewer)

    async def suggest(
        self, text: str, *, by: Principal, count: int = SUGGESTIONS
    ) -> list[Suggestion]:
        """Return the packages whose names begin with the text or are close to it; for programs, of
        other registries only those of which the caller may take a version."""
        limit = await self.limit_of(by)
        if limit is None:
            return await self.every_suggestion(text, by=by, count=count)
        found = await self.every_suggestion(text, by=by, count=MAX_COMPARED)
        return [each for each in found if limit.shows(each.head)][:count]

    async def every_suggestion(
        self, text: str, *, by: Principal, count: int = SUGGESTIONS
    ) -> list[Suggestion]:
        """Return what `suggest` does, and what is not approved as well, for pages."""
        viewer = await self.authorization.viewer(by)
        if Query.parse(text).is_wordless:
            return []
        return await self.index.suggest(text, viewer, count)

    async def similar(self, org: str, name: str, *, by: Principal) -> list[Suggestion]:
        """Return packages that the caller may see and take whose names are similar to a name that
        no package has: first those of the same organization, then those of others."""
        near = await self.suggest(name, by=by, count=MAX_SIMILAR)
        own = await self.suggest(f"{org}/", by=by, count=MAX_COMPARED)
        by_name = {each.name: each for each in own}
        names = await asyncio.to_thread(similar_names, name, list(by_name))
        found = [by_name[each] for each in names]
        others = [each for each in near if each not in found]
        return [*found, *others][:MAX_SIMILAR]

    async def count(self, query: Query, *, by: Principal) -> int | None:
        """Return how many packages match; None while a search of packages is refused."""
        try:
            return (await self.search(query, ResultPage(limit=0), by=by)).count
        except SearchUnconfirmed:
            return None

    async def symbols(
        self, query: SymbolQuery, page: ResultPage, *, by: Principal
    ) -> SymbolResults:
        """Return a page of the symbols that match, with their count; none while the index may have
        symbols of packages that became private, as editors would show a failure to everybody.

        For programs, which find of other registries only what their caller may take: a symbol is
        that of the latest release of its package, so it is found if that one is approved.
        """
        limit = await self.limit_of(by)
        if limit is None:
            return await self.every_symbol(query, page, by=by)
        hits = list[SymbolHit]()
        offset = 0
        found = SymbolResults((), 0)
        while offset == 0 or (offset < found.count and offset < MAX_SYMBOLS_FOUND):
            batch = replace(page, offset=offset, limit=MAX_LIMIT)
            found = await self.every_symbol(query, batch, by=by)
            hits += (
                each
                for each in found.hits
                if limit.shows_release(each.listing.head, each.listing.release.coordinate.version)
            )
            offset += MAX_LIMIT
        shown = tuple(hits[page.offset : page.offset + page.limit])
        return replace(found, hits=shown, count=len(hits))

    async def every_symbol(
        self, query: SymbolQuery, page: ResultPage, *, by: Principal
    ) -> SymbolResults:
        """Return what `symbols` does, and that of what is not approved as well, for pages."""
        if query.own_only:
            query = replace(query, own_only=False).within(await self._own_organizations(by))
        viewer = await self.authorization.viewer(by)
        try:
            return await self.index.symbols(query, page, viewer)
        except SearchUnconfirmed:
            return SymbolResults((), 0)

    async def organizations(self, text: str, page: ResultPage, *, by: Principal) -> FacetPage:
        """Return a page of the organizations with packages whose names contain the text, and the
        number of their packages, the most first."""
        return await self._facet_values(Facet.ORG, text, page, by)

    async def keywords(self, text: str, page: ResultPage, *, by: Principal) -> FacetPage:
        """Return a page of the keywords that contain the text, and how many packages a search for
        each one finds, the most first."""
        return await self._facet_values(Facet.KEYWORD, text, page, by)

    async def _facet_values(
        self, facet: Facet, text: str, page: ResultPage, by: Principal
    ) -> FacetPage:
        viewer = await self.authorization.viewer(by)
        return await self.index.facet_values(facet, text, page, viewer)

    async def _own_organizations(self, by: Principal) -> frozenset[str]:
        """Return the names of the caller's organizations."""
        if by.is_anonymous:
            return frozenset()
        memberships = await self.authorization.directory.list_by_subject(Membership, by.id)
        now_ms = self.authorization.clock.now_ms()
        return frozenset(each.org for each in memberships if each.role_at(now_ms))

"""How the search index answers: the tiers that are needed, the counts, and one page of rows."""

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

from shared.adapters.search.query_plan import MatchTier, QueryPlan, match_any_facet
from shared.adapters.search.ranking import NAME_TIERS, ranking_boosts
from shared.adapters.search.rows import read_listing
from shared.adapters.search.words import Speller, facet_word
from shared.domain.packages import Listing
from shared.domain.search import (
    Facet,
    FacetCount,
    FacetedResults,
    Facets,
    FacetValue,
    Hit,
    IndexTotals,
    Query,
    ResultPage,
    Results,
    Sort,
    Suggestion,
    Viewer,
    group_facets,
    merge_spellings,
)
from shared.domain.versions import ANY_CLIENT, ClientProfile

LISTINGS_KEPT = 2_048  # Decoded, by their bytes: some 16 MB in each process.
TOO_FEW_MATCHES = 3  # With fewer matches, and none by name, what was typed is perhaps a mistake.

_FACETS = {each.value: each for each in Facet}

# Every order ends in the key: two packages never tie, so pages neither repeat nor miss one.
_BEST_FIRST = "boost DESC, key"
_JOIN = "JOIN packages ON id = texts.rowid"
_ORDERS = {
    (Sort.NAME, False): "packages.name, key",
    (Sort.NAME, True): "packages.name DESC, key DESC",
    (Sort.CREATED, False): "created_ms, key",
    (Sort.CREATED, True): "created_ms DESC, key",
    (Sort.ADDED, False): "added_ms, key",
    (Sort.ADDED, True): "added_ms DESC, key",
    (Sort.PULLS, False): "pulls, key",
    (Sort.PULLS, True): "pulls DESC, key",
}


def find_packages(
    connection: sqlite3.Connection, query: Query, page: ResultPage, viewer: Viewer
) -> Results:
    """Answer one search from one snapshot of the index, so that hits and count agree."""
    with _snapshot(connection):
        return _Search(connection, query, viewer).results(page)


def find_with_facets(
    connection: sqlite3.Connection, query: Query, page: ResultPage, viewer: Viewer
) -> FacetedResults:
    """Answer one search with its facets from one snapshot of the index."""
    with _snapshot(connection):
        search = _Search(connection, query, viewer)
        return FacetedResults(search.results(page), search.facets(), search.deprecated_count())


def count_facets(connection: sqlite3.Connection, query: Query, viewer: Viewer) -> Facets:
    """Return how everything that a search finds divides."""
    with _snapshot(connection):
        return _Search(connection, query, viewer).facets()


def count_facet_values(
    connection: sqlite3.Connection, facet: Facet, query: Query, viewer: Viewer
) -> tuple[FacetCount, ...]:
    """Return every value of one facet."""
    with _snapshot(connection):
        return _Search(connection, query, viewer).facet_values(facet)


def count_totals(connection: sqlite3.Connection) -> IndexTotals:
    """Return what there is that everybody may see."""
    # Nothing in the statement comes from a request.
    counted = f"SELECT count(*), count(DISTINCT org), total(pulls) FROM texts {_JOIN}"  # noqa: S608
    public = match_any_facet([facet_word("public")])
    row = connection.execute(f"{counted} WHERE texts MATCH ?", (public,)).fetchone()
    return IndexTotals(*(int(each) for each in row))


def suggest_names(
    connection: sqlite3.Connection, text: str, viewer: Viewer, count: int
) -> list[Suggestion]:
    """Return packages by their names alone, best first."""
    results = find_packages(
        connection, Query.parse(text).by_name(), ResultPage(limit=count), viewer
    )
    return [Suggestion.of(hit.listing) for hit in results.hits]


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Generator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")  # Nothing was written.


class _Search:
    """One query of one viewer."""

    def __init__(self, connection: sqlite3.Connection, query: Query, viewer: Viewer) -> None:
        self._connection = connection
        self._query, self._viewer = query, viewer
        self._unusable = _unusable(connection, query.client)
        self._plan = QueryPlan(query, viewer, self._unusable)
        self._tiers = list(self._plan.tiers)
        self._count = self._count_of(self._tiers[-1])
        self._meant: tuple[tuple[str, str], ...] = ()
        self._widen()

    def results(self, page: ResultPage) -> Results:
        """Return the page, and the count of all matches."""
        if page.sort is Sort.RELEVANCE:
            found = self._relevant(page)
        else:
            order = _ORDERS[page.sort, page.descending]
            rows = self._rows(self._tiers[-1], order, page.limit, page.offset)
            found = [(row, None) for row in rows]
        return Results(tuple(self._hits(found)), self._count, self._meant)

    def facets(self) -> Facets:
        """Return how all matches divide."""
        return group_facets(
            (FacetValue(_FACETS[name], value), share) for name, value, share in self._shares()
        )

    def facet_values(self, facet: Facet) -> tuple[FacetCount, ...]:
        """Return how all matches divide by one facet."""
        return merge_spellings(
            (value, share) for name, value, share in self._shares() if name == facet.value
        )

    def _shares(self) -> sqlite3.Cursor:
        join = f"{_JOIN if self._plan.patterns else ''} JOIN traits ON traits.package = texts.rowid"
        # Nothing in the statement comes from a request.
        counted = f"SELECT spelling, count(*) AS share FROM texts {join}"  # noqa: S608
        named = "GROUP BY spelling) JOIN spellings ON spellings.id = spelling"
        return self._select(f"facet, value, share FROM ({counted}", self._tiers[-1], named)

    def deprecated_count(self) -> int:
        """Return how many deprecated packages match in the same way."""
        query = replace(self._query, deprecated_only=True)
        plan = QueryPlan(query, self._viewer, self._unusable)
        return self._count_of(self._tiers[-1], plan)

    def _widen(self) -> None:
        """Look for more, when what was typed is in few packages.

        It is perhaps mistyped if no name has it, and perhaps too much at once if no package is
        called just that.
        """
        if self._count >= TOO_FEW_MATCHES or not self._plan.has_words:
            return
        named = [self._count_of(tier) for tier in self._tiers if tier.name in NAME_TIERS]
        if not any(named):
            speller = Speller(self._connection)
            self._add(self._plan.meant(speller))
            self._meant = tuple(
                (word, near[0])
                for word in self._plan.mistyped(speller)
                if (near := speller.near(word))
            )
        if self._count < TOO_FEW_MATCHES and not named[0] and self._plan.is_loosenable:
            self._add(self._plan.loose(self._tiers[-1]))

    def _add(self, tiers: Iterable[MatchTier]) -> None:
        self._tiers += tiers
        self._count = self._count_of(self._tiers[-1])

    def _relevant(self, page: ResultPage) -> list[tuple[int, MatchTier]]:
        if page.offset >= self._count:
            return []
        if page.descending:
            return self._best(page.offset + page.limit)[page.offset :]
        # The worst first: the whole list, read from its end.
        return self._best(self._count)[::-1][page.offset :][: page.limit]

    def _best(self, count: int) -> list[tuple[int, MatchTier]]:
        """Return the first rows, each with the highest tier that it is in.

        Of a tier's first `count` rows, those that were not in a tier above are enough to fill up.
        """
        wanted = min(count, self._count)
        found: dict[int, MatchTier] = {}
        for tier in self._tiers:
            if len(found) < wanted:
                for row in self._rows(tier, _BEST_FIRST, wanted):
                    found.setdefault(row, tier)
        return list(found.items())[:wanted]

    def _count_of(self, tier: MatchTier, plan: QueryPlan | None = None) -> int:
        join = _JOIN if self._plan.patterns else ""
        return self._select(f"count(*) FROM texts {join}", tier, plan=plan).fetchone()[0]

    def _rows(self, tier: MatchTier, order: str, limit: int, offset: int = 0) -> list[int]:
        end = f"ORDER BY {order} LIMIT ? OFFSET ?"
        return [row[0] for row in self._select(f"id FROM texts {_JOIN}", tier, end, limit, offset)]

    def _select(
        self, what: str, tier: MatchTier, end: str = "", *values: int, plan: QueryPlan | None = None
    ) -> sqlite3.Cursor:
        patterns = self._plan.patterns
        likes = "".join(rf" AND packages.{each.column} LIKE ? ESCAPE '\'" for each in patterns)
        # Nothing in the statement comes from a request: what was typed is bound.
        statement = f"SELECT {what} WHERE texts MATCH ?{likes} {end}"
        typed = [(plan or self._plan).expression(tier), *(each.like for each in patterns)]
        return self._connection.execute(statement, (*typed, *values))

    def _hits(self, found: Sequence[tuple[int, MatchTier | None]]) -> Iterator[Hit]:
        places = ", ".join("?" * len(found))
        statement = f"SELECT id, listing FROM listings WHERE id IN ({places})"  # noqa: S608 - marks.
        stored = dict(self._connection.execute(statement, [row for row, _ in found]).fetchall())
        for row, tier in found:
            yield _hit(stored[row], tier)


@lru_cache(maxsize=LISTINGS_KEPT)
def _shown(stored: bytes) -> tuple[Listing, dict[str, float]]:
    """Return a listing, and what ranks it whatever was typed."""
    listing = read_listing(stored)
    return listing, ranking_boosts(listing)


def _hit(stored: bytes, tier: MatchTier | None) -> Hit:
    listing, boosts = _shown(stored)
    parts = boosts if tier is None else {tier.name: tier.score, **boosts}
    return Hit(listing, round(sum(parts.values()), 6), parts)


def _unusable(connection: sqlite3.Connection, client: ClientProfile) -> list[str]:
    """Return the facets of the releases that the client cannot use."""
    if client == ANY_CLIENT:
        return []
    profiles = connection.execute("SELECT facet, platform, built_with FROM profiles").fetchall()
    return [facet for facet, *profile in profiles if not client.can_use(*profile)]

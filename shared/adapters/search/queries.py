"""How the search index answers: one page of rows, the counts, facets and suggestions."""

import re
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from shared.adapters.search.matching import Matches, Statement, score_columns
from shared.adapters.search.query_plan import QueryPlan, with_near_words, with_paths_as_words
from shared.adapters.search.ranking import (
    JOINED_NAME_SCORE,
    LAST_NAME_WEIGHT,
    NAME_SCORE,
    PATH_SCORE,
    ranking_boosts,
)
from shared.adapters.search.rows import read_listing
from shared.adapters.search.words import Speller, stem
from shared.domain.names import OrgName
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

_COUNT_ONLY = ResultPage(limit=0)

LISTINGS_KEPT = 2_048  # Decoded, by their bytes: some 16 MB in each process.
FIRST_ROWS = 200  # Read at once; with fewer matches their number is known without counting.
TOO_FEW_MATCHES = 3  # With fewer matches, and none by name, what was typed is perhaps a mistake.

_ORGANIZATION = re.compile(r"\s*(\w+)/\s*", re.ASCII)  # A path whose name is not typed yet.

_FACETS = {each.value: each for each in Facet}
_NAME_SCORES = {PATH_SCORE: "path", NAME_SCORE: "exact name", JOINED_NAME_SCORE: "joined name"}

# The column, or the score where there is none, and the direction. Every order ends in the key: two
# packages never tie, so pages neither repeat nor miss one.
_ORDERS = {
    (Sort.RELEVANCE, False): ("", "ASC, key DESC"),
    (Sort.RELEVANCE, True): ("", "DESC, key"),
    (Sort.NAME, False): ("name", "ASC, key"),
    (Sort.NAME, True): ("name", "DESC, key DESC"),
    (Sort.CREATED, False): ("created_ms", "ASC, key"),
    (Sort.CREATED, True): ("created_ms", "DESC, key"),
    (Sort.ADDED, False): ("added_ms", "ASC, key"),
    (Sort.ADDED, True): ("added_ms", "DESC, key"),
    (Sort.PULLS, False): ("pulls", "ASC, key"),
    (Sort.PULLS, True): ("pulls", "DESC, key"),
    (Sort.DEPENDENTS, False): ("lift", "ASC, key"),
    (Sort.DEPENDENTS, True): ("lift", "DESC, key"),
}


def find_packages(
    connection: sqlite3.Connection, query: Query, page: ResultPage, viewer: Viewer
) -> Results:
    """Answer one search from one snapshot of the index, so that hits and count agree."""
    with _snapshot(connection):
        return _Search(connection, query, viewer, page).results()


def find_with_facets(
    connection: sqlite3.Connection, query: Query, page: ResultPage, viewer: Viewer
) -> FacetedResults:
    """Answer one search with its facets from one snapshot of the index."""
    with _snapshot(connection):
        search = _Search(connection, query, viewer, page)
        return FacetedResults(search.results(), search.facets(), search.deprecated_count())


def count_facets(connection: sqlite3.Connection, query: Query, viewer: Viewer) -> Facets:
    """Return how everything that a search finds divides."""
    with _snapshot(connection):
        return _Search(connection, query, viewer, _COUNT_ONLY).facets()


def count_facet_values(
    connection: sqlite3.Connection, facet: Facet, query: Query, viewer: Viewer
) -> tuple[FacetCount, ...]:
    """Return every value of one facet."""
    with _snapshot(connection):
        return _Search(connection, query, viewer, _COUNT_ONLY).facet_values(facet)


def count_totals(connection: sqlite3.Connection) -> IndexTotals:
    """Return what there is that everybody may see."""
    row = connection.execute(
        "SELECT count(*), count(DISTINCT org), total(pulls) FROM packages "
        "WHERE private = 0 AND deprecated = 0"
    ).fetchone()
    return IndexTotals(*(int(each) for each in row))


def suggest_names(
    connection: sqlite3.Connection, text: str, viewer: Viewer, count: int
) -> list[Suggestion]:
    """Return packages by their names alone, best first."""
    org = _ORGANIZATION.fullmatch(text)
    query = Query().within(frozenset({OrgName(org[1])})) if org else Query.parse(text).by_name()
    results = find_packages(connection, query, ResultPage(limit=count), viewer)
    return [Suggestion.of(hit.listing) for hit in results.hits]


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Generator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")  # Nothing was written.


class _Row(NamedTuple):
    """A package that matches: its row, the parts of its score, and the lowest weight of a wish."""

    id: int
    name: float
    complete: float
    words: float
    auxiliary: float
    deprecated: float
    lift: float
    worst: int


class _Search:
    """One query of one viewer."""

    def __init__(
        self, connection: sqlite3.Connection, query: Query, viewer: Viewer, page: ResultPage
    ) -> None:
        self._connection = connection
        self._viewer, self._page = viewer, page
        self._unusable = _unusable(connection, query.client)
        self._meant: tuple[tuple[str, str], ...] = ()
        self._ask(query)
        self._may_loosen = self._plan.is_loosenable and not self._plan.paths
        if not self._count and self._plan.paths:
            self._ask(with_paths_as_words(query))
        if self._plan.wishes and self._is_too_few():
            self._widen()

    def results(self) -> Results:
        """Return the page, and the count of all matches."""
        first, last = self._page.offset, self._page.offset + self._page.limit
        rows = self._first_rows[first:last]
        if last > len(self._first_rows) < self._count and first < self._count:
            rows = self._rows(self._page.limit, first)
        return Results(self._hits(rows), self._count, self._meant)

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

    def deprecated_count(self) -> int:
        """Return how many deprecated packages match in the same way."""
        if self._query.deprecated_last and len(self._first_rows) == self._count:
            return sum(row.deprecated < 0 for row in self._first_rows)
        query = replace(self._query, deprecated_only=True)
        plan = QueryPlan(query, self._viewer, self._unusable)
        return self._count_of(replace(self._matches, plan=plan))

    def _shares(self) -> sqlite3.Cursor:
        found = self._matches.select(Statement("id"))
        if len(self._first_rows) == self._count:
            rows = (str([row.id for row in self._first_rows]),)
            found = Statement("SELECT value AS id FROM json_each(?)", rows)
        return self._connection.execute(
            "SELECT facet, value, share FROM ("  # noqa: S608 - what was typed is bound.
            f"SELECT spelling, count(*) AS share FROM ({found.sql}) AS found"
            " JOIN traits ON traits.package = found.id GROUP BY spelling)"
            " JOIN spellings ON spellings.id = spelling",
            found.values,
        )

    def _ask(self, query: Query) -> None:
        self._query = query
        self._plan = QueryPlan(query, self._viewer, self._unusable)
        self._use(Matches.of(self._connection, self._plan))

    def _is_too_few(self) -> bool:
        """Say whether few packages match that do not only accompany another one."""
        return sum(not row.auxiliary for row in self._first_rows) < TOO_FEW_MATCHES

    def _widen(self) -> None:
        """Look for more, when what was typed is in few packages.

        It is perhaps mistyped if no name has it, and perhaps too much at once if no package is
        called just that.
        """
        is_named = any(row.name for row in self._first_rows)
        if not is_named and all(row.worst < LAST_NAME_WEIGHT for row in self._first_rows):
            self._correct(Speller(self._connection))
        if self._is_too_few() and self._may_loosen and not is_named:
            self._use(self._matches.loosened())

    def _correct(self, speller: Speller) -> None:
        """Add what was perhaps meant by the words that no package has; else by all of them."""
        words = [wish.word for wish in self._plan.wishes if wish.word]
        mistyped = [word for word in words if not speller.knows(word)]
        near = {word: _near(speller, word) for word in mistyped or words}
        if any(near.values()):
            self._use(
                self._matches.with_wishes(
                    with_near_words(wish, near.get(wish.word, ())) for wish in self._matches.wishes
                )
            )
        self._meant = tuple((word, near[word][0]) for word in mistyped if near[word])

    def _use(self, matches: Matches) -> None:
        """Search for these, and read the first rows: most often these are all."""
        self._matches = matches
        enough = FIRST_ROWS if matches.wishes else min(self._page.limit, FIRST_ROWS)
        self._first_rows = self._rows(enough, 0)
        self._count = len(self._first_rows)
        if self._count == enough:
            self._count = self._count_of(matches)

    def _count_of(self, matches: Matches) -> int:
        counted = matches.select(Statement("count(*)"))
        return self._connection.execute(counted.sql, counted.values).fetchone()[0]

    def _rows(self, limit: int, offset: int) -> list[_Row]:
        parts = score_columns(self._matches)
        named = ", ".join(f"{part.sql} AS part{number}" for number, part in enumerate(parts))
        order, direction = _ORDERS[self._page.sort, self._page.descending]
        found = self._matches.select(
            Statement(
                f"id, {named}, lift, worst, boost, deprecated, key, {order or 0} AS place",
                tuple(value for part in parts for value in part.values),
            )
        )
        place = "place" if order else "part0 + part1 + part2 + part3 + part4 + lift + boost"
        if order and self._query.deprecated_last:
            place = f"deprecated, {place}"
        rows = self._connection.execute(
            f"SELECT id, part0, part1, part2, part3, part4, lift, worst FROM ({found.sql})"  # noqa: S608
            f" ORDER BY {place} {direction} LIMIT ? OFFSET ?",
            (*found.values, limit, offset),
        )
        return [_Row(*row) for row in rows]

    def _hits(self, rows: Sequence[_Row]) -> tuple[Hit, ...]:
        places = ", ".join("?" * len(rows))
        statement = f"SELECT id, listing FROM listings WHERE id IN ({places})"  # noqa: S608 - marks.
        stored = dict(self._connection.execute(statement, [row.id for row in rows]).fetchall())
        return tuple(_hit(stored[row.id], row) for row in rows)


@lru_cache(maxsize=LISTINGS_KEPT)
def _shown(stored: bytes) -> tuple[Listing, dict[str, float]]:
    """Return a listing, and what ranks it whatever was typed."""
    listing = read_listing(stored)
    return listing, ranking_boosts(listing)


def _hit(stored: bytes, row: _Row) -> Hit:
    listing, boosts = _shown(stored)
    parts = {
        _NAME_SCORES.get(row.name, "name"): row.name,
        "all words": row.complete,
        "words": row.words,
        "dependents": row.lift,
        **boosts,
        "accompanies another": row.auxiliary,
        "deprecated": row.deprecated,
    }
    shown = {part: round(value, 6) for part, value in parts.items() if value}
    return Hit(listing, round(sum(parts.values()), 6), shown)


def _near(speller: Speller, word: str) -> list[str]:
    """Return what was perhaps meant by the word, or by the word that it is a form of."""
    form = stem(word)
    return speller.near(word) or (speller.near(form) if form != word else [])


def _unusable(connection: sqlite3.Connection, client: ClientProfile) -> list[int]:
    """Return the profiles of the releases that the client cannot use."""
    if client == ANY_CLIENT:
        return []
    profiles = connection.execute("SELECT id, platform, built_with FROM profiles").fetchall()
    return [number for number, *profile in profiles if not client.can_use(*profile)]

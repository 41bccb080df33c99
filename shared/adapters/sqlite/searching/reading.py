"""How the search index answers: the tiers that are needed, the counts, and one page of rows."""

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial

from shared.adapters.sqlite.searching.document import read_listing
from shared.adapters.sqlite.searching.plan import Plan, Tier
from shared.adapters.sqlite.searching.ranking import NAME_TIERS, boosts
from shared.adapters.sqlite.searching.vocabulary import near_words
from shared.domain.language import EVERYTHING, ClientProfile
from shared.domain.query import Hit, Page, Query, Results, Sort, Suggestion, Viewer

TOO_LITTLE = 3  # With fewer matches, and none by name, what was typed is perhaps a mistake.

# Every order ends in the key: two packages never tie, so pages neither repeat nor miss one.
_BEST_FIRST = "boost DESC, key"
_ORDERS = {
    (Sort.NAME, False): "name, key",
    (Sort.NAME, True): "name DESC, key DESC",
    (Sort.CREATED, False): "created_ms, key",
    (Sort.CREATED, True): "created_ms DESC, key",
    (Sort.PULLS, False): "pulls, key",
    (Sort.PULLS, True): "pulls DESC, key",
}


def search(connection: sqlite3.Connection, query: Query, page: Page, viewer: Viewer) -> Results:
    """Answer one search from one snapshot of the index, so that hits and count agree."""
    with _snapshot(connection):
        return _Search(connection, query, viewer).results(page)


def suggest(
    connection: sqlite3.Connection, text: str, viewer: Viewer, count: int
) -> list[Suggestion]:
    """Return packages by their names alone, best first."""
    results = search(connection, Query.parse(text).by_name(), Page(limit=count), viewer)
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
        self._counts: dict[str, int] = {}
        self._plan = Plan(query, viewer, _unusable(connection, query.client))
        self._tiers = self._needed_tiers()

    def results(self, page: Page) -> Results:
        """Return the page, and the count of all matches."""
        count = self._count(self._tiers[-1])
        if page.sort is not Sort.RELEVANCE:
            order = _ORDERS[page.sort, page.descending]
            expression = self._plan.expression(self._tiers[-1])
            rows = self._rows(expression, order, page.offset, page.limit)
            return Results(tuple(self._hit(row, None) for row in rows), count)
        if page.descending:
            return Results(self._best(page.offset, page.limit), count)
        # The worst first: the same list, read from its end.
        end = max(count - page.offset, 0)
        start = max(end - page.limit, 0)
        return Results(self._best(start, end - start)[::-1], count)

    def _needed_tiers(self) -> Sequence[Tier]:
        typed = self._plan.tiers
        if not self._plan.has_words or self._count(typed[-1]) >= TOO_LITTLE:
            return typed
        if any(self._count(tier) for tier in typed if tier.name in NAME_TIERS):
            return typed
        meant = list(self._plan.meant(partial(near_words, self._connection)))
        if self._count(meant[-1]):
            return [*typed, *meant]
        return [*typed, *meant, self._plan.loose()]

    def _best(self, start: int, limit: int) -> tuple[Hit, ...]:
        """Return hits from place `start` on, tier by tier, and the better ones first in each."""
        hits: list[Hit] = []
        above: Tier | None = None
        for tier in self._tiers:
            if len(hits) == limit:
                break
            first = self._count(above) if above else 0
            skipped = start + len(hits) - first
            if self._count(tier) > first + skipped:
                expression = self._plan.below(tier, above)
                rows = self._rows(expression, _BEST_FIRST, skipped, limit - len(hits))
                hits += [self._hit(row, tier) for row in rows]
            above = tier
        return tuple(hits)

    def _count(self, tier: Tier) -> int:
        if tier.name not in self._counts:
            source, values = self._source(self._plan.expression(tier))
            statement = f"SELECT count(*) FROM {source}"  # noqa: S608 - names of ours; values apart.
            self._counts[tier.name] = self._connection.execute(statement, values).fetchone()[0]
        return self._counts[tier.name]

    def _rows(self, expression: str, order: str, offset: int, limit: int) -> list[int]:
        source, values = self._source(expression, "JOIN packages ON id = texts.rowid ")
        statement = f"SELECT id FROM {source} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608 - as above.
        found = self._connection.execute(statement, (*values, limit, offset)).fetchall()
        return [row[0] for row in found]

    def _source(self, expression: str, join: str = "") -> tuple[str, list[str]]:
        """Return the rows that match, as the rest of a statement with its values."""
        patterns = self._plan.patterns
        if patterns:
            join = "JOIN packages ON id = texts.rowid "
        likes = "".join(rf" AND packages.{each.column} LIKE ? ESCAPE '\'" for each in patterns)
        values = [expression, *(each.like for each in patterns)]
        return f"texts {join}WHERE texts MATCH ?{likes}", values

    def _hit(self, row: int, tier: Tier | None) -> Hit:
        found = self._connection.execute("SELECT listing FROM listings WHERE id = ?", (row,))
        listing = read_listing(found.fetchone()[0])
        parts = boosts(listing)
        if tier is not None:
            parts = {tier.name: tier.score, **parts}
        return Hit(listing, round(sum(parts.values()), 6), parts)


def _unusable(connection: sqlite3.Connection, client: ClientProfile) -> list[str]:
    """Return the facets of the releases that the client cannot use."""
    if client == EVERYTHING:
        return []
    profiles = connection.execute("SELECT facet, platform, built_with FROM profiles").fetchall()
    return [facet for facet, *profile in profiles if not client.can_use(*profile)]

"""Lists of all public packages, which everybody sees without searching for anything: they are read
in orders that the index keeps."""

import sqlite3
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from shared.adapters.search.decoded_listings import listings_of
from shared.adapters.search.public_counts import (
    DEPRECATED_STATES,
    STORED_STATES,
    PublicPackageState,
    count_of_state,
)
from shared.domain.search import ANYONE, Hit, Query, ResultPage, Results, Sort, Viewer

# The columns that a list is sorted by, each of which has an index. Many packages have the same
# number of pulls or dependents, so those indexes also have the key: they go from the highest number
# to the lowest, and by key among equal ones. Backwards, the keys would be in the wrong order.
_COLUMNS = {
    Sort.CREATED: "created",
    Sort.ADDED: "added",
    Sort.PULLS: "pulls",
    Sort.DEPENDENTS: "dependents",
}
_DESCENDING_ONLY = (Sort.PULLS, Sort.DEPENDENTS)


class PublicPackages:
    """The public packages that a query lists if it looks for none of them: all, or all but those
    that are deprecated, or that are known of an upstream and not stored here."""

    def __init__(self, connection: sqlite3.Connection, query: Query) -> None:
        self._connection = connection
        self._query = query
        self._counts = {state: count_of_state(connection, state) for state in PublicPackageState}

    @classmethod
    def of(
        cls, connection: sqlite3.Connection, query: Query, viewer: Viewer
    ) -> "PublicPackages | None":
        """Return the list that is meant by a query; None for a query that looks for some packages,
        or a viewer who sees others too."""
        listed = Query(
            include_deprecated=query.include_deprecated,
            deprecated_last=query.deprecated_last,
            stored_only=query.stored_only,
        )
        return cls(connection, query) if viewer == ANYONE and query == listed else None

    def has_order(self, page: ResultPage) -> bool:
        """Whether the list is kept in the order of the page, and has all that its hits say: it has
        no scores. A page without hits has no order."""
        is_reverse = page.sort in _DESCENDING_ONLY and not page.descending
        is_kept = page.sort is not Sort.RELEVANCE and not is_reverse
        return not page.limit or (is_kept and not page.explains)

    @property
    def has_facets(self) -> bool:
        """Whether the facets of all public packages are computed from the list."""
        return self._shows_deprecated and not self._query.stored_only

    @property
    def deprecated_count(self) -> int:
        """How many packages of the list are deprecated, or would be if it showed them."""
        return sum(self._counts[each] for each in self._states if each in DEPRECATED_STATES)

    def results(self, page: ResultPage) -> Results:
        groups = list(self._groups())
        count = sum(self._counts[state] for group in groups for state in group)
        ids = list[int]()
        offset = page.offset
        for group in groups:
            size = sum(self._counts[state] for state in group)
            wanted = page.limit - len(ids)
            if wanted and offset < size:
                ids += self._ids(group, replace(page, offset=offset, limit=wanted))
            offset = max(offset - size, 0)
        listings = listings_of(self._connection, ids)
        return Results(tuple(Hit(each) for each in listings.values()), count)

    @property
    def _shows_deprecated(self) -> bool:
        return self._query.include_deprecated or self._query.deprecated_last

    @property
    def _states(self) -> Sequence[PublicPackageState]:
        return STORED_STATES if self._query.stored_only else tuple(PublicPackageState)

    def _groups(self) -> Iterator[Sequence[PublicPackageState]]:
        """Yield the states of the packages of each part of the list, of which one follows the
        other."""
        others = [each for each in self._states if each not in DEPRECATED_STATES]
        deprecated = [each for each in self._states if each in DEPRECATED_STATES]
        if self._query.deprecated_last:
            yield others
            yield deprecated
        else:
            yield self._states if self._shows_deprecated else others

    def _ids(self, states: Sequence[PublicPackageState], page: ResultPage) -> list[int]:
        """Return the packages of a part of the list: those of each state are read in their order,
        and merged."""
        direction = "DESC" if page.descending else "ASC"
        if page.sort is Sort.NAME:  # Read in the order of all names: the sign hides other indexes.
            wanted = ", ".join(str(int(state)) for state in states)
            parts = f"SELECT id FROM packages WHERE +state IN ({wanted})"  # noqa: S608 - ours.
            order = f"name {direction}, key {direction}"
        else:
            column = _COLUMNS[page.sort]
            of_state = f"SELECT id, {column}, key FROM packages WHERE state = "  # noqa: S608 - ours.
            parts = " UNION ALL ".join(f"{of_state}{int(state)}" for state in states)
            order = f"{column} {direction}, key"
        rows = self._connection.execute(
            f"{parts} ORDER BY {order} LIMIT ? OFFSET ?", (page.limit, page.offset)
        )
        return [package for package, *_ in rows]

"""How many public packages there are and which values of facets they have, kept with each change.

What lists without words, facets and totals show is changed in the transaction that changes a
package: nothing is counted when somebody looks, so looking costs the same for any number of
packages.
"""

import sqlite3
from collections import Counter, defaultdict
from enum import IntEnum

from shared.adapters.search.postings import Counted, change_counts, count_of
from shared.domain.listings import (
    MAX_FACET_VALUES,
    Facet,
    FacetCount,
    Facets,
    FacetValue,
    Listing,
    facet_values,
)
from shared.domain.packages import Visibility
from shared.domain.search import IndexTotals, KeywordCount


class PublicState(IntEnum):
    """The state of a public package: each has one, and a list has those of some states. Stored with
    each package."""

    CURRENT = 0
    CURRENT_NOT_STORED = 1  # Known of the upstream, and never pulled.
    DEPRECATED = 2
    DEPRECATED_NOT_STORED = 3


STORED = (PublicState.CURRENT, PublicState.DEPRECATED)
DEPRECATED = (PublicState.DEPRECATED, PublicState.DEPRECATED_NOT_STORED)

PULLS = "pulls"
ORGANIZATIONS = "organizations"


def state_of(listing: Listing) -> PublicState | None:
    """Return the state of a package that everybody sees; None for others."""
    if listing.head.visibility is not Visibility.PUBLIC:
        return None
    is_deprecated = listing.deprecation is not None
    return PublicState(2 * is_deprecated + (not listing.release.is_stored))


# --- what changes ---------------------------------------------------------------------------------


class PublicChanges:
    """Changes of the totals and facets by changed packages, written once for all of them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._states = Counter[str]()
        self._pulls = 0  # Of stored packages, as their organizations are.
        self._organizations = Counter[str]()
        self._values = Counter[FacetValue]()
        self._keywords = Counter[tuple[str, str]]()  # Each with an organization.

    def add(self, listing: Listing) -> None:
        """Count a package that is shown from now on."""
        self._change(listing, 1)

    def remove(self, listing: Listing) -> None:
        """Count a package no more as it was shown."""
        self._change(listing, -1)

    def _change(self, listing: Listing, more: int) -> None:
        state = state_of(listing)
        if state is None:
            return
        self._states[str(int(state))] += more
        org = FacetValue(Facet.ORG, listing.head.org).folded
        if state in STORED:
            self._pulls += more * listing.head.pulls
            self._organizations[org] += more
        for value in facet_values(listing):
            self._values[value] += more
            if value.facet is Facet.KEYWORD:
                self._keywords[value.folded, org] += more

    def write(self) -> None:
        totals = {PULLS: self._pulls, ORGANIZATIONS: self._more_organizations()}
        change_counts(self._connection, Counted.TOTAL, totals)
        change_counts(self._connection, Counted.STATE, self._states)
        change_counts(self._connection, Counted.ORGANIZATION, self._organizations)
        self._write_values()
        self._write_keywords()

    def _more_organizations(self) -> int:
        """Return how many more organizations have a package now."""
        more = 0
        for org, packages in self._organizations.items():
            before = count_of(self._connection, Counted.ORGANIZATION, org)
            more += (before + packages > 0) - (before > 0)
        return more

    def _write_values(self) -> None:
        """Write how many packages have each value, whose spelling is the most frequent one."""
        by_value = defaultdict[tuple[str, str], int](int)
        for value, more in self._values.items():
            if more:
                self._connection.execute(
                    "UPDATE spellings SET packages = packages + ? WHERE facet = ? AND value = ?",
                    (more, value.facet.value, value.value),
                )
                by_value[value.facet.value, value.folded] += more
        changed = list(by_value)
        self._connection.executemany(
            "INSERT INTO facet_values VALUES (?, ?, '', ?)"
            " ON CONFLICT DO UPDATE SET packages = packages + excluded.packages",
            ((*key, more) for key, more in by_value.items()),
        )
        self._connection.executemany(
            "DELETE FROM facet_values WHERE facet = ? AND folded = ? AND packages < 1", changed
        )
        self._connection.executemany(
            "UPDATE facet_values SET value = (SELECT value FROM spellings WHERE facet = ?"
            " AND folded = ? ORDER BY packages DESC, value LIMIT 1)"
            " WHERE facet = ? AND folded = ?",
            (2 * key for key in changed),
        )

    def _write_keywords(self) -> None:
        rows = [(*key, more) for key, more in self._keywords.items() if more]
        self._connection.executemany(
            "INSERT INTO keyword_organizations VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET packages = packages + excluded.packages",
            rows,
        )
        self._connection.executemany(
            "DELETE FROM keyword_organizations"
            " WHERE keyword = ? AND organization = ? AND packages < 1",
            [row[:2] for row in rows if row[2] < 0],
        )


# --- what is shown --------------------------------------------------------------------------------


def public_totals(connection: sqlite3.Connection) -> IndexTotals:
    """Return the numbers of what everybody may see and is stored."""
    return IndexTotals(
        sum(count_of_state(connection, state) for state in STORED),
        count_of(connection, Counted.TOTAL, ORGANIZATIONS),
        count_of(connection, Counted.TOTAL, PULLS),
    )


def count_of_state(connection: sqlite3.Connection, state: PublicState) -> int:
    """Return how many packages have a state."""
    return count_of(connection, Counted.STATE, str(int(state)))


def public_facets(connection: sqlite3.Connection) -> Facets:
    """Return the most frequent values of each facet of all public packages."""
    found = {facet: public_facet_values(connection, facet, MAX_FACET_VALUES) for facet in Facet}
    return {facet: values for facet, values in found.items() if values}


def public_facet_values(
    connection: sqlite3.Connection, facet: Facet, most: int = -1
) -> tuple[FacetCount, ...]:
    """Return the values of a facet of all public packages, the most frequent first."""
    rows = connection.execute(
        "SELECT value, packages FROM facet_values WHERE facet = ?"
        " ORDER BY packages DESC, folded LIMIT ?",
        (facet.value, most),
    )
    return tuple(FacetCount(value, packages) for value, packages in rows)


def frequent_keywords(connection: sqlite3.Connection, most: int) -> tuple[KeywordCount, ...]:
    """Return the most frequent keywords of all public packages."""
    [organizations] = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM facet_values WHERE facet = ? LIMIT 2)",
        (Facet.ORG.value,),
    ).fetchone()
    rows = connection.execute(
        "SELECT value, packages, (SELECT count(*) FROM (SELECT 1 FROM keyword_organizations"
        " WHERE keyword = folded LIMIT 2))"
        " FROM facet_values WHERE facet = ? ORDER BY packages DESC, folded LIMIT ?",
        (Facet.KEYWORD.value, most),
    )
    return tuple(
        KeywordCount(value, packages, is_shared=own >= organizations)
        for value, packages, own in rows
    )


def count_of_dependents(connection: sqlite3.Connection, key: str) -> int:
    """Return how many public packages depend on a package."""
    return count_of(connection, Counted.DEPENDENCY, key)

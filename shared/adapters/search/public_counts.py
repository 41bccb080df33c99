"""How many public packages there are and which values of facets they have, kept with each change.

What lists without words, facets and totals show is changed in the transaction that changes a
package: nothing is counted when somebody looks, so looking costs the same for any number of
packages.
"""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from enum import IntEnum
from itertools import starmap

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
from shared.domain.search import FacetPage, IndexTotals, KeywordCount, ResultPage
from shared.domain.visibility import Visibility


class PublicPackageState(IntEnum):
    """Whether a public package is deprecated, and whether it is stored here: one number, which is
    stored with the package. A list has the packages of some of these states."""

    STORED = 0
    NOT_STORED = 1  # Known of the upstream, and never pulled.
    STORED_DEPRECATED = 2
    NOT_STORED_DEPRECATED = 3


STORED_STATES = (PublicPackageState.STORED, PublicPackageState.STORED_DEPRECATED)
DEPRECATED_STATES = (
    PublicPackageState.STORED_DEPRECATED,
    PublicPackageState.NOT_STORED_DEPRECATED,
)

PULLS = "pulls"
ORGANIZATIONS = "organizations"
EVERY_ORGANIZATION = ""  # Stands for an organization in counts over all packages.


def state_of(listing: Listing) -> PublicPackageState | None:
    """Return the state of a package that everybody sees; None for others."""
    if listing.head.visibility is not Visibility.PUBLIC:
        return None
    is_deprecated = listing.deprecation is not None
    return PublicPackageState(2 * is_deprecated + (not listing.release.is_stored))


# --- what changes ---------------------------------------------------------------------------------


class PublicChanges:
    """Changes of the totals and facets by changed packages, written once for all of them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._states = Counter[str]()
        # Only pulls of stored packages, as `_organizations` counts only their organizations.
        self._pulls = 0
        self._organizations = Counter[str]()
        self._spellings = Counter[tuple[str, FacetValue]]()  # Each of an organization, or of all.

    def add(self, listing: Listing) -> None:
        """Count a package that is shown from now on."""
        self._change(listing, 1)

    def remove(self, listing: Listing) -> None:
        """Subtract a package, as it was shown, from the counts."""
        self._change(listing, -1)

    def _change(self, listing: Listing, more: int) -> None:
        state = state_of(listing)
        if state is None:
            return
        self._states[str(int(state))] += more
        org = FacetValue(Facet.ORG, listing.head.org).folded
        if state in STORED_STATES:
            self._pulls += more * listing.head.pulls
            self._organizations[org] += more
        for value in facet_values(listing):
            for organization in (EVERY_ORGANIZATION, org):
                self._spellings[organization, value] += more

    def write(self) -> None:
        totals = {PULLS: self._pulls, ORGANIZATIONS: self._more_organizations()}
        change_counts(self._connection, Counted.TOTAL, totals)
        change_counts(self._connection, Counted.STATE, self._states)
        change_counts(self._connection, Counted.ORGANIZATION, self._organizations)
        self._write_values()

    def _more_organizations(self) -> int:
        """Return how many more organizations have a package now."""
        more = 0
        for org, packages in self._organizations.items():
            before = count_of(self._connection, Counted.ORGANIZATION, org)
            more += (before + packages > 0) - (before > 0)
        return more

    def _write_values(self) -> None:
        """Write how many packages have each value, whose spelling is the most frequent one."""
        spellings = Counter[tuple[str, ...]]()
        values = Counter[tuple[str, ...]]()
        for (organization, value), more in self._spellings.items():
            if more:
                key = (value.facet.value, value.folded, organization)
                spellings[*key, value.value] += more
                values[key] += more
        change_counts(self._connection, Counted.VALUE, self._more_values(values))
        self._connection.executemany(
            "INSERT INTO facet_spellings VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET packages = packages + excluded.packages",
            ((*key, more) for key, more in spellings.items()),
        )
        self._connection.executemany(
            "DELETE FROM facet_spellings WHERE facet = ? AND folded = ? AND organization = ?"
            " AND value = ? AND packages < 1",
            (key for key, more in spellings.items() if more < 0),
        )
        self._connection.executemany(
            "INSERT INTO facet_values VALUES (?, ?, ?, '', ?)"
            " ON CONFLICT DO UPDATE SET packages = packages + excluded.packages",
            ((*key, more) for key, more in values.items()),
        )
        self._connection.executemany(
            "DELETE FROM facet_values WHERE facet = ? AND folded = ? AND organization = ?"
            " AND packages < 1",
            (key for key, more in values.items() if more <= 0),
        )
        self._connection.executemany(
            "UPDATE facet_values SET value = (SELECT value FROM facet_spellings WHERE facet = ?"
            " AND folded = ? AND organization = ? ORDER BY packages DESC, value LIMIT 1)"
            " WHERE facet = ? AND folded = ? AND organization = ?",
            (2 * key for key in values),
        )

    def _more_values(self, changed: Mapping[tuple[str, ...], int]) -> Counter[str]:
        """Return how many more values each facet has now."""
        more = Counter[str]()
        for (facet, folded, organization), packages in changed.items():
            if organization == EVERY_ORGANIZATION:
                before = packages_with_value(self._connection, facet, folded)
                more[facet] += (before + packages > 0) - (before > 0)
        return more


# --- what is shown --------------------------------------------------------------------------------


def public_totals(connection: sqlite3.Connection) -> IndexTotals:
    """Return the numbers of what everybody may see and is stored."""
    return IndexTotals(
        sum(count_of_state(connection, state) for state in STORED_STATES),
        count_of(connection, Counted.TOTAL, ORGANIZATIONS),
        count_of(connection, Counted.TOTAL, PULLS),
    )


def count_of_state(connection: sqlite3.Connection, state: PublicPackageState) -> int:
    """Return how many packages have a state."""
    return count_of(connection, Counted.STATE, str(int(state)))


def public_facets(connection: sqlite3.Connection, organization: str = EVERY_ORGANIZATION) -> Facets:
    """Return the most frequent values of each facet of all public packages, or of those of one
    organization by its key."""
    found = {facet: _most_frequent(connection, organization, facet) for facet in Facet}
    return {facet: values for facet, values in found.items() if values}


def _most_frequent(
    connection: sqlite3.Connection, organization: str, facet: Facet
) -> tuple[FacetCount, ...]:
    rows = connection.execute(
        "SELECT value, packages FROM facet_values WHERE organization = ? AND facet = ?"
        " ORDER BY packages DESC, folded LIMIT ?",
        (organization, facet.value, MAX_FACET_VALUES),
    )
    return tuple(starmap(FacetCount, rows))


def public_facet_page(
    connection: sqlite3.Connection, facet: Facet, text: str, page: ResultPage
) -> FacetPage:
    """Return a page of the values of a facet of all public packages that contain the text, which
    is folded, the most frequent first. Only a text is looked for in every value."""
    where = "organization = ? AND facet = ?"
    asked: tuple[str, ...] = (EVERY_ORGANIZATION, facet.value)
    if text:
        where += " AND instr(folded, ?)"
        asked = (*asked, text)
        [count] = connection.execute(
            f"SELECT count(*) FROM facet_values WHERE {where}",  # noqa: S608 - ours.
            asked,
        ).fetchone()
    else:
        count = count_of(connection, Counted.VALUE, facet.value)
    # What is before the page is skipped in the index of the order, which has no spellings.
    rows = connection.execute(
        "SELECT value, packages FROM facet_values JOIN (SELECT facet, folded, organization"  # noqa: S608 - ours.
        f" FROM facet_values WHERE {where} ORDER BY packages DESC, folded"
        " LIMIT ? OFFSET ?) USING (facet, folded, organization) ORDER BY packages DESC, folded",
        (*asked, page.limit, page.offset),
    )
    return FacetPage(tuple(starmap(FacetCount, rows)), count)


def public_spellings(
    connection: sqlite3.Connection, facet: Facet, folded: str
) -> list[tuple[str, int]]:
    """Return the spellings of a value, each with the number of public packages that have it."""
    return connection.execute(
        "SELECT value, packages FROM facet_spellings WHERE facet = ? AND folded = ?"
        " AND organization = ?",
        (facet.value, folded, EVERY_ORGANIZATION),
    ).fetchall()


def frequent_keywords(connection: sqlite3.Connection, most: int) -> tuple[KeywordCount, ...]:
    """Return the most frequent keywords of all public packages."""
    organizations = min(count_of(connection, Counted.VALUE, Facet.ORG.value), 2)
    rows = connection.execute(
        "SELECT value, packages, (SELECT count(*) FROM (SELECT 1 FROM facet_values AS own"
        " WHERE own.facet = every.facet AND own.folded = every.folded AND own.organization > ''"
        " LIMIT 2)) FROM facet_values AS every WHERE organization = ? AND facet = ?"
        " ORDER BY packages DESC, folded LIMIT ?",
        (EVERY_ORGANIZATION, Facet.KEYWORD.value, most),
    )
    return tuple(
        KeywordCount(value, packages, is_shared=own >= organizations)
        for value, packages, own in rows
    )


def packages_with_value(connection: sqlite3.Connection, facet: str, folded: str) -> int:
    """Return how many public packages have a value of a facet."""
    found = connection.execute(
        "SELECT packages FROM facet_values WHERE facet = ? AND folded = ? AND organization = ?",
        (facet, folded, EVERY_ORGANIZATION),
    ).fetchone()
    return found[0] if found else 0


def count_of_dependents(connection: sqlite3.Connection, key: str) -> int:
    """Return how many public packages depend on a package."""
    return count_of(connection, Counted.DEPENDENCY, key)

"""How the search index changes: one row a package, its words, and what is known of all of them."""

import sqlite3

from shared.adapters.sqlite.searching.document import (
    TEXT_COLUMNS,
    Profile,
    columns,
    excerpt,
    read_listing,
    vocabulary_words,
    write_listing,
)
from shared.adapters.sqlite.searching.ranking import boosts
from shared.adapters.sqlite.searching.vocabulary import forget, learn
from shared.domain.package import Listing
from shared.domain.version import Precedence

_COLUMNS = ", ".join(TEXT_COLUMNS)
_PLACES = ", ".join("?" * len(TEXT_COLUMNS))
_ADD_TEXTS = f"INSERT INTO texts (rowid, {_COLUMNS}) VALUES (?, {_PLACES})"  # noqa: S608 - our names.
_REMOVE_TEXTS = f"INSERT INTO texts (texts, rowid, {_COLUMNS}) VALUES ('delete', ?, {_PLACES})"  # noqa: S608 - the same.


def offer(connection: sqlite3.Connection, listing: Listing) -> None:
    """Show the release, unless a better one of its package is shown."""
    found = _shown(connection, listing.head.package.key)
    if found is None or _quality(listing) >= _quality(found[1]):
        show(connection, listing)


def show(connection: sqlite3.Connection, listing: Listing) -> None:
    """Show the release, whatever is shown now."""
    shown = excerpt(listing)
    head, release = shown.head, shown.release
    before = remove(connection, head.package.key)
    row = connection.execute(
        "INSERT INTO packages VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            before,
            head.package.key,
            head.org.lower(),
            head.name.lower(),
            sum(boosts(shown).values()),
            head.pulls,
            release.created_ms,
        ),
    ).fetchone()[0]
    connection.execute("INSERT INTO listings VALUES (?, ?)", (row, write_listing(shown)))
    connection.execute(_ADD_TEXTS, (row, *columns(shown)))
    learn(connection, vocabulary_words(shown))
    profile = Profile.of(release)
    connection.execute(
        "INSERT OR IGNORE INTO profiles VALUES (?, ?, ?)",
        (profile.facet, profile.platform, profile.built_with),
    )


def remove(connection: sqlite3.Connection, key: str) -> int | None:
    """Take the package out, and return the number of the row that it had."""
    found = _shown(connection, key)
    if found is None:
        return None
    row, shown = found
    connection.execute(_REMOVE_TEXTS, (row, *columns(shown)))
    forget(connection, vocabulary_words(shown))
    connection.execute("DELETE FROM listings WHERE id = ?", (row,))
    connection.execute("DELETE FROM packages WHERE id = ?", (row,))
    return row


def _shown(connection: sqlite3.Connection, key: str) -> tuple[int, Listing] | None:
    found = connection.execute(
        "SELECT id, listing FROM packages JOIN listings USING (id) WHERE key = ?", (key,)
    ).fetchone()
    return None if found is None else (found[0], read_listing(found[1]))


def _quality(listing: Listing) -> tuple[bool, bool, Precedence]:
    version = listing.release.coordinate.version
    return (listing.deprecation is None, version.is_stable, version.precedence)

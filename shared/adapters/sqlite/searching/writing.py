"""How the search index changes: one row a package, its words, and what is known of all of them."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from shared.adapters.sqlite.searching.document import (
    Profile,
    excerpt,
    indexed,
    read_listing,
    vocabulary,
    write_listing,
)
from shared.adapters.sqlite.searching.ranking import boosts
from shared.adapters.sqlite.searching.schema import CURRENT, NEXT
from shared.domain.facets import traits_of
from shared.domain.package import Listing
from shared.domain.showing import shown_of


def offer(connection: sqlite3.Connection, listing: Listing) -> bool:
    """Show the release, unless a better one of its package is shown; say if none was."""
    # Of the two generations the first is the one that is shown.
    is_new, *_ = [rows.offer(listing) for rows in _generations(connection)]
    return is_new


def show(connection: sqlite3.Connection, listing: Listing) -> None:
    """Show the release, whatever is shown now."""
    for rows in _generations(connection):
        rows.show(listing)
    _settle(connection, listing.head.package.key)


def remove(connection: sqlite3.Connection, key: str) -> None:
    """Show the package no longer."""
    for rows in _generations(connection):
        rows.remove(key)
    _settle(connection, key)


def is_building(connection: sqlite3.Connection) -> bool:
    """Say whether a next generation is being built."""
    found = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE name = ?", (f"{NEXT}packages",)
    ).fetchone()
    return found is not None


def _generations(connection: sqlite3.Connection) -> Iterator["Rows"]:
    """Yield the rows to change: while the next ones are built, they change with the others."""
    yield Rows(connection, CURRENT)
    if is_building(connection):
        yield Rows(connection, NEXT)


def _settle(connection: sqlite3.Connection, key: str) -> None:
    if is_building(connection):
        connection.execute("INSERT OR IGNORE INTO settled VALUES (?)", (key,))


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one generation; `@` in a statement stands for its prefix."""

    connection: sqlite3.Connection
    prefix: str

    def offer(self, listing: Listing) -> bool:
        """Show the release, unless a better one of its package is shown; say if none was."""
        found = self._shown(listing.head.package.key)
        self.show(shown_of(found and found[1], listing))
        return found is None

    def show(self, listing: Listing) -> None:
        """Show the release, whatever is shown now."""
        shown = excerpt(listing)
        before = self.remove(shown.head.package.key)
        row = self._add_package(before, shown)
        self._run("INSERT INTO @listings VALUES (?, ?)", row, write_listing(shown))
        self._run("INSERT INTO @texts (rowid, words) VALUES (?, ?)", row, indexed(shown))
        self._add_traits(row, shown)
        self._learn(vocabulary(shown))
        profile = Profile.of(shown.release)
        self._run(
            "INSERT OR IGNORE INTO @profiles VALUES (?, ?, ?)",
            profile.facet,
            profile.platform,
            profile.built_with,
        )

    def remove(self, key: str) -> int | None:
        """Take the package out, and return the number of the row that it had."""
        found = self._shown(key)
        if found is None:
            return None
        row, shown = found
        self._run(
            "INSERT INTO @texts (@texts, rowid, words) VALUES ('delete', ?, ?)", row, indexed(shown)
        )
        self._forget(vocabulary(shown))
        self._run("DELETE FROM @traits WHERE package = ?", row)
        self._run("DELETE FROM @listings WHERE id = ?", row)
        self._run("DELETE FROM @packages WHERE id = ?", row)
        return row

    def _shown(self, key: str) -> tuple[int, Listing] | None:
        found = self._run(
            "SELECT id, listing FROM @packages JOIN @listings USING (id) WHERE key = ?", key
        ).fetchone()
        return None if found is None else (found[0], read_listing(found[1]))

    def _add_package(self, row: int | None, shown: Listing) -> int:
        head = shown.head
        added = self._run(
            "INSERT INTO @packages VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            row,
            head.package.key,
            head.org.lower(),
            head.name.lower(),
            sum(boosts(shown).values()),
            head.pulls,
            shown.release.created_ms,
            head.created_ms,
        )
        return added.fetchone()[0]

    def _add_traits(self, row: int, shown: Listing) -> None:
        """Note what the package is counted by."""
        for trait in traits_of(shown):
            key = (trait.facet.value, trait.value)
            self._run("INSERT OR IGNORE INTO @spellings (facet, value) VALUES (?, ?)", *key)
            self._run(
                "INSERT INTO @traits SELECT ?, id FROM @spellings WHERE facet = ? AND value = ?",
                row,
                *key,
            )

    def _learn(self, words: set[str]) -> None:
        """Count one more package with each of these words."""
        for word in words:
            self._run(
                "INSERT INTO @words VALUES (?, ?, 1) "
                "ON CONFLICT DO UPDATE SET packages = packages + 1",
                len(word),
                word,
            )

    def _forget(self, words: set[str]) -> None:
        """Count one package less with each of these words."""
        for word in words:
            key = (len(word), word)
            self._run(
                "UPDATE @words SET packages = packages - 1 WHERE length = ? AND word = ?", *key
            )
            self._run("DELETE FROM @words WHERE length = ? AND word = ? AND packages < 1", *key)

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self.connection.execute(statement.replace("@", self.prefix), values)

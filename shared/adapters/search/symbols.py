"""The symbols of public packages in the search index, and finding them.

A symbol is found by its name, by the parts of its name, and by its name after its parent or module:
`get`, `Client.get`, `http:Client`, `http:Client.get`. Each of these is a word of `symbol_words`.
The rows of a word are in the order of results, so the best are read first, however many there are.
"""

import sqlite3
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from typing import Self

from shared.adapters.search.words import joined_name, name_words
from shared.adapters.sqlite.database import Migration
from shared.domain.api_docs.symbols import Symbol, count_symbols, unpack_symbols

MAX_FOUND = 1_000  # Nobody reads more results.
MAX_WORDS = 6  # Of a query: more narrow nothing.
_MAX_COMPARED = 10_000  # Rows of each of several words, or of a beginning: some 10 ms each.
_USAGE_STEPS = 1_000  # In one unit of the score.
_LEAST_MOVE = 50  # A third of what ten times as many pulls change: not each pull writes rows anew.

_ROWS_OF_WORD = (
    "SELECT symbol FROM symbol_words WHERE word = ? ORDER BY match, disuse, symbol LIMIT ?"
)
_ROWS_OF_PART = (  # A whole name is one word, so that names of several words have parts only.
    "SELECT symbol FROM symbol_words WHERE word = ? AND match = 2 ORDER BY disuse, symbol LIMIT ?"
)
_ROWS_OF_BEGINNING = (
    "SELECT match, disuse, symbol FROM symbol_words WHERE word > ? AND word < ? LIMIT ?"
)
_SYMBOLS_OF_PACKAGES = (
    "SELECT package, packed FROM symbols"
    " WHERE package IN (SELECT value FROM json_each(?)) ORDER BY disuse, package"
)
_LAST_CHARACTER = "\U0010ffff"
_PLACE_BITS = 20  # More than `MAX_SYMBOLS`.


class SymbolMatch(IntEnum):
    """How a word stands for a symbol, the most exact first."""

    DECLARATION = 0  # The whole name of a declaration, or the name after its module.
    MEMBER = 1  # The whole name of a member, or the name after its parent.
    PART = 2  # A part of the name: of `parseCsv` csv.


@dataclass(frozen=True, slots=True)
class SymbolPlace:
    """A symbol by the row of its package, and by its index among the symbols of the package."""

    package: int
    place: int

    @property
    def key(self) -> int:
        """Return both as one number, which takes a third less space than two."""
        return self.package << _PLACE_BITS | self.place

    @classmethod
    def of(cls, key: int) -> Self:
        return cls(key >> _PLACE_BITS, key & (1 << _PLACE_BITS) - 1)


def create_symbol_tables(prefix: str) -> Migration:
    """Return the statements that make the tables of symbols."""
    return (
        # `disuse` is the smaller, the more a package was used when its symbols were indexed.
        f"""
        CREATE TABLE {prefix}symbols (
            package INTEGER PRIMARY KEY,
            disuse INTEGER NOT NULL,
            packed TEXT NOT NULL
        ) STRICT
        """,
        f"""
        CREATE TABLE {prefix}symbol_words (
            word TEXT NOT NULL,
            match INTEGER NOT NULL,
            disuse INTEGER NOT NULL,
            symbol INTEGER NOT NULL,
            PRIMARY KEY (word, match, disuse, symbol)
        ) STRICT, WITHOUT ROWID
        """,
    )


@dataclass(frozen=True, slots=True)
class SymbolRows:
    """The symbols of one generation of the index."""

    connection: sqlite3.Connection
    prefix: str

    def packed(self, package: int) -> str:
        """Return the symbols of a package, packed; empty if it has none."""
        found = self._run("SELECT packed FROM @symbols WHERE package = ?", package).fetchone()
        return found[0] if found else ""

    def put(self, package: int, packed: str | None, usage: float) -> None:
        """Store the symbols of a package, or keep those that it has if `packed` is None; packages
        are ordered by `usage`. Rows are written only for other symbols, or another order."""
        disuse = -round(usage * _USAGE_STEPS)
        found = self._run(
            "SELECT packed = ?, abs(disuse - ?) FROM @symbols WHERE package = ?",
            packed,
            disuse,
            package,
        ).fetchone()
        if found is None:
            self.add(package, packed or "", usage)
        elif found[0] == 0 or found[1] > _LEAST_MOVE:  # The first is NULL if `packed` is.
            kept = self.packed(package) if packed is None else packed
            self.remove(package)
            self.add(package, kept, usage)

    def add(self, package: int, packed: str, usage: float) -> None:
        """Add the symbols of a package that has none."""
        if packed:
            disuse = -round(usage * _USAGE_STEPS)
            self._run("INSERT INTO @symbols VALUES (?, ?, ?)", package, disuse, packed)
            self._change_words(
                "INSERT INTO @symbol_words VALUES (?, ?, ?, ?)", package, disuse, packed
            )

    def remove(self, package: int) -> None:
        """Remove the symbols of a package, if it has any."""
        found = self._run(
            "DELETE FROM @symbols WHERE package = ? RETURNING disuse, packed", package
        ).fetchone()
        if found is not None:
            self._change_words(
                "DELETE FROM @symbol_words "
                "WHERE word = ? AND match = ? AND disuse = ? AND symbol = ?",
                package,
                *found,
            )

    def _change_words(self, statement: str, package: int, disuse: int, packed: str) -> None:
        self.connection.executemany(
            self._statement(statement),
            (
                (word, match, disuse, SymbolPlace(package, place).key)
                for place, symbol in enumerate(unpack_symbols(packed))
                for word, match in symbol_words(symbol).items()
            ),
        )

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self.connection.execute(self._statement(statement), values)

    def _statement(self, statement: str) -> str:
        return statement.replace("@", self.prefix)


def symbol_words(symbol: Symbol) -> dict[str, SymbolMatch]:
    """Return the words that find a symbol. Whoever changes them appends a migration: old words are
    removed by deriving them again."""
    whole = SymbolMatch.MEMBER if symbol.parent else SymbolMatch.DECLARATION
    spelled = symbol.name.partition(" ")[0]  # Of a resource method the accessor.
    name, module = joined_name(spelled), joined_name(symbol.module.rpartition(".")[2])
    qualified = f"{joined_name(symbol.parent)}.{name}" if symbol.parent else name
    words = dict.fromkeys(name_words(symbol.name), SymbolMatch.PART)
    words |= dict.fromkeys((name, qualified, f"{module}:{qualified}"), whole)
    return {word: match for word, match in words.items() if word}


# --- Finding ------------------------------------------------------------------------------------


def query_words(text: str) -> list[str]:
    """Return the words of a query as `symbol_words` spells them: of `ballerina/http:Client.get()`
    `http:client.get`."""
    typed = (each.rpartition("/")[2] for each in text.split())
    return [word for word in map(_query_word, typed) if word][:MAX_WORDS]


def _query_word(text: str) -> str:
    """Return one typed word with each name in it spelled as in the index; of the name of a module
    the last part counts."""
    module, _, rest = text.rpartition(":")
    prefix = joined_name(module.rpartition(".")[2])
    names = ".".join(name for name in map(joined_name, rest.split(".")) if name)
    return f"{prefix}:{names}" if prefix and names else names or prefix


def find_symbols(
    connection: sqlite3.Connection, text: str, packages: Set[int] | None = None
) -> tuple[SymbolPlace, ...]:
    """Return the best `MAX_FOUND` symbols that match all words of the text: first those that have
    the words, then those in which the last word is the beginning of one; of both the most used
    packages first. If there are `packages`, only their symbols match, and without words all do."""
    words = query_words(text)
    if words:
        found = _matching(connection, words)
    else:
        found = _of_packages(connection, packages or frozenset())
    places = map(SymbolPlace.of, _unique(found))
    within = (each for each in places if packages is None or each.package in packages)
    return tuple(islice(within, MAX_FOUND))


def _unique(keys: Iterator[int]) -> Iterator[int]:
    seen = set[int]()
    for key in keys:
        if key not in seen:
            seen.add(key)
            yield key


def _of_packages(connection: sqlite3.Connection, packages: Set[int]) -> Iterator[int]:
    """Yield the symbols of packages, as they are in their sources."""
    for package, packed in connection.execute(_SYMBOLS_OF_PACKAGES, (str([*packages]),)):
        for place in range(count_symbols(packed)):
            yield SymbolPlace(package, place).key


def _matching(connection: sqlite3.Connection, words: list[str]) -> Iterator[int]:
    yield from _with_words(connection, words)
    yield from _with_beginning(connection, words)


def _with_words(connection: sqlite3.Connection, words: list[str]) -> Iterator[int]:
    """Yield the symbols that have all the words."""
    whole = words if len(words) == 1 else [sign.join(words) for sign in ".:"]
    for word in whole:  # Typed with a blank, `Client get` is `Client.get`, too.
        for (symbol,) in connection.execute(_ROWS_OF_WORD, (word, _MAX_COMPARED)):
            yield symbol
    if len(words) > 1:
        yield from _in_all([_symbols_with_part(connection, word) for word in words])


def _with_beginning(connection: sqlite3.Connection, words: list[str]) -> Iterator[int]:
    """Yield the symbols that have all the words but the last, and a word that begins with it."""
    *whole, last = words
    end = f"{last}{_LAST_CHARACTER}"
    begun = sorted(connection.execute(_ROWS_OF_BEGINNING, (last, end, _MAX_COMPARED)))
    parts = [_symbols_with_part(connection, word) for word in whole]
    yield from _in_all([[symbol for *_, symbol in begun], *parts])


def _symbols_with_part(connection: sqlite3.Connection, word: str) -> list[int]:
    return _symbols(connection, _ROWS_OF_PART, word, _MAX_COMPARED)


def _symbols(connection: sqlite3.Connection, statement: str, *values: object) -> list[int]:
    return [symbol for (symbol,) in connection.execute(statement, values)]


def _in_all(lists: Sequence[Sequence[int]]) -> list[int]:
    """Return what all lists have, in the order of the shortest one."""
    first, *others = sorted(lists, key=len)
    for other in map(frozenset, others):
        first = [symbol for symbol in first if symbol in other]
    return list(first)

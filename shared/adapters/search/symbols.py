"""The symbols of packages in the search index.

A symbol is found by its name, by the parts of its name, and by its name after its parent or module:
`get`, `Client.get`, `http:Client`, `http:Client.get`; a record also by the names of its fields.
Each of these is a word of `symbol_words`. The rows of a word are in the order of results, so the
best are read first, however many there are.

The rows of each audience stand together: everybody, or the members of one organization. A search
reads the rows of its viewer's audiences alone, so that neither results, counts, limits nor the time
of a search tell anybody else of private packages.
"""

import sqlite3
from collections.abc import Sequence, Set
from enum import IntEnum
from typing import Self

from msgspec import Struct

from shared.adapters.search.words import joined_name, name_words
from shared.domain.api_docs.symbols import Symbol, unpack_symbols
from shared.domain.listings import Listing
from shared.domain.visibility import EVERYBODY

_USAGE_STEPS = 1_000  # Steps in one unit of the score.
# A third of the change by ten times as many pulls, so that not every pull writes rows again.
_LEAST_MOVE = 50

_PLACE_BITS = 19  # Enough bits for the number of a symbol in its package.
_DEPRECATED = 1 << _PLACE_BITS
_PACKAGE_SHIFT = _PLACE_BITS + 1

MAX_WORDS = 6  # Words of a query that are read: more words narrow nothing.


class SymbolMatch(IntEnum):
    """How a word stands for a symbol, the most exact first."""

    DECLARATION = 0  # The whole name of a declaration, or the name after its module.
    MEMBER = 1  # The whole name of a member, or the name after its parent.
    RESOURCE = 2  # The accessor of a resource method: a plain `get` comes before it.
    PART = 3  # A part of the name: of `parseCsv` csv.
    FIELD = 4  # The name of a field of the record, or the name after the record.


class SymbolPlace(Struct, frozen=True):
    """A symbol by the row of its package, and by its index among the symbols of the package."""

    package: int
    place: int
    is_deprecated: bool = False

    @property
    def key(self) -> int:
        """All as one number, which takes a third less space. Deprecated symbols of a package come
        after the others."""
        flag = _DEPRECATED if self.is_deprecated else 0
        return self.package << _PACKAGE_SHIFT | flag | self.place

    @classmethod
    def of(cls, key: int) -> Self:
        return cls(key >> _PACKAGE_SHIFT, key & _DEPRECATED - 1, bool(key & _DEPRECATED))


class PackageSymbols(Struct, frozen=True):
    """The symbols of a package, packed, and who finds them."""

    packed: str
    audience: str

    @classmethod
    def of(cls, listing: Listing) -> Self:
        return cls(listing.symbols, listing.head.readers)


class SymbolFilter(Struct, frozen=True):
    """Which symbols may be found."""

    packages: Set[int] | None = None  # None: any.
    left_out: Set[int] = frozenset()  # Packages.
    without: Sequence[str] = ()  # Words that a symbol must not have.

    def admits(self, package: int) -> bool:
        return package not in self.left_out and (self.packages is None or package in self.packages)


class SymbolRows(Struct, frozen=True):
    """The symbols of the packages of an index."""

    connection: sqlite3.Connection

    def packed(self, package: int) -> str:
        """Return the symbols of a package, packed; empty if it has none."""
        return self.of_package(package).packed

    def of_package(self, package: int) -> PackageSymbols:
        """Return the symbols of a package, which may be none."""
        found = self._run(
            "SELECT packed, audience FROM symbols WHERE package = ?", package
        ).fetchone()
        return PackageSymbols(*found) if found else PackageSymbols("", EVERYBODY)

    def put(self, package: int, symbols: PackageSymbols | None, usage: float) -> None:
        """Store the symbols of a package, or keep those that it has if `symbols` is None; packages
        are ordered by `usage`. Rows are written only for other symbols, or another order."""
        disuse = -round(usage * _USAGE_STEPS)
        found = self._run(
            "SELECT audience, disuse, packed FROM symbols WHERE package = ?", package
        ).fetchone()
        if found is None:
            self._add(package, symbols or PackageSymbols("", EVERYBODY), disuse)
            return
        stored = PackageSymbols(found[2], found[0])
        wanted = symbols or stored
        if wanted != stored or abs(disuse - found[1]) > _LEAST_MOVE:
            self.remove(package)
            self._add(package, wanted, disuse)

    def remove(self, package: int) -> None:
        """Remove the symbols of a package, if it has any."""
        found = self._run(
            "DELETE FROM symbols WHERE package = ? RETURNING audience, disuse, packed", package
        ).fetchone()
        if found is not None:
            audience, disuse, packed = found
            self._change_words(
                "DELETE FROM symbol_words WHERE audience = ? AND word = ? AND match = ?"
                " AND disuse = ? AND symbol = ?",
                (package, disuse),
                PackageSymbols(packed, audience),
            )

    def _add(self, package: int, symbols: PackageSymbols, disuse: int) -> None:
        if symbols.packed:
            row = (package, symbols.audience, disuse, symbols.packed)
            self._run("INSERT INTO symbols VALUES (?, ?, ?, ?)", *row)
            insert = "INSERT INTO symbol_words VALUES (?, ?, ?, ?, ?)"
            self._change_words(insert, (package, disuse), symbols)

    def _change_words(self, statement: str, row: tuple[int, int], symbols: PackageSymbols) -> None:
        """Run a statement for each row of `symbol_words` that the symbols of a package have."""
        package, disuse = row
        declared = unpack_symbols(symbols.packed)
        keys = (
            SymbolPlace(package, place, each.is_deprecated).key
            for place, each in enumerate(declared)
        )
        self.connection.executemany(
            statement,
            (
                (symbols.audience, word, match, disuse, key)
                for key, each in zip(keys, declared, strict=True)
                for word, match in symbol_words(each).items()
            ),
        )

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self.connection.execute(statement, values)


def symbol_words(symbol: Symbol) -> dict[str, SymbolMatch]:
    """Return the words that find a symbol. Whoever changes them raises `SCHEMA`: old words are
    removed by deriving them again."""
    # The name of a resource method begins with its accessor.
    spelled, path, _ = symbol.name.partition(" ")
    whole = SymbolMatch.MEMBER if symbol.parent else SymbolMatch.DECLARATION
    whole = SymbolMatch.RESOURCE if path else whole
    name = joined_name(spelled)
    module = joined_name(symbol.module.rpartition(".")[2])
    qualified = f"{joined_name(symbol.parent)}.{name}" if symbol.parent else name
    words = dict[str, SymbolMatch]()
    for field in map(joined_name, symbol.fields):
        words |= dict.fromkeys((field, f"{name}.{field}"), SymbolMatch.FIELD)
    words |= dict.fromkeys(name_words(symbol.name), SymbolMatch.PART)
    words |= dict.fromkeys((name, qualified, f"{module}:{qualified}"), whole)
    return {word: match for word, match in words.items() if word}


def spelled_names(symbols: PackageSymbols) -> frozenset[str]:
    """Return the names of the symbols of a package, their parts, and the names of fields: what a
    mistyped name is compared with. Those of packages that not everybody sees are nobody's."""
    if symbols.audience != EVERYBODY:
        return frozenset()
    words = (word for each in unpack_symbols(symbols.packed) for word in symbol_words(each))
    return frozenset(word for word in words if "." not in word and ":" not in word)

"""The symbols of packages in the search index, and finding them.

A symbol is found by its name, by the parts of its name, and by its name after its parent or module:
`get`, `Client.get`, `http:Client`, `http:Client.get`. Each of these is a word of `symbol_words`.
The rows of a word are in the order of results, so the best are read first, however many there are.

The rows of each audience stand together: everybody, or the members of one organization. A search
reads the rows of its viewer's audiences alone, so that neither results, counts, limits nor the time
of a search tell anybody else of private packages.

Where no symbol has all words in its name, a word may stand for a package, by its name, keywords and
modules: of `mqtt subscribe` the methods `subscribe` of mqtt. Then come the symbols that have most
of the words, also in another usual form: `ftp upload` is `ftp:put`.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from enum import IntEnum
from heapq import merge
from itertools import islice
from typing import Self

import orjson
from msgspec import Struct

from shared.adapters.search.postings import Counted, Postings, count_of, ids_of
from shared.adapters.search.ranking import SYNONYM_FACTOR, PlaceWeight
from shared.adapters.search.vocabulary import FILLERS, read_groups, synonyms_of
from shared.adapters.search.words import joined_name, name_words, split_humps, split_words, stem
from shared.domain.api_docs.symbols import Symbol, symbol_kinds, unpack_symbols
from shared.domain.listings import Listing
from shared.domain.packages import EVERYBODY
from shared.domain.search import MAX_SYMBOLS_FOUND, Viewer

MAX_WORDS = 6  # Of a query: more narrow nothing.
MAX_READ = 4 * 1024 * 1024  # Characters of packed symbols, of some 100,000: some 100 ms.
_MAX_COMPARED = 10_000  # Rows of each of several words, or of a beginning: some 10 ms each.
_USAGE_STEPS = 1_000  # In one unit of the score.
_LEAST_MOVE = 50  # A third of what ten times as many pulls change: not each pull writes rows anew.


_ROWS_OF_WORD = (
    "SELECT match, disuse, symbol FROM symbol_words WHERE audience = ? AND word = ?"
    " ORDER BY match, disuse, symbol LIMIT ?"
)
_ROWS_OF_PART = (  # A whole name is one word, so that names of several words have parts only.
    "SELECT match, disuse, symbol FROM symbol_words WHERE audience = ? AND word = ? AND match = 2"
    " ORDER BY disuse, symbol LIMIT ?"
)
_ROWS_OF_BEGINNING = (
    "SELECT match, disuse, symbol FROM symbol_words"
    " WHERE audience = ? AND word > ? AND word < ? LIMIT ?"
)
_SYMBOLS_OF_PACKAGES = (
    "SELECT package, packed FROM symbols JOIN packages ON packages.id = symbols.package"
    " WHERE package IN (SELECT value FROM json_each(?))"
    " AND audience IN (SELECT value FROM json_each(?)) ORDER BY key"
)
_NEXT_AUDIENCE = "SELECT min(audience) FROM symbol_words WHERE audience > ?"
_LAST_CHARACTER = "\U0010ffff"
_PLACE_BITS = 20  # More than `MAX_SYMBOLS`.


class SymbolMatch(IntEnum):
    """How a word stands for a symbol, the most exact first."""

    DECLARATION = 0  # The whole name of a declaration, or the name after its module.
    MEMBER = 1  # The whole name of a member, or the name after its parent.
    PART = 2  # A part of the name: of `parseCsv` csv.


class SymbolPlace(Struct, frozen=True):
    """A symbol by the row of its package, and by its index among the symbols of the package."""

    package: int
    place: int

    @property
    def key(self) -> int:
        """Both as one number, which takes a third less space than two."""
        return self.package << _PLACE_BITS | self.place

    @classmethod
    def of(cls, key: int) -> Self:
        return cls(key >> _PLACE_BITS, key & (1 << _PLACE_BITS) - 1)


class PackageSymbols(Struct, frozen=True):
    """The symbols of a package, packed, and who finds them."""

    packed: str
    audience: str

    @classmethod
    def of(cls, listing: Listing) -> Self:
        return cls(listing.symbols, listing.head.readers)


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
            self._change(
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
            self._change(insert, (package, disuse), symbols)

    def _change(self, statement: str, row: tuple[int, int], symbols: PackageSymbols) -> None:
        """Write the rows of the words."""
        package, disuse = row
        words = [symbol_words(symbol) for symbol in unpack_symbols(symbols.packed)]
        self.connection.executemany(
            statement,
            (
                (symbols.audience, word, match, disuse, SymbolPlace(package, place).key)
                for place, each in enumerate(words)
                for word, match in each.items()
            ),
        )

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self.connection.execute(statement, values)


def symbol_words(symbol: Symbol) -> dict[str, SymbolMatch]:
    """Return the words that find a symbol. Whoever changes them raises `SCHEMA`: old words are
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
    `http:client.get`, and of `http:` the same, which begins all words of its symbols."""
    typed = (each.rpartition("/")[2] for each in text.split())
    return [word for word in map(_query_word, typed) if word][:MAX_WORDS]


def _query_word(text: str) -> str:
    """Return one typed word with each name in it spelled as in the index; of the name of a module
    the last part counts."""
    module, colon, rest = text.rpartition(":")
    prefix = joined_name(module.rpartition(".")[2])
    names = ".".join(name for name in map(joined_name, rest.split(".")) if name)
    return f"{prefix}{colon}{names}" if prefix else names


def audiences_of(connection: sqlite3.Connection, viewer: Viewer) -> tuple[str, ...]:
    """Return the audiences that the viewer belongs to."""
    if not viewer.sees_everything:
        return (EVERYBODY, *sorted(org.lower() for org in viewer.orgs))
    found = [EVERYBODY]
    while (following := connection.execute(_NEXT_AUDIENCE, (found[-1],)).fetchone()[0]) is not None:
        found.append(following)
    return tuple(found)


_Row = tuple[int, int, int]  # How a word stands for a symbol, the disuse of its package, and it.


class SymbolFilter(Struct, frozen=True):
    """Which symbols may be found."""

    packages: Set[int] | None = None  # None: any.
    left_out: Set[int] = frozenset()  # Packages.
    without: Sequence[str] = ()  # Words that a symbol must not have.

    def admits(self, package: int) -> bool:
        return package not in self.left_out and (self.packages is None or package in self.packages)


class SymbolSearch:
    """Finds symbols for members of some audiences."""

    def __init__(self, connection: sqlite3.Connection, viewer: Viewer) -> None:
        self._connection = connection
        self._audiences = audiences_of(connection, viewer)

    def find(self, words: Sequence[str], within: SymbolFilter) -> tuple[SymbolPlace, ...]:
        """Return the best `MAX_SYMBOLS_FOUND` symbols that match all words: first those that have
        the words, then those in which the last word is the beginning of one; of both the most used
        packages first."""
        return self.among(self._matching(words) if words else (), within)

    def among(self, found: Iterable[int], within: SymbolFilter) -> tuple[SymbolPlace, ...]:
        """Return the first `MAX_SYMBOLS_FOUND` of these symbols that the filter admits."""
        left_out = {symbol for word in within.without for symbol in self._with_word(word, -1)}
        places = (SymbolPlace.of(key) for key in _unique(found) if key not in left_out)
        admitted = (each for each in places if within.admits(each.package))
        return tuple(islice(admitted, MAX_SYMBOLS_FOUND))

    def of_packages(self, within: SymbolFilter, kinds: Set[str] | None) -> Iterator[SymbolPlace]:
        """Yield the symbols of the packages of the filter, of some kinds or of any, by the names of
        the packages and as they are in their sources, until `MAX_READ` is reached."""
        left_out = {symbol for word in within.without for symbol in self._with_word(word, -1)}
        bound = (str([*(within.packages or ())]), orjson.dumps(self._audiences).decode())
        read = 0
        for package, packed in self._connection.execute(_SYMBOLS_OF_PACKAGES, bound):
            read += len(packed)
            if read > MAX_READ:
                break
            if package in within.left_out:
                continue
            for place, kind in enumerate(symbol_kinds(packed)):
                found = SymbolPlace(package, place)
                if (kinds is None or kind in kinds) and found.key not in left_out:
                    yield found

    def _matching(self, words: Sequence[str]) -> Iterator[int]:
        """Yield the symbols that have all words; then those that have all but the last, and a word
        that begins with it."""
        whole = words if len(words) == 1 else [sign.join(words) for sign in ".:"]
        for word in whole:  # Typed with a blank, `Client get` is `Client.get`, too.
            yield from self._with_word(word, _MAX_COMPARED)
        parts = [self._with_part(word) for word in words] if len(words) > 1 else []
        if parts:
            yield from _in_all(parts)
        last = words[-1]
        bounds = (last, f"{last}{_LAST_CHARACTER}", _MAX_COMPARED)
        begun = sorted(row for rows in self._read(_ROWS_OF_BEGINNING, *bounds) for row in rows)
        yield from _in_all([[symbol for *_, symbol in begun], *parts[:-1]])

    def _with_word(self, word: str, limit: int) -> Iterator[int]:
        return self._in_order(_ROWS_OF_WORD, word, limit)

    def _with_part(self, word: str) -> list[int]:
        return list(self._in_order(_ROWS_OF_PART, word, _MAX_COMPARED))

    def _in_order(self, statement: str, *values: object) -> Iterator[int]:
        rows = self._read(statement, *values)
        return (symbol for *_, symbol in (merge(*rows) if len(rows) > 1 else rows[0]))

    def _read(self, statement: str, *values: object) -> list[Iterable[_Row]]:
        """Return the rows of each audience."""
        return [
            self._connection.execute(statement, (audience, *values)) for audience in self._audiences
        ]


def _unique(keys: Iterable[int]) -> Iterator[int]:
    seen = set[int]()
    for key in keys:
        if key not in seen:
            seen.add(key)
            yield key


def _in_all(lists: Sequence[Sequence[int]]) -> list[int]:
    """Return the ids that all lists have, in the order of the shortest one."""
    first, *others = sorted(lists, key=len)
    for other in map(frozenset, others):
        first = [symbol for symbol in first if symbol in other]
    return list(first)


# --- By the names of packages -------------------------------------------------------------------

MAX_NAMED = 100  # Public packages: a word of more of them names none.
MAX_READ_PACKAGES = 6  # Whose symbols are read to order them: some 0.3 ms each.
MAX_READ_SYMBOLS = 1_500  # Some 5 microseconds each.
MIN_CREDIT = 0.5  # Of a symbol that lacks words.

# What a word counts for, by where a symbol has it.
NAME_CREDIT = 1.0
PACKAGE_CREDIT = 0.9
FORM_CREDIT = 0.75  # `directory` in `createDir`, `upload` in `put`.
COMMENT_CREDIT = 0.5
WHOLE_NAME_BONUS = 0.3  # Times the share of the name that was typed.
OWN_BONUS = 0.05  # For a symbol that has, in another form, what its package is called, too.
MAIN_PARENT = "Client"  # By convention what a package is used through.

_MIN_ABBREVIATION = 3  # Letters.
_ADMITTED = (
    "SELECT package, disuse FROM symbols WHERE package IN (SELECT value FROM json_each(?))"
    " AND audience IN (SELECT value FROM json_each(?))"
)


class NamedSymbols:
    """Finds symbols by words some of which stand for their packages, for one viewer."""

    def __init__(self, postings: Postings, viewer: Viewer, within: SymbolFilter) -> None:
        self._postings = postings
        self._connection = postings.connection
        self._audiences = audiences_of(postings.connection, viewer)
        self._within = within

    def find(self, text: str) -> list[int]:
        """Return the keys of the symbols that have all words of a query, or all that say something,
        else of those that have most of these; the best first."""
        words = list(dict.fromkeys(split_humps(text)))[:MAX_WORDS]
        for asked in words, [each for each in words if each not in FILLERS]:
            found = self._found(asked) if len(asked) > 1 else []
            if complete := [key for has_all, *_, key in found if has_all]:
                return complete
        return [key for _, credit, *_, key in found if credit <= -MIN_CREDIT]

    def _found(self, words: Sequence[str]) -> list[tuple[bool, float, int, int, int]]:
        named = {word: self._named(word) or self._meant(word) for word in words}
        weights = Counter[int]()
        for each in named.values():
            weights.update(each)
        packages = self._admitted(weights)
        best = sorted(packages, key=lambda each: (-weights[each], packages[each], each))
        return sorted(self._scored(best[:MAX_READ_PACKAGES], named, packages))

    def _named(self, word: str) -> Mapping[int, float]:
        """Return the packages that a word stands for; none if it stands for very many."""
        if word in FILLERS or count_of(self._connection, Counted.WORD, word) > MAX_NAMED:
            return {}
        return {
            package: weight / PlaceWeight.NAME
            for weight, ids in self._postings.of_word(word, PlaceWeight.MODULE)
            for package in ids_of(ids)
        }

    def _meant(self, word: str) -> Mapping[int, float]:
        """Return the packages that a synonym of the word stands for."""
        return {
            package: weight * SYNONYM_FACTOR
            for _, _, meant in synonyms_of([stem(word)])
            for package, weight in self._named(meant).items()
        }

    def _admitted(self, packages: Iterable[int]) -> dict[int, int]:
        """Return the disuse of those packages of the filter that have symbols for the viewer."""
        wanted = [package for package in packages if self._within.admits(package)]
        bound = str(wanted), orjson.dumps(self._audiences).decode()
        return dict(self._connection.execute(_ADMITTED, bound)) if wanted else {}

    def _scored(
        self,
        packages: Sequence[int],
        named: Mapping[str, Mapping[int, float]],
        disuse: Mapping[int, int],
    ) -> Iterator[tuple[bool, float, int, int, int]]:
        """Yield, of each symbol of the packages, whether it has all words, what they count for in
        it, negative, the disuse of its package, how special its parent is, and its key."""
        forms = {word: _forms(word) for word in named}
        rows = SymbolRows(self._connection)
        symbols = (
            (SymbolPlace(package, place), symbol)
            for package in packages
            for place, symbol in enumerate(unpack_symbols(rows.packed(package)))
        )
        for place, symbol in islice(symbols, MAX_READ_SYMBOLS):
            own, said = name_words(symbol.name), split_words(symbol.description)
            found = {word: _credit(word, forms[word], own) for word in named}
            stands = {word for word in named if place.package in named[word]}
            total = 0.0
            for word, credit in found.items():
                if word in stands:
                    total += max(credit, PACKAGE_CREDIT + OWN_BONUS * (credit > 0))
                else:
                    total += credit or COMMENT_CREDIT * bool(_credit(word, forms[word], said))
            spelled = {word for word, credit in found.items() if credit == NAME_CREDIT}
            matched = sum(credit > 0 for credit in found.values())
            share = min(1.0, matched / max(1, len(split_humps(symbol.name))))
            credit = total / len(named) + WHOLE_NAME_BONUS * share
            special = 0 if symbol.parent == MAIN_PARENT else len(split_humps(symbol.parent))
            is_complete = bool(spelled) and spelled | stands == set(named)
            yield is_complete, -credit, disuse[place.package], special, place.key


def _credit(word: str, forms: Sequence[str], texts: Sequence[str]) -> float:
    """Return the credit of a word among these: itself, a form of it, or what is short for it."""
    if word in texts:
        return NAME_CREDIT
    for text in texts:
        if text.startswith(tuple(forms)) or (
            len(text) >= _MIN_ABBREVIATION and word.startswith(text)
        ):
            return FORM_CREDIT
    return 0.0


def _forms(word: str) -> tuple[str, ...]:
    """Return the beginnings of other forms of a word, and usual names of what it does."""
    usual = (each.meant for each in read_groups("verbs") if word in each.typed)
    return (stem(word).rstrip("ie"), *(name for names in usual for name in names))

"""Finding symbols in the search index.

A query is answered by the first of these that finds something:

- symbols of the module whose whole name was typed: `toJson data.jsondata`, `data.jsondata`;
- symbols with a whole name as it was typed: `http:Client.get`, `Client get`, `insert one`;
- with that name in a package that another word is called by: `http get`;
- with all words in their names, or the beginning of the last one;
- with all words in their names, or in what their packages are called: of `mqtt subscribe` the
  methods `subscribe` of mqtt;
- with all words, also in another usual form: `ftp upload` is `ftp:put`;
- the same with known names in place of mistyped ones, or without words that nothing has;
- with most of the words.

What a word stands for is decided by what everybody, or this viewer, may see.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from heapq import merge
from itertools import chain, islice

import orjson
from msgspec import Struct

from shared.adapters.search.named_symbols import NamedSymbols
from shared.adapters.search.postings import Counted, Postings, count_of
from shared.adapters.search.spelling import Speller
from shared.adapters.search.symbols import MAX_WORDS, SymbolFilter, SymbolMatch, SymbolPlace
from shared.adapters.search.vocabulary import FILLERS, synonyms_of
from shared.adapters.search.words import joined_name, split_humps, stem
from shared.domain.api_docs.symbols import (
    Symbol,
    deprecated_symbols,
    symbol_kinds,
)
from shared.domain.search import MAX_SYMBOLS_FOUND, Viewer
from shared.domain.visibility import EVERYBODY

MAX_READ = 4 * 1024 * 1024  # Characters of the packed symbols, about 100,000 symbols: about 100 ms.
MAX_CORRECTIONS = 3  # Corrections that are tried for each name.
# With fewer symbols, symbols whose packages have a word follow, to fill a page.
ENOUGH_BY_NAME = 20
# Rows read for each of several words, or for the beginning of a word: about 10 ms.
_MAX_COMPARED = 10_000

_ROWS_OF_WORD = (
    "SELECT match, disuse, symbol FROM symbol_words WHERE audience = ? AND word = ?"
    " ORDER BY match, disuse, symbol LIMIT ?"
)
_ROWS_OF_PART = (  # A whole name is one word, so that names of several words have parts only.
    "SELECT match, disuse, symbol FROM symbol_words WHERE audience = ? AND word = ?"
    " AND match = ? ORDER BY disuse, symbol LIMIT ?"
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


def query_words(text: str) -> list[str]:
    """Return the words of a query as `symbol_words` spells them: of `ballerina/http:Client.get()`
    `http:client.get`, and of `http:` the same, which begins all words of its symbols."""
    return [word for word in map(_query_word, _tokens(text)) if word][:MAX_WORDS]


def _tokens(text: str) -> Iterator[str]:
    return (each.rpartition("/")[2] for each in text.split())


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


class SymbolAnswer(Struct, frozen=True):
    """The best `MAX_SYMBOLS_FOUND` symbols of a query, and how it was read to find them."""

    places: tuple[SymbolPlace, ...] = ()
    text: str = ""
    corrections: tuple[tuple[str, str], ...] = ()  # Mistyped words, and what they were read as.
    unknown: tuple[str, ...] = ()  # Words that were left out, as nothing has them.


class SymbolSearch:
    """Finds symbols for one viewer."""

    def __init__(self, postings: Postings, viewer: Viewer, within: SymbolFilter) -> None:
        self._postings = postings
        self._within = within
        self._rows = WordRows(postings.connection, viewer)
        self._named = NamedSymbols(postings, self._rows.audiences, within)

    def find(self, text: str) -> SymbolAnswer:
        """Return the symbols of a query: deprecated ones last, unless they were named exactly."""
        exact = self._exact(query_words(text))
        places = self._admitted(self._in_module(text)) or self._admitted(self._answers(text))
        found = SymbolAnswer(places, text)
        if not found.places:
            found = self._corrected(text)
        last = [each for each in found.places if each.is_deprecated and each.key not in exact]
        first = [each for each in found.places if not each.is_deprecated or each.key in exact]
        return SymbolAnswer((*first, *last), found.text, found.corrections, found.unknown)

    def of_packages(self, kinds: Set[str] | None) -> Iterator[SymbolPlace]:
        """Yield the symbols of the packages of the filter, of some kinds or of any, by the names of
        the packages and as they are in their sources, until `MAX_READ` is reached."""
        left_out = self._left_out()
        packages = str([*(self._within.packages or ())])
        bound = (packages, orjson.dumps(self._rows.audiences).decode())
        read = 0
        for package, packed in self._postings.connection.execute(_SYMBOLS_OF_PACKAGES, bound):
            read += len(packed)
            if read > MAX_READ:
                break
            if package in self._within.left_out:
                continue
            facts = zip(symbol_kinds(packed), deprecated_symbols(packed), strict=True)
            for place, (kind, is_deprecated) in enumerate(facts):
                found = SymbolPlace(package, place, is_deprecated)
                if (kinds is None or kind in kinds) and found.key not in left_out:
                    yield found

    def _in_module(self, text: str) -> list[int]:
        """Return the symbols of a module whose name, with a dot, is one of the words, which have
        all other words in their names: editors ask so for the functions of a module."""
        tokens = list(_tokens(text))
        dotted = [each for each in tokens if "." in each.strip(".") and ":" not in each]
        if len(dotted) != 1:
            return []
        [module] = dotted
        own = dict.fromkeys(self._named.of_module(module))
        words = [joined_name(each) for each in tokens if each is not module]
        if not own or not words:
            return [*own]
        name = f"{joined_name(module.rpartition('.')[2])}:{''.join(words)}"
        named = chain(self._rows.with_word(name, _MAX_COMPARED), self._rows.with_beginning(name))
        parts = _in_all([self._rows.with_part(word) for word in words])
        return [each for each in chain(named, parts) if each in own]

    def _exact(self, words: Sequence[str]) -> Set[int]:
        """Return the symbols that one typed word names together with their parent or module."""
        if len(words) != 1 or not re.search(r"[.:]", words[0]):
            return frozenset()
        return frozenset(self._rows.with_word(words[0], _MAX_COMPARED))

    def _admitted(self, found: Iterable[int]) -> tuple[SymbolPlace, ...]:
        """Return the first `MAX_SYMBOLS_FOUND` of these symbols that the filter admits."""
        left_out = self._left_out()
        places = (SymbolPlace.of(key) for key in dict.fromkeys(found) if key not in left_out)
        admitted = (each for each in places if self._within.admits(each.package))
        return tuple(islice(admitted, MAX_SYMBOLS_FOUND))

    def _left_out(self) -> Set[int]:
        without = self._within.without
        return {symbol for word in without for symbol in self._rows.with_word(word, -1)}

    def _answers(self, text: str) -> list[int]:
        """Return the symbols that have all words, the best first."""
        words = query_words(text)
        if not words:
            return []
        found = list(self._matching(words, text))
        # One word that names a symbol needs no package beside it.
        if not found or (len(words) > 1 and len(self._admitted(found)) < ENOUGH_BY_NAME):
            found += self._named.complete(text)
        return found

    def _matching(self, words: Sequence[str], text: str) -> Iterator[int]:
        """Yield the symbols that have all words; then those that have all but the last, and a word
        that begins with it."""
        # Typed with a blank, `Client get` is `Client.get`, too.
        for word in words if len(words) == 1 else [sign.join(words) for sign in ".:"]:
            yield from self._rows.with_word(word, _MAX_COMPARED)
        if named := dict.fromkeys(self._in_named_packages(words)):
            yield from (key for key in self._named.complete(text) if key in named)
            yield from named
        if len(words) > 1:  # As `insert one`.
            yield from self._rows.with_word("".join(words), _MAX_COMPARED)
        parts = [self._rows.with_part(word) for word in words] if len(words) > 1 else []
        if parts:
            yield from _in_all(parts)
        last = words[-1]
        yield from _in_all([self._rows.with_beginning(last), *parts[:-1]])
        if len(words) == 1 and stem(last) != last:
            yield from self._rows.with_word(stem(last), _MAX_COMPARED)

    def _in_named_packages(self, words: Sequence[str]) -> Iterator[int]:
        """Yield the symbols of packages that are called as one of the words, with the others as
        their whole name."""
        names = [name for word in words for name in re.split(r"[.:]", word) if name]
        # If the query is one word such as `http.get`, the package comes first.
        packages_at = len(names) if len(words) > 1 else 1
        for place, word in enumerate(names[:packages_at] if len(names) > 1 else ()):
            packages = self._named.called(word)
            others = [*names[:place], *names[place + 1 :]]
            for typed in dict.fromkeys(sign.join(others) for sign in ("", ".") if packages):
                for match, key in self._rows.matches(typed, _MAX_COMPARED):
                    if match != SymbolMatch.PART and SymbolPlace.of(key).package in packages:
                        yield key

    # --- Mistyped and unknown words --------------------------------------------------------------

    def _corrected(self, text: str) -> SymbolAnswer:
        """Return what is found with known names in place of mistyped ones, and without words that
        nothing has."""
        if places := self._admitted(self._named.in_other_forms(text)):
            return SymbolAnswer(places, text)
        speller = Speller(self._postings.connection, Counted.SYMBOL)
        typed = list(_tokens(text))
        meant = {token: self._meant_by(token, speller) for token in typed}
        mistyped = {token: found for token, found in meant.items() if found}
        for attempt in range(MAX_CORRECTIONS if mistyped else 0):
            read = {token: found[min(attempt, len(found) - 1)] for token, found in mistyped.items()}
            corrected = " ".join(read.get(token, token) for token in typed)
            if places := self._admitted(self._answers(corrected)):
                return SymbolAnswer(places, corrected, tuple(read.items()))
        read = {token: found[0] for token, found in mistyped.items()}
        telling = [each for each in typed if not _is_filler(each)]
        known = [each for each in telling if each in read or not self._is_unknown(each)]
        return (
            self._without_others(typed, known, read, self._answers)
            or self._without_others(typed, known, read, self._named.partial)
            or self._without_others(
                typed,
                [each for each in known if each in read or self._finds(each)],
                read,
                self._answers,
            )
            or SymbolAnswer()
        )

    def _without_others(
        self,
        typed: Sequence[str],
        kept: Sequence[str],
        read: Mapping[str, str],
        find: Callable[[str], Iterable[int]],
    ) -> SymbolAnswer | None:
        """Return what is found with only some of the typed words, if anything is."""
        text = " ".join(read.get(token, token) for token in kept)
        places = self._admitted(find(text)) if kept else ()
        if not places:
            return None
        unknown = tuple(each for each in typed if each not in kept and not _is_filler(each))
        corrections = tuple((token, meant) for token, meant in read.items() if token in kept)
        return SymbolAnswer(places, text, corrections, unknown)

    def _meant_by(self, token: str, speller: Speller) -> list[str]:
        """Return what was perhaps meant by a typed word, the most similar first; nothing if it has
        no mistake."""
        pieces = re.split(r"([.:])", token)
        found = [self._names_meant_by(piece, speller) for piece in pieces]
        if not any(found):
            return []
        return [
            "".join(
                names[min(place, len(names) - 1)] if names else piece
                for piece, names in zip(pieces, found, strict=True)
            )
            for place in range(max(map(len, found)))
        ]

    def _names_meant_by(self, name: str, speller: Speller) -> list[str]:
        """Return the names that are similar to an unknown one: by its parts, then as a whole."""
        joined = joined_name(name)
        if not joined or self._is_known(joined):
            return []
        parts = split_humps(name)
        meant = [[part] if self._is_known(part) else speller.near(part) for part in parts]
        near = speller.near(joined)
        if len(parts) > 1 and all(meant):
            first, *others = (names[0] for names in meant)
            near = ["".join((first, *map(str.capitalize, others))), *near]
        return near[:MAX_CORRECTIONS]

    def _is_known(self, word: str) -> bool:
        """Check whether a word is spelled right: symbols, packages or the vocabulary have it."""
        forms = {word, stem(word)}
        return (
            word in FILLERS
            or any(self._rows.has(each) for each in forms)
            or any(count_of(self._postings.connection, Counted.WORD, each) for each in forms)
            or any(True for _ in synonyms_of([stem(word)]))
        )

    def _is_unknown(self, token: str) -> bool:
        """Check whether nothing that the viewer may see has any part of a typed word."""
        words = [*split_humps(token), joined_name(token)]
        return not any(map(self._is_known, words)) and not self._finds(token)

    def _finds(self, token: str) -> bool:
        """Check whether a typed word finds symbols, by itself or as the name of their package."""
        words = query_words(token)
        return any(
            self._rows.has(stem(each)) or self._rows.has_beginning(each) or self._named.names(each)
            for each in words
        )


def _is_filler(token: str) -> bool:
    """Check whether a typed word says nothing."""
    word = joined_name(token)
    return not word or word in FILLERS


class WordRows:
    """The rows of words for the audiences of one viewer."""

    def __init__(self, connection: sqlite3.Connection, viewer: Viewer) -> None:
        self._connection = connection
        self.audiences = audiences_of(connection, viewer)

    def matches(self, word: str, limit: int) -> Iterator[tuple[int, int]]:
        """Yield how the word stands for each symbol, and the symbol, in the order of results."""
        return ((match, symbol) for match, _, symbol in self._in_order(_ROWS_OF_WORD, word, limit))

    def with_word(self, word: str, limit: int) -> Iterator[int]:
        return (symbol for _, symbol in self.matches(word, limit))

    def with_part(self, word: str) -> list[int]:
        """Return the symbols with a word, or its stem, as a part of their name."""
        forms = dict.fromkeys((word, stem(word)))
        rows = (
            self._in_order(_ROWS_OF_PART, each, SymbolMatch.PART, _MAX_COMPARED) for each in forms
        )
        return list(dict.fromkeys(symbol for found in rows for *_, symbol in found))

    def with_beginning(self, word: str) -> list[int]:
        """Return the symbols with a longer word that begins like this one."""
        bounds = (word, f"{word}{_LAST_CHARACTER}", _MAX_COMPARED)
        found = sorted(row for rows in self._read(_ROWS_OF_BEGINNING, *bounds) for row in rows)
        return [symbol for *_, symbol in found]

    def has(self, word: str) -> bool:
        return any(True for _ in self.with_word(word, 1))

    def has_beginning(self, word: str) -> bool:
        bounds = (word, f"{word}{_LAST_CHARACTER}", 1)
        return any(True for rows in self._read(_ROWS_OF_BEGINNING, *bounds) for _ in rows)

    def _in_order(self, statement: str, *values: object) -> Iterator[_Row]:
        rows = self._read(statement, *values)
        return merge(*rows) if len(rows) > 1 else iter(rows[0])

    def _read(self, statement: str, *values: object) -> list[Iterable[_Row]]:
        """Return the rows of each audience."""
        return [
            self._connection.execute(statement, (audience, *values)) for audience in self.audiences
        ]


def _in_all(lists: Sequence[Sequence[int]]) -> list[int]:
    """Return the ids that all lists have, in the order of the shortest one."""
    first, *others = sorted(lists, key=len)
    for other in map(frozenset, others):
        first = [symbol for symbol in first if symbol in other]
    return list(first)


# --- Fields -------------------------------------------------------------------------------------

MAX_NAMED_FIELDS = 3  # Fields that the description of a record names.


def with_named_fields(symbol: Symbol, text: str) -> Symbol:
    """Return a record whose description begins with the fields that a query asks for."""
    if not symbol.fields:
        return symbol
    typed = {name for word in query_words(text) for name in re.split(r"[.:]", word)}
    parts = frozenset(split_humps(text))
    own = frozenset(split_humps(symbol.name))
    named = [each for each in symbol.fields if joined_name(each) in typed]
    if not named:
        named = [each for each in symbol.fields if frozenset(split_humps(each)) <= parts - own]
    if not named:
        return symbol
    names = ", ".join(named[:MAX_NAMED_FIELDS])
    said = f"{'Field' if len(named) == 1 else 'Fields'} {names}. {symbol.description}".strip()
    return replace(symbol, description=said)

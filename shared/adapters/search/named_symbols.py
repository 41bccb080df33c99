"""Symbols of the packages that a query names: of `mqtt subscribe` the methods `subscribe` of mqtt.

A word stands for a package by its name, keywords and modules, so it needs no rows for each symbol.
Where no symbol has the other words in its name, those come that have most of the words, also in the
name of their parent, in their doc comment, or in another usual form: `ftp upload` is `ftp:put`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from shared.adapters.search.postings import Postings, ids_of
from shared.adapters.search.ranking import FILLERS, SYNONYM_FACTOR, PlaceWeight
from shared.adapters.search.symbols import SymbolFilter, SymbolPlace, SymbolRows, audiences_of
from shared.adapters.search.synonyms import read_groups, synonyms_of
from shared.adapters.search.words import name_words, split_humps, split_words, stem
from shared.domain.api_docs.symbols import Symbol, count_symbols, symbols_at
from shared.domain.search import Viewer

MAX_WORDS = 6  # As of other searches for symbols.
MAX_NAMED = 100  # Public packages: a word of more of them names none.
MAX_ROWS = 500  # Of each word, where no package is named.
MAX_READ_PACKAGES = 6  # Whose symbols are read to order them: some 0.3 ms each.
MAX_READ_SYMBOLS = 1_500  # Some 5 microseconds each.
MIN_CREDIT = 0.5  # Of a symbol that lacks words.

# What a word counts for, by where a symbol has it.
NAME_CREDIT = 1.0
PACKAGE_CREDIT = 0.9
PARENT_CREDIT = 0.8
FORM_CREDIT = 0.75  # `directory` in `createDir`, `upload` in `put`.
COMMENT_CREDIT = 0.5
WHOLE_NAME_BONUS = 0.3  # Times the share of the name that was typed.
NAMED_BONUS = 0.1  # For a package that is called so, above one with the keyword.
OWN_BONUS = 0.05  # For a symbol that has, in another form, what its package is called, too.
MAIN_PARENT = "Client"  # By convention what a package is used through.

_MIN_ABBREVIATION = 3  # Letters.
_PUBLIC_PACKAGES = "SELECT packages FROM words WHERE length = ? AND word = ?"
_PACKAGES = (
    "SELECT package, disuse FROM symbols WHERE package IN (SELECT value FROM json_each(?))"
    " AND audience IN (SELECT value FROM json_each(?))"
)
_ROWS_IN_PACKAGES = (
    "SELECT found.symbol FROM symbols AS of CROSS JOIN symbol_words AS found"
    " WHERE of.package IN (SELECT value FROM json_each(?))"
    " AND found.audience = of.audience AND found.word = ? AND found.match IN (0, 1, 2)"
    " AND found.disuse = of.disuse"
    " AND found.symbol BETWEEN of.package << 20 AND of.package << 20 | 1048575"
)
_ROWS = (
    "SELECT symbol FROM symbol_words WHERE audience = ? AND word = ?"
    " ORDER BY match, disuse, symbol LIMIT ?"
)

_Named = Mapping[str, Mapping[int, float]]  # How much a word stands for packages, up to 1.


def words_of_names(text: str) -> list[str]:
    """Return the words of a query by which parts of names are found: of `http:createListener`
    http, create and listener."""
    return list(dict.fromkeys(split_humps(text)))[:MAX_WORDS]


class NamedSymbols:
    """Finds symbols by words some of which stand for their packages, for one viewer."""

    def __init__(self, postings: Postings, viewer: Viewer, within: SymbolFilter) -> None:
        self._postings = postings
        self._connection = postings.connection
        self._audiences = audiences_of(postings.connection, viewer)
        self._within = within

    def complete(self, words: Sequence[str]) -> list[int]:
        """Return the keys of the symbols whose names have words of the query, and whose packages
        the others stand for; the best first."""
        named = {word: self._named(word) for word in words} if len(words) > 1 else {}
        packages = self._admitted({package for each in named.values() for package in each})
        if not packages:
            return []
        rows = {word: self._rows(word, packages) for word in words}
        found = Counter(key for keys in rows.values() for key in keys)
        complete = [key for key in found if all(
            key in rows[word] or SymbolPlace.of(key).package in named[word] for word in words
        )]  # fmt: skip
        return self._ordered(complete, found, packages, words, named)

    def loose(self, words: Sequence[str]) -> list[int]:
        """Return the keys of the symbols that have most of the words, the best first."""
        if not words[1:]:
            return []
        named = {word: self._named(word) or self._meant(word) for word in words}
        weights = Counter[int]()
        for each in named.values():
            weights.update(each)
        if packages := self._admitted(weights):
            best = sorted(packages, key=lambda each: (-weights[each], packages[each], each))
            read = self._read(dict.fromkeys(best[:MAX_READ_PACKAGES]))
            scored = sorted(_scored(read, words, named, packages))
            return [key for credit, *_, key in scored if credit <= -MIN_CREDIT]
        rows = {word: self._rows(word) for word in words}
        found = Counter(key for keys in rows.values() for key in keys)
        least = max(2, (len(words) + 1) // 2)
        some = [key for key, count in found.items() if count >= least]
        return self._ordered(some, found, {}, words, named)

    def is_named(self, word: str) -> bool:
        """Say whether a word stands for packages with symbols that the viewer may see."""
        return bool(self._admitted(self._named(word)))

    def _named(self, word: str) -> Mapping[int, float]:
        """Return the packages that a word stands for; none if it stands for very many."""
        found = self._connection.execute(_PUBLIC_PACKAGES, (len(word), word)).fetchone()
        if word in FILLERS or (found and found[0] > MAX_NAMED):
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
        bound = str(wanted), json.dumps(self._audiences)
        return dict(self._connection.execute(_PACKAGES, bound)) if wanted else {}

    def _rows(self, word: str, packages: Iterable[int] | None = None) -> frozenset[int]:
        """Return the keys of the symbols with the word in their names."""
        if packages is None:
            bounds = [(_ROWS, (audience, word, MAX_ROWS)) for audience in self._audiences]
        else:
            bounds = [(_ROWS_IN_PACKAGES, (str([*packages]), word))]
        return frozenset(key for each in bounds for (key,) in self._connection.execute(*each))

    def _ordered(
        self,
        keys: Iterable[int],
        found: Mapping[int, int],
        disuse: Mapping[int, int],
        words: Sequence[str],
        named: _Named,
    ) -> list[int]:
        """Return symbols by what their words count for; those of packages that are not read after
        the others, by the number of the words in their names."""

        def place(key: int) -> tuple[int, int, int]:
            return -found[key], disuse.get(SymbolPlace.of(key).package, 0), key

        first = sorted(keys, key=place)
        chosen = defaultdict[int, list[int]](list)
        for each in map(SymbolPlace.of, first):
            if each.package in chosen or len(chosen) < MAX_READ_PACKAGES:
                chosen[each.package].append(each.place)
        scored = sorted(_scored(self._read(chosen), words, named, disuse))
        return list(dict.fromkeys((*(key for *_, key in scored), *first)))

    def _read(
        self, packages: Mapping[int, Sequence[int] | None]
    ) -> Iterator[tuple[SymbolPlace, Symbol]]:
        """Yield symbols of packages, all of them where no places are given."""
        rows = SymbolRows(self._connection)
        for package, chosen in packages.items():
            packed = rows.packed(package)
            places = range(count_symbols(packed)) if chosen is None else chosen
            for place, symbol in zip(places, symbols_at(packed, places), strict=True):
                yield SymbolPlace(package, place), symbol


def _scored(
    symbols: Iterable[tuple[SymbolPlace, Symbol]],
    words: Sequence[str],
    named: _Named,
    disuse: Mapping[int, int],
) -> Iterator[tuple[float, int, int, int]]:
    """Yield what all words count for in each symbol, negative, the disuse of its package, how
    special its parent is, and its key."""
    forms = {word: _forms(word) for word in words}
    for place, symbol in islice(symbols, MAX_READ_SYMBOLS):
        own = name_words(symbol.name)
        parent, comment = name_words(symbol.parent), split_words(symbol.description)
        total, matched = 0.0, 0
        for word in words:
            credit = _credit(word, forms[word], own)
            matched += credit > 0
            if weight := named[word].get(place.package, 0.0):
                own_bonus = OWN_BONUS * (credit > 0)
                credit = max(credit, PACKAGE_CREDIT + own_bonus) + NAMED_BONUS * weight
            elif credit < PARENT_CREDIT and word in parent:
                credit = PARENT_CREDIT
            total += credit or COMMENT_CREDIT * bool(_credit(word, forms[word], comment))
        share = min(1.0, matched / max(1, len(split_humps(symbol.name))))
        credit = total / len(words) + WHOLE_NAME_BONUS * share
        special = 0 if symbol.parent == MAIN_PARENT else len(split_humps(symbol.parent))
        yield -credit, disuse.get(place.package, 0), special, place.key


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

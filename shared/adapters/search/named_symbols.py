"""Symbols that are found by words some of which stand for their packages, as `mqtt subscribe`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice

import orjson
from msgspec import Struct

from shared.adapters.search.postings import Counted, Postings, count_of, ids_of
from shared.adapters.search.score_weights import SYNONYM_FACTOR, PlaceWeight
from shared.adapters.search.symbols import MAX_WORDS, SymbolFilter, SymbolPlace, SymbolRows
from shared.adapters.search.vocabulary import FILLERS, read_groups, synonyms_of
from shared.adapters.search.words import name_words, split_humps, split_words, stem
from shared.domain.api_docs.symbols import (
    Symbol,
    deprecated_symbols,
    symbols_of_module,
    unpack_symbols,
)

# Public packages with a word. If there are more, the word names only packages that are called by
# it.
MAX_NAMED = 100
MAX_READ_PACKAGES = 6  # Packages whose symbols are read to order them; each takes about 0.3 ms.
MAX_READ_SYMBOLS = 1_500  # Symbols that are read to order them; each takes about 5 microseconds.
MIN_CREDIT = 0.5  # The least credit of a result that lacks some of the words.

# The credit of a word, by the place where a symbol has it.
NAME_CREDIT = 1.0
PACKAGE_CREDIT = 0.9
PARENT_CREDIT = 0.8  # `smtp` in `SmtpClient.send`.
FIELD_CREDIT = 0.7  # A word of the field of a record that has the most words.
FORM_CREDIT = 0.75  # `directory` in `createDir`, `upload` in `put`.
COMMENT_CREDIT = 0.5
WHOLE_NAME_BONUS = 0.3  # Times the share of the name that was typed.
OWN_BONUS = 0.05  # For a symbol that has, in another form, what its package is called, too.
MAIN_PARENT = "Client"  # By convention what a package is used through.

_LACKS_WORDS = 2
_MIN_ABBREVIATION = 3  # Letters.
_ADMITTED = (
    "SELECT package, disuse FROM symbols WHERE package IN (SELECT value FROM json_each(?))"
    " AND audience IN (SELECT value FROM json_each(?))"
)


class _Scored(Struct, frozen=True, order=True):
    """A symbol, ordered by how well it fits."""

    lack: int  # 0: it has all words. 1: some in another form. 2: it has not all of them.
    debit: float  # The negative credit.
    disuse: int  # The disuse of its package: the lower, the more the package is used.
    special: int  # How special its parent is; a resource method more than a plain one.
    key: int


class NamedSymbols:
    """Finds symbols by words some of which stand for their packages, for some audiences."""

    def __init__(self, postings: Postings, audiences: Sequence[str], within: SymbolFilter) -> None:
        self._postings = postings
        self._connection = postings.connection
        self._audiences = audiences
        self._within = within
        self._read = dict[tuple[str, ...], list[_Scored]]()

    def complete(self, text: str) -> list[int]:
        """Return the keys of the symbols that have all words of a query, or all that say something;
        the best first."""
        for words in _read_as(text):
            found = self._found(words)
            if complete := [each.key for each in found if not each.lack]:
                return complete
        return []

    def in_other_forms(self, text: str) -> list[int]:
        """Return the keys of the symbols that have all words that say something, also in another
        form or in their comment."""
        *_, words = _read_as(text)
        return [each.key for each in self._found(words) if each.lack < _LACKS_WORDS]

    def partial(self, text: str) -> list[int]:
        """Return the keys of the symbols that have most words that say something."""
        *_, words = _read_as(text)
        return [each.key for each in self._found(words) if each.debit <= -MIN_CREDIT]

    def of_module(self, module: str) -> Iterator[int]:
        """Yield the keys of the symbols of a module, of the packages that are used most."""
        lists = (self._postings.of_word(word, PlaceWeight.MODULE) for word in split_words(module))
        having = [set(ids_of(b"".join(ids for _, ids in each))) for each in lists]
        packages = self._admitted(set[int].intersection(*having) if having else ())
        rows = SymbolRows(self._connection)
        most_used = sorted(packages, key=lambda each: (packages[each], each))
        for package in most_used[:MAX_READ_PACKAGES]:
            packed = rows.packed(package)
            if places := symbols_of_module(packed, module):
                are_deprecated = deprecated_symbols(packed)
                for place in places:
                    yield SymbolPlace(package, place, are_deprecated[place]).key

    def names(self, word: str) -> bool:
        """Check whether a word stands for a package that has symbols for the audiences."""
        return bool(self._admitted(self._stands_for(word)))

    def called(self, word: str) -> Set[int]:
        """Return the packages with this segment of their name."""
        for form in dict.fromkeys((word, stem(word))):
            lists = self._postings.of_word(form, PlaceWeight.SEGMENT)
            if lists:
                return frozenset(ids_of(b"".join(ids for _, ids in lists)))
        return frozenset()

    def _found(self, words: tuple[str, ...]) -> list[_Scored]:
        if len(words) < 2:  # noqa: PLR2004 - one for the package, one for the symbol.
            return []
        if words not in self._read:
            named = {word: self._stands_for(word) for word in words}
            weights = Counter[int]()
            for each in named.values():
                weights.update(each)
            packages = self._admitted(weights)
            best = sorted(packages, key=lambda each: (-weights[each], packages[each], each))
            self._read[words] = sorted(self._scored(best[:MAX_READ_PACKAGES], named, packages))
        return self._read[words]

    def _stands_for(self, word: str) -> Mapping[int, float]:
        """Return the packages that a word, its stem or a synonym of it stands for."""
        return self._named(word) or self._named(stem(word)) or self._meant(word)

    def _named(self, word: str) -> Mapping[int, float]:
        """Return the packages that a word stands for: those called by it if it is in very many."""
        if word in FILLERS:
            return {}
        is_usual = count_of(self._connection, Counted.WORD, word) > MAX_NAMED
        place = PlaceWeight.NAME if is_usual else PlaceWeight.MODULE
        return {
            package: weight / PlaceWeight.NAME
            for weight, ids in self._postings.of_word(word, place)
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
    ) -> Iterator[_Scored]:
        """Yield the symbols of the packages with what the words count for in them."""
        words = [_Word(word, _forms(word)) for word in named]
        beginnings = {form[:_MIN_ABBREVIATION] for each in words for form in each.forms}
        rows = SymbolRows(self._connection)
        symbols = (
            (SymbolPlace(package, place, symbol.is_deprecated), symbol)
            for package in packages
            for place, symbol in enumerate(unpack_symbols(rows.packed(package)))
        )
        for place, symbol in islice(symbols, MAX_READ_SYMBOLS):
            stands = frozenset(word for word in named if place.package in named[word])
            text = f"{symbol.title} {symbol.description} {symbol.fields}".casefold()
            # Most symbols have no word at all, and their words need not be compared.
            if len(stands) < len(named) and not any(each in text for each in beginnings):
                continue
            lack, credit = _fit(symbol, words, stands)
            special = 0 if symbol.parent == MAIN_PARENT else len(split_humps(symbol.parent))
            is_resource = " " in symbol.name
            yield _Scored(
                lack, -credit, disuse[place.package], 2 * special + is_resource, place.key
            )


class _Word(Struct, frozen=True):
    word: str
    forms: tuple[str, ...]  # Beginnings of other forms of it, and usual names of what it does.

    def credit(self, texts: Sequence[str]) -> float:
        """Return its credit among these: itself, a form of it, or what is short for it."""
        if self.word in texts:
            return NAME_CREDIT
        for text in texts:
            if text.startswith(self.forms) or (
                len(text) >= _MIN_ABBREVIATION and self.word.startswith(text)
            ):
                return FORM_CREDIT
        return 0.0


def _fit(symbol: Symbol, words: Sequence[_Word], stands: Set[str]) -> tuple[int, float]:
    """Return what a symbol lacks of the words, and what they count for in it; some stand for its
    package."""
    own = name_words(symbol.name)
    said = split_words(symbol.description)
    parents = frozenset(split_humps(symbol.parent))
    typed = frozenset(each.word for each in words)
    field = _best_field(symbol, typed)
    in_name = {each.word: each.credit(own) for each in words}

    def credit_of(word: _Word) -> float:
        credit = in_name[word.word]
        if word.word in stands:
            return max(credit, PACKAGE_CREDIT + OWN_BONUS * (credit > 0))
        if credit:
            return credit
        if word.word in parents:
            return PARENT_CREDIT
        return FIELD_CREDIT if word.word in field else COMMENT_CREDIT * bool(word.credit(said))

    counted = [credit_of(each) for each in words]
    spelled = field | {word for word, credit in in_name.items() if credit == NAME_CREDIT}
    matched = sum(credit > 0 for credit in in_name.values())
    share = min(1.0, matched / max(1, len(split_humps(symbol.name))))
    is_complete = bool(spelled) and typed <= spelled | stands | parents
    lack = 0 if is_complete else _LACKS_WORDS - all(counted)
    return lack, sum(counted) / len(words) + WHOLE_NAME_BONUS * share


def _read_as(text: str) -> list[tuple[str, ...]]:
    """Return the words of a query, and those that say something."""
    words = tuple(dict.fromkeys(split_humps(text)))[:MAX_WORDS]
    return [words, tuple(each for each in words if each not in FILLERS)]


def _best_field(symbol: Symbol, words: frozenset[str]) -> frozenset[str]:
    """Return the words that the field with the most of them has in its name."""
    nothing = frozenset[str]()
    return max(
        (words.intersection(name_words(each)) for each in symbol.fields), key=len, default=nothing
    )


def _forms(word: str) -> tuple[str, ...]:
    """Return the beginnings of other forms of a word, and usual names of what it does."""
    usual = (each.meant for each in read_groups("verbs") if word in each.typed)
    return (stem(word).rstrip("ie"), *(name for names in usual for name in names))

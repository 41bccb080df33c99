"""What a query does not want: `queues without kafka`, `spreadsheets, but not google sheets`, and
`like slack, but lighter`, which wants neighbors of the named product.

The words that say so, and those before which they say something else, are in the file
`exclusions.txt` of the vocabulary.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from shared.adapters.search.vocabulary import (
    FILLERS,
    WEAK_STEMS,
    WORDS_FOR_OTHERS,
    is_meant,
    typed_words,
)
from shared.adapters.search.words import joined_name, split_words, stem
from shared.domain.search import Field, Match, Term

IsName = Callable[[str], bool]  # Whether a word is in the name of a package that everybody sees.

_CONJUNCTIONS = frozenset({"or", "and", "nor", "oder", "und", "o", "y", "ou", "et", "e"})


# --- the words, by what they say: read with the first search, which a start does not wait for -----


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(typed_words("exclusions", kind))


@cache
def _phrases(kind: str) -> Mapping[str, Sequence[Sequence[str]]]:
    """Return the phrases of a kind by their first words, the longest first."""
    found = defaultdict[str, list[list[str]]](list)
    for words in sorted(map(split_words, _words(kind)), key=len, reverse=True):
        found[words[0]].append(words)
    return dict(found)


@cache
def _words_that_stay() -> frozenset[str]:
    """Return the stems of words before which `not` and `no` exclude nothing."""
    return frozenset(map(stem, _words("idiom"))) | WEAK_STEMS


# --- what a query wants ---------------------------------------------------------------------------


class Wish(Struct, frozen=True):
    """The terms of a query as they were meant."""

    terms: tuple[Term, ...]  # What is not wanted is excluded by name.
    wants_others: bool  # Whether the query asks for products like the named one, without that one.


def read_wish(terms: Sequence[Term], is_name: IsName) -> Wish:
    """Return what a query wants, and what it leaves out."""
    words = list(map(typed_word, terms))
    wants_others = not WORDS_FOR_OTHERS.isdisjoint(words) or _begins_with_like(words, is_name)
    if wants_others:
        terms = [
            term for term, word in zip(terms, words, strict=True) if word not in _words("than")
        ]
        words = list(map(typed_word, terms))
    if not _is_error(terms, words):
        terms = tuple(_with_exclusions(terms, words, is_name))
    return Wish(tuple(terms), wants_others)


def typed_word(term: Term) -> str:
    """Return what was typed as one plain word, folded; nothing for other terms."""
    is_word = term.field is Field.ANYWHERE and term.match is Match.WORDS
    is_plain = is_word and not term.is_excluded and len(term.values) == 1
    return joined_name(term.values[0]) if is_plain else ""


def _is_error(terms: Sequence[Term], words: Sequence[str]) -> bool:
    """Say whether a query is the text of an error: `Rejected: the address is not verified`."""
    has_label = any(term.values[0].endswith(":") for term in terms[:-1])
    return has_label or not _words("error").isdisjoint(words)


def _begins_with_like(words: Sequence[str], is_name: IsName) -> bool:
    """Say whether the first words are `like`, or `something like`, and name a product."""
    for start in range(len(words)):
        length = _longest(words, start, "like")
        if length:
            named = _after_fillers(words, start + length)
            return named < len(words) and names_something(words[named], is_name)
        if words[start] not in FILLERS:
            return False
    return False


def _with_exclusions(
    terms: Sequence[Term], words: Sequence[str], is_name: IsName
) -> Iterator[Term]:
    place = 0
    while place < len(terms):
        start = _unwanted(words, place, is_name)
        if not start:
            yield terms[place]
            place += 1
            continue
        place = _end_of_name(words, start, is_name)
        yield _excluding(terms[start:place])
        while (
            place + 1 < len(words)
            and words[place] in _CONJUNCTIONS
            and names_something(words[place + 1], is_name)
        ):
            start = place + 1
            place = _end_of_name(words, start, is_name)
            yield _excluding(terms[start:place])


def _unwanted(words: Sequence[str], place: int, is_name: IsName) -> int:
    """Return where the name that the words at `place` exclude begins; 0 if they exclude none."""
    strong = _longest(words, place, "without")
    length = strong or _longest(words, place, "not")
    start = _after_fillers(words, place + length)
    if not length or start >= len(words) or not names_something(words[start], is_name):
        return 0
    # `no kafka broker available` asks for nothing from which something could be excluded.
    is_word = _after_fillers(words, 0) >= place or _stays_word(words[start])
    return 0 if is_word and not strong else start


def _stays_word(word: str) -> bool:
    """Say whether `not` and `no` mean something else before a word, as before a participle."""
    return stem(word) in _words_that_stay() or word.endswith("ed")


def _longest(words: Sequence[str], place: int, kind: str) -> int:
    """Return how many words from `place` are the longest phrase of a kind; 0 for none of them."""
    phrases = _phrases(kind).get(words[place], ())
    return next((len(each) for each in phrases if words[place : place + len(each)] == each), 0)


def _after_fillers(words: Sequence[str], place: int) -> int:
    while place < len(words) and words[place] in FILLERS:
        place += 1
    return place


def _end_of_name(words: Sequence[str], start: int, is_name: IsName) -> int:
    """Return where a name ends: of `google sheets api` behind sheets."""
    end = start + 1
    if (
        words[start] in _words("vendor")
        and end < len(words)
        and names_something(words[end], is_name)
    ):
        end += 1
    return end


def names_something(word: str, is_name: IsName) -> bool:
    """Say whether a word names a package, a product, or a thing that packages do."""
    return bool(word) and word not in FILLERS and (is_meant(word) or is_name(word))


def _excluding(terms: Sequence[Term]) -> Term:
    value = " ".join(term.values[0] for term in terms)
    return replace(terms[0], values=(value,), field=Field.NAME, is_excluded=True)

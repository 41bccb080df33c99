"""What a query says besides its words: what it does not want, and German and Spanish words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from shared.adapters.search.ranking import FILLERS
from shared.adapters.search.synonyms import read_groups
from shared.adapters.search.words import split_words, stem

# What follows one of these is not wanted.
_NEGATIONS = frozenset(
    (word,)
    for word in "without except besides excluding ohne ausser sin excepto salvo".split()  # noqa: SIM905 - short.
) | {("other", "than"), ("instead", "of"), ("rather", "than"), ("apart", "from"), ("que", "no")}
# These are in names and error texts as well: `not found handler`, `could not connect`. They negate
# a product behind another word alone.
_WEAK_NEGATIONS = frozenset({("no",), ("not",), ("nicht",), ("kein",), ("keine",), ("non",)})
_AUXILIARY_VERBS = frozenset(
    "am are be can cannot could did do does had has have is may might must should was were will"  # noqa: SIM905 - short.
    " would ist kann sind".split()
)
_ARTICLES = frozenset("a an any the using of with el la un una der die das den ein eine".split())  # noqa: SIM905 - short.
_CONJUNCTIONS = frozenset({"or", "and", "nor", "oder", "und", "o", "ni", "y"})

MIN_COMPOUND = 8  # Letters of a German word that may be two.


@dataclass(frozen=True, slots=True)
class Wishes:
    """The numbers of those words of a query that are wanted, and those of each name that is not."""

    wanted: tuple[int, ...]
    unwanted: tuple[tuple[int, ...], ...] = ()


def read_wishes(words: Sequence[str]) -> Wishes:
    """Divide the words of a query: behind `without` the name of a product, or one word, and those
    that `or` joins to it, are not wanted."""
    wanted, unwanted, place = list[int](), list[tuple[int, ...]](), 0
    while place < len(words):
        start = _behind_negation(words, place)
        names = list(_names(words, start)) if start else []
        if names:
            unwanted += names
            place = names[-1][-1] + 1
        else:
            wanted.append(place)
            place += 1
    return Wishes(tuple(wanted), tuple(unwanted))


def _behind_negation(words: Sequence[str], place: int) -> int:
    """Return where the name behind a negation at this place begins; 0 if there is none."""
    for length in (1, 2):
        typed = tuple(words[place : place + length])
        if len(typed) < length or typed not in _NEGATIONS | _WEAK_NEGATIONS:
            continue
        start = place + length
        while start < len(words) and words[start] in _ARTICLES:
            start += 1
        if start == len(words):
            return 0
        if typed in _NEGATIONS:
            return start
        is_behind = place > 0 and words[place - 1] not in _AUXILIARY_VERBS
        return start if is_behind and is_product(words[start]) else 0
    return 0


def _names(words: Sequence[str], start: int) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of the words of each name from here on."""
    end = start + 1
    while end < len(words) and is_product(words[start]) and is_product(words[end]):
        end += 1
    yield tuple(range(start, end))
    if end + 1 < len(words) and words[end] in _CONJUNCTIONS and is_product(words[end + 1]):
        yield from _names(words, end + 1)


def is_product(word: str) -> bool:
    """Say whether a word is, or is in, the name of a product that packages are for."""
    return stem(word) in _products()


@cache
def _products() -> frozenset[str]:
    groups = (*read_groups("products"), *read_groups("names"), *read_groups("vendors"))
    return frozenset(stem(word) for each in groups for word in each.meant)


def in_english(words: Sequence[str]) -> Sequence[tuple[str, ...]] | None:
    """Return the English words for each word of a German or Spanish query, none for those that
    questions consist of; None for other queries.

    A query is German or Spanish if it has a word of the dictionary, or two words of questions.
    """
    known = _dictionary()
    if known.keys().isdisjoint(words) and not any(map(_parts, words)):
        return None
    fillers = [word for word in words if known.get(word) == ()]
    if len(set(fillers)) < 2 and not any(known.get(word) or _parts(word) for word in words):  # noqa: PLR2004
        return None
    return [known[word] if word in known else _parts(word) or (word,) for word in words]


def _parts(word: str) -> tuple[str, ...]:
    """Return the English words for the two parts of a German compound, as `Zufallszahl`."""
    known = _dictionary()
    if len(word) < MIN_COMPOUND or word in known:
        return ()
    for end in range(3, len(word) - 2):
        first, second = known.get(word[:end]), known.get(word[end:]) or known.get(word[end + 1 :])
        if first and second:
            return (*first, *second)
    return ()


@cache
def _dictionary() -> dict[str, tuple[str, ...]]:
    """Return the English words for each word, folded; nothing for words of questions."""
    found = dict[str, tuple[str, ...]]()
    for language in ("german", "spanish"):
        for group in read_groups(language):
            meant = tuple(word for word in group.meant if word not in FILLERS)
            for typed in group.typed:
                found.setdefault("".join(split_words(typed)), meant)
    return found

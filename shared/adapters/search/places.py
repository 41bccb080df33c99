"""Where the words of a package stand: the best place of each word and of each stem."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from shared.adapters.search.ranking import (
    LAST_NAME_WEIGHT,
    STEM_FACTOR,
    PlaceWeight,
    beginning_factor,
)
from shared.adapters.search.words import WordMark, joined_name, name_words, split_words, stem
from shared.domain.api_docs.symbols import Symbol
from shared.domain.listings import Listing

MIN_BEGINNING = 3  # Shorter keywords begin names by chance.
MIN_ENDING = 5  # Letters of a word that ends a name, as `pubsub` in cloudpubsub, and before it:
MIN_BEFORE_ENDING = 3
MAX_LEAD_WORDS = 40  # Of the first paragraph of a readme: what comes later is seldom its subject.
# Of the symbols of a package: a large connector has a thousand, and those that only few of its
# symbols have say little of it.
MAX_SYMBOL_WORDS = 400
OFTEN = 0.04  # The share of the symbols that have a word, from which it says what they are about.
OFTEN_AT_LEAST = 3


def weights_of_words(listing: Listing) -> dict[str, int]:
    """Return the weight of the best place of each word and stem, without those of the readme."""
    best: dict[str, int] = {}
    for word, weight in _places(listing):
        best[word] = max(best.get(word, 0), weight)
    for word, weight in list(best.items()):
        form, reduced = stem(word), int(weight * STEM_FACTOR)
        best[form] = max(best.get(form, 0), reduced)
    return best


# Beginnings of these lengths are looked up as words, because very many words begin with one. Two
# letters begin words of names only.
SHORT_BEGINNINGS = {2: LAST_NAME_WEIGHT, 3: PlaceWeight.KEYWORD_PART}


def weights_of_beginnings(weights: Mapping[str, int]) -> dict[str, int]:
    """Return the weights of the marked short beginnings of words with these weights."""
    best: dict[str, int] = {}
    for word, weight in weights.items():
        mark = beginning_mark(weight)
        for length, least in SHORT_BEGINNINGS.items():
            if weight >= least and len(word) > length:
                beginning = mark + word[:length]
                part = round(weight * beginning_factor(length, len(word)))
                best[beginning] = max(best.get(beginning, 0), part)
    return best


def weights_of_endings(listing: Listing) -> dict[str, int]:
    """Return the weights of the marked endings of words of names: of googleapis.cloudpubsub
    `pubsub`, the more the less is missing."""
    best: dict[str, int] = {}
    for name in (listing.head.name, *listing.release.tools):
        for word in map(joined_name, name.split(".")):
            for start in range(MIN_BEFORE_ENDING, len(word) - MIN_ENDING + 1):
                weight = PlaceWeight.SEGMENT * beginning_factor(len(word) - start, len(word))
                ending = WordMark.NAME_ENDING.value + word[start:]
                best[ending] = max(best.get(ending, LAST_NAME_WEIGHT), round(weight))
    return best


def words_of_lead(readme: str) -> set[str]:
    """Return the words of the first paragraph of a readme."""
    paragraphs = (each.strip() for each in readme_text(readme).split("\n\n"))
    lead = next((each for each in paragraphs if each and not each.startswith("#")), "")
    return set(split_words(lead)[:MAX_LEAD_WORDS])


def weights_of_lead(readme: str, known: Mapping[str, int]) -> dict[str, int]:
    """Return the weights of the stems of the first paragraph of a readme, but for those that have a
    better place already."""
    weight = int(PlaceWeight.LEAD)
    stems = set(map(stem, words_of_lead(readme)))
    return {word: weight for word in stems if known.get(word, 0) < weight}


def words_of_symbols(symbols: Sequence[Symbol]) -> dict[str, int]:
    """Return the words of names and doc comments that most symbols have, with their weights."""
    told = [each for each in symbols if each.kind not in _UNTOLD_KINDS]
    counts = Counter(word for each in told for word in _words_of_symbol(each))
    often = max(OFTEN_AT_LEAST, OFTEN * len(told))
    return {
        word: int(PlaceWeight.OFTEN_IN_SYMBOLS if count >= often else PlaceWeight.SYMBOL)
        for word, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))[
            :MAX_SYMBOL_WORDS
        ]
    }


_UNTOLD_KINDS = frozenset({"field", "enum member"})


def _words_of_symbol(symbol: Symbol) -> set[str]:
    words = (*name_words(symbol.name), *split_words(symbol.description))
    return {word for word in words if len(word) > 1 and not word.isdecimal()}


def beginning_mark(weight: int) -> str:
    """Return the mark of the beginnings of words with this weight."""
    mark = WordMark.NAME_BEGINNING if weight >= LAST_NAME_WEIGHT else WordMark.BEGINNING
    return mark.value


def _places(listing: Listing) -> Iterator[tuple[str, PlaceWeight]]:
    release = listing.release
    # A tool's id is what its users know of a package: it is worth as much as the name.
    for name in (listing.head.name, *release.tools):
        yield from _places_in_name(name)
    yield from _at(PlaceWeight.ORGANIZATION, name_words(listing.head.org))
    for keyword in release.keywords:
        yield joined_name(keyword), PlaceWeight.KEYWORD
        yield from _at(PlaceWeight.KEYWORD_PART, split_words(keyword))
    yield from _at(PlaceWeight.NAME_PART, _keywords_that_begin_names(listing))
    yield from _at(PlaceWeight.MODULE, split_words(" ".join(release.modules)))
    yield from _at(PlaceWeight.SUMMARY, split_words(release.summary))


def _places_in_name(name: str) -> Iterator[tuple[str, PlaceWeight]]:
    yield joined_name(name), PlaceWeight.NAME
    for segment in name.split("."):
        yield joined_name(segment), PlaceWeight.SEGMENT
        yield from _at(PlaceWeight.NAME_PART, name_words(segment))


def _keywords_that_begin_names(listing: Listing) -> Iterator[str]:
    """Yield the keywords that the name confirms: of `json` in data.jsondata."""
    segments = [joined_name(segment) for segment in listing.head.name.split(".")]
    for keyword in map(joined_name, listing.release.keywords):
        if len(keyword) >= MIN_BEGINNING and any(each.startswith(keyword) for each in segments):
            yield keyword


def _at(place: PlaceWeight, words: Iterable[str]) -> Iterator[tuple[str, PlaceWeight]]:
    return ((word, place) for word in words)


_CODE_BLOCK = re.compile(r"^ {0,3}(```+|~~~+).*?(?:^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)
_COMMENT_OR_TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[A-Za-z][^<>]*>", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)|!\[[^\]]*\]\[[^\]]*\]")  # Mostly badges.
_LINK_TARGET = re.compile(r"\]\([^)]*\)")
_LINK_DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:.*$", re.MULTILINE)
_ADDRESS = re.compile(r"(?:https?|ftps?|wss?)://\S+|\bwww\.\S+", re.IGNORECASE)
# Sections that are alike in every readme: of the headings that the templates of Ballerina's own
# repositories have, those below which nothing is about the package.
_BOILERPLATE = re.compile(
    r"^(?P<level>\#{1,6})[ \t]*(?:licen[sc]e|copyright|contribut\w*|code\ of\ conduct|useful\ links"
    r"|building?\ (?:from\ (?:the\ )?)?source|build\ options|issues\ and\ projects"
    r"|report(?:ing)?\ (?:issues|security\ issues)|prerequisites)\b[^\n]*\n"
    r".*?(?=^\#{1,6}[ \t]|\Z)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_LICENSE_TEXT = re.compile(
    r"(?:licensed under the|permission is hereby granted|copyright \(c\)).*?(?:\n\s*\n|\Z)",
    re.DOTALL | re.IGNORECASE,
)

# What is taken out of a readme, in this order: each pattern, what it is replaced with, and texts of
# which a match has one. To look for these is twenty times as fast as to look for the pattern.
_NOISE = (
    (_CODE_BLOCK, " ", ("```", "~~~")),
    (_COMMENT_OR_TAG, " ", ("<",)),
    (_IMAGE, " ", ("![",)),
    (_LINK_DEFINITION, " ", ("]:",)),
    (_BOILERPLATE, " ", ("#",)),
    (_LICENSE_TEXT, " ", ("licensed under", "permission is", "copyright (")),
    (_LINK_TARGET, "] ", ("](",)),
    (_ADDRESS, " ", ("://", "www.")),
)


@lru_cache(maxsize=1)  # A readme is asked for three times in a row, and may be large.
def readme_text(readme: str) -> str:
    """Return the words of a readme about the package: without code blocks, addresses, license
    texts, and the sections that every readme has."""
    text, folded = readme, readme.lower()
    for pattern, replacement, signs in _NOISE:
        if any(sign in folded for sign in signs):
            text = pattern.sub(replacement, text)
    return text

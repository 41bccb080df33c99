"""The words by which the search index finds a listing, with the weights of their places, and those
that it is counted by.

Old words are taken out of the index by deriving them again from the stored excerpt. So whoever
changes what `IndexedWords` has, or what a word is, raises `SCHEMA` of rows.py.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from shared.adapters.search.postings import (
    AUXILIARY,
    DEPRECATED,
    EVERY_PACKAGE,
    INTERNAL,
    NOT_STORED,
    PRIVATE,
    TOOL,
    UNREADABLE,
)
from shared.adapters.search.program_names import host_names, words_of_form
from shared.adapters.search.score_weights import (
    LAST_BEGINNING_WEIGHT,
    LAST_NAME_WEIGHT,
    STEM_FACTOR,
    PlaceWeight,
    beginning_factor,
    is_auxiliary,
)
from shared.adapters.search.symbols import PackageSymbols, spelled_names
from shared.adapters.search.words import (
    WordMark,
    facet_word,
    joined_name,
    mark_words,
    name_words,
    split_words,
    stem,
)
from shared.domain.api_docs.item_summaries import ApiSummary
from shared.domain.api_docs.symbols import Symbol, unpack_symbols
from shared.domain.distributions import ClientProfile, LanguageVersion
from shared.domain.listings import Listing, facet_values, language_of
from shared.domain.visibility import EVERYBODY, Visibility

GAP = "\ue00f"  # A separator between two texts, so that no phrase spans both.

_ANY_CURRENT_CLIENT = ClientProfile(language=LanguageVersion(2201, 0))


class IndexedWords(Struct, frozen=True):
    """The words by which a package is found, and those that it is counted by."""

    postings: frozenset[tuple[str, int]] = frozenset()
    texts: str = ""
    known: frozenset[str] = frozenset()  # Words that a typo is mended to.
    dependencies: frozenset[str] = frozenset()
    symbols: frozenset[str] = frozenset()  # Names that a mistyped name of a symbol is mended to.

    @classmethod
    def of(cls, listing: Listing) -> "IndexedWords":
        weights = weights_of_words(listing)
        lists = (
            *weights.items(),
            *weights_of_beginnings(weights).items(),
            *weights_of_lead(listing.texts.readme, weights).items(),
            *weights_of_mentions(listing.mentions, weights).items(),
        )
        return cls(
            frozenset((*lists, *((word, 0) for word in _facets(listing)))),
            indexed_texts(listing),
            frozenset(listing_words(listing)),
            frozenset(public_dependencies(listing)),
        )

    @classmethod
    def of_symbols(cls, symbols: PackageSymbols) -> "IndexedWords":
        """Return the words of the symbols of a package, by which it is found as well."""
        weights = words_of_symbols(unpack_symbols(symbols.packed))
        known = frozenset(weights) if symbols.audience == EVERYBODY else frozenset[str]()
        stems = dict[str, int]()
        for word, weight in weights.items():
            stems[stem(word)] = max(weight, stems.get(stem(word), 0))
        return cls(frozenset(stems.items()), known=known, symbols=spelled_names(symbols))


def indexed_texts(listing: Listing) -> str:
    """Return every word by which the full-text table finds the listing, with their marks."""
    release = listing.release
    names = _names(listing, GAP)
    modules = split_words(" ".join(release.modules))
    keywords = [*names, *name_words(listing.head.org), *split_words(" ".join(release.keywords))]
    summary = split_words(release.summary)
    readme = split_words(readme_text(listing.texts.readme))
    words = {*keywords, *modules, *summary, *readme}
    parts = (
        mark_words(WordMark.NAME, names),
        mark_words(WordMark.MODULES, modules),
        mark_words(WordMark.STEM, sorted(set(map(stem, words)) - words)),
        " ".join([*keywords, *modules, GAP, *summary, GAP, *readme]),
    )
    return " ".join(parts)


def listing_words(listing: Listing) -> set[str]:
    """Return the words that a typo is mended to; those of private packages are nobody's to see."""
    if listing.head.visibility is not Visibility.PUBLIC:
        return set()
    release = listing.release
    texts = f"{' '.join(release.keywords)} {release.summary}"
    lead = words_of_lead(listing.texts.readme)
    return {*_names(listing), *name_words(listing.head.org), *split_words(texts), *lead}


def public_dependencies(listing: Listing) -> set[str]:
    """Return the keys of the packages that it depends on, if everybody may know of it."""
    if listing.head.visibility is not Visibility.PUBLIC:
        return set()
    needed = {f"{each.org}/{each.name}".lower() for each in listing.release.dependencies}
    return needed - {listing.head.key}


def _names(listing: Listing, *gap: str) -> list[str]:
    """Return the words of its name and of the ids of its tools, with a gap between two of them."""
    names = [*name_words(listing.head.name)]
    for tool in listing.release.tools:
        names += [*gap, *name_words(tool)]
    return names


def _facets(listing: Listing) -> Iterator[str]:
    """Yield the marked words of the lists in which a package is."""
    head = listing.head
    release = listing.release
    yield EVERY_PACKAGE
    yield facet_word("org", head.org)
    yield facet_word("name", head.name)
    yield from (facet_word("trait", trait.key) for trait in facet_values(listing))
    yield from (facet_word("keyword", keyword) for keyword in release.keywords)
    yield from (facet_word("needs", f"{each.org}/{each.name}") for each in release.dependencies)
    flags = {
        PRIVATE: head.visibility is not Visibility.PUBLIC,
        INTERNAL: head.visibility is Visibility.INTERNAL,
        DEPRECATED: listing.deprecation is not None,
        NOT_STORED: not release.is_stored,
        AUXILIARY: is_auxiliary(listing),
        TOOL: bool(release.tools),
        UNREADABLE: not (
            language_of(release) or _ANY_CURRENT_CLIENT.can_use("any", release.ballerina_version)
        ),
    }
    yield from (word for word, is_so in flags.items() if is_so)
    yield from _api_facets(listing.api) if listing.api else ()


def _api_facets(api: ApiSummary) -> Iterator[str]:
    """Yield what finds packages with connectors or triggers, and the package with one of them."""
    for kind, ids in (("connector", api.connector_ids), ("trigger", api.trigger_ids)):
        if ids:
            yield facet_word(kind)
        yield from (facet_word(kind, str(each)) for each in ids)


# --- where words stand ----------------------------------------------------------------------------

MIN_BEGINNING = 3  # Shorter keywords begin names by chance.
MAX_LEAD_WORDS = 40  # Words of the first paragraph of a readme: later words are seldom its subject.
# Words from the symbols of a package. A large connector has a thousand, and words that only few of
# its symbols have say little about it.
MAX_SYMBOL_WORDS = 400
OFTEN = 0.04  # A word that this share of the symbols has says what they are about.
OFTEN_AT_LEAST = 3


def weights_of_words(listing: Listing) -> dict[str, int]:
    """Return the weight of the best place of each word and stem, without those of the readme."""
    best: dict[str, int] = {}
    for word, weight in _places(listing):
        best[word] = max(best.get(word, 0), weight)
    for word, weight in list(best.items()):
        form = stem(word)
        reduced = int(weight * STEM_FACTOR)
        best[form] = max(best.get(form, 0), reduced)
    return best


# Beginnings of these lengths are looked up as words, because very many words begin with one. Two
# letters begin words of names only.
SHORT_BEGINNINGS = {2: LAST_NAME_WEIGHT, 3: LAST_BEGINNING_WEIGHT}


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


_LAST_WORD_OF_ERROR = re.compile("(?:exception|error|fault)$")


def weights_of_mentions(mentions: Iterable[str], known: Mapping[str, int]) -> dict[str, int]:
    """Return the weights of the words of hosts, exceptions and endings of files, but for those that
    have a better place already."""
    best: dict[str, int] = {}
    for word, weight in _words_of_mentions(mentions):
        if weight > max(known.get(word, 0), best.get(word, 0)):
            best[word] = int(weight)
    return best


def _words_of_mentions(mentions: Iterable[str]) -> Iterator[tuple[str, PlaceWeight]]:
    for mention in mentions:
        if mention.startswith("."):
            if mention[1:] not in words_of_form("ending"):
                yield mention[1:], PlaceWeight.MENTION
        elif "." in mention:
            if mention not in words_of_form("linked"):
                whole, *ends = host_names(mention.split("."))
                yield whole, PlaceWeight.MENTION
                yield from _at(PlaceWeight.SYMBOL, ends)
        else:
            name = joined_name(mention)
            yield from _at(PlaceWeight.MENTION, {name, _LAST_WORD_OF_ERROR.sub("", name)})


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

# What is taken out of a readme, in this order, and what is put in its place.
_NOISE = (
    (_CODE_BLOCK, " "),
    (_COMMENT_OR_TAG, " "),
    (_IMAGE, " "),
    (_LINK_DEFINITION, " "),
    (_LINK_TARGET, "] "),
    (_ADDRESS, " "),
)


@lru_cache(maxsize=1)  # Three callers in a row read the same readme, which may be large.
def readme_text(readme: str) -> str:
    """Return the words of a readme about the package: without code blocks and addresses."""
    for pattern, replacement in _NOISE:
        readme = pattern.sub(replacement, readme)
    return readme

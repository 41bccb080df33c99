"""The words by which the search index finds a listing, and those that it is counted by."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.adapters.search.places import (
    readme_text,
    weights_of_beginnings,
    weights_of_endings,
    weights_of_lead,
    weights_of_words,
    words_of_lead,
    words_of_symbols,
)
from shared.adapters.search.postings import (
    AUXILIARY,
    DEPRECATED,
    EVERY_PACKAGE,
    INTERNAL,
    NOT_STORED,
    PRIVATE,
    TOOL,
)
from shared.adapters.search.ranking import is_auxiliary
from shared.adapters.search.stored_listings import README_CHARACTERS
from shared.adapters.search.symbols import PackageSymbols
from shared.adapters.search.words import (
    WordMark,
    facet_word,
    mark_words,
    name_words,
    split_words,
    stem,
)
from shared.domain.api_docs.records import ApiSummary
from shared.domain.api_docs.symbols import unpack_symbols
from shared.domain.listings import Listing
from shared.domain.packages import EVERYBODY, Release, Visibility
from shared.domain.search_facets import facet_values
from shared.domain.versions import ClientProfile, LanguageVersion

GAP = "\ue00f"  # Between two texts, so that no phrase goes from one into the other.

_ANY_CURRENT_CLIENT = ClientProfile(language=LanguageVersion(2201, 0))


@dataclass(frozen=True, slots=True)
class IndexedWords:
    """The words by which a package is found, and those that it is counted by."""

    postings: frozenset[tuple[str, int]] = frozenset()
    texts: str = ""
    known: frozenset[str] = frozenset()  # Words that a typo is mended to.
    dependencies: frozenset[str] = frozenset()

    @classmethod
    def of(cls, listing: Listing) -> "IndexedWords":
        weights = weights_of_words(listing)
        lists = (
            *weights.items(),
            *weights_of_beginnings(weights).items(),
            *weights_of_endings(listing).items(),
            *weights_of_lead(listing.texts.readme[:README_CHARACTERS], weights).items(),
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
        return cls(frozenset(stems.items()), known=known)


@dataclass(frozen=True, slots=True)
class ClientNeeds:
    """The requirements of a release on clients: a platform and a language version."""

    platform: str
    built_with: str

    @classmethod
    def of(cls, release: Release) -> "ClientNeeds":
        """Return the release's profile; versions that mean the same to a client are one."""
        version = LanguageVersion.parse(release.ballerina_version)
        if version is not None:
            return cls(release.platform, f"{version.major}.{version.update}.0")
        readable = _ANY_CURRENT_CLIENT.can_use("any", release.ballerina_version)
        return cls(release.platform, "" if readable else "unreadable")

    @property
    def word(self) -> str:
        """The marked word of the packages with these needs."""
        return facet_word("profile", f"{self.platform} {self.built_with}")


def indexed_texts(listing: Listing) -> str:
    """Return every word by which the full-text table finds the listing, with their marks.

    Old words are taken out of the index by deriving them again from the stored excerpt. So whoever
    changes what `IndexedWords` has, or what a word is, appends a migration.
    """
    release = listing.release
    names = _names(listing, GAP)
    modules = split_words(" ".join(release.modules))
    keywords = [*names, *name_words(listing.head.org), *split_words(" ".join(release.keywords))]
    summary = split_words(release.summary)
    readme = split_words(readme_text(listing.texts.readme[:README_CHARACTERS]))
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
    lead = words_of_lead(listing.texts.readme[:README_CHARACTERS])
    return {*_names(listing), *name_words(listing.head.org), *split_words(texts), *lead}


def public_dependencies(listing: Listing) -> set[str]:
    """Return the keys of the packages that it depends on, if everybody may know of it."""
    if listing.head.visibility is not Visibility.PUBLIC:
        return set()
    needed = {f"{each.org}/{each.name}".lower() for each in listing.release.dependencies}
    return needed - {listing.head.package.key}


def _names(listing: Listing, *gap: str) -> list[str]:
    """Return the words of its name and of the ids of its tools, with a gap between two of them."""
    names = [*name_words(listing.head.name)]
    for tool in listing.release.tools:
        names += [*gap, *name_words(tool)]
    return names


def _facets(listing: Listing) -> Iterator[str]:
    """Yield the marked words of the lists in which a package is."""
    head, release = listing.head, listing.release
    yield EVERY_PACKAGE
    yield facet_word("org", head.org)
    yield facet_word("name", head.name)
    yield from (facet_word("trait", trait.key) for trait in facet_values(listing))
    yield from (facet_word("keyword", keyword) for keyword in release.keywords)
    yield from (facet_word("needs", f"{each.org}/{each.name}") for each in release.dependencies)
    yield ClientNeeds.of(release).word
    flags = {
        PRIVATE: head.visibility is not Visibility.PUBLIC,
        INTERNAL: head.visibility is Visibility.INTERNAL,
        DEPRECATED: listing.deprecation is not None,
        NOT_STORED: not release.is_stored,
        AUXILIARY: is_auxiliary(listing),
        TOOL: bool(release.tools),
    }
    yield from (word for word, is_so in flags.items() if is_so)
    yield from _api_facets(listing.api) if listing.api else ()


def _api_facets(api: ApiSummary) -> Iterator[str]:
    """Yield what finds packages with connectors or triggers, and the package with one of them."""
    for kind, ids in (("connector", api.connector_ids), ("trigger", api.trigger_ids)):
        if ids:
            yield facet_word(kind)
        yield from (facet_word(kind, str(each)) for each in ids)

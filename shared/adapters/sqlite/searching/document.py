"""What the index stores of a listing: the words of each column, the facets, and the excerpt."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter

from shared.adapters.sqlite.searching.words import facet, name_words, squashed, words_of
from shared.domain.language import ClientProfile, LanguageVersion
from shared.domain.package import Listing, ModuleText, Release, Texts, Visibility

README_CHARACTERS = 1_500  # The beginning says what a package is; the rest is examples.
TEXT_COLUMNS = ("name", "org", "keywords", "modules", "summary", "readme", "facets")

_LISTING = TypeAdapter(Listing)

_COMPRESSION = 6  # Half of the size in 0.05 ms; 9 gains nothing.
_ANY_CURRENT_CLIENT = ClientProfile(language=LanguageVersion(2201, 0))


@dataclass(frozen=True, slots=True)
class Profile:
    """What a client needs in order to use a release: a platform and a language version."""

    platform: str
    built_with: str

    @classmethod
    def of(cls, release: Release) -> "Profile":
        """Return the release's profile; versions that mean the same to a client are one."""
        version = LanguageVersion.parse(release.ballerina_version)
        if version is not None:
            return cls(release.platform, f"{version.major}.{version.update}.0")
        readable = _ANY_CURRENT_CLIENT.can_use("any", release.ballerina_version)
        return cls(release.platform, "" if readable else "unreadable")

    @property
    def facet(self) -> str:
        """Return the word that marks releases of this profile."""
        return facet("profile", f"{self.platform} {self.built_with}")


def excerpt(listing: Listing) -> Listing:
    """Return the listing as it is stored: the beginning of its readme, no readmes of modules, and
    no events, which are not for every reader."""
    texts = Texts(
        readme=listing.texts.readme[:README_CHARACTERS],
        modules=tuple(
            ModuleText(name=each.name, summary=each.summary) for each in listing.texts.modules
        ),
    )
    head = listing.head.model_copy(update={"outbox": ()})
    release = listing.release.model_copy(update={"outbox": ()})
    return Listing(head, release, texts)


def write_listing(listing: Listing) -> bytes:
    """Return the listing as compressed JSON: two rows on a page of the file instead of one."""
    return zlib.compress(_LISTING.dump_json(listing), _COMPRESSION)


def read_listing(stored: bytes) -> Listing:
    """Return the listing that `write_listing` wrote."""
    return _LISTING.validate_json(zlib.decompress(stored))


def columns(listing: Listing) -> tuple[str, ...]:
    """Return the words of each of `TEXT_COLUMNS`.

    Old words are taken out of the index by deriving them again from the stored excerpt. So whoever
    changes what this returns adds a migration that empties the index.
    """
    head, release = listing.head, listing.release
    texts = (
        name_words(head.name),
        name_words(head.org),
        words_of(" ".join(release.keywords)),
        words_of(" ".join(release.modules)),
        words_of(release.summary),
        words_of(listing.texts.readme[:README_CHARACTERS]),
        list(_facets(listing)),
    )
    return tuple(" ".join(words) for words in texts)


def vocabulary(listing: Listing) -> set[str]:
    """Return the words that a typo is mended to; those of private packages are nobody's to see."""
    if listing.head.visibility is Visibility.PRIVATE:
        return set()
    name, org, keywords, _modules, summary, *_rest = columns(listing)
    return set(" ".join((name, org, keywords, summary)).split())


def _facets(listing: Listing) -> Iterator[str]:
    head, release = listing.head, listing.release
    yield head.visibility.value
    yield facet("member", head.org)
    yield facet("org", head.org)
    yield facet("path", head.package.key)
    yield facet("name", head.name)
    yield facet("squashed", squashed(head.name))
    yield Profile.of(release).facet
    yield from (facet("keyword", keyword) for keyword in release.keywords)
    if release.tools:
        yield "tool"
    if listing.deprecation is not None:
        yield "deprecated"

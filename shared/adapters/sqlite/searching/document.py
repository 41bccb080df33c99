"""What the index stores of a listing: an excerpt, its words, and facets that stand for values."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter

from shared.adapters.sqlite.searching.usual import USUAL
from shared.adapters.sqlite.searching.words import (
    Mark,
    facet,
    marked,
    name_words,
    squashed,
    words_of,
)
from shared.domain.facets import traits_of
from shared.domain.language import ClientProfile, LanguageVersion
from shared.domain.package import Listing, ModuleText, Release, Texts, Visibility

# The beginning says what a package is, the rest is examples. So many let 100,000 packages fit into
# the 200 MB that a base in the cloud may have.
README_CHARACTERS = 1_300
GAP = "\ue00f"  # Between two texts, so that no phrase goes from one into the other.

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
    """Return the listing as compressed JSON: many rows on a page of the file instead of one."""
    packer = zlib.compressobj(_COMPRESSION, zdict=USUAL)
    return packer.compress(_LISTING.dump_json(listing)) + packer.flush()


def read_listing(stored: bytes) -> Listing:
    """Return the listing that `write_listing` wrote."""
    return _LISTING.validate_json(zlib.decompressobj(zdict=USUAL).decompress(stored))


def indexed(listing: Listing) -> str:
    """Return every word by which the listing is found, with the marks of the places it stands in.

    Old words are taken out of the index by deriving them again from the stored excerpt. So whoever
    changes what this returns, or what a word is, appends a migration.
    """
    release = listing.release
    names = _names(listing, GAP)
    organization = [*names, *name_words(listing.head.org)]
    modules = words_of(" ".join(release.modules))
    keywords = [*organization, *words_of(" ".join(release.keywords)), *modules]
    summary = words_of(release.summary)
    readme = words_of(listing.texts.readme[:README_CHARACTERS])
    parts = (
        " ".join(_facets(listing)),
        marked(Mark.NAME, names),
        marked(Mark.ORGANIZATION, organization),
        marked(Mark.KEYWORDS, keywords),
        marked(Mark.SUMMARY, [*keywords, GAP, *summary]),
        marked(Mark.MODULES, modules),
        marked(Mark.ANYWHERE, [*keywords, GAP, *summary, GAP, *readme]),
    )
    return " ".join(parts)


def vocabulary(listing: Listing) -> set[str]:
    """Return the words that a typo is mended to; those of private packages are nobody's to see."""
    if listing.head.visibility is Visibility.PRIVATE:
        return set()
    release = listing.release
    texts = f"{' '.join(release.keywords)} {release.summary}"
    return {*_names(listing), *name_words(listing.head.org), *words_of(texts)}


def _names(listing: Listing, *gap: str) -> list[str]:
    """Return the words of its name and of the ids of its tools, with a gap between two of them."""
    names = name_words(listing.head.name)
    for tool in listing.release.tools:
        names += [*gap, *name_words(tool)]
    return names


def _facets(listing: Listing) -> Iterator[str]:
    head, release = listing.head, listing.release
    yield facet(head.visibility.value)
    yield facet("member", head.org)
    yield facet("org", head.org)
    yield facet("path", head.package.key)
    yield facet("name", head.name)
    # A tool's id is what its users know of a package: it is worth as much as the name.
    yield from (facet("squashed", squashed(name)) for name in (head.name, *release.tools))
    yield Profile.of(release).facet
    yield from (facet("trait", trait.key) for trait in traits_of(listing))
    yield from (facet("keyword", keyword) for keyword in release.keywords)
    yield from (facet("needs", f"{each.org}/{each.name}") for each in release.dependencies)
    if release.tools:
        yield facet("tool")
    if listing.deprecation is not None:
        yield facet("deprecated")

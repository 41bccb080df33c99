"""Facets: by what the results of a search are counted and narrowed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from shared.domain.language import LanguageVersion
from shared.domain.package import Listing, Release

MAX_SHARES = 200  # Values of one facet that are counted for a page: nobody reads more.


class Facet(Enum):
    """One way to divide packages; a package may have several values of it, or none."""

    KIND = "kind"
    ORG = "org"
    KEYWORD = "keyword"
    LICENSE = "license"
    PLATFORM = "platform"
    LANGUAGE = "ballerina"


class Shape(Enum):
    """What a package is for whoever finds it; each is one of these."""

    LIBRARY = "library"
    CONNECTOR = "connector"
    TOOL = "tool"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Trait:
    """One value of a facet."""

    facet: Facet
    value: str

    @property
    def folded(self) -> str:
        """Return what is the same for spellings of the value that differ in case alone."""
        return self.value.strip().casefold()

    @property
    def key(self) -> str:
        """Return what is the same for all these spellings, and for no value of another facet."""
        return f"{self.facet.value} {self.folded}"


@dataclass(frozen=True, slots=True)
class Share:
    """A value of a facet, and how many of the results have it."""

    value: str
    count: int


Facets = Mapping[Facet, tuple[Share, ...]]  # The most frequent value first; facets with none lack.


@dataclass(frozen=True, slots=True)
class Totals:
    """What there is that everybody may see."""

    packages: int = 0
    organizations: int = 0
    pulls: int = 0


def facets_of(counted: Iterable[tuple[Trait, int]]) -> Facets:
    """Return how the results divide; spellings that differ in case alone are one value, written
    as most of them are."""
    spelled: dict[Facet, dict[str, dict[str, int]]] = {}
    for trait, count in counted:
        values = spelled.setdefault(trait.facet, {})
        spellings = values.setdefault(trait.folded, {})
        spellings[trait.value] = spellings.get(trait.value, 0) + count
    return {facet: tuple(_most_frequent(values)) for facet, values in spelled.items()}


def _most_frequent(values: Mapping[str, Mapping[str, int]]) -> Iterator[Share]:
    """Yield the values that most have; spellings by what they share."""
    counted = {folded: sum(spellings.values()) for folded, spellings in values.items()}
    for folded in sorted(counted, key=lambda each: (-counted[each], each))[:MAX_SHARES]:
        spellings = values[folded]
        best = min(spellings, key=lambda each: (-spellings[each], each))
        yield Share(best, counted[folded])


def traits_of(listing: Listing) -> Iterator[Trait]:
    """Yield what a package is found and counted by, each once."""
    release = listing.release
    yield Trait(Facet.KIND, shape_of(release).value)
    yield Trait(Facet.ORG, listing.head.org)
    yield Trait(Facet.PLATFORM, release.platform)
    language = language_of(release)
    if language:
        yield Trait(Facet.LANGUAGE, language)
    written = [
        *(Trait(Facet.LICENSE, each.strip()) for each in release.licenses),
        *(Trait(Facet.KEYWORD, each.strip()) for each in release.keywords),
    ]
    yield from {trait.key: trait for trait in written if trait.value}.values()


def shape_of(release: Release) -> Shape:
    """Return what the package is: a template and a tool say so themselves, a connector by a
    keyword."""
    if release.template:
        return Shape.TEMPLATE
    if release.tools:
        return Shape.TOOL
    last_parts = {keyword.strip().casefold().rpartition("/")[2] for keyword in release.keywords}
    return Shape.CONNECTOR if "connector" in last_parts else Shape.LIBRARY


def language_of(release: Release) -> str:
    """Return the line of Ballerina that built the package, as `2201.8`; empty if unreadable."""
    version = LanguageVersion.parse(release.ballerina_version)
    return f"{version.major}.{version.update}" if version else ""

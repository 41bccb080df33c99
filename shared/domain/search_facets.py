"""Facets: the ways to divide the packages that a search finds, and how many have each value."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from shared.domain.listings import Listing
from shared.domain.packages import Release
from shared.domain.versions import LanguageVersion

MAX_FACET_VALUES = 200  # Per facet.


class Facet(Enum):
    """One way to divide packages; a package may have several values of it, or none."""

    KIND = "kind"
    ORG = "org"
    KEYWORD = "keyword"
    LICENSE = "license"
    PLATFORM = "platform"
    LANGUAGE = "ballerina"


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet."""

    facet: Facet
    value: str

    @property
    def folded(self) -> str:
        """The value without case."""
        return self.value.strip().casefold()

    @property
    def key(self) -> str:
        """The key of the facet and the value without case."""
        return f"{self.facet.value} {self.folded}"


class PackageShape(Enum):
    """The kind of a package for whoever finds it; each has one."""

    LIBRARY = "library"
    CONNECTOR = "connector"
    TOOL = "tool"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class FacetCount:
    """A value of a facet, and how many results have it."""

    value: str
    count: int


Facets = Mapping[
    Facet, tuple[FacetCount, ...]
]  # The most frequent value first; without empty facets.


def group_facets(counted: Mapping[Facet, Iterable[tuple[str, int]]]) -> Facets:
    """Return the `MAX_FACET_VALUES` most frequent values of each facet."""
    return {facet: merge_spellings(each)[:MAX_FACET_VALUES] for facet, each in counted.items()}


def merge_spellings(counted: Iterable[tuple[str, int]]) -> tuple[FacetCount, ...]:
    """Return the values of one facet, the most frequent first. Spellings that differ only in case
    are one value, in the most frequent spelling.
    """
    counts: dict[str, int] = {}
    spellings: dict[str, str] = {}
    for value, count in sorted(counted, key=lambda each: (-each[1], each[0])):
        folded = value.strip().casefold()
        counts[folded] = counts.get(folded, 0) + count
        spellings.setdefault(folded, value)
    most_frequent = sorted(counts, key=lambda folded: (-counts[folded], folded))
    return tuple(FacetCount(spellings[each], counts[each]) for each in most_frequent)


def facet_values(listing: Listing) -> Iterator[FacetValue]:
    """Yield the facet values of a package, without duplicates."""
    release = listing.release
    yield FacetValue(Facet.KIND, shape_of(release).value)
    yield FacetValue(Facet.ORG, listing.head.org)
    yield FacetValue(Facet.PLATFORM, release.platform)
    language = language_of(release)
    if language:
        yield FacetValue(Facet.LANGUAGE, language)
    written = [
        *(FacetValue(Facet.LICENSE, each.strip()) for each in release.licenses),
        *(FacetValue(Facet.KEYWORD, each.strip()) for each in release.keywords),
    ]
    yield from {trait.key: trait for trait in written if trait.value}.values()


def shape_of(release: Release) -> PackageShape:
    """Return the shape: templates and tools are declared, connectors have a keyword."""
    if release.template:
        return PackageShape.TEMPLATE
    if release.tools:
        return PackageShape.TOOL
    last_parts = {keyword.strip().casefold().rpartition("/")[2] for keyword in release.keywords}
    return PackageShape.CONNECTOR if "connector" in last_parts else PackageShape.LIBRARY


def language_of(release: Release) -> str:
    """Return the Ballerina version that built the package, as `2201.8`; empty if unreadable."""
    version = LanguageVersion.parse(release.ballerina_version)
    return f"{version.major}.{version.update}" if version else ""

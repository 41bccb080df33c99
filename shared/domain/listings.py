"""Listings: releases as people and search see them, which release of a package is
shown, and the facets that divide the packages that a search finds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from msgspec import Struct

from shared.domain.api_docs.item_summaries import ApiSummary
from shared.domain.distributions import LanguageVersion
from shared.domain.mentions import merge_mentions
from shared.domain.packages import Head, Release, Texts, effective_deprecation
from shared.domain.versions import Precedence


@dataclass(frozen=True, slots=True)
class Listing:
    """A release as people and clients see it: with its package and its documentation."""

    head: Head
    release: Release
    texts: Texts
    # Whether search prefers the organization; None in listings from before that was a setting.
    is_standard: bool | None = None
    # What editors find it by; None until its API documentation was made, or if there is nothing.
    api: ApiSummary | None = None
    # The symbols of the release, as `pack_symbols` packs them; empty for private packages.
    symbols: str = ""
    # Hosts, exceptions and endings of files in its documents, as `mentions_of` returns them.
    mentions: tuple[str, ...] = ()

    @property
    def deprecation(self) -> str | None:
        return effective_deprecation(self.head, self.release.deprecation)


def release_for_search(shown: Listing | None, offered: Listing) -> Listing:
    """Return the better of two releases for a search result.

    The newer head applies to both: of two concurrent pushes, the one listed last may have the older
    head. What is stored is better than what is only known of the upstream, of which the latest
    offer counts.
    """
    if shown is None:
        return offered
    if not (shown.release.is_stored and offered.release.is_stored):
        if offered.release.is_stored and offered.api is None:
            return _with_api_of(shown, offered)
        return shown if shown.release.is_stored else offered
    head = max(offered.head, shown.head, key=lambda each: each.revision)
    one = replace(offered, head=head)
    other = replace(shown, head=head)
    if one.release.digest == other.release.digest:
        # The listing of a push has no documentation, which may have been made meanwhile.
        one = replace(
            one,
            api=one.api or other.api,
            symbols=one.symbols or other.symbols,
            mentions=merge_mentions((*other.mentions, *one.mentions)),
        )
    return one if _is_better(one, other) else other


def _with_api_of(known: Listing, stored: Listing) -> Listing:
    """Return a release that was just stored with the connectors and triggers that the upstream
    listed of it, until its own documentation is made."""
    is_same = known.release.version == stored.release.version
    return replace(stored, api=known.api) if is_same else stored


def _is_better(offered: Listing, shown: Listing) -> bool:
    if offered.release.version == shown.release.version:
        return offered.release.revision >= shown.release.revision
    return _quality(offered) > _quality(shown)


def _quality(listing: Listing) -> tuple[bool, bool, Precedence]:
    version = listing.release.coordinate.version
    return (version.is_stable, listing.deprecation is None, version.precedence)


MAX_FACET_VALUES = 200  # Per facet.


class Facet(Enum):
    """One way to divide packages; a package may have several values of it, or none."""

    KIND = "kind"
    ORG = "org"
    KEYWORD = "keyword"
    LICENSE = "license"
    PLATFORM = "platform"
    LANGUAGE = "ballerina"


class FacetValue(Struct, frozen=True):
    facet: Facet
    value: str

    @property
    def folded(self) -> str:
        """The value in the form in which values are compared, without regard to case."""
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


class FacetCount(Struct, frozen=True):
    """A value of a facet, and how many results have it."""

    value: str
    count: int


# For each facet the most frequent value first; empty facets are left out.
Facets = Mapping[Facet, tuple[FacetCount, ...]]


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

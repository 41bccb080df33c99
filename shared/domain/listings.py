"""Listings: releases as people and search see them, and which release of a package is shown."""

from dataclasses import dataclass, replace

from shared.domain.api_docs.records import ApiSummary
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
    # Those of the release, as `pack_symbols` packs them; empty for private packages.
    symbols: str = ""

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
    one, other = replace(offered, head=head), replace(shown, head=head)
    if one.release.digest == other.release.digest:
        # What a push offers has no documentation, which may be made meanwhile.
        one = replace(one, api=one.api or other.api, symbols=one.symbols or other.symbols)
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

"""Which release of a package a search shows."""

from dataclasses import replace

from shared.domain.package import Listing
from shared.domain.version import Precedence


def shown_of(shown: Listing | None, offered: Listing) -> Listing:
    """Return what a search shows once a release was offered to it: the better one of the two.

    What the newer head says holds for both: of two pushes at once, the one that is listed last may
    know less of the package.
    """
    if shown is None:
        return offered
    head = max(offered.head, shown.head, key=lambda each: each.revision)
    one, other = replace(offered, head=head), replace(shown, head=head)
    return one if _is_better(one, other) else other


def _is_better(offered: Listing, shown: Listing) -> bool:
    if offered.release.version == shown.release.version:
        return offered.release.revision >= shown.release.revision
    return _quality(offered) > _quality(shown)


def _quality(listing: Listing) -> tuple[bool, bool, Precedence]:
    version = listing.release.coordinate.version
    return (version.is_stable, listing.deprecation is None, version.precedence)

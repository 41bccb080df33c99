"""Refusals of releases that are stored and not published: why, and who decides."""

from shared.domain.errors.base import Conflict, Refusal
from shared.domain.packages import Release
from shared.domain.releases import NAME_RESEMBLES, PUBLISHER_WORDS, is_held_by_scanner


def refusal_of_withheld(release: Release, *, by: str, base_url: str) -> Refusal:
    """Return the refusal that says to the account `by`, who may be its publisher, why a stored
    release is not published, and who decides on it."""
    coordinate = release.coordinate
    org = release.coordinate.package.org
    if release.is_held_for_owner:
        page = f"{base_url}/account/organizations/{release.org}/held"
        return Conflict(
            "release-held",
            f"{coordinate} is stored and held: {_reason_for(release, by)}. An owner of {org} "
            f"publishes it at {page}",
        )
    if release.is_held_for_package:
        return _refusal_of_held_package(release)
    if release.is_held_for_review:
        page = f"{base_url}/account/organizations/{release.org}/staged"
        return Conflict(
            "release-awaits-review",
            f"{coordinate} is stored and held: {release.state_reason} Owners and maintainers "
            f"of {org} approve or refuse it at {page}",
        )
    if release.is_held_for_sigstore:
        return Conflict(
            "release-awaits-sigstore",
            f"{coordinate} is stored and held: {org} requires a Sigstore bundle of each "
            "release. It is published when its bundle comes: push again with the part "
            "provenance, or send it beside the Maven artifact.",
        )
    if release.is_held_by_owner:
        return Conflict(
            "release-held-by-owner",
            f"{coordinate} is stored and held: an owner of {org} holds it. Ask them to restore it.",
        )
    return _withheld_by_administrators(release)


def _withheld_by_administrators(release: Release) -> Refusal:
    """Return the refusal of a release on which administrators decide, or decided."""
    coordinate = release.coordinate
    if is_held_by_scanner(release):
        return Conflict(
            "release-awaits-scan",
            f"{coordinate} is stored and held. {release.state_reason} Administrators of this "
            "registry publish or withhold it.",
        )
    return Conflict(
        "release-withheld",
        f"{coordinate} is stored and {release.state.value}: an administrator of this registry "
        "withheld it. Ask the operator.",
    )


def _refusal_of_held_package(release: Release) -> Refusal:
    """Return why a release that waits for its package is not published."""
    coordinate = release.coordinate
    if release.state_reason.startswith(NAME_RESEMBLES):
        return Conflict(
            "name-resembles",
            f"{coordinate} is stored and held: {release.state_reason}. It is published when an "
            "administrator of this registry accepts the name, whom you can ask; or publish under a "
            "name that differs more.",
        )
    return Conflict(
        "release-awaits-case",
        f"{coordinate} is stored and held: administrators of this registry hold the package "
        f"{coordinate.package} while they look at a case. It is published when they end that.",
    )


def _reason_for(release: Release, by: str) -> str:
    """Return why a release is held, in words for `by`, who may be its publisher."""
    reason = release.state_reason
    is_own = release.origin.principal == by
    # Reasons of earlier versions do not name the publisher.
    return reason.replace(PUBLISHER_WORDS, "you", 1) if is_own else reason

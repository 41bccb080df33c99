"""Refusals about packages of an upstream registry.

Invalid      UpstreamReleaseRefused · NothingMirrored
Conflict     OwnedByUpstream
Unavailable  UpstreamUnavailable, VersionsIncomplete
"""

from datetime import timedelta

from shared.domain.errors.base import Conflict, Declared, Invalid, Unavailable


class UpstreamReleaseRefused(Declared, Invalid):
    # A 400, whose sentence every client shows: a 404 would say that it does not exist.
    coordinate: object
    upstream: str
    reason: str
    sentence = (
        "{coordinate} of the upstream registry {upstream} is not served here: {reason} Use another "
        "version, or ask the operator."
    )


class NothingMirrored(Declared, Invalid):
    sentence = (
        "No registry is mirrored: BALLROOM_UPSTREAM is empty. Set it to central or to the address "
        "of another registry, and restart this one."
    )


class OwnedByUpstream(Declared, Conflict):
    org: object
    upstream: str
    sentence = (
        "The organization {org} belongs to the upstream registry {upstream}, whose packages are "
        "mirrored here, so nothing is published under that name here. Choose another name, or "
        "ask the operator."
    )


UNUSABLE = "gives an answer about it that cannot be used"
FAILING = "fails to answer about it"
NO_ROOM = "is not asked now, because this registry fetches as much as it has room for"


class UpstreamUnavailable(Declared, Unavailable):
    retry_after = timedelta(seconds=10)
    what: object
    upstream: str
    trouble: str = "does not answer"
    sentence = (
        "{what} is not stored here, and the upstream registry {upstream} {trouble}. Try again in a "
        "moment."
    )


class VersionsIncomplete(Declared, Unavailable):
    retry_after = timedelta(seconds=5)
    package: object
    upstream: str
    sentence = (
        "The list of versions of {package} is being read from the upstream registry {upstream}, "
        "which takes up to a minute. Try again in a moment."
    )

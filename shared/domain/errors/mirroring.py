"""Refusals about packages of an upstream registry."""

from datetime import timedelta

from shared.domain.errors.base import Conflict, Invalid, Unavailable


class UpstreamReleaseRefused(Invalid):
    def __init__(self, coordinate: object, upstream: str, reason: str) -> None:
        # A 400, whose sentence every client shows: a 404 would say that it does not exist.
        super().__init__(
            "upstream-release-refused",
            f"{coordinate} of the upstream registry {upstream} is not served here: {reason} Use "
            "another version, or ask the operator.",
        )
        self.reason = reason


def owned_by_upstream(org: object, upstream: str) -> Conflict:
    return Conflict(
        "owned-by-upstream",
        f"The organization {org} belongs to the upstream registry {upstream}, whose packages are "
        "mirrored here, so nothing is published under that name here. Choose another name, or ask "
        "the operator.",
    )


UNUSABLE = "gives an answer about it that cannot be used"
FAILING = "fails to answer about it"
NO_ROOM = "is not asked now, because this registry fetches as much as it has room for"


class UpstreamUnavailable(Unavailable):
    retry_after = timedelta(seconds=10)

    def __init__(self, what: object, upstream: str, trouble: str = "does not answer") -> None:
        super().__init__(
            "upstream-unavailable",
            f"{what} is not stored here, and the upstream registry {upstream} {trouble}. Try again "
            "in a moment.",
        )

"""Refusals of requests as such, whatever they are about: form, size, rate and availability."""

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from shared.domain.errors.base import (
    Invalid,
    Refusal,
    RefusalKind,
    TooLarge,
    Unavailable,
)

if TYPE_CHECKING:
    from shared.domain.coordinates import Coordinate
    from shared.domain.rate_limits import RateLimitAllowance


class BodyUnreadable(Invalid):
    def __init__(self, expected: str) -> None:
        super().__init__(
            "body-unreadable", f"The body of the request cannot be read. Send {expected}."
        )


def token_misplaced() -> Invalid:
    return Invalid(
        "token-misplaced",
        "The body of the request holds an access token, and nothing was stored. Tokens go into "
        "the Authorization header alone; revoke this one if others could have read it.",
    )


class BodyTooLarge(TooLarge):
    """The body is larger than that of any operation that takes no archive."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            "body-too-large",
            f"The body of the request has {size_bytes:,} bytes, and only uploads of archives may "
            f"have more than {limit_bytes:,}. Send less, or divide it among several requests.",
        )


class LengthMissing(Refusal):
    kind = RefusalKind.LENGTH_MISSING

    def __init__(self) -> None:
        super().__init__(
            "length-missing",
            "The request has no Content-Length, and chunked uploads are not read here. Send the "
            "body whole, with its length.",
        )


class TooMany(Refusal):
    """`allowance` says how many requests are allowed, and when the next one is."""

    kind = RefusalKind.TOO_MANY

    def __init__(self, code: str, sentence: str, allowance: "RateLimitAllowance") -> None:
        super().__init__(code, sentence)
        self.allowance = allowance


class TooManyRequests(TooMany):
    def __init__(self, allowance: "RateLimitAllowance") -> None:
        sentence = (
            f"There are too many {allowance.limit_class.noun} by {allowance.subject.phrase}: "
            f"{allowance.limit:,} are taken in {allowance.period}. "
            f"Wait {allowance.wait} and try again."
        )
        super().__init__("too-many-requests", sentence, allowance)


def too_many_failures(allowance: "RateLimitAllowance") -> TooMany:
    """Return the refusal of an address that sent too many different invalid credentials.

    Valid credentials from the same address are still served.
    """
    sentence = (
        "These credentials are not valid, and too many others that are not came from this address. "
        f"Wait {allowance.wait}, and check the access token meanwhile."
    )
    return TooMany("too-many-failures", sentence, allowance)


class Busy(Unavailable):
    """The registry handles as many requests as it can, or a store did not answer in time."""

    def __init__(self) -> None:
        super().__init__(
            "busy", "The registry is busy. Try again in a moment; a repeat does no harm."
        )


class UploadTrouble(Enum):
    TAKEN = "others take all of it. Try again in a moment."
    WAITED = "none came free while this one waited. Try again in a moment."
    SLOW = (
        "this one was too slow to keep its room while others waited. Try again in a moment, over a "
        "faster connection if there is one."
    )
    SEVERAL = (
        "others of its account or address took all that these may have. Try again in a moment, and "
        "send one archive after the other."
    )


class NoRoomForUpload(Unavailable):
    retry_after = timedelta(seconds=5)

    def __init__(self, trouble: UploadTrouble) -> None:
        super().__init__(
            "no-room-for-upload",
            "Nothing was changed: the registry has room for a few large uploads at a time, and "
            f"{trouble.value}",
        )


class StorageFull(Unavailable):
    retry_after = timedelta(minutes=5)

    def __init__(self) -> None:
        super().__init__(
            "storage-full",
            "The registry's storage is full, so nothing was changed. Tell its operator, and try "
            "again when there is room.",
        )


class NotListedYet(Unavailable):
    """The change is committed, but not yet in every list, in the search and in the feed."""

    def __init__(self, changed: object) -> None:
        super().__init__(
            "not-listed-yet",
            f"{changed} is stored, but the registry could not list it everywhere yet. Nothing is "
            "lost: send the request again, or wait until the registry finishes by itself.",
        )


class ApiDocsPending(Unavailable):
    def __init__(self, coordinate: "Coordinate") -> None:
        super().__init__(
            "api-docs-pending",
            f"The API documentation of {coordinate} is being made. Ask again in a few seconds.",
        )


class SbomPending(Unavailable):
    def __init__(self, coordinate: "Coordinate") -> None:
        super().__init__(
            "sbom-pending",
            f"The bill of materials of {coordinate} is being made. Ask again in a few seconds.",
        )


class SearchUnconfirmed(Unavailable):
    retry_after = timedelta(seconds=5)

    def __init__(self) -> None:
        super().__init__(
            "search-unconfirmed",
            "The search of this server does not know the latest changes of packages, which may "
            "have become private; everything else works. Search again in a few seconds.",
        )


class TakesNoChanges(Unavailable):
    retry_after = timedelta(minutes=5)

    def __init__(self, reason: str) -> None:
        super().__init__(
            "takes-no-changes",
            f"This registry is in read-only mode: {reason}. Packages can still be searched and "
            "pulled. Try again later.",
        )

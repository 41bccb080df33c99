"""Refusals of requests as such, whatever they are about: form, size, rate and availability.

Invalid          PostWanted · BodyUnreadable · UploadCutOff · TokenMisplaced · SearchUnreadable
NotFound         PageNotFound · ServiceNotOffered
TooMany          TooManyRequests · TooManyFailures · MailedLately
TooLarge         BodyNotTaken · UploadNotTaken
Unavailable      Busy · NoRoomForUpload · StorageFull · StorageNotWritable · NotListedYet
                 ApiDocsPending · SearchLoading · SearchUnconfirmed · TakesNoChanges
MethodNotAllowed · LengthMissing
"""

from collections.abc import Collection
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from shared.domain.errors.base import (
    Declared,
    Invalid,
    NotFound,
    Refusal,
    RefusalKind,
    TooLarge,
    Unavailable,
)

if TYPE_CHECKING:
    from shared.domain.names import Coordinate
    from shared.domain.rate_limits import RateLimitAllowance


class PostWanted(Declared, Invalid):
    operation: str
    sentence = (
        "{operation} is an operation, not an organization: send it a POST whose body is the JSON "
        "that lists what to resolve."
    )


class BodyUnreadable(Declared, Invalid):
    expected: str
    sentence = "The body of the request cannot be read. Send {expected}."


class UploadCutOff(Declared, Invalid):
    sentence = "The upload is damaged or was cut off. Nothing was stored; push again."


class TokenMisplaced(Declared, Invalid):
    sentence = (
        "The body of the request holds an access token, and nothing was stored. Tokens go into the "
        "Authorization header alone; revoke this one if others could have read it."
    )


class SearchUnreadable(Declared, Invalid):
    text: str
    sentence = (
        "{text!q} is not a search: send its words as UTF-8 in standard Base64, without padding."
    )


class PageNotFound(Declared, NotFound):
    path: str
    sentence = "There is no page {path!q} here. Check the address."


class ServiceNotOffered(Declared, NotFound):
    """A client of Central or of another service asks for what no registry of ours has."""

    service: str
    way_out: str
    sentence = "This registry has no {service}. {way_out}"


class MethodNotAllowed(Declared, Refusal):
    kind = RefusalKind.METHOD_NOT_ALLOWED
    method: str
    path: str
    allowed: Collection[str]
    sentence = "{method} is not supported at {path!q}. Use {alternatives}."

    @property
    def alternatives(self) -> str:
        return " or ".join(self.allowed)


class LengthMissing(Declared, Refusal):
    kind = RefusalKind.LENGTH_MISSING
    sentence = (
        "The request has no Content-Length, and chunked uploads are not read here. Send the body "
        "whole, with its length."
    )


class BodyNotTaken(Declared, TooLarge):
    size_bytes: int
    limit_bytes: int
    sentence = (
        "The body of the request has {size_bytes:,} bytes, and more than {limit_bytes:,} are taken "
        "only with a token that may publish in some organization. Send such a token, or a smaller "
        "body."
    )


class UploadNotTaken(Declared, TooLarge):
    size_bytes: int
    limit_bytes: int
    sentence = (
        "The body of the request has {size_bytes:,} bytes, and this app of the registry answers "
        "reads, with {limit_bytes:,} at most. Send uploads to the registry's public address; if "
        "you did, try again in an hour, because its edge may still be changing."
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
            f"There are too many {allowance.limit_class.noun} by this {allowance.subject.value}: "
            f"{allowance.limit:,} are taken in {allowance.period}. "
            f"Wait {allowance.wait_s} seconds and try again."
        )
        super().__init__("too-many-requests", sentence, allowance)


def too_many_failures(allowance: "RateLimitAllowance") -> TooMany:
    """Return the refusal of an address that sent too many different invalid credentials.

    Valid credentials from the same address are still served.
    """
    sentence = (
        "These credentials are not valid, and too many others that are not came from this address. "
        f"Wait {allowance.wait_s} seconds, and check the access token meanwhile."
    )
    return TooMany("too-many-failures", sentence, allowance)


class Busy(Declared, Unavailable):
    """The registry handles as many requests as it can, or a store did not answer in time."""

    sentence = "The registry is busy. Try again in a moment; a repeat does no harm."


class UploadTrouble(Enum):
    TAKEN = "others take all of it. Try again in a moment."
    WAITED = "none came free while this one waited. Try again in a moment."
    SLOW = (
        "this one was too slow to keep its room while others waited. Try again in a moment, over a "
        "faster connection if there is one."
    )
    SEVERAL = (
        "this one was not the only one of its account or address while others waited. Try again in "
        "a moment, and send one archive after the other."
    )


class NoRoomForUpload(Declared, Unavailable):
    retry_after = timedelta(seconds=5)
    trouble: UploadTrouble
    sentence = (
        "Nothing was changed: the registry has room for a few large uploads at a time, and "
        "{trouble.value}"
    )


class StorageFull(Declared, Unavailable):
    retry_after = timedelta(minutes=5)
    sentence = (
        "The registry's storage is full, so nothing was changed. Tell its operator, and try again "
        "when there is room."
    )


class StorageNotWritable(Declared, Unavailable):
    retry_after = timedelta(minutes=1)
    sentence = (
        "The registry's storage is full: packages are read and pulled, but nothing can be "
        "published or changed. Make room on its disk, or move it to a larger one."
    )


class NotListedYet(Declared, Unavailable):
    """The change is committed, but not yet in every list, in the search and in the feed."""

    changed: object
    sentence = (
        "{changed} is stored, but the registry could not list it everywhere yet. Nothing is lost: "
        "send the request again, or wait until the registry finishes by itself."
    )


class ApiDocsPending(Declared, Unavailable):
    coordinate: "Coordinate"
    sentence = "The API documentation of {coordinate} is being made. Ask again in a few seconds."


class SearchLoading(Declared, Unavailable):
    retry_after = timedelta(seconds=10)
    sentence = (
        "The search of this server is still being loaded, which takes some seconds; everything "
        "else works. Search again in a moment."
    )


class SearchUnconfirmed(Declared, Unavailable):
    retry_after = timedelta(seconds=5)
    sentence = (
        "The search of this server does not know the latest changes of packages, which may have "
        "become private; everything else works. Search again in a few seconds."
    )


class TakesNoChanges(Declared, Unavailable):
    retry_after = timedelta(minutes=5)
    reason: str
    sentence = (
        "This registry is in read-only mode: {reason}. Packages can still be searched and pulled. "
        "Try again later."
    )

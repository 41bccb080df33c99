"""Refusals of requests as such, whatever they are about: form, size, rate and availability.

Invalid          PostWanted · BodyUnreadable · UploadCutOff · TokenMisplaced · SearchUnreadable
NotFound         PageNotFound
TooMany          TooManyRequests · TooManyFailures · MailedLately
TooLarge         BodyNotTaken
Unavailable      Busy · NoRoomForUpload · StorageFull · StorageNotWritable · NotListedYet ·
SearchLoading · TakesNoChanges
MethodNotAllowed · LengthMissing
"""

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from shared.domain.errors.base import (
    Invalid,
    NotFound,
    Refusal,
    RefusalKind,
    TooLarge,
    Unavailable,
    quoted,
)

if TYPE_CHECKING:
    from shared.domain.rate_limits import RateLimitAllowance

# Every refusal of the registry, with the sentence that its user reads.
#
# Refusal
#     ├── Invalid              the request or the archive cannot be accepted as it is
#     │   ├── InvalidName · InvalidVersion · InvalidRange · InvalidDigest · InvalidRequest
#     │   ├── PostWanted
#     │   ├── DigestMismatch · VisibilityDiffers · SpelledDifferently
#     │   ├── UploadMissing · TokenMisplaced
#     │   ├── PackageIsDeprecated · MissingDependencies
#     │   ├── NotDeployable · ChecksumUnreadable · ChecksumDiffers · PomUnreadable · PomDiffers
#     │   ├── SbomUnreadable · SearchUnreadable
#     │   └── BadArchive       one class for each reason to refuse a bala, in bad_archive.py
#     ├── NotFound             it does not exist for this caller
#     │   ├── PackageNotFound · ReleaseNotFound · ToolNotFound · ToolVersionNotFound
#     │   ├── OrganizationNotFound · AccountNotFound · TokenNotFound
#     │   ├── ArchiveNotFound · PathNotFound · SbomNotFound
#     │   └── PageNotFound · PublisherNotFound · FileNotInArchive · NoticeNotFound
#     ├── Conflict             it clashes with what is there
#     │   ├── VersionExists · SbomExists · ToolTaken · OrganizationExists · AccountExists ·
# LastOwner     │   └── PublisherExists · NotAwaited · TooManyNotices
#     ├── Unauthenticated      who is asking cannot be told
#     │   ├── CredentialsMissing · CredentialsWanted · RepositoryTokenMissing
#     │   ├── TokenUnknown · TokenExpired · TokenMalformed · TokenPlaceholder · TokenForeign
#     │   ├── LinkExpired · ReportUnsigned
#     │   └── SignedTokenRefused · IdTokenUsed
#     ├── Forbidden            the caller may not do this
#     │   ├── NotPermitted · NameReserved · SignInAgain · PublishersAlone · FormForeign
#     │   └── Untrusted        one class for each reason to refuse a job, in untrusted.py
#     ├── TooMany              it comes too often
#     │   └── TooManyRequests · TooManyFailures
#     ├── MethodNotAllowed     the path is there, but not for this method
#     ├── LengthMissing        its body came without a length, so nothing of it was read
#     ├── TooLarge             it is over a limit
#     │   └── ArchiveTooLarge · FileTooLarge · FileTooLargeToShow · TooManyReported
#     └── Unavailable          try again later
#         ├── Busy · StorageFull · StorageNotWritable · NotListedYet · SearchLoading · DomainSilent
#         └── IssuerSilent · TakesNoChanges · SigningKeyUnavailable · NoRoomForUpload
#
# A face maps each kind to a status and a body, because clients differ.


class PostWanted(Invalid):
    """A GET of an operation that reads a list from the body of a POST."""

    def __init__(self, operation: str) -> None:
        """Name the operation and how it is asked."""
        super().__init__(
            f"{operation} is no organization but an operation: send it a POST whose body is the "
            "JSON that lists what to resolve."
        )


class BodyUnreadable(Invalid):
    """The body is not what the operation reads."""

    def __init__(self, expected: str) -> None:
        """Say what is read."""
        super().__init__(f"The body of the request cannot be read. Send {expected}.")


class UploadCutOff(Invalid):
    """A multipart body ended early, or is damaged."""

    def __init__(self) -> None:
        """Say that a repeat is fine."""
        super().__init__("The upload is damaged or was cut off. Nothing was stored; push again.")


class TokenMisplaced(Invalid):
    """A request carries an access token where it would be stored or shown."""

    def __init__(self) -> None:
        """Say where tokens go, and what to do with this one."""
        super().__init__(
            "The body of the request holds an access token, and nothing was stored. Tokens go into "
            "the Authorization header alone; revoke this one if others could have read it."
        )


class SearchUnreadable(Invalid):
    """The words of a search are not Base64 of UTF-8."""

    def __init__(self, text: str) -> None:
        """Show what came."""
        super().__init__(
            f"{quoted(text)} is no search: send its words as UTF-8 in standard Base64, "
            "without padding."
        )


class PageNotFound(NotFound):
    """There is no page at this address, or not for whoever asks."""

    def __init__(self, path: str) -> None:
        """Show the path."""
        super().__init__(f"There is no page {quoted(path)} here. Check the address.")


class MethodNotAllowed(Refusal):
    """The path is one of ours, but not for this method."""

    kind = RefusalKind.METHOD_NOT_ALLOWED

    def __init__(self, method: str, path: str, *allowed: str) -> None:
        self.allowed = allowed
        super().__init__(f"{method} does nothing at {quoted(path)}. Use {' or '.join(allowed)}.")


class LengthMissing(Refusal):
    """A body came in chunks, without its length, and so arrived empty."""

    kind = RefusalKind.LENGTH_MISSING

    def __init__(self) -> None:
        """Say what to send."""
        super().__init__(
            "The request has no Content-Length, and chunked uploads are not read here. "
            "Send the body whole, with its length."
        )


class BodyNotTaken(TooLarge):
    """A body is too large to be read from somebody who may not publish."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        """Show both sizes."""
        super().__init__(
            f"The body of the request has {size_bytes:,} bytes, and more than {limit_bytes:,} are "
            "taken only with a token that may publish in some organization. Send such a token, or "
            "a smaller body."
        )


class TooMany(Refusal):
    """It comes too often; `allowance` says how often it may come, and when again."""

    kind = RefusalKind.TOO_MANY

    def __init__(self, allowance: "RateLimitAllowance", sentence: str) -> None:
        """Keep what the headers of the answer say."""
        super().__init__(sentence)
        self.allowance = allowance


class TooManyRequests(TooMany):
    """A caller makes more requests of a kind than the operator allows."""

    def __init__(self, allowance: "RateLimitAllowance") -> None:
        """Name what is limited, for whom, and when to come back."""
        whose = f"this {allowance.subject.value}"
        super().__init__(
            allowance,
            f"There are too many {allowance.operation.noun} by {whose}: {allowance.limit:,} are "
            f"taken in {allowance.period}. Wait {allowance.wait_s} seconds and try again.",
        )


class TooManyFailures(TooMany):
    """An address sent so many different credentials that are not valid that a further one waits.

    Valid credentials from the same address are served as before.
    """

    def __init__(self, allowance: "RateLimitAllowance") -> None:
        """Say when to come back, and what to look at meanwhile."""
        super().__init__(
            allowance,
            "These credentials are not valid, and too many others that are not came from this "
            f"address. Wait {allowance.wait_s} seconds, and check the access token meanwhile.",
        )


# Refusals about organizations, and who belongs to them.
#
# NotFound
# └── MemberNotFound · InvitationNotFound · NothingPending · DomainNotFound
# Conflict
# ├── NotClosing · LooksAlike · AlreadyMember · ChangePending · OrganizationNotEmpty
# └── InvitationsFull · DomainsFull · DomainUnproven · OwnerMissing
# Forbidden
# └── NameKeptBack · OwnerTooNew
# TooMany
# └── MailedLately


class MailedLately(TooMany):
    """An address got an invitation by mail a moment ago, from whomever."""

    def __init__(self, allowance: "RateLimitAllowance", address: str) -> None:
        """Say how long to wait, and how to invite without a mail; the address is masked."""
        super().__init__(
            allowance,
            f"{address} got an invitation by mail a few minutes ago, and no address gets many. "
            f"Wait {allowance.wait_s} seconds to send another one, or invite without an address "
            "and pass the link on yourself.",
        )


class Busy(Unavailable):
    """The registry has as much in hand as it takes at once, or a store did not answer in time."""

    def __init__(self) -> None:
        """Say that a repeat is fine; what a store did that did not answer, nobody knows."""
        super().__init__("The registry is busy. Try again in a moment; a repeat does no harm.")


class UploadTrouble(Enum):
    """Why there is no room for an upload, and what helps."""

    WAITED = "none came free while this one waited. Try again in a moment."
    SLOW = (
        "this one was too slow to keep its room while others waited. Try again in a moment, over a "
        "faster connection if there is one."
    )
    SEVERAL = (
        "this one was not the only one of its account or address while others waited. Try again in "
        "a moment, and send one archive after the other."
    )


class NoRoomForUpload(Unavailable):
    """A process has as many large bodies in hand as it takes."""

    retry_after = timedelta(seconds=5)

    def __init__(self, trouble: UploadTrouble) -> None:
        """Say why it is this upload that has no room."""
        super().__init__(
            "Nothing was changed: the registry has room for a few large uploads at a time, and "
            f"{trouble.value}"
        )


class StorageFull(Unavailable):
    """The disk is full; what was there stays readable."""

    retry_after = timedelta(minutes=5)

    def __init__(self) -> None:
        """Say what happened and who can help."""
        super().__init__(
            "The registry's storage is full, so nothing was changed. "
            "Tell its operator, and try again when there is room."
        )


class StorageNotWritable(Unavailable):
    """The disk takes no more data, as a probe of the registry finds out."""

    retry_after = timedelta(minutes=1)

    def __init__(self) -> None:
        """Say what still works, and what the operator does."""
        super().__init__(
            "The registry's storage is full: packages are read and pulled, but nothing can be "
            "published or changed. Make room on its disk, or move it to a larger one."
        )


class NotListedYet(Unavailable):
    """A change is stored for good, but not yet in every list, in the search and in the feed."""

    def __init__(self, changed: object) -> None:
        """Name what was changed, and who finishes it."""
        super().__init__(
            f"{changed} is stored, but the registry could not list it everywhere yet. Nothing is "
            "lost: send the request again, or wait until the registry finishes by itself."
        )


class SearchLoading(Unavailable):
    """A server that has just started has no search index yet."""

    retry_after = timedelta(seconds=10)

    def __init__(self) -> None:
        """Say that it comes by itself, and that nothing else waits for it."""
        super().__init__(
            "The search of this server is still being loaded, which takes some seconds; everything "
            "else works. Search again in a moment."
        )


class TakesNoChanges(Unavailable):
    """The operator lets nothing be changed for now; what is there is read as ever."""

    retry_after = timedelta(minutes=5)

    def __init__(self, reason: str) -> None:
        """Give the operator's reason, a part of a sentence."""
        super().__init__(
            f"This registry takes no changes now: {reason}. Reading and pulling go on. "
            "Try again later."
        )

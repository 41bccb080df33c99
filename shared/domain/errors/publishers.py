"""Refusals about trusted publishers, and every reason not to let a CI job publish.

NotFound · Conflict · Forbidden
└── PublisherNotFound · PublisherExists · PublishersAlone
Untrusted
├── ClaimUnusable     the token lacks a claim that its provider always sends
├── NotAWorkload      the token is a person's, or shared by many programs
├── RunNotTrusted     strangers may have started the run, or changed what it does
├── WorkloadUnknown   no package has a publisher that is this job
└── WorkloadDiffers   a publisher is this repository, but not this run of it

A sentence tells about publishers only to a job of the repository that they name.
"""

from typing import TYPE_CHECKING, ClassVar

from shared.domain.errors.base import Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from shared.domain.names import Package

# Every reason not to let a job of a CI system publish, with the sentence that its author reads.
#
# Untrusted
# ├── ClaimUnusable     its token does not say what its provider always says
# ├── NotAWorkload      its token is a person's, or one that many programs share
# ├── RunNotTrusted     strangers may have started it, or changed what it does
# ├── WorkloadUnknown   no package has a publisher that is this job
# └── WorkloadDiffers   a publisher is this repository, but not this run of it
#
# What a sentence says of publishers, it says only to a job of the very repository that they name.


class Untrusted(Forbidden):
    """A job may not publish; `reason` is why, for the owners' log."""

    reason: ClassVar[str]


class ClaimUnusable(Untrusted):
    """An id token lacks what its provider puts into every one, or says it in another form."""

    reason = "claim-unusable"

    def __init__(self, provider: str, claim: str) -> None:
        super().__init__(
            f"The id token does not say {claim} as {provider} does. Ask the provider for the token "
            "inside the job, and send it as it is."
        )


class NotAWorkload(Untrusted):
    """A token of Entra ID is not of one program alone."""

    reason = "not-a-workload"

    def __init__(self) -> None:
        """Say whose token it takes."""
        super().__init__(
            "The token is a person's, or one that several programs share. Send one of a managed "
            "identity or of a service principal."
        )


class RunNotTrusted(Untrusted):
    """Strangers to the repository may have started the run, or changed its code."""

    reason = "run-not-trusted"

    def __init__(self, why: str, instead: str) -> None:
        """Say what is wrong with the run, and what to publish from."""
        super().__init__(
            f"This run may not publish: {why}, so it may do what strangers want. "
            f"Publish from {instead}."
        )


class WorkloadUnknown(Untrusted):
    """No publisher is this job; which ones there are, nobody is told."""

    reason = "workload-unknown"

    def __init__(self, workload: str) -> None:
        """Describe the job by what its own token says."""
        super().__init__(
            f"No package here is published by {workload}. An owner of the organization adds it as "
            "a trusted publisher; names are not enough, the ids have to be the same."
        )


class WorkloadDiffers(Untrusted):
    """A publisher is of this repository and takes other runs of it."""

    reason = "workload-differs"

    def __init__(self, package: object, differences: str) -> None:
        """Name the package and everything that differs."""
        super().__init__(
            f"The trusted publisher of {package} does not take this run: {differences}. "
            "Publish from a run as it asks for, or ask an owner to change it."
        )


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


class PublisherNotFound(NotFound):
    """The organization has no trusted publisher of this id."""

    def __init__(self, publisher_id: str) -> None:
        super().__init__(
            f"trusted publisher not found: {publisher_id}. List the organization's to see their "
            "ids."
        )


class PublisherExists(Conflict):
    """The package has the very same trusted publisher."""

    def __init__(self, package: "Package", publisher_id: str) -> None:
        super().__init__(
            f"{package} has this trusted publisher already, as {publisher_id}. Remove that one "
            "first, or give the new one other rules."
        )


class PublishersAlone(Forbidden):
    """A package takes pushes from its trusted publishers and from nobody else."""

    def __init__(self, package: "Package") -> None:
        """Name the package, and who can change that."""
        super().__init__(
            f"{package} is published by its trusted publishers alone, so no stored token can push "
            "to it. Publish from the workflow, or ask an owner to open it for members."
        )

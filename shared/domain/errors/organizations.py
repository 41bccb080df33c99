"""Refusals about accounts, organizations, their members, and administration of the registry.

NotFound     OrganizationNotFound · AccountNotFound · MemberNotFound · InvitationNotFound
             NothingPending · DomainNotFound · ReservedNameNotFound · NoticeNotFound
Conflict     OrganizationExists · AccountExists · LastOwner · NotClosing · LooksAlike
             AlreadyMember · ChangePending · OrganizationNotEmpty · InvitationsFull · DomainsFull
             DomainUnproven · LastAdministrator · ReservedAlready · ReservedNamesFull ·
             TooManyNotices
Forbidden    NameKeptBack · OwnerTooNew
Invalid      ReasonMissing · PatternUnreadable · NotMeant
Unavailable  DomainSilent
"""

from datetime import timedelta

from shared.domain.errors.base import Conflict, Forbidden, Invalid, NotFound, Unavailable, quoted

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


class OrganizationNotFound(NotFound):
    """The organization does not exist."""

    def __init__(self, org: str) -> None:
        super().__init__(f"organization not found: {org}")


class AccountNotFound(NotFound):
    """The account does not exist."""

    def __init__(self, account: str, way_out: str = "") -> None:
        super().__init__(f"account not found: {account}{way_out and f'. {way_out}'}")


class OrganizationExists(Conflict):
    """The organization's name is taken, now or by one that was deleted."""

    def __init__(self, org: str) -> None:
        super().__init__(f"The organization {org} exists already. Choose another name.")


class AccountExists(Conflict):
    """The account's name is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The account {name} exists already. Choose another name.")


class LastOwner(Conflict):
    """An organization would be left without an owner."""

    def __init__(self, account: str, org: str) -> None:
        """Name the last owner and what to do first."""
        super().__init__(
            f"{account} is the only owner of {org}, and an organization keeps at least one. "
            "Make another member owner first."
        )


class DomainSilent(Unavailable):
    """No name server answered for a domain, which says nothing of what is there."""

    retry_after = timedelta(minutes=1)

    def __init__(self, domain: str) -> None:
        """Name what was asked for, and say that nothing changed."""
        super().__init__(
            f"The name servers of {quoted(domain)} did not answer, so nothing was changed. "
            "Try again in a few minutes."
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


class MemberNotFound(NotFound):
    """Nobody of this name belongs to the organization."""

    def __init__(self, account: str, org: str) -> None:
        """Name both, and say how people become members."""
        super().__init__(f"{account} is no member of {org}. Invite them first.")


class InvitationNotFound(NotFound):
    """The code opens nothing: never, no more, or not yet again."""

    def __init__(self) -> None:
        """Say what may have happened; never which organization it was about."""
        super().__init__(
            "This invitation is not open: it was used, withdrawn or renewed, or is too old. "
            "Ask whoever sent it for a new one."
        )


class NothingPending(NotFound):
    """There is no change that could still be undone."""

    def __init__(self, what: str, org: str) -> None:
        """Name what was looked for."""
        super().__init__(
            f"No change of {what} in {org} waits. What counts already is changed, not undone."
        )


class DomainNotFound(NotFound):
    """The organization does not claim this domain."""

    def __init__(self, domain: str, org: str) -> None:
        """Name both."""
        super().__init__(f"{org} does not claim the domain {domain}. Add it first.")


class NotClosing(Conflict):
    """Nobody deletes the organization."""

    def __init__(self, org: str) -> None:
        super().__init__(f"{org} is not being deleted, so there is nothing to undo.")


class LooksAlike(Conflict):
    """A name would be taken for that of an organization that is there."""

    def __init__(self, name: str) -> None:
        """Leave open which one it is: it may be nobody's business."""
        super().__init__(
            f"{name} looks like the name of another organization, and people would take one for "
            "the other. Choose a name that tells itself apart."
        )


class AlreadyMember(Conflict):
    """An invitation was accepted by somebody who is a member."""

    def __init__(self, org: str, role: str) -> None:
        """Say what they are, and who changes that."""
        super().__init__(
            f"You are {role} of {org} already. Its owners can change your role; the invitation "
            "stays open for somebody else."
        )


class ChangePending(Conflict):
    """Another change of the same member waits for its time."""

    def __init__(self, account: str, org: str) -> None:
        """Name the member and what to do first."""
        super().__init__(
            f"A change of what {account} is in {org} waits for its time already. "
            "Undo that one first."
        )


class OrganizationNotEmpty(Conflict):
    """An organization with packages cannot be deleted."""

    def __init__(self, org: str, package: str) -> None:
        super().__init__(
            f"{org} has packages, such as {package}, and releases stay for those who use them. "
            "Only an organization that never published anything can be deleted; deprecate its "
            "packages instead."
        )


class OwnerMissing(Conflict):
    """The accounts of all owners of an organization are gone, and something of it is in use."""

    def __init__(self, org: str) -> None:
        super().__init__(
            f"The owners of {org} have all deleted their accounts. The operator gives it another "
            f"owner: org add-member {org} ACCOUNT --role owner."
        )


class InvitationsFull(Conflict):
    """So many invitations are open that no further one fits."""

    def __init__(self, org: str, limit: int) -> None:
        """Say how many fit."""
        super().__init__(
            f"{org} has {limit} open invitations, which is the most there may be. "
            "Withdraw one, or wait until one ends."
        )


class DomainsFull(Conflict):
    """So many domains are claimed that no further one fits."""

    def __init__(self, org: str, limit: int) -> None:
        """Say how many fit."""
        super().__init__(f"{org} claims {limit} domains, which is the most there may be.")


class DomainUnproven(Conflict):
    """The record that proves a domain is not there."""

    def __init__(self, domain: str, record: str, text: str) -> None:
        """Say which record it takes."""
        super().__init__(
            f'{domain} is not proven: there is no TXT record {record} with "{text}". '
            "Set it, and try again when it has spread, which may take an hour."
        )


class NameKeptBack(Forbidden):
    """The name is the operator's, or looks like one that is."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is, or looks like, a name that the operator of this registry keeps. "
            "Choose another one."
        )


class OwnerTooNew(Forbidden):
    """A new owner cannot drive out those who were there before."""

    def __init__(self, org: str, until: str) -> None:
        """Say until when."""
        super().__init__(
            f"You are a new owner of {org}. Until {until} you cannot take out or lower owners who "
            "were there before you, nor undo what they decide."
        )


# Refusals of what only administrators do.
#
# Invalid
# └── ReasonMissing · PatternUnreadable · NotMeant
# NotFound
# └── ReservedNameNotFound
# Conflict
# └── LastAdministrator · ReservedAlready · ReservedNamesFull


class ReasonMissing(Invalid):
    """Something is done to others, and nobody would know later why."""

    def __init__(self, what: str) -> None:
        """Name what takes a reason."""
        super().__init__(f"Say why, in a line: {what} is looked up by others later.")


class PatternUnreadable(Invalid):
    """A pattern can match no name."""

    def __init__(self, pattern: str) -> None:
        """Say what patterns are made of."""
        super().__init__(
            f"{pattern[:80]!r} is no pattern of names. Use letters, digits and underscores, with * "
            "for any number of them and ? for one, and at least one letter or digit."
        )


class NotMeant(Invalid):
    """What cannot be taken back was asked for without typing the name of what it is about."""

    def __init__(self, name: str) -> None:
        """Say what to type."""
        super().__init__(f"To show that you mean it, type the name, {name}, as it is written here.")


class ReservedNameNotFound(NotFound):
    """Nobody has kept this pattern back, or somebody has given it free."""

    def __init__(self, pattern: str) -> None:
        """Name what was looked for, and what cannot be given free here."""
        super().__init__(
            f"{pattern[:80]!r} is not among the patterns that administrators keep back. Those of "
            "the setting BALLROOM_RESERVED_NAMES, and ballerina*, are not changed here."
        )


class LastAdministrator(Conflict):
    """Without this account nobody would administer the registry any more."""

    def __init__(self, name: str) -> None:
        """Name it, and say what to do first."""
        super().__init__(
            f"{name} is the only administrator who can sign in. Make somebody else one first."
        )


class ReservedAlready(Conflict):
    """A pattern is kept back already."""

    def __init__(self, pattern: str) -> None:
        """Name it, and say how it is changed."""
        super().__init__(
            f"{pattern} is kept back already. Give it free first to change its reason."
        )


class ReservedNamesFull(Conflict):
    """So many patterns are kept back that no further one fits."""

    def __init__(self, limit: int) -> None:
        """Say how many fit, and what helps."""
        super().__init__(
            f"There are {limit} patterns, which is the most there may be: each founding reads all "
            "of them. Replace several by one with *."
        )


class NoticeNotFound(NotFound):
    """No notice of this id can be changed: there is none, or it has ended."""

    def __init__(self, notice_id: str) -> None:
        super().__init__(
            f"There is no notice {quoted(notice_id)} that is shown or will be. "
            "Open the page again: it may have ended meanwhile."
        )


class TooManyNotices(Conflict):
    """So many notices are shown, or will be, that nobody would read another one."""

    def __init__(self, limit: int) -> None:
        """Say how many there may be."""
        super().__init__(
            f"There are {limit} notices that are shown or will be, and nobody reads more. "
            "End one of them first."
        )

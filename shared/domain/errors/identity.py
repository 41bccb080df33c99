"""Refusals about who the caller is, how they sign in, and what they may do.

Unauthenticated   CredentialsMissing · CredentialsWanted · RepositoryTokenMissing · TokenUnknown
                  TokenMalformed · TokenPlaceholder · TokenForeign · TokenExpired · LinkExpired
                  ReportUnsigned · SignedTokenRefused · IdTokenUsed · SignInFailed · SignInExpired
Forbidden         NotPermitted · NameReserved · AddressNotAllowed · FormForeign · SignInAgain
                  AccountLocked · SignUpClosed · CsrfMissing
NotFound          TokenNotFound · ProviderNotFound · SessionNotFound · IdentityNotFound
                  DeviceCodeUnknown
Conflict          IdentityTaken · LastIdentity
Invalid           FormOfAnotherPage
└── DeviceRefusal     what a device is told; `error` is the word of RFC 8628
    AuthorizationPending · SlowDown · AccessDenied · DeviceCodeExpired · GrantTypeUnknown
TooLarge          TooManyReported
Unavailable       SigningKeyUnavailable · IssuerSilent
"""

from datetime import timedelta
from enum import Enum
from typing import ClassVar

from shared.domain.errors.base import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
    quoted,
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


class CredentialsMissing(Unauthenticated):
    """The operation needs a token and the request has none."""

    def __init__(self) -> None:
        """Say where the token goes."""
        super().__init__(
            "This needs an access token. Put one into Settings.toml as central.accesstoken, "
            "or send it as a bearer token."
        )


class CredentialsWanted(Unauthenticated):
    """An anonymous request finds nothing where there is something for members."""

    def __init__(self, what: object) -> None:
        """Name what was asked for, and leave open whether it exists."""
        super().__init__(
            f"{what} is not here for requests without credentials. Check its name, or put "
            "username and accesstoken into the repository's entry of Settings.toml."
        )


class RepositoryTokenMissing(Unauthenticated):
    """A push to the Maven repository came without credentials."""

    def __init__(self) -> None:
        """Say where they go."""
        super().__init__(
            "Publishing needs an access token. Put username and accesstoken into the repository's "
            "entry of Settings.toml; the username may be any word."
        )


class TokenUnknown(Unauthenticated):
    """The token is not one of this registry, or was revoked."""

    def __init__(self) -> None:
        """Say what to do; never which of the two it was."""
        super().__init__(
            "The access token is not valid here: it was revoked, or expired a while ago, or never "
            "was a token of this registry. Create a new one and put it into Settings.toml."
        )


class TokenMalformed(Unauthenticated):
    """The credentials do not have the form of an access token; no store is asked about them."""

    def __init__(self) -> None:
        """Say how a token is sent."""
        super().__init__(
            "The credentials are no access token of this registry: a part is missing or was "
            "changed, or they are something else. Copy the whole token, which begins with blr_, "
            "into Settings.toml; send it as a bearer token or as the password."
        )


class TokenPlaceholder(Unauthenticated):
    """A client sends the text that our Settings.toml has where the token goes."""

    def __init__(self) -> None:
        """Say what to replace it with."""
        super().__init__(
            "Settings.toml has the placeholder of its template where the access token goes. "
            "Create a token and put it there, at every accesstoken of this registry."
        )


class TokenForeign(Unauthenticated):
    """The token was made by a registry of another environment."""

    def __init__(self, environment: str) -> None:
        """Name the environment that the token itself names."""
        super().__init__(
            f"The access token is of another registry, {environment}. Create one here and put it "
            "into Settings.toml."
        )


class TokenExpired(Unauthenticated):
    """The token's time is over."""

    def __init__(self) -> None:
        super().__init__(
            "The access token has expired. Create a new one and put it into Settings.toml."
        )


class TokenNotFound(NotFound):
    """The caller has no token of this id."""

    def __init__(self, token_id: str) -> None:
        super().__init__(f"token not found: {token_id}. List yours to see their ids.")


class LinkExpired(Unauthenticated):
    """A sign-in link was used before, or is too old."""

    def __init__(self) -> None:
        super().__init__(
            "This sign-in link was used already or is too old. Ask the operator for a new one."
        )


class ReportUnsigned(Unauthenticated):
    """A report of leaked tokens does not come from a scanner that is known here."""

    def __init__(self) -> None:
        """Say what proves where a report comes from."""
        super().__init__(
            "The report is not signed by a scanner that this registry knows. Send the identifier "
            "of the key as Github-Public-Key-Identifier, and its ECDSA signature of the body as "
            "Github-Public-Key-Signature."
        )


class SignedTokenRefused(Unauthenticated):
    """A token that another party signed does not prove what it is to prove."""

    def __init__(self, reason: str) -> None:
        """Say which of its parts is wrong."""
        super().__init__(
            f"The signed token is not accepted: {reason}. Ask its issuer for a new one, and use it "
            "while it is fresh."
        )


class IdTokenUsed(Unauthenticated):
    """An id token was exchanged before, and each is good for one exchange."""

    def __init__(self) -> None:
        super().__init__(
            "This id token was exchanged before, and each is good for one exchange. Ask the "
            "provider for a new one in every job."
        )


class NotPermitted(Forbidden):
    """The caller lacks the right, or the token its scope."""

    def __init__(self, action: str, resource: object, reason: str) -> None:
        """Name the action, what it was tried on, and the right that is missing."""
        super().__init__(f"You may not {action} {resource}: {reason}.")


class NameReserved(Forbidden):
    """The name is kept for the registry's operator."""

    def __init__(self, org: str) -> None:
        """Name the organization."""
        super().__init__(
            f"Organizations that begin with ballerina are the operator's, so {org} is not open. "
            "Push under an organization of your own."
        )


class AddressNotAllowed(Forbidden):
    """A token was used from where it may not be used."""

    def __init__(self, address: str) -> None:
        """Name the address, and say how to use a token from there."""
        super().__init__(
            f"This access token may not be used from {address or 'an unknown address'}. Use it "
            "from the addresses that it was made for, or make one for this address."
        )


class FormForeign(Forbidden):
    """A form was sent that no page of this session has shown."""

    def __init__(self) -> None:
        """Say how to send it from one."""
        super().__init__(
            "This form is from no page of your session, so nothing was changed. Open the page "
            "again, and send it from there."
        )


class SignInAgain(Forbidden):
    """It takes a person who signed in a moment ago, so that no stolen token is enough."""

    def __init__(self, verb: str, resource: object) -> None:
        """Name what was to be done, and say how."""
        super().__init__(
            f"To {verb} {resource}, sign in again on the registry's pages and repeat this within "
            "ten minutes. No access token is enough for it."
        )


class TooManyReported(TooLarge):
    """A report names more leaked tokens than are looked up at once."""

    def __init__(self, count: int, limit: int) -> None:
        """Show both numbers."""
        super().__init__(
            f"The report names {count:,} tokens, and this registry reads {limit:,} at once. "
            "Send it in parts; a repeat does no harm."
        )


class KeyTrouble(Enum):
    """Why there is no signing key."""

    NONE = ""
    UNREAD = "it was not read yet"
    MISSING = "there is none yet, and its operator stores one with infra/keys.sh"
    SILENT = "its key vault does not answer, or refuses"
    UNUSABLE = "what its key vault holds is none, and its operator stores one with infra/keys.sh"


class SigningKeyUnavailable(Unavailable):
    """The registry has no key yet that links and sessions are signed with."""

    retry_after = timedelta(seconds=30)

    def __init__(self, trouble: KeyTrouble) -> None:
        """Say why, and who can help; what is public needs no key."""
        super().__init__(
            f"The registry has no key to sign links and sessions with: {trouble.value}. "
            "Public packages can be read meanwhile. Try again in a few minutes."
        )


class IssuerSilent(Unavailable):
    """An identity provider did not say which keys are its own."""

    retry_after = timedelta(seconds=30)

    def __init__(self, issuer: str) -> None:
        """Name the provider."""
        super().__init__(
            f"{quoted(issuer)} does not answer, so what it signed cannot be checked. "
            "Try again in a minute."
        )


# Refusals of signing in, with the sentences that people read in their browser.
#
# Invalid
# └── FormOfAnotherPage
# NotFound
# └── ProviderNotFound · SessionNotFound · IdentityNotFound
# Conflict
# └── IdentityTaken · LastIdentity
# Unauthenticated
# └── SignInFailed · SignInExpired
# Forbidden
# └── AccountLocked · SignUpClosed · CsrfMissing

_AGAIN = "Start again from the page /sign-in."


class FormOfAnotherPage(Invalid):
    """A form to sign in was not shown in the browser that sent it."""

    def __init__(self) -> None:
        """Say what helps."""
        super().__init__(
            "This form is not from a page that was opened in this browser, or the page lay open "
            "for too long. Open the page again, and allow cookies of this registry."
        )


class ProviderNotFound(NotFound):
    """Nobody of this name signs people in here."""

    def __init__(self, name: str) -> None:
        """Name what was asked for."""
        super().__init__(f"{name[:40]!r} signs nobody in at this registry. {_AGAIN}")


class SessionNotFound(NotFound):
    """The account has no such session."""

    def __init__(self, session_id: str) -> None:
        super().__init__(
            f"You have no session {session_id[:40]!r}. List them to see which there are."
        )


class IdentityNotFound(NotFound):
    """The account has no such identity."""

    def __init__(self, identity_id: str) -> None:
        super().__init__(
            f"You have no identity {identity_id[:40]!r}. List them to see which there are."
        )


class IdentityTaken(Conflict):
    """Somebody at a provider has an account here already, and it is another one."""

    def __init__(self, label: str) -> None:
        """Name who it is at the provider."""
        super().__init__(
            f"{label} belongs to another account of this registry. Sign in with it and remove it "
            "there first."
        )


class LastIdentity(Conflict):
    """Without this identity nobody could sign in to the account any more."""

    def __init__(self, label: str) -> None:
        """Name it, and say what to do first."""
        super().__init__(
            f"{label} is the only way to sign in to this account. Link another identity first."
        )


class SignInFailed(Unauthenticated):
    """A provider's answer signs nobody in."""

    def __init__(self, provider: str, reason: str) -> None:
        """Name the provider and what went wrong."""
        super().__init__(f"Signing in with {provider} did not work: {reason}. {_AGAIN}")


class SignInExpired(Unauthenticated):
    """An answer belongs to no sign-in that this browser has begun."""

    def __init__(self) -> None:
        """Say what may have happened; each of it looks the same."""
        super().__init__(
            "This sign-in was finished before, took too long, or began in another browser. "
            f"{_AGAIN}"
        )


class AccountLocked(Forbidden):
    """An administrator has locked the account that a credential is of."""

    def __init__(self, name: str) -> None:
        """Name the account; why it is locked is for its owner to ask."""
        super().__init__(
            f"The account {name} is locked: nobody signs in to it, and its tokens are refused. "
            "If it is yours, ask an administrator of this registry."
        )


class SignUpClosed(Forbidden):
    """Somebody without an account signed in where accounts are made by the operator."""

    def __init__(self, label: str) -> None:
        """Name who it was, and who can help."""
        super().__init__(
            f"{label} has no account at this registry, and new ones are made by its operator. "
            "Ask for one, and for a sign-in link to link this identity with."
        )


class CsrfMissing(Forbidden):
    """A change came with a session's cookie alone, which a page of anybody could send."""

    def __init__(self) -> None:
        """Name the header, and the other way."""
        super().__init__(
            "Changes with the cookie of a session take the header X-CSRF-Token as well. Programs "
            "send an access token in the Authorization header instead."
        )


# Refusals of the device flow, by which a machine without a browser gets a token (RFC 8628).
#
# NotFound
# └── DeviceCodeUnknown      what a person typed is no code that waits
# Invalid
# └── DeviceRefusal          what the machine is told; `error` is the word of the RFC
#     ├── AuthorizationPending · SlowDown · AccessDenied · DeviceCodeExpired
#     └── GrantTypeUnknown


class DeviceCodeUnknown(NotFound):
    """No machine waits with this code: it never did, was answered already, or is too late."""

    def __init__(self) -> None:
        """Say what to compare, and nothing of which it was."""
        super().__init__(
            "No machine waits with this code. Compare it with your terminal: it is good for ten "
            "minutes and one answer. Start again there for a new one."
        )


class DeviceRefusal(Invalid):
    """A machine gets no token now; `error` is what its program reads."""

    error: ClassVar[str]


class AuthorizationPending(DeviceRefusal):
    """Nobody has answered yet."""

    error = "authorization_pending"

    def __init__(self) -> None:
        """Say where somebody can."""
        super().__init__("Nobody has approved this machine yet. Ask again after the interval.")


class SlowDown(DeviceRefusal):
    """A machine asks more often than it was told to."""

    error = "slow_down"

    def __init__(self) -> None:
        super().__init__("This machine asks too often. Wait five seconds longer between questions.")


class AccessDenied(DeviceRefusal):
    """Somebody said no."""

    error = "access_denied"

    def __init__(self) -> None:
        """Say how to go on if that was a mistake."""
        super().__init__("This machine was refused. If that was a mistake, log in again.")


class DeviceCodeExpired(DeviceRefusal):
    """The code of a machine is unknown, too old, or was exchanged for a token before."""

    error = "expired_token"

    def __init__(self) -> None:
        """Say how to get another, and nothing of which it was."""
        super().__init__("This device code is not valid, or its time is over. Log in again.")


class GrantTypeUnknown(DeviceRefusal):
    """A program asks for a token in a way that is none of this address."""

    error = "unsupported_grant_type"

    def __init__(self) -> None:
        super().__init__(
            "Send grant_type=urn:ietf:params:oauth:grant-type:device_code and the device_code."
        )

"""Refusals about who the caller is, how they sign in, and what they may do.

Unauthenticated   CredentialsMissing · CredentialsWanted · RepositoryTokenMissing · TokenUnknown
                  TokenMalformed · TokenPlaceholder · TokenForeign · TokenExpired · LinkExpired
                  ReportUnsigned · SignedTokenRefused · IdTokenUsed · SignInFailed · SignInExpired
Forbidden         NotPermitted · OrganizationMissing · NameReserved · AddressNotAllowed
                  FormForeign · SignInAgain · AccountLocked · SignUpClosed · CsrfMissing
NotFound          TokenNotFound · ProviderNotFound · SessionNotFound · IdentityNotFound
                  DeviceCodeUnknown
Conflict          IdentityTaken · LastIdentity
Invalid           FormOfAnotherPage
└── DeviceRefusal     what a device is told; `error` is the code of RFC 8628
    AuthorizationPending · SlowDown · AccessDenied · DeviceCodeExpired · GrantTypeUnknown
TooLarge          TooManyReported
Unavailable       SigningKeyUnavailable · IssuerSilent
"""

from datetime import timedelta
from enum import Enum
from typing import ClassVar

from shared.domain.errors.base import (
    Conflict,
    Declared,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)


class CredentialsMissing(Declared, Unauthenticated):
    sentence = (
        "An access token is required. Add one to Settings.toml as central.accesstoken, or send it "
        "as a bearer token."
    )


class CredentialsWanted(Declared, Unauthenticated):
    what: object
    sentence = (
        "{what} is not here for requests without credentials. Check its name, or put username and "
        "accesstoken into the repository's entry of Settings.toml."
    )


class RepositoryTokenMissing(Declared, Unauthenticated):
    sentence = (
        "Publishing needs an access token. Put username and accesstoken into the repository's "
        "entry of Settings.toml; the username may be any word."
    )


class MetricsTokenMissing(Declared, Unauthenticated):
    sentence = "Metrics need the secret of BALLROOM_METRICS_TOKEN as a bearer token."


class TokenUnknown(Declared, Unauthenticated):
    sentence = (
        "The access token is not valid: it was revoked, has expired, or is not "
        "a token of this registry. Create a new one and put it into Settings.toml."
    )


class TokenMalformed(Declared, Unauthenticated):
    sentence = (
        "The credentials are not an access token of this registry: a part is missing or was "
        "changed, or they are something else. Copy the whole token, which begins with blr_, into "
        "Settings.toml; send it as a bearer token or as the password."
    )


class TokenPlaceholder(Declared, Unauthenticated):
    sentence = (
        "Settings.toml has the placeholder of its template where the access token goes. Create a "
        "token and put it there, at every accesstoken of this registry."
    )


class TokenForeign(Declared, Unauthenticated):
    environment: str  # Read from the token.
    sentence = (
        "The access token is of another registry, {environment}. Create one here and put it into "
        "Settings.toml."
    )


class TokenExpired(Declared, Unauthenticated):
    sentence = "The access token has expired. Create a new one and put it into Settings.toml."


class TokenNotFound(Declared, NotFound):
    token_id: str
    sentence = "token not found: {token_id}. List yours to see their ids."


class LinkExpired(Declared, Unauthenticated):
    sentence = "This sign-in link was used or has expired. Ask an administrator for a new one."


class ReportUnsigned(Declared, Unauthenticated):
    sentence = (
        "The report is not signed by a scanner that this registry knows. Send the identifier of "
        "the key as Github-Public-Key-Identifier, and its ECDSA signature of the body as "
        "Github-Public-Key-Signature."
    )


class SignedTokenRefused(Declared, Unauthenticated):
    reason: str
    sentence = (
        "The signed token is not accepted: {reason}. Ask its issuer for a new one, and use it "
        "while it is fresh."
    )


class IdTokenUsed(Declared, Unauthenticated):
    sentence = (
        "This id token was exchanged before, and each is good for one exchange. Ask the provider "
        "for a new one in every job."
    )


class NotPermitted(Declared, Forbidden):
    action: str
    resource: object
    reason: str
    way_out: str = ""
    sentence = "You may not {action} {resource}: {reason}.{ending}"

    @property
    def ending(self) -> str:
        return f" {self.way_out}" if self.way_out else ""


class OrganizationMissing(Declared, Forbidden):
    """The organization does not exist, or is hidden from the caller."""

    action: str
    resource: object
    org: str
    way_out: str = "Ask an administrator of this registry to create it."
    sentence = "You may not {action} {resource}: the organization {org} does not exist. {way_out}"


class NameReserved(Declared, Forbidden):
    org: str
    sentence = (
        "Organizations that begin with ballerina are the operator's, so {org} is not open. Push "
        "under an organization of your own."
    )


class AddressNotAllowed(Declared, Forbidden):
    address: str
    sentence = (
        "This access token may not be used from {shown}. Use it from the addresses that it is "
        "allowed for, or create one for this address."
    )

    @property
    def shown(self) -> str:
        return self.address or "an unknown address"


class FormForeign(Declared, Forbidden):
    sentence = (
        "This form does not belong to your session, so nothing was changed. Reload the page and "
        "send the form again."
    )


class SignInAgain(Declared, Forbidden):
    verb: str
    resource: object
    sentence = (
        "To {verb} {resource}, sign in again on the registry's pages and repeat this within ten "
        "minutes. No access token is enough for it."
    )


class TooManyReported(Declared, TooLarge):
    count: int
    limit: int
    sentence = (
        "The report names {count:,} tokens, and this registry reads {limit:,} at once. Send it in "
        "parts; a repeat does no harm."
    )


class KeyTrouble(Enum):
    NONE = ""
    UNREAD = "it was not read yet"
    MISSING = "there is none yet, and its operator stores one with infra/keys.sh"
    SILENT = "its key vault does not answer, or refuses"
    UNUSABLE = "what its key vault holds is none, and its operator stores one with infra/keys.sh"


class SigningKeyUnavailable(Declared, Unavailable):
    retry_after = timedelta(seconds=30)
    trouble: KeyTrouble
    sentence = (
        "The registry has no key to sign links and sessions with: {trouble.value}. Public packages "
        "can be read meanwhile. Try again in a few minutes."
    )


class IssuerSilent(Declared, Unavailable):
    retry_after = timedelta(seconds=30)
    issuer: str
    sentence = (
        "{issuer!q} does not answer, so what it signed cannot be checked. Try again in a minute."
    )


class FormOfAnotherPage(Declared, Invalid):
    sentence = (
        "This form is not from a page of this browser, or the page was open for too long. Reload "
        "the page, and allow cookies of this registry."
    )


class ProviderNotFound(Declared, NotFound):
    name: str
    sentence = (
        "{shown!r} is not a sign-in method of this registry. Start again from the page /sign-in."
    )

    @property
    def shown(self) -> str:
        return self.name[:40]


class SessionNotFound(Declared, NotFound):
    session_id: str
    sentence = "You have no session {shown!r}. List them to see which there are."

    @property
    def shown(self) -> str:
        return self.session_id[:40]


class IdentityNotFound(Declared, NotFound):
    identity_id: str
    sentence = "You have no identity {shown!r}. List them to see which there are."

    @property
    def shown(self) -> str:
        return self.identity_id[:40]


class IdentityTaken(Declared, Conflict):
    label: str
    sentence = (
        "{label} belongs to another account of this registry. Sign in with it and remove it there "
        "first."
    )


class LastIdentity(Declared, Conflict):
    label: str
    sentence = "{label} is the only way to sign in to this account. Link another identity first."


class SignInFailed(Declared, Unauthenticated):
    provider: str
    reason: str
    sentence = "Signing in with {provider} failed: {reason}. Start again from the page /sign-in."


class SignInExpired(Declared, Unauthenticated):
    sentence = (
        "This sign-in was finished before, took too long, or began in another browser. Start again "
        "from the page /sign-in."
    )


class AccountLocked(Declared, Forbidden):
    name: str
    sentence = (
        "The account {name} is locked: nobody signs in to it, and its tokens are refused. If it is "
        "yours, ask an administrator of this registry."
    )


class SignUpClosed(Declared, Forbidden):
    label: str
    sentence = (
        "{label} has no account at this registry, and only administrators create accounts. Ask for "
        "an account and a sign-in link, then link this identity."
    )


class CsrfMissing(Declared, Forbidden):
    sentence = (
        "Changes with the cookie of a session take the header X-CSRF-Token as well. Programs send "
        "an access token in the Authorization header instead."
    )


class DeviceCodeUnknown(Declared, NotFound):
    sentence = (
        "No device is waiting with this code. Compare it with your terminal: a code works once, "
        "for ten minutes. Log in again there for a new one."
    )


class DeviceRefusal(Invalid):
    """The device gets no token now; `error` is the error code of RFC 8628."""

    error: ClassVar[str]


class AuthorizationPending(Declared, DeviceRefusal):
    error = "authorization_pending"
    sentence = "Nobody has approved this device yet. Try again after the interval."


class SlowDown(Declared, DeviceRefusal):
    error = "slow_down"
    sentence = "This device sends requests too often. Wait five seconds longer between requests."


class AccessDenied(Declared, DeviceRefusal):
    error = "access_denied"
    sentence = "The request of this device was denied. If that was a mistake, log in again."


class DeviceCodeExpired(Declared, DeviceRefusal):
    error = "expired_token"
    sentence = "This device code is not valid, or has expired. Log in again."


class GrantTypeUnknown(Declared, DeviceRefusal):
    error = "unsupported_grant_type"
    sentence = "Send grant_type=urn:ietf:params:oauth:grant-type:device_code and the device_code."

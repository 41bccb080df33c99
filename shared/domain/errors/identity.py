"""Refusals about who the caller is, how they sign in, and what they may do; and about accounts,
organizations and their members.
"""

from datetime import timedelta
from enum import Enum

from shared.domain.errors.base import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
    quoted,
)


def credentials_missing() -> Unauthenticated:
    return Unauthenticated(
        "credentials-missing",
        "An access token is required. Put one into Settings.toml as the accesstoken of this "
        "registry's entry, or send it as a bearer token.",
    )


class SignInToRead(Unauthenticated):
    """Raised where the registry lets only signed-in people read; browsers are sent to sign in."""

    def __init__(self, base_url: str) -> None:
        super().__init__(
            "sign-in-to-read",
            "Reading this registry requires an access token. Create one at "
            f"{base_url}/account/tokens, and put it into Settings.toml as the accesstoken of this "
            "registry's entry.",
        )


class TokenUnknown(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(
            "token-unknown",
            "The access token is not valid: it was revoked, has expired, or is not a token of "
            "this registry. Create a new one and put it into Settings.toml.",
        )


def token_expired(*, is_of_job: bool) -> Unauthenticated:
    way_out = (
        "It was one of a CI job, which is good for minutes. Exchange an id token right before the "
        "push."
        if is_of_job
        else "Create a new one and put it into Settings.toml."
    )
    return Unauthenticated("token-expired", f"The access token has expired. {way_out}")


class TokenMalformed(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(
            "token-malformed",
            "The credentials are not an access token of this registry: a part is missing or was "
            "changed, or they are something else. Copy the whole token, which begins with blr_, "
            "into Settings.toml; send it as a bearer token or as the password.",
        )


class TokenNotFound(NotFound):
    def __init__(self, token_id: str) -> None:
        super().__init__(
            "token-not-found", f"token not found: {token_id}. List yours to see their ids."
        )


def link_expired() -> Unauthenticated:
    return Unauthenticated(
        "link-expired",
        "This sign-in link was used or has expired. Ask an administrator for a new one.",
    )


class LinkOutdated(NotFound):
    def __init__(self) -> None:
        super().__init__(
            "link-outdated",
            "This link is from an earlier version of the registry and no longer works. Ask an "
            "administrator for a new sign-in link, or an owner of the organization for a new "
            "invitation.",
        )


class SignedTokenRefused(Unauthenticated):
    def __init__(self, reason: str) -> None:
        super().__init__(
            "signed-token-refused",
            f"The signed token is not accepted: {reason}. Ask its issuer for a new one, and use "
            "it while it is fresh.",
        )


class NotPermitted(Forbidden):
    def __init__(self, action: str, resource: object, reason: str, way_out: str = "") -> None:
        ending = f" {way_out}" if way_out else ""
        super().__init__("not-permitted", f"You may not {action} {resource}: {reason}.{ending}")


class GrantMissing(NotPermitted):
    """No grant of the credential lets it publish. `reason` is a clause without a full stop; who
    knows the address of the registry adds the way out."""

    def __init__(self, action: str, resource: object, reason: str) -> None:
        super().__init__(action, resource, reason)
        self.reason = reason


class OrganizationMissing(Forbidden):
    """The organization does not exist, or is hidden from the caller."""

    def __init__(
        self,
        action: str,
        resource: object,
        org: str,
        way_out: str = "Ask an administrator of this registry to create it.",
    ) -> None:
        super().__init__(
            "organization-missing",
            f"You may not {action} {resource}: the organization {org} does not exist. {way_out}",
        )
        self.org = org


class SignInAgain(Forbidden):
    def __init__(self, verb: str, resource: object) -> None:
        super().__init__(
            "sign-in-again",
            f"To {verb} {resource}, sign in again on the registry's pages and repeat this within "
            "ten minutes. No access token is enough for it.",
        )


class KeyTrouble(Enum):
    NONE = ""
    UNREAD = "it was not read yet"
    MISSING = "there is none yet, and its operator stores one with infra/keys.sh"
    SILENT = "its key vault does not answer, or refuses, or its file cannot be read"
    UNUSABLE = "what its key vault holds is none, and its operator stores one with infra/keys.sh"


class SigningKeyUnavailable(Unavailable):
    retry_after = timedelta(seconds=30)

    def __init__(self, trouble: KeyTrouble, signed: str) -> None:
        self.found = f"The registry has no key to sign {signed} with: {trouble.value}."
        super().__init__(
            "signing-key-unavailable",
            f"{self.found} Public packages can be read meanwhile. Try again in a few minutes.",
        )


_SILENT = "does not answer"


def issuer_silent(issuer: str, trouble: str) -> Unavailable:
    """`trouble` is what keeps the issuer from answering, after its name in a sentence."""
    way_out = "" if trouble == _SILENT else "The operator finds the reason in the log. "
    return Unavailable(
        "issuer-silent",
        f"{quoted(issuer)} {trouble}, so what it signed cannot be checked. {way_out}Try again in a "
        "minute.",
        timedelta(seconds=30),
    )


class SessionNotFound(NotFound):
    def __init__(self, session_id: str) -> None:
        super().__init__(
            "session-not-found",
            f"You have no session {session_id[:40]!r}. List them to see which there are.",
        )


def sign_in_failed(provider: str, reason: str) -> Unauthenticated:
    return Unauthenticated(
        "sign-in-failed",
        f"Signing in with {provider} failed: {reason}. Start again from the page /sign-in.",
    )


def sign_in_expired() -> Unauthenticated:
    return Unauthenticated(
        "sign-in-expired",
        "This sign-in was finished before, took too long, or began in another browser. Start "
        "again from the page /sign-in.",
    )


def second_administrator_needed(why: str) -> Forbidden:
    """Return the refusal of what an administrator cannot do alone; `why` is a sentence."""
    return Forbidden("second-administrator-needed", f"A second administrator is needed. {why}")


def account_locked(name: str) -> Forbidden:
    return Forbidden(
        "account-locked",
        f"The account {name} is locked: nobody signs in to it, and its tokens are refused. If it "
        "is yours, ask an administrator of this registry.",
    )


class DeviceRefusal(Invalid):
    """The device gets no token now; `error` is the error code of RFC 8628."""

    def __init__(self, code: str, sentence: str, *, error: str) -> None:
        super().__init__(code, sentence)
        self.error = error


class Untrusted(Forbidden):
    """A CI job may not publish; the code is why, for the owners' log.

    A sentence tells about publishers only to a job of the repository that they name.
    """


def organization_not_found(org: str) -> NotFound:
    return NotFound(
        "organization-not-found",
        f"organization not found: {org}. Check its name; organizations that you may not see get "
        "the same answer.",
    )


def account_not_found(account: str, way_out: str = "") -> NotFound:
    ending = f". {way_out}" if way_out else ""
    return NotFound("account-not-found", f"account not found: {account}{ending}")


class OrganizationExists(Conflict):
    def __init__(self, org: str) -> None:
        super().__init__(
            "organization-exists", f"The organization {org} exists already. Choose another name."
        )


def name_reserved(name: str, way_out: str) -> Forbidden:
    return Forbidden(
        "name-reserved",
        f"{name} is, or looks like, a name that this registry reserves for its operator. {way_out}",
    )


class AccountExists(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(
            "account-exists", f"The account {name} exists already. Choose another name."
        )


def last_owner(account: str, org: str) -> Conflict:
    return Conflict(
        "last-owner",
        f"{account} is the only owner of {org}, and an organization keeps at least one. Make "
        "another member owner first.",
    )


def member_not_found(account: str, org: str) -> NotFound:
    return NotFound("member-not-found", f"{account} is not a member of {org}. Invite them first.")


class InvitationNotFound(NotFound):
    def __init__(self) -> None:
        # Never which organization, nor which of these it was: codes could be tried.
        super().__init__(
            "invitation-not-found",
            "This invitation is not valid: it was used, revoked or replaced, or has expired. Ask "
            "the sender for a new one.",
        )


class PatternUnreadable(Invalid):
    def __init__(self, pattern: str) -> None:
        super().__init__(
            "pattern-unreadable",
            f"{pattern[:80]!r} is not a pattern of names. Use letters, digits and underscores, "
            "with * for any number of them and ? for one, and at least one letter or digit.",
        )

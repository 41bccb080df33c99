"""Identity providers: the identity that one verifies."""

import hmac
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol, Self

from msgspec import Struct

from shared.auth.json_web_tokens import Claims
from shared.domain.directory_locks import DirectoryAnswer
from shared.domain.errors.identity import sign_in_failed
from shared.domain.principals import Principal
from shared.domain.tasks import TaskReport
from shared.ports.system import Clock

PROVIDERS = ("entra", "github", "oidc")  # Their names in addresses.

MAX_NAME_LENGTH = 100  # Characters: one short line.
MAX_EMAIL_LENGTH = 254  # What SMTP can carry.


class Freshness(Enum):
    """Whether an earlier sign-in at the provider is accepted."""

    ANY = "any"
    NEW = "new"  # The person must sign in there again.


class StartedSignIn(Struct, frozen=True):
    """A sign-in that continues at the provider: its address, and the state to store until then."""

    address: str
    state: str  # Returned with the response; identifies the flow.
    flow: str  # JSON with secrets, which never leaves the registry.


class VerifiedIdentity(Struct, frozen=True):
    """A person who signed in, according to the provider.

    Issuer and identifier never change. Mail address and names can pass to somebody else, so they
    are used for display and for mail only.
    """

    issuer: str
    identifier: str
    label: str
    email: str
    display_name: str
    strong: bool
    authenticated_ms: int
    # Groups as they are stored; None if the provider does not report them.
    groups: tuple[str, ...] | None = None


class IdentityProvider(Protocol):
    """A service that verifies who a person is.

    `begin` and `finish` raise `sign-in-failed`, or `issuer-silent` when the provider does not
    respond.
    """

    @property
    def label(self) -> str:
        """The name for people."""
        ...

    async def begin(self, redirect_uri: str, freshness: Freshness) -> StartedSignIn:
        """Start a sign-in that redirects to `redirect_uri` afterwards."""
        ...

    async def finish(self, flow: str, answer: Mapping[str, str]) -> VerifiedIdentity:
        """Return who signed in, from the stored flow and the response. Succeeds once."""
        ...

    async def groups_of(self, identifier: str) -> tuple[str, ...] | None:
        """Return the groups of a person now; None where it does not say them without a sign-in, or
        does not respond."""
        ...

    async def check(self) -> None:
        """Ask the provider what a sign-in asks it, without a person, and sign in as this registry;
        raise `Unanswered`."""
        ...


class DirectoryProvider(Protocol):
    """A directory that says, without a sign-in, whether people are enabled."""

    def covers(self, issuer: str) -> bool:
        """Check whether it says so of the people of this issuer."""
        ...

    async def account_states(self, identifiers: Sequence[str]) -> list[DirectoryAnswer]:
        """Return whether people are enabled now, in their order; the answers say why it is not
        certain."""
        ...


class EnabledPeople(Protocol):
    """Asks the identity provider of somebody, where it says without a sign-in who is enabled."""

    async def require_enabled(self, by: Principal, verb: str, what: str) -> None:
        """Raise `NotPermitted` if the provider says that the person of `by` is disabled or gone;
        `verb` and `what` complete "You may not …"."""
        ...

    async def review_everybody(self) -> TaskReport:
        """Ask about everybody with an identity of such a provider; lock accounts of people who are
        disabled or gone, and unlock those of people who are enabled again."""
        ...


class StrongClaims(Struct, frozen=True):
    """The claims of an id token that mark a sign-in as resistant to phishing."""

    pairs: frozenset[tuple[str, str]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `claim=value` pairs separated by commas, or raise `ValueError`."""
        split = [pair.strip().partition("=") for pair in text.split(",") if pair.strip()]
        if any(not name or not value for name, _, value in split):
            message = "it is not a list of claims, such as amr=fido,acr=phr"
            raise ValueError(message)
        return cls(frozenset((name.strip(), value.strip()) for name, _, value in split))

    def met_by(self, claims: Claims) -> bool:
        """Check whether the token has one of the claims."""
        return any(value in claims.texts(name) for name, value in self.pairs)

    def values_of(self, claim: str) -> list[str]:
        return sorted(value for name, value in self.pairs if name == claim)


def one_line(text: str, length: int = MAX_NAME_LENGTH) -> str:
    """Return a text of an untrusted source as one short printable line."""
    shown = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(shown.split())[:length].strip()


def mail_address(text: str) -> str:
    name, _, domain = text.strip().rpartition("@")
    readable = text.isascii() and text.isprintable() and " " not in text.strip()
    return text.strip() if name and domain and readable and len(text) <= MAX_EMAIL_LENGTH else ""


def provider_error_text(error: str) -> str:
    """Return a sentence part for a provider's error code."""
    if error in ("access_denied", "consent_required", "interaction_required"):
        return "you did not agree, or the provider does not let you in here"
    # The code only: anybody can write a description into an address.
    known = error.isascii() and error.replace("_", "").isalnum() and len(error) <= _MAX_CODE
    return f"the provider answered {error}" if known else "the provider answered with an error"


_MAX_CODE = 40


def authorization_code(answer: Mapping[str, str], state: str, label: str) -> str:
    """Return the code of a response to the sign-in with this state, or raise `sign-in-failed`."""
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise sign_in_failed(label, "its answer belongs to another sign-in")
    if "error" in answer:
        raise sign_in_failed(label, provider_error_text(answer["error"]))
    if not answer.get("code"):
        raise sign_in_failed(label, "its answer holds no code")
    return answer["code"]


def authenticated_ms(claims: Claims, clock: Clock) -> int:
    """Return when the person last signed in at the provider; now, where it does not say."""
    if "auth_time" not in claims.values:
        return clock.now_ms()
    return min(claims.seconds("auth_time") * 1000, clock.now_ms())

"""Access tokens as they are stored: their hash, expiry and last use."""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar

from shared.domain.identity import Grant, Role, RoleGrant, Scope
from shared.domain.packages import Provenance
from shared.domain.records import Entity, Place
from shared.domain.times import MS

# An expired token or invitation is still stored so long, that its user reads "expired", not
# "unknown".
EXPIRED_KEPT_FOR = timedelta(days=7)
EXPIRES_SOON = timedelta(days=14)


def hash_secret(secret: str) -> str:
    """Return the hash that is stored of a token, or of another long random secret: its SHA-256 in
    hexadecimal. One round is enough for those.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def token_expiry(now_ms: int, days: int, latest_ms: int | None) -> int:
    """Return when a token of so many days expires: never after the credential that asks for it,
    which expires at `latest_ms`."""
    expires_ms = now_ms + timedelta(days=days) // MS
    return expires_ms if latest_ms is None else min(expires_ms, latest_ms)


class Token(Entity):
    """An access token: its hash, never its text.

    `owner` is an account, or the id of the organization `org`: such a token is for machines, and
    outlives the account that created it.
    """

    kind: ClassVar[str] = "token"

    id: str
    hash: str
    owner: str
    org: str = ""
    name: str
    grants: tuple[Grant, ...]
    created_ms: int
    expires_ms: int | None
    addresses: tuple[str, ...] = ()  # Ranges that it may be used from; empty means everywhere.
    canary: bool = False  # Of an earlier version: refused as if it did not exist.
    provenance: Provenance | None = None  # The CI job of a job's token.
    made_by: str = ""  # The account that got its text; empty for old tokens.

    @property
    def place(self) -> Place:
        """The text of a token contains its owner, so a request finds the token in one read."""
        return Place(self.owner, self.hash)

    @property
    def subject(self) -> str:
        """The id, by which people know the token."""
        return self.id

    @property
    def ends_ms(self) -> int | None:
        return self.expires_ms

    def expires_soon(self, now_ms: int) -> bool:
        return self.expires_ms is not None and self.expires_ms - now_ms < EXPIRES_SOON // MS

    def renewed_expiry(self, now_ms: int, latest_ms: int | None) -> int | None:
        """Return when it expires if it is rotated: after its lifetime, never after `latest_ms`."""
        ends = [] if latest_ms is None else [latest_ms]
        if self.expires_ms is not None:
            ends.append(now_ms + self.expires_ms - self.created_ms)
        return min(ends, default=None)

    @property
    def role_grants(self) -> tuple[RoleGrant, ...]:
        """The role of an organization's token in that organization."""
        return (RoleGrant(org=self.org, role=Role.MAINTAINER),) if self.org else ()


class TokenUse(Entity):
    """When a token was last used, and by which client; written occasionally, without events."""

    kind: ClassVar[str] = "token-use"

    owner: str
    token: str
    used_ms: int
    expires_ms: int | None = None
    address: str = ""
    agent: str = ""

    @property
    def place(self) -> Place:
        return Place(self.owner, self.token)

    @property
    def ends_ms(self) -> int | None:
        return self.expires_ms


def describe_grants(grants: Iterable[Grant]) -> str:
    """Return grants as people read them: `read,push-version on acme/g*`."""
    return "; ".join(
        f"{','.join(scope.value for scope in Scope if scope in grant.scopes)}"
        f" on {grant.org}/{grant.package}"
        for grant in grants
    )

"""Access tokens as they are stored: their hash, expiry and last use, and their lineage (what was
created with them).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from typing import ClassVar

from shared.domain.packages import Provenance
from shared.domain.records import Entity, Place
from shared.domain.rights import Grant, Role, RoleGrant, Scope

# An expired token or invitation is still stored so long, that its user reads "expired", not
# "unknown".
EXPIRED_KEPT_FOR = timedelta(days=7)

_MS = timedelta(milliseconds=1)


def hash_secret(secret: str) -> str:
    """Return the hash that is stored of a token, or of another long random secret: its SHA-256 in
    hexadecimal. One round is enough for those.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def token_expiry(now_ms: int, days: int, latest_ms: int | None) -> int:
    """Return when a token of so many days expires: never after the credential that asks for it,
    which expires at `latest_ms`."""
    expires_ms = now_ms + timedelta(days=days) // _MS
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
    canary: bool = False  # Grants nothing; its use is reported.
    provenance: Provenance | None = None  # The CI job of a job's token.
    made_by: str = ""  # The account that got its text; empty for old tokens.
    made_with: str = ""  # The id of the token that created it; empty for a person.

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


class Made(Enum):  # The name of its schema in openapi.json.
    """The kind of a record that a token can create and that outlives its request."""

    TOKEN = "token"  # noqa: S105 - the name of a sort.
    INVITATION = "invitation"
    MEMBERSHIP = "membership"


# No token created with another one lives longer.
LINEAGE_RETENTION = timedelta(days=366)
_LINEAGE_RETENTION_MS = LINEAGE_RETENTION // _MS


class LineageRecord(Entity):
    """Something that was created with a token.

    It is written first, so what it names may not exist: `made_with` of the thing itself decides.
    """

    kind: ClassVar[str] = "made-by-token"

    owner: str  # Of the token.
    token: str
    what: Made
    org: str = ""
    id: str  # Of the token, the invitation or the new member.
    name: str
    made_ms: int

    @property
    def place(self) -> Place:
        return Place(self.owner, f"{self.token}:{self.what.value}:{self.org.lower()}:{self.id}")

    @property
    def ends_ms(self) -> int:
        """When nothing needs the record any more."""
        return self.made_ms + _LINEAGE_RETENTION_MS

    def __str__(self) -> str:
        return f"{self.what.value} {self.name}{f' of {self.org}' if self.org else ''}"


class StolenToken(Entity):
    """A token that was revoked as stolen: everything created with it ends, also if stored later.

    `listed` are the ids of tokens that the event of the revocation names, so that their revocations
    need no events of their own.
    """

    kind: ClassVar[str] = "stolen-token"

    owner: str
    id: str
    listed: tuple[str, ...]
    at_ms: int

    @property
    def place(self) -> Place:
        return Place(self.owner, self.id)

    @property
    def ends_ms(self) -> int:
        """When everything created with the token has expired."""
        return self.at_ms + _LINEAGE_RETENTION_MS


def lineage_counts(made: Iterable[LineageRecord]) -> dict[str, str]:
    """Return the number of records of each kind, as details of an event."""
    return {
        f"{what.value}s": str(number)
        for what, number in Counter(each.what for each in made).items()
    }


def describe_grants(grants: Iterable[Grant]) -> str:
    """Return grants as people read them: `read,push-version on acme/g*`."""
    return "; ".join(
        f"{','.join(scope.value for scope in Scope if scope in grant.scopes)}"
        f" on {grant.org}/{grant.package}"
        for grant in grants
    )

"""Access tokens as they are stored, and when they expire."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import ClassVar

from shared.domain.entities import Entity, Place
from shared.domain.grants import Grant
from shared.domain.ids import is_id
from shared.domain.packages import Provenance
from shared.domain.principals import RefusedPackage
from shared.domain.scopes import Scope
from shared.domain.times import MS

# How long an expired token or invitation is still stored, so that its user reads "expired" and not
# "unknown".
EXPIRED_KEPT_FOR = timedelta(days=7)
EXPIRES_SOON = timedelta(days=14)
MAX_TOKEN_NAME_LENGTH = 80  # Characters; the names of tokens of CI jobs are cut off there.
MAX_TOKEN_DAYS = 365  # After a year it is often unknown who uses a token.
MAX_APPLY_DAYS = 30  # A token that applies registry files can change every organization.
MAX_AUDIT_DAYS = 90  # A token for audits reads who did what in every organization.
MAX_MODERATION_DAYS = 90  # A token for moderation can hide every package of the registry.


def hash_secret(secret: str) -> str:
    """Return the hash that is stored of a token, or of another long random secret: its SHA-256 in
    hexadecimal. One round is enough for those.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def token_expiry(now_ms: int, days: int, latest_ms: int | None) -> int:
    """Return when a token that is valid for `days` expires: never after the credential that asks
    for it, which expires at `latest_ms`."""
    expires_ms = now_ms + timedelta(days=days) // MS
    return expires_ms if latest_ms is None else min(expires_ms, latest_ms)


class Token(Entity):
    """An access token: its hash, never its text.

    `owner` is an account, or the id of the organization `org`: such a token is for machines, and
    stops with its maker (`shared/domain/makers.py`).
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
    # A token that an earlier version created; it is refused as if it did not exist.
    canary: bool = False
    provenance: Provenance | None = None  # The CI job of a job's token.
    # Packages that the job may not publish, with the refusals.
    refused: tuple[RefusedPackage, ...] = ()
    # The account that got its text, or confirmed it later; empty for old tokens.
    made_by: str = ""
    # The accounts that made the publishers of a job's token.
    publishers_made_by: tuple[str, ...] = ()
    # Whether a guest whose account is unknown made one of the publishers.
    by_unknown_guest: bool = False
    # Whether a guest created or caused a token of an organization, as of its creation.
    by_guest: bool = False
    # The versions that a job's token may publish, by the keys of packages; of others, any.
    only_versions: Mapping[str, tuple[str, ...]] = {}

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

    @property
    def makers(self) -> tuple[str, ...]:
        """The accounts with which a token of an organization stops, and that decide whether it is
        one of staff; none where no account is known, or the operator made it: then `by_guest`
        decides."""
        if not self.org:
            return ()
        is_of_account = self.provenance is None and is_id(self.made_by)
        return self.publishers_made_by or ((self.made_by,) if is_of_account else ())

    def expires_soon(self, now_ms: int) -> bool:
        return self.expires_ms is not None and self.expires_ms - now_ms < EXPIRES_SOON // MS

    def renewed_expiry(self, now_ms: int, latest_ms: int | None) -> int | None:
        """Return when it expires if it is rotated: after its lifetime, never after `latest_ms`."""
        ends = [] if latest_ms is None else [latest_ms]
        if self.expires_ms is not None:
            ends.append(now_ms + self.expires_ms - self.created_ms)
        return min(ends, default=None)


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

"""Access tokens as they are stored, their last use, and their lineage (what was created with
them).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from typing import ClassVar

from shared.domain.packages import Provenance
from shared.domain.records import Entity, Place
from shared.domain.rights import Grant, Role, RoleGrant, Scope


class Token(Entity):
    """An access token: its hash, never its text.

    `owner` is the account whose token it is, or the id of an organization, whose name is `org`
    then: a token for machines, which outlives the people who made it.
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
    addresses: tuple[str, ...] = ()  # Ranges that it may be used from; none are no limit.
    canary: bool = False  # Opens nothing, and tells when somebody tries it.
    provenance: Provenance | None = None  # Of a job's token: the job.
    made_by: str = ""  # Who was given its text; empty for tokens from before this was noted.
    made_with: str = ""  # The id of the token that asked for its text; empty for a person.

    @property
    def place(self) -> Place:
        """Return where a request finds it: by what its text tells."""
        return Place(self.owner, self.hash)

    @property
    def subject(self) -> str:
        """Return the id, which people know it by."""
        return self.id

    @property
    def ends_ms(self) -> int | None:
        """Return when it expires."""
        return self.expires_ms

    @property
    def role_grants(self) -> tuple[RoleGrant, ...]:
        """Return the role that a token of an organization has in it."""
        return (RoleGrant(org=self.org, role=Role.MAINTAINER),) if self.org else ()


class TokenUse(Entity):
    """When a token was last used, and by which client; noted now and then, never a change."""

    kind: ClassVar[str] = "token-use"

    owner: str
    token: str
    used_ms: int
    expires_ms: int | None = None
    address: str = ""
    agent: str = ""

    @property
    def place(self) -> Place:
        """Return the place of the token's use beside the token."""
        return Place(self.owner, self.token)

    @property
    def ends_ms(self) -> int | None:
        """Return when the token expires."""
        return self.expires_ms


class LineageKind(Enum):
    """What a token can make that outlives its request."""

    TOKEN = "token"  # noqa: S105 - the name of a sort.
    INVITATION = "invitation"
    MEMBERSHIP = "membership"


# No token made with another one lasts longer, and no theft is noticed later.
LINEAGE_RETENTION = timedelta(days=366)
_LINEAGE_RETENTION_MS = LINEAGE_RETENTION // timedelta(milliseconds=1)


class LineageRecord(Entity):
    """What was made with a token, listed beside that token.

    It is written before what it names, so it may name what was never made, or is gone: the mark
    `made_with` on the thing itself decides.
    """

    kind: ClassVar[str] = "made-by-token"

    owner: str  # Of the token.
    token: str
    what: LineageKind
    org: str = ""
    id: str  # Of the token or invitation that was made, or the account that became a member.
    name: str
    made_ms: int

    @property
    def place(self) -> Place:
        """Return its place beside the token."""
        return Place(self.owner, f"{self.token}:{self.what.value}:{self.org.lower()}:{self.id}")

    @property
    def ends_ms(self) -> int:
        """Return from when on nobody asks for it."""
        return self.made_ms + _LINEAGE_RETENTION_MS

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.what.value} {self.name}{f' of {self.org}' if self.org else ''}"


class StolenToken(Entity):
    """A token that was revoked as stolen: whatever was made with it ends, also what comes late.

    `listed` are the ids of tokens that the event of the revocation names, so that the end of each
    needs none of its own.
    """

    kind: ClassVar[str] = "stolen-token"

    owner: str
    id: str
    listed: tuple[str, ...]
    at_ms: int

    @property
    def place(self) -> Place:
        """Return its place beside the token."""
        return Place(self.owner, self.id)

    @property
    def ends_ms(self) -> int:
        """Return from when on nothing that was made with it can be there."""
        return self.at_ms + _LINEAGE_RETENTION_MS


def lineage_counts(made: Iterable[LineageRecord]) -> dict[str, str]:
    """Return how many things of each sort there are, as details of an event."""
    return {
        f"{what.value}s": str(number)
        for what, number in Counter(each.what for each in made).items()
    }


def describe_grants(grants: Iterable[Grant]) -> str:
    """Return what credentials allow, as people read it: `read,push-version on acme/g*`."""
    return "; ".join(
        f"{','.join(scope.value for scope in Scope if scope in grant.scopes)}"
        f" on {grant.org}/{grant.package}"
        for grant in grants
    )

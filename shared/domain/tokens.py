"""Access tokens as they are stored, and how they were last used."""

from collections.abc import Iterable
from typing import ClassVar

from shared.domain.entity import Entity, Place
from shared.domain.package import Provenance
from shared.domain.rights import Grant, Holding, Role, Scope


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
    def holdings(self) -> tuple[Holding, ...]:
        """Return the role that a token of an organization has in it."""
        return (Holding(org=self.org, role=Role.MAINTAINER),) if self.org else ()


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


def described(grants: Iterable[Grant]) -> str:
    """Return what credentials allow, as people read it: `read,push-version on acme/g*`."""
    return "; ".join(
        f"{','.join(scope.value for scope in Scope if scope in grant.scopes)}"
        f" on {grant.org}/{grant.package}"
        for grant in grants
    )

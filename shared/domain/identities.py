"""Identities: people as identity providers know them, and the groups that these say."""

import hashlib
from collections.abc import Iterable
from typing import ClassVar

from shared.domain.entities import Entity, Place

MAX_GROUPS = 2_000  # Groups of one identity; their ids take about 80 KiB.
MAX_GROUP_LENGTH = 200  # Characters; a longer name is not taken as a group.
ROLE_PREFIX = "role:"  # The prefix of app roles of Entra ID, which are stored with the groups.


def parse_groups(groups: Iterable[str], roles: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what a provider says as groups to store: each once, in order, without what no rule can
    name."""
    named = {each for each in groups if not each.startswith(ROLE_PREFIX)}
    named |= {f"{ROLE_PREFIX}{each}" for each in roles}
    fit = (each for each in named if each == each.strip() and each.isprintable())
    return tuple(sorted(each for each in fit if 0 < len(each) <= MAX_GROUP_LENGTH))[:MAX_GROUPS]


class Identity(Entity):
    """A person's identity at an identity provider, linked to an account."""

    kind: ClassVar[str] = "identity"

    issuer: str
    identifier: str
    account: str
    label: str  # The person's name at the provider.
    provider: str
    linked_ms: int
    groups: tuple[str, ...] = ()
    # When the provider last reported the groups; None if it never did.
    groups_ms: int | None = None
    roles_ms: int = 0  # When a token of the provider last reported app roles.
    # Whether the directory of the provider provisions the account by SCIM.
    is_provisioned: bool = False
    pushed_groups: tuple[str, ...] = ()  # By SCIM; they hold until the directory says otherwise.

    @property
    def place(self) -> Place:
        """Sign-in finds the identity by this place."""
        return identity_place(self.issuer, self.identifier)

    @property
    def subject(self) -> str:
        """The account, so that its identities can be listed."""
        return self.account

    @property
    def id(self) -> str:
        return self.place.owner.removeprefix("identity-")[:20]


def identity_place(issuer: str, identifier: str) -> Place:
    """Return the place of an identity. It holds a hash, never the identifier itself."""
    digest = hashlib.sha256(f"{issuer}\n{identifier}".encode()).hexdigest()
    return Place(f"identity-{digest}")

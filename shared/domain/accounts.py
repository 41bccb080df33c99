"""Accounts: the people of a registry, their names, and who vouches for them."""

import hashlib
from typing import ClassVar

from shared.domain.entity import Entity, Place
from shared.domain.package import Record

ADMINISTRATORS = "administrators"  # What they are found by together; no mail address is like it.


class Lock(Record):
    """Since when an account is locked, by whom and why; only administrators read the reason."""

    at_ms: int
    by: str
    reason: str


class Account(Entity):
    """A person. While it is locked nobody signs in to it, and all its credentials are refused."""

    kind: ClassVar[str] = "account"

    id: str
    name: str
    administrator: bool = False
    created_ms: int
    email: str = ""  # Where mail goes; empty where nobody told.
    lock: Lock | None = None

    @property
    def place(self) -> Place:
        """Return the account's own place."""
        return Place(self.id)

    @property
    def subject(self) -> str:
        """Return what administrators share, and the mail address of everybody else."""
        return ADMINISTRATORS if self.administrator else self.email.lower()

    @property
    def is_locked(self) -> bool:
        """Say whether its credentials are refused."""
        return self.lock is not None


class AccountName(Entity):
    """A name that is taken: claimed before its account is made, and never given back."""

    kind: ClassVar[str] = "account-name"

    name: str
    account: str
    created_ms: int
    is_retired: bool = False  # Its account was deleted.

    @property
    def place(self) -> Place:
        """Return the place of the name, which all spellings share."""
        return place_of_name(self.name)


def place_of_name(name: str) -> Place:
    """Return where it is written whose name this is."""
    return Place(f"name-{name.lower()}")


class Identity(Entity):
    """Somebody at a provider of identities, and the account that is theirs here."""

    kind: ClassVar[str] = "identity"

    issuer: str
    identifier: str
    account: str
    label: str  # What the person calls themselves there, to tell one identity from another.
    provider: str
    linked_ms: int

    @property
    def place(self) -> Place:
        """Return the place that a sign-in finds it by."""
        return place_of_identity(self.issuer, self.identifier)

    @property
    def subject(self) -> str:
        """Return the account, to list what belongs to it."""
        return self.account

    @property
    def id(self) -> str:
        """Return a short name of it for addresses."""
        return self.place.owner.removeprefix("identity-")[:20]


def place_of_identity(issuer: str, identifier: str) -> Place:
    """Return where it is written whose account this is; the name of a person never is."""
    digest = hashlib.sha256(f"{issuer}\n{identifier}".encode()).hexdigest()
    return Place(f"identity-{digest}")

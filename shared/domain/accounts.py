"""Accounts: the people of a registry, and their names."""

from typing import ClassVar

from shared.domain.entity import Entity, Place


class Account(Entity):
    """A person."""

    kind: ClassVar[str] = "account"

    id: str
    name: str
    administrator: bool = False
    created_ms: int
    email: str = ""  # Where mail goes; empty where nobody told.

    @property
    def place(self) -> Place:
        """Return the account's own place."""
        return Place(self.id)


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

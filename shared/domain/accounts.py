"""Accounts: people, their names, and their identities at identity providers."""

import hashlib
import re
from typing import ClassVar

from shared.domain.errors.base import InvalidRequest
from shared.domain.records import Entity, Place, Record
from shared.domain.reserved_names import is_reserved_name

# Accounts and organizations have ids of this length; so have tokens and publishers.
ID_LENGTH = 10
MAX_ACCOUNT_NAME_LENGTH = 40

# What the log calls those who act and have no account. No account has such a name, whoever asks.
ACTORS = frozenset({"anonymous", "console", "nobody", "operator", "somebody", "upkeep"})

_ID = re.compile(rf"[0-9A-Za-z]{{{ID_LENGTH}}}")
_NAME = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,{MAX_ACCOUNT_NAME_LENGTH - 2}}}[A-Za-z0-9])?")
# Beginnings of the texts of tokens, and of the ids of callers of Entra ID without an account.
_PREFIXES = ("blr_", "entra-")

ADMINISTRATORS = "administrators"  # What they are found by together; no mail address is like it.


class AccountLock(Record):
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
    lock: AccountLock | None = None

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
        return account_name_place(self.name)


def is_id(text: str) -> bool:
    """Say whether `text` has the form of an id: of an account, an organization or a token."""
    return _ID.fullmatch(text) is not None


def is_account_name(text: str) -> bool:
    """Say whether accounts are looked up by `text` as a name: no id is one."""
    return _NAME.fullmatch(text) is not None and not is_id(text)


def parse_account_name(text: str) -> str:
    """Return `text` as the name of a new account, or raise `InvalidRequest`.

    No name has the form of an id, of an organization's id or of a token, so that nobody can take a
    name that a program or a person reads as somebody else's id.
    """
    if not _NAME.fullmatch(text):
        message = (
            f"{text[:80]!r} is no account name. Use 1 to {MAX_ACCOUNT_NAME_LENGTH} letters and "
            "digits, with . _ - between them."
        )
        raise InvalidRequest(message)
    if is_id(text):
        message = (
            f"{text!r} is no account name: {ID_LENGTH} letters and digits are the form of an id. "
            "Add a character, or put . _ or - between two of them."
        )
        raise InvalidRequest(message)
    if text.lower() in ACTORS or text.lower().startswith(_PREFIXES):
        message = (
            f"{text!r} is no account name: the registry gives it another meaning. Choose another."
        )
        raise InvalidRequest(message)
    return text


def is_administrator_name(name: str) -> bool:
    """Say whether only administrators have such a name: its bearer seems to run the registry."""
    return is_reserved_name(name, ())


def account_name_place(name: str) -> Place:
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
        return identity_place(self.issuer, self.identifier)

    @property
    def subject(self) -> str:
        """Return the account, to list what belongs to it."""
        return self.account

    @property
    def id(self) -> str:
        """Return a short name of it for addresses."""
        return self.place.owner.removeprefix("identity-")[:20]


def identity_place(issuer: str, identifier: str) -> Place:
    """Return where it is written whose account this is; the name of a person never is."""
    digest = hashlib.sha256(f"{issuer}\n{identifier}".encode()).hexdigest()
    return Place(f"identity-{digest}")

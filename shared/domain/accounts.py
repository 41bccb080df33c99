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

# Actors in the audit log that have no account. No account can have such a name.
ACTORS = frozenset({"anonymous", "console", "nobody", "operator", "somebody", "upkeep"})

_ID = re.compile(rf"[0-9A-Za-z]{{{ID_LENGTH}}}")
_NAME = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,{MAX_ACCOUNT_NAME_LENGTH - 2}}}[A-Za-z0-9])?")
# Prefixes of tokens, and of the ids of callers from Entra ID without an account.
_PREFIXES = ("blr_", "entra-")

ADMINISTRATORS = "administrators"  # Their common subject; no mail address looks like it.


class AccountLock(Record):
    """Only administrators read the reason."""

    at_ms: int
    by: str
    reason: str


class Account(Entity):
    """A person. While an account is locked, sign-in and all its credentials are refused."""

    kind: ClassVar[str] = "account"

    id: str
    name: str
    administrator: bool = False
    created_ms: int
    email: str = ""  # Empty when unknown.
    lock: AccountLock | None = None

    @property
    def place(self) -> Place:
        return Place(self.id)

    @property
    def subject(self) -> str:
        """`ADMINISTRATORS` for an administrator, the mail address for other accounts."""
        return ADMINISTRATORS if self.administrator else self.email.lower()

    @property
    def is_locked(self) -> bool:
        return self.lock is not None


class AccountName(Entity):
    """A name in use now or before: claimed before its account is created, and never freed."""

    kind: ClassVar[str] = "account-name"

    name: str
    account: str
    created_ms: int
    is_retired: bool = False  # Its account was deleted.

    @property
    def place(self) -> Place:
        """All spellings of a name share a place."""
        return account_name_place(self.name)


def is_id(text: str) -> bool:
    """Check whether `text` has the form of the id of an account, organization or token."""
    return _ID.fullmatch(text) is not None


def is_account_name(text: str) -> bool:
    """Check whether accounts are looked up by `text` as a name, not as an id."""
    return _NAME.fullmatch(text) is not None and not is_id(text)


def parse_account_name(text: str) -> str:
    """Return `text` as the name of a new account, or raise `InvalidRequest`.

    No name has the form of an id or of a token, so that no program or person mistakes it for one.
    """
    if not _NAME.fullmatch(text):
        message = (
            f"{text[:80]!r} is not a valid account name. Use 1 to "
            f"{MAX_ACCOUNT_NAME_LENGTH} letters and "
            "digits, with . _ - between them."
        )
        raise InvalidRequest(message)
    if is_id(text):
        message = (
            f"{text!r} is not a valid account name: "
            f"{ID_LENGTH} letters and digits are the form of an id. "
            "Add a character, or put . _ or - between two of them."
        )
        raise InvalidRequest(message)
    if text.lower() in ACTORS or text.lower().startswith(_PREFIXES):
        message = (
            f"{text!r} is not a valid account name: the registry gives it another meaning. Choose "
            "another one."
        )
        raise InvalidRequest(message)
    return text


def is_administrator_name(name: str) -> bool:
    """Check whether only administrators may have the name, as it seems official."""
    return is_reserved_name(name, ())


def account_name_place(name: str) -> Place:
    """Return the place of an account name, in any spelling."""
    return Place(f"name-{name.lower()}")


class Identity(Entity):
    """A person's identity at an identity provider, linked to an account."""

    kind: ClassVar[str] = "identity"

    issuer: str
    identifier: str
    account: str
    label: str  # The person's name at the provider.
    provider: str
    linked_ms: int

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

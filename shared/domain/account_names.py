"""Names of accounts: those in use, and former ones, which nobody gets again."""

import hmac
import re
from typing import ClassVar

from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest
from shared.domain.ids import ID_LENGTH, is_id
from shared.domain.reserved_names import is_reserved_name

MAX_ACCOUNT_NAME_LENGTH = 40

# Actors in the audit log that have no account. No account can have such a name.
ACTORS = frozenset(
    {"anonymous", "console", "directory", "nobody", "operator", "somebody", "upkeep"}
)
_NAME = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,{MAX_ACCOUNT_NAME_LENGTH - 2}}}[A-Za-z0-9])?")
# Prefixes of tokens, and of the ids of callers from Entra ID without an account.
_PREFIXES = ("blr_", "entra-")


class AccountName(Entity):
    """A name in use: claimed before its account is created. A former name is a `RetiredName`."""

    kind: ClassVar[str] = "account-name"

    name: str
    account: str
    created_ms: int
    # Only in records of earlier versions: a former name that will be hashed.
    is_retired: bool = False

    @property
    def place(self) -> Place:
        """All spellings of a name share a place."""
        return account_name_place(self.name)


class NameSalt(Entity):
    """The salt of the hashes of former names; made with the first one, and never changed."""

    kind: ClassVar[str] = "name-salt"

    salt: str

    @property
    def place(self) -> Place:
        return NAME_SALT_PLACE

    def hash_of(self, name: str) -> str:
        """Return the hash of a name, the same for all its spellings."""
        return hmac.digest(self.salt.encode(), name.lower().encode(), "sha256").hex()


NAME_SALT_PLACE = Place("name-salt")


class RetiredName(Entity):
    """A former name of an account, which nobody gets again: its hash, never its text."""

    kind: ClassVar[str] = "retired-name"

    hash: str

    @property
    def place(self) -> Place:
        return retired_name_place(self.hash)


def retired_name_place(name_hash: str) -> Place:
    return Place(f"retired-{name_hash}")


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

"""SCIM 2.0 (RFC 7643, RFC 7644): the people and groups that a directory provisions, and the tokens
by which it does.

A directory is one of the identity providers by whose identity its people sign in. Its records have
one owner, so that those of another directory are never among them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import ClassVar

from shared.domain.entities import Entity, Place
from shared.domain.errors.base import Conflict, Invalid, NotFound, printable
from shared.domain.group_rules import ENTRA
from shared.domain.records import Record
from shared.domain.times import MS

# Tokens of one directory: a new token is created before the old one is revoked.
MAX_SCIM_TOKENS = 4
MAX_SCIM_TOKEN_DAYS = 365
SCIM_TOKEN_ENDS_SOON = timedelta(days=30)
# Members of one group. Their ids take 500 KB, a quarter of the limit of an item in Cosmos DB.
MAX_MEMBERS = 20_000
MAX_TEXT = 256  # Characters of a name, an address or an id of the directory.
MAX_EMAILS = 10
PENDING = "pending"

_OBJECT_ID_LENGTH = 36


class ScimToken(Entity):
    """A token of a directory: its hash, never its text. It reaches `/scim/v2` and nothing else."""

    kind: ClassVar[str] = "scim-token"

    id: str
    hash: str
    directory: str  # The identity provider.
    made_by: str
    created_ms: int
    expires_ms: int

    @property
    def place(self) -> Place:
        """The text of a token contains its id, so a request finds the token in one read."""
        return Place(self.id, self.hash)

    @property
    def ends_ms(self) -> int | None:
        return self.expires_ms

    def ends_soon(self, now_ms: int) -> bool:
        return self.expires_ms - now_ms < SCIM_TOKEN_ENDS_SOON // MS


class ScimEmail(Record):
    """A mail address of a person, as the directory sends it."""

    value: str = ""
    type: str | None = None
    primary: bool | None = None


class ScimName(Record):
    """The parts of the name of a person."""

    formatted: str | None = None
    family_name: str | None = None
    given_name: str | None = None


class ScimPerson(Record):
    """What a directory says of a person; anything else that it sends is not stored."""

    user_name: str
    external_id: str | None = None
    display_name: str | None = None
    name: ScimName | None = None
    emails: tuple[ScimEmail, ...] = ()
    active: bool | None = None

    @property
    def is_active(self) -> bool:
        """Whether the person may sign in: who is not said to be inactive is active."""
        return self.active is not False

    @property
    def email(self) -> str:
        """The address for mail: the primary one, else that of work, else the first."""
        ranked = sorted(self.emails, key=lambda each: (not each.primary, each.type != "work"))
        return next((each.value for each in ranked if each.value), "")

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(each.value for each in self.emails if each.value)

    @property
    def full_name(self) -> str:
        name = self.name or ScimName()
        parts = " ".join(part for part in (name.given_name, name.family_name) if part)
        return self.display_name or name.formatted or parts


class ScimUser(Entity):
    """A person whom a directory provisions, and the account that is theirs.

    `account` is empty without an external id, and while an account that exists waits for an
    administrator, because it is that of the same identity. `groups` has the groups of the person,
    by id, each with the name by which rules know it.
    """

    kind: ClassVar[str] = "scim-user"

    id: str
    directory: str
    person: ScimPerson
    account: str = ""
    waits_for: str = ""  # The account that the directory takes over if somebody agrees.
    groups: Mapping[str, str] = {}
    created_ms: int
    modified_ms: int

    @property
    def place(self) -> Place:
        return Place(directory_owner(self.directory), self.id)

    @property
    def subject(self) -> str:
        """The account, so that what a directory stores of it can be listed."""
        return self.account or self.waits_for

    @property
    def keys(self) -> tuple["ScimKey", ...]:
        """What no other user of the directory has."""
        person = self.person
        found = {"userName": person.user_name, "externalId": person.external_id or ""}
        return _keys(self.directory, self.id, found)


class ScimWaiting(Entity):
    """A user of a directory whose account exists and waits for an administrator, so that those that
    wait are listed without reading all users."""

    kind: ClassVar[str] = "scim-waiting"

    directory: str
    user: str
    account: str

    @property
    def place(self) -> Place:
        return Place(directory_owner(self.directory), self.user)

    @property
    def subject(self) -> str:
        return self.account


class ScimGroup(Entity):
    """A group that a directory provisions; its members are in `ScimMembers`."""

    kind: ClassVar[str] = "scim-group"

    id: str
    directory: str
    display_name: str
    external_id: str | None = None
    created_ms: int
    modified_ms: int

    @property
    def place(self) -> Place:
        return Place(directory_owner(self.directory), self.id)

    @property
    def rule_name(self) -> str:
        """The name by which rules know the group: the object id with Entra ID, where another group
        may get the name of one that was deleted; elsewhere the name, as in a token."""
        if self.directory == ENTRA:
            return (self.external_id or "").lower()
        return self.display_name

    @property
    def keys(self) -> tuple["ScimKey", ...]:
        """What no other group of the directory has."""
        return _keys(self.directory, self.id, {"group": self.rule_name})


class ScimMembers(Entity):
    """The members of a group, by their ids; `pending` are those whose roles do not follow from it
    yet. They are apart from the group, because a list of groups reads no members."""

    kind: ClassVar[str] = "scim-members"

    group: str
    directory: str
    members: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The same of all with pending people, so that these can be listed."""
        return PENDING if self.pending else ""

    @property
    def place(self) -> Place:
        return Place(directory_owner(self.directory), self.group)


class ScimKey(Entity):
    """Gives a name or an id of a directory to one of its users or groups, and finds it by that."""

    kind: ClassVar[str] = "scim-key"

    directory: str
    field: str
    digest: str
    holder: str

    @property
    def place(self) -> Place:
        return Place(directory_owner(self.directory), f"{self.field}-{self.digest}")


def directory_owner(directory: str) -> str:
    """Return the owner of the records of a directory."""
    return f"scim-{directory}"


def key_place(directory: str, field: str, value: str) -> Place:
    return Place(directory_owner(directory), f"{field}-{_digest(value)}")


def _keys(directory: str, holder: str, values: Mapping[str, str]) -> tuple[ScimKey, ...]:
    return tuple(
        ScimKey(directory=directory, field=field, digest=_digest(value), holder=holder)
        for field, value in values.items()
        if value
    )


def _digest(value: str) -> str:
    """Return the digest of a value, which is compared without case."""
    return hashlib.sha256(value.lower().encode()).hexdigest()


def checked_person(person: ScimPerson, directory: str) -> ScimPerson:
    """Return the person with the external id as an identity has it; raise a refusal of what no
    person has."""
    name = person.name or ScimName()
    texts = {
        "userName": person.user_name,
        "externalId": person.external_id,
        "displayName": person.display_name,
        "formatted": name.formatted,
        "familyName": name.family_name,
        "givenName": name.given_name,
    }
    _check_texts(texts)
    for each in person.emails:
        _check_texts({"emails": each.value, "type": each.type})
    if not person.user_name.strip():
        raise invalid_value("userName", "is missing")
    if len(person.emails) > MAX_EMAILS:
        raise invalid_value("emails", f"has more than {MAX_EMAILS} addresses")
    return person.model_copy(update={"external_id": _external_id(person.external_id, directory)})


def checked_group(group: ScimGroup) -> ScimGroup:
    """Return the group with its object id in lower case; raise a refusal of what no group has."""
    _check_texts({"displayName": group.display_name, "externalId": group.external_id})
    if not group.display_name.strip():
        raise invalid_value("displayName", "is missing")
    return group.model_copy(update={"external_id": group.external_id or None})


def check_member_count(count: int) -> None:
    if count > MAX_MEMBERS:
        raise invalid_value(
            "members",
            f"has {count:,} of them, and a group has {MAX_MEMBERS:,} at most. Provision smaller "
            "groups",
        )


def _external_id(value: str | None, directory: str) -> str | None:
    """Return the external id of a person; with Entra ID it is the object id of the user."""
    if not value:
        return None
    if directory != ENTRA:
        return value
    lower = value.lower()
    if len(lower) != _OBJECT_ID_LENGTH or not set(lower) <= set("0123456789abcdef-"):
        raise invalid_value(
            "externalId",
            f"is {printable(value)!r}, which is no object id of Entra ID. Map objectId to "
            "externalId in the attribute mappings of the users",
        )
    return lower


def _check_texts(texts: Mapping[str, str | None]) -> None:
    for field, text in texts.items():
        if text and len(text) > MAX_TEXT:
            raise invalid_value(field, f"has more than {MAX_TEXT} characters")
        if text and not text.isprintable():
            raise invalid_value(field, "has a character that cannot be printed")


class ScimRefused(Invalid):
    """A request of a directory that cannot be done as it is; directories read `keyword`, which is
    one of RFC 7644, table 9."""

    def __init__(self, keyword: str, sentence: str) -> None:
        super().__init__("scim-refused", sentence)
        self.keyword = keyword


def invalid_value(field: str, reason: str) -> ScimRefused:
    return ScimRefused("invalidValue", f"{field} {reason}.")


def key_taken(field: str, value: str) -> Conflict:
    return Conflict(
        "scim-uniqueness",
        f"Another resource of this directory has the {field} {printable(value)!r}.",
    )


def resource_not_found(resource: str, resource_id: str) -> NotFound:
    return NotFound(
        "scim-not-found",
        f"There is no {resource} {printable(resource_id)!r}. List the resources to see their ids.",
    )


def version_outdated(wanted: str, current: str) -> Conflict:
    return Conflict(
        "scim-version",
        f"The resource has the version {current}, and If-Match says {printable(wanted)}. Read it "
        "again.",
    )


def group_names(groups: Iterable[str]) -> tuple[str, ...]:
    """Return the names of groups as an identity stores them; no rule knows one without a name."""
    return tuple(sorted({each for each in groups if each}))

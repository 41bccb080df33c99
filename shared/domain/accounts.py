"""Accounts: people, their names, their identities at identity providers, and their access tokens as
they are stored; and the records of organizations.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import ClassVar, Self

from msgspec import Struct

from shared.domain.errors.base import Invalid, InvalidRequest
from shared.domain.packages import Provenance, Visibility
from shared.domain.principals import Grant, RefusedPackage, Scope
from shared.domain.records import Entity, Place, Record
from shared.domain.reserved_names import is_reserved_name
from shared.domain.times import MS

# Accounts and organizations have ids of this length; so have tokens and publishers.
ID_LENGTH = 10
MAX_ACCOUNT_NAME_LENGTH = 40

# Actors in the audit log that have no account. No account can have such a name.
ACTORS = frozenset(
    {"anonymous", "console", "directory", "nobody", "operator", "somebody", "upkeep"}
)

_ID = re.compile(rf"[0-9A-Za-z]{{{ID_LENGTH}}}")
_NAME = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,{MAX_ACCOUNT_NAME_LENGTH - 2}}}[A-Za-z0-9])?")
# Prefixes of tokens, and of the ids of callers from Entra ID without an account.
_PREFIXES = ("blr_", "entra-")

ADMINISTRATORS = "administrators"  # Their common subject; no mail address looks like it.


class LockSource(Enum):
    """Who locked an account; a lock ends by its own source alone."""

    ADMINISTRATOR = "administrator"
    DIRECTORY = "directory"  # Entra ID, where the person is disabled or gone.


class AccountLock(Record):
    """Only administrators read the reason."""

    at_ms: int
    by: str
    reason: str
    source: LockSource = LockSource.ADMINISTRATOR  # Also of locks of earlier versions.


class AccountByGroups(Record):
    """What the groups of an account make it, and whether it is an administrator by hand as well.

    After `until_ms` it is no administrator by them, and after `staff_until_ms` no staff: nobody
    knows whether it is still in its groups.
    """

    administrator: bool = False
    staff: bool = False
    until_ms: int = 0
    staff_until_ms: int | None = None  # None: of an earlier version, until its groups are read.
    administrator_by_hand: bool = False


class Account(Entity):
    """A person. While an account is locked, sign-in and all its credentials are refused."""

    kind: ClassVar[str] = "account"

    id: str
    name: str
    administrator: bool = False
    created_ms: int
    email: str = ""  # Empty when unknown.
    lock: AccountLock | None = None  # Of administrators.
    directory_lock: AccountLock | None = None
    by_groups: AccountByGroups | None = None  # None: `administrator` is by hand.
    # After that nobody knows whether it is in any group; None if no provider says its groups.
    groups_until_ms: int | None = None
    providers: tuple[str, ...] = ()  # Of its identities, in the order of their first sign-ins.

    @property
    def place(self) -> Place:
        return Place(self.id)

    @property
    def is_administrator_by_hand(self) -> bool:
        return self.by_groups.administrator_by_hand if self.by_groups else self.administrator

    def administers_at(self, now_ms: int) -> bool:
        """Check whether the account is an administrator, by hand or by groups that are known."""
        is_known = self.by_groups is None or now_ms < self.by_groups.until_ms
        return self.administrator and (is_known or self.is_administrator_by_hand)

    def is_staff_by_groups_at(self, now_ms: int) -> bool:
        """Check whether a rule about groups that are known makes the account staff."""
        by_groups = self.by_groups
        if by_groups is None or not by_groups.staff:
            return False
        return by_groups.staff_until_ms is None or now_ms < by_groups.staff_until_ms

    def with_rights(self, by_groups: AccountByGroups | None, *, by_hand: bool) -> Self:
        """Return the account with what its groups make it, as administrator by hand or not."""
        kept = by_groups and by_groups.model_copy(update={"administrator_by_hand": by_hand})
        administrator = by_hand or (kept is not None and kept.administrator)
        return self.model_copy(update={"administrator": administrator, "by_groups": kept})

    @property
    def subject(self) -> str:
        """`ADMINISTRATORS` for an administrator, the mail address for other accounts."""
        return ADMINISTRATORS if self.administrator else self.email.lower()

    @property
    def is_locked(self) -> bool:
        """Check whether the account is locked by any source."""
        return self.lock is not None or self.directory_lock is not None

    @property
    def locks(self) -> tuple[AccountLock, ...]:
        """The locks in effect, at most one of each source."""
        return tuple(each for each in (self.lock, self.directory_lock) if each is not None)

    def lock_of(self, source: LockSource) -> AccountLock | None:
        return self.directory_lock if source is LockSource.DIRECTORY else self.lock

    def with_lock(self, source: LockSource, lock: AccountLock | None) -> Self:
        """Return the account with another lock of this source, or without one."""
        name = "directory_lock" if source is LockSource.DIRECTORY else "lock"
        return self.model_copy(update={name: lock})


STAFF_PROVIDERS = ("entra", "oidc", "github")  # As in the address of a sign-in.
BY_GROUPS = "groups"


class Staff(Struct, frozen=True):
    """Which accounts are staff: all, or administrators and those that `sources` name: a mail domain
    after @, an identity provider, or `BY_GROUPS` for those that a rule about groups names.

    Where providers say groups, an account whose provider has not said them for too long is none,
    whatever names it: its person may have left.
    """

    sources: frozenset[str] = frozenset()
    reads_groups: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read sources separated by commas, or raise `ValueError`."""
        sources = frozenset(each.strip().lower() for each in text.split(",") if each.strip())
        for each in sorted(sources - {*STAFF_PROVIDERS, BY_GROUPS}):
            if not re.fullmatch(r"@[a-z0-9-]+(?:\.[a-z0-9-]+)+", each):
                message = f"{each!r} is neither a mail domain such as @example.org nor one of " + (
                    ", ".join((*STAFF_PROVIDERS, BY_GROUPS))
                )
                raise ValueError(message)
        return cls(sources)

    def includes(self, account: Account, now_ms: int) -> bool:
        if account.administers_at(now_ms):
            return True
        until_ms = self._known_until(account)
        if until_ms is not None and now_ms >= until_ms:
            return False
        return self._names(account) or (
            BY_GROUPS in self.sources and account.is_staff_by_groups_at(now_ms)
        )

    def end_of(self, account: Account) -> int | None:
        """Return when the account is no staff any more unless its provider confirms its groups;
        None if it is staff without an end, or by nothing."""
        if account.is_administrator_by_hand:
            return None
        if self._names(account):
            return self._known_until(account)
        by_groups = account.by_groups
        is_by_groups = by_groups is not None and by_groups.staff and BY_GROUPS in self.sources
        return by_groups.staff_until_ms if by_groups and is_by_groups else None

    def _names(self, account: Account) -> bool:
        """Check whether something but a rule about groups makes the account staff."""
        _, at, domain = account.email.lower().rpartition("@")
        return (
            not self.sources
            or f"{at}{domain}" in self.sources
            or not self.sources.isdisjoint(account.providers)
        )

    def _known_until(self, account: Account) -> int | None:
        return account.groups_until_ms if self.reads_groups else None


class AccountName(Entity):
    """A name in use: claimed before its account is created. A former name is a `RetiredName`."""

    kind: ClassVar[str] = "account-name"

    name: str
    account: str
    created_ms: int
    is_retired: bool = False  # Of an earlier version: a former name, which waits to be hashed.

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


ERASURE_NOTICE = timedelta(days=7)  # Until an account is erased, unless that is canceled.


class AccountErasure(Entity):
    """The erasure of an account, which waits for its time or is under way; it stays until nothing
    is left, so that a crash is continued.

    After it began, it cannot be canceled.
    """

    kind: ClassVar[str] = "account-erasure"

    account: str
    by: str  # Who asked for it: an administrator, the operator, or the account.
    reason: str
    asked_ms: int
    due_ms: int
    has_begun: bool = False

    @property
    def place(self) -> Place:
        return Place(self.account)


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


MAX_GROUPS = 2_000  # Of an identity; those of one person fit into 80 KiB.
MAX_GROUP_LENGTH = 200  # Characters; a longer one is none.
ROLE_PREFIX = "role:"  # Before the app roles of Entra ID, which stand among the groups.


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
    groups_ms: int | None = None  # When the provider last said the groups; None for never.
    roles_ms: int = 0  # When it last said those that begin with `ROLE_PREFIX`, in a token.

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


# An expired token or invitation is still stored so long, that its user reads "expired", not
# "unknown".
EXPIRED_KEPT_FOR = timedelta(days=7)
EXPIRES_SOON = timedelta(days=14)


def hash_secret(secret: str) -> str:
    """Return the hash that is stored of a token, or of another long random secret: its SHA-256 in
    hexadecimal. One round is enough for those.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def token_expiry(now_ms: int, days: int, latest_ms: int | None) -> int:
    """Return when a token of so many days expires: never after the credential that asks for it,
    which expires at `latest_ms`."""
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
    canary: bool = False  # Of an earlier version: refused as if it did not exist.
    provenance: Provenance | None = None  # The CI job of a job's token.
    refused: tuple[RefusedPackage, ...] = ()  # What the job may not publish, for its refusals.
    # The account that got its text, or confirmed it later; empty for old tokens.
    made_by: str = ""
    # The accounts that made the publishers of a job's token.
    publishers_made_by: tuple[str, ...] = ()
    by_unknown_guest: bool = False  # A guest of whom no account is known made one of these.
    by_guest: bool = False  # Of an organization, and made or caused by a guest, when it was made.
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


MAX_DISPLAY_NAME = 80  # Characters: a line of a list.
MAX_DESCRIPTION = 500  # Characters: a paragraph.
MAX_LINKS = 5  # Of an organization: a line of its page.
MAX_LINK_LENGTH = 200
# The address of a web page: no name or password before the host, and nothing that HTML escapes.
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[A-Za-z0-9._~!$()*+,;=:@%/?#-]*)?")


class Freeze(Record):
    """Administrators froze an organization or a package; its members read the reason."""

    at_ms: int
    by: str
    reason: str


class FrozenPackage(Record):
    """A package of an organization that is frozen, by its name in lower case."""

    name: str
    freeze: Freeze


# Frozen packages of an organization. They are part of its record, which every change reads; where
# more have to be frozen, the organization is.
MAX_FROZEN_PACKAGES = 100


class Organization(Entity):
    """The owner of packages. `name` keeps its first spelling and never changes."""

    kind: ClassVar[str] = "organization"

    id: str = ""  # Never changes; tokens refer to it.
    name: str
    founder: str
    created_ms: int
    display_name: str = ""
    description: str = ""
    links: tuple[str, ...] = ()  # Pages about it, which its public page lists.
    default_visibility: Visibility = Visibility.PUBLIC  # Where the archive says nothing.
    deleting_ms: int | None = None  # When it is deleted, unless that is undone before.
    bursts_until_ms: int = 0  # Until then burst detection is off.
    upstream: str = ""  # The registry that its name was moved to; nothing is published in it.
    continued_as: str = ""  # The organization that continues it; it takes no new packages.
    freeze: Freeze | None = None  # While it is frozen, nothing in it changes.
    frozen_packages: tuple[FrozenPackage, ...] = ()

    def freeze_of(self, package: str) -> Freeze | None:
        """Return the freeze of a package, whether the organization is frozen or not."""
        found = (each.freeze for each in self.frozen_packages if each.name == package.lower())
        return next(found, None)

    @property
    def key(self) -> str:
        return self.name.lower()

    @property
    def is_hidden(self) -> bool:
        """Whether only members may know that it exists."""
        return self.default_visibility is Visibility.PRIVATE

    def is_deleted_at(self, now_ms: int) -> bool:
        """Check whether it is deleted at that time; while its record stays, its name is taken."""
        return self.deleting_ms is not None and now_ms >= self.deleting_ms

    @property
    def place(self) -> Place:
        return organization_place(self.name)


def organization_place(org: str) -> Place:
    return Place(org.lower())


class NameOwner(Entity):
    """Which registry the name of an organization belongs to: this one, or an upstream.

    It is created once: with the organization, in one write, or with the first release that is
    mirrored. So one of two that happen at the same time fails.
    """

    kind: ClassVar[str] = "name-owner"

    org: str
    upstream: str = ""  # Empty: the name is ours, also after its organization was deleted.
    since_ms: int

    @property
    def place(self) -> Place:
        """The place is in the organization's partition, so both are added at once."""
        return name_owner_place(self.org)


def name_owner_place(org: str) -> Place:
    return Place(org.lower(), "name-owner")


class NameSkeleton(Entity):
    """One of two skeletons of an organization's name, by which look-alikes are found."""

    kind: ClassVar[str] = "look-alike"

    org: str
    skeleton: str

    @property
    def place(self) -> Place:
        """The place is in the organization's partition, so both are added at once."""
        return Place(self.org.lower(), self.skeleton)

    @property
    def subject(self) -> str:
        return self.skeleton


# Control and private characters, and invisible ones that change direction or join letters.
_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def parse_display_name(text: str) -> str:
    """Return `text` as a display name, which may be empty, or raise `InvalidRequest`."""
    return _line("display name", text, MAX_DISPLAY_NAME)


def parse_description(text: str) -> str:
    """Return `text` as a description, which may be empty, or raise `InvalidRequest`."""
    return _line("description", text, MAX_DESCRIPTION)


def parse_links(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses of pages about an organization, or raise `InvalidRequest`."""
    links = tuple(dict.fromkeys(each.strip() for each in texts if each.strip()))
    if len(links) > MAX_LINKS:
        message = f"An organization has at most {MAX_LINKS} links; these are {len(links)}."
        raise InvalidRequest(message)
    for each in links:
        if len(each) > MAX_LINK_LENGTH or not _LINK.fullmatch(each):
            message = (
                f"{each[:80]!r} is not the address of a web page: write https:// and the host, "
                f"with at most {MAX_LINK_LENGTH} characters."
            )
            raise InvalidRequest(message)
    return links


def parse_invitation_label(text: str) -> str:
    """Return `text` as the label of an invitation, or raise `InvalidRequest`."""
    return _line("label", text, MAX_DISPLAY_NAME)


def parse_reason(text: str, what: str = "reason") -> str:
    """Return `text` as one line, which may be empty, or raise `InvalidRequest` about `what`."""
    return _line(what, text, MAX_DESCRIPTION)


def parse_required_reason(text: str, what: str) -> str:
    """Return `text` as the reason for `what`, or raise `reason-missing` or `InvalidRequest`."""
    reason = parse_reason(text)
    if not reason:
        raise Invalid(
            "reason-missing", f"Enter a reason for {what}, in one line: others read it later."
        )
    return reason


def _line(what: str, text: str, limit: int) -> str:
    line = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()
    if len(line) > limit:
        message = f"The {what} has {len(line)} characters, and {limit} fit. Shorten it."
        raise InvalidRequest(message)
    if any(unicodedata.category(character) in _UNSEEN for character in line):
        message = f"The {what} holds characters that nobody sees. Write it with visible ones."
        raise InvalidRequest(message)
    return line

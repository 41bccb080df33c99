"""Members of organizations: roles, their pending changes, and invitations. An organization keeps an
owner, and changes of owners wait."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Self

from shared.domain.errors.base import Conflict
from shared.domain.errors.identity import last_owner
from shared.domain.identity import Role
from shared.domain.mail import EmailAddress
from shared.domain.organizations import Organization
from shared.domain.records import Entity, Place, Record
from shared.domain.times import MS

# How long new members count as their sponsor in burst detection.
NEW_MEMBER_PERIOD = timedelta(days=7)


class PendingRole(Record):
    """A role that takes effect at `at_ms`; None removes the account."""

    role: Role | None
    at_ms: int
    by: str


class Membership(Entity):
    """An account's role in an organization."""

    kind: ClassVar[str] = "membership"

    org: str
    account: str
    role: Role
    since_ms: int = 0
    pending: PendingRole | None = None
    is_shown: bool = False  # On the public page; only the member decides.
    invited_by: str = ""  # The account whose invitation was accepted.

    @property
    def place(self) -> Place:
        return member_place(self.org, self.account)

    @property
    def subject(self) -> str:
        """The account, so that its organizations can be listed."""
        return self.account

    def role_at(self, now_ms: int) -> Role | None:
        if self.pending is not None and now_ms >= self.pending.at_ms:
            return self.pending.role
        return self.role

    def sponsor_at(self, now_ms: int) -> str:
        """Return the account that invited this one, while the role is new; empty later."""
        is_new = now_ms - self.since_ms < NEW_MEMBER_PERIOD // MS
        return self.invited_by if is_new else ""

    def at(self, now_ms: int) -> Self | None:
        """Return the membership in effect at that time; None when it has ended."""
        if self.pending is None or now_ms < self.pending.at_ms:
            return self
        if self.pending.role is None:
            return None
        since_ms = self.pending.at_ms
        return self.model_copy(
            update={"role": self.pending.role, "since_ms": since_ms, "pending": None}
        )


def member_place(org: str, account_id: str) -> Place:
    return Place(org.lower(), account_id)


INVITATION_LIFETIME = timedelta(days=7)  # Long enough for a holiday.
INVITATION_LIFETIME_MS = INVITATION_LIFETIME // MS
MAX_INVITATIONS = 100  # Open ones per organization, against mass mailing.
INVITATION_CODE_LENGTH = 32  # Characters of base62: 190 bits.
INVITATION_ID_LENGTH = 20  # Hexadecimal digits.


class Invitation(Entity):
    """An offered role. The code itself is stored nowhere.

    `label` is what the owners know it by: a masked address, or words of their own.
    """

    kind: ClassVar[str] = "invitation"

    org: str
    id: str
    role: Role
    code_hash: str
    label: str
    by: str
    created_ms: int
    expires_ms: int
    made_with: str = ""  # The id of the token that sent it; empty for a person.

    @property
    def place(self) -> Place:
        return invitation_place(self.org, self.id)

    @property
    def subject(self) -> str:
        """The hash of the code, by which the invitation is found."""
        return self.code_hash

    @property
    def ends_ms(self) -> int:
        return self.expires_ms

    def is_open_at(self, now_ms: int) -> bool:
        return now_ms < self.expires_ms


class OpenedInvitation(Entity):
    """An invitation whose link an account has opened, so that it can be answered later.

    Invitations are never matched by mail address, whose owner can change: anybody who has the code
    is invited.
    """

    kind: ClassVar[str] = "kept-invitation"

    account: str
    org: str
    id: str
    code_hash: str
    expires_ms: int

    @classmethod
    def of(cls, invitation: Invitation, account_id: str) -> Self:
        return cls(
            account=account_id,
            org=invitation.org,
            id=invitation.id,
            code_hash=invitation.code_hash,
            expires_ms=invitation.expires_ms,
        )

    @property
    def place(self) -> Place:
        return opened_invitation_place(self.account, self.org, self.id)

    @property
    def ends_ms(self) -> int:
        return self.expires_ms


def opened_invitation_place(account_id: str, org: str, invitation_id: str) -> Place:
    return Place(account_id, f"{org.lower()}:{invitation_id}")


def invitation_place(org: str, invitation_id: str) -> Place:
    return Place(org.lower(), invitation_id)


def invitation_id(org: str, address: EmailAddress) -> str:
    """Return the id of the invitation of an address; a second invitation renews the first."""
    named = f"{org.lower()}\n{address.lower()}"
    return hashlib.sha256(named.encode()).hexdigest()[:INVITATION_ID_LENGTH]


OWNER_CHANGE_DELAY = timedelta(hours=48)  # Enough for owners who read their mail once a day.


@dataclass(frozen=True, slots=True)
class MemberList:
    """The members of an organization at one moment.

    `records` are their stored records, of which some may have ended; all answers are for `now_ms`.
    """

    organization: Organization
    records: tuple[Membership, ...]
    now_ms: int

    @classmethod
    def of(cls, organization: Organization, stored: Iterable[Membership], now_ms: int) -> Self:
        return cls(organization, tuple(stored), now_ms)

    @property
    def org(self) -> str:
        return self.organization.name

    @property
    def members(self) -> tuple[Membership, ...]:
        found = (each.at(self.now_ms) for each in self.records)
        return tuple(each for each in found if each is not None)

    @property
    def owners(self) -> tuple[Membership, ...]:
        return tuple(each for each in self.members if each.role is Role.OWNER)

    @property
    def public_members(self) -> tuple[Membership, ...]:
        return tuple(each for each in self.members if each.is_shown)

    @property
    def with_pending_change(self) -> tuple[Membership, ...]:
        return tuple(each for each in self.members if each.pending is not None)

    def record(self, account_id: str) -> Membership | None:
        """Return the record of an account, even if the membership has ended."""
        return next((each for each in self.records if each.account == account_id), None)

    def member(self, account_id: str) -> Membership | None:
        """Return the membership of an account in effect now, or None."""
        return next((each for each in self.members if each.account == account_id), None)

    def require_other_owner(self, account_id: str, name: str) -> None:
        """Raise `last-owner` unless another account is and stays owner."""
        if not any(each.account != account_id and _stays(each) for each in self.owners):
            raise last_owner(name, self.org)

    def require_no_pending_change(self, account_id: str, name: str) -> None:
        """Raise `change-pending` when a change of this member is pending."""
        if any(each.account == account_id for each in self.with_pending_change):
            raise Conflict(
                "change-pending",
                f"There is a pending change of the role of {name} in {self.org} already. Cancel "
                "it first.",
            )


def _stays(owner: Membership) -> bool:
    return owner.pending is None or owner.pending.role is Role.OWNER

"""Members of organizations: roles and their pending changes, rules for changes, and invitations."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Self

from shared.domain.errors.organizations import ChangePending, LastOwner, OwnerTooNew
from shared.domain.mail import EmailAddress
from shared.domain.organizations import Organization
from shared.domain.records import Entity, Place, Record
from shared.domain.rights import Role
from shared.domain.times import time_text

OWNER_CHANGE_DELAY = timedelta(
    hours=48
)  # Whoever reads mail once a day still has a day to undo it.
# A stranger who was let in by trick has owned an organization alone within a minute, before.
NEW_OWNER_PERIOD = timedelta(days=7)

# Whoever lets helpers in to publish more than they may would have to wait that long.
NEW_MEMBER_PERIOD = timedelta(days=7)


class PendingRole(Record):
    """A role that counts from a moment on; None takes the account out.

    `heir` is who owns the organization from that moment on instead; without them it does not count.
    """

    role: Role | None
    at_ms: int
    by: str
    heir: str = ""


class Membership(Entity):
    """An account's role in an organization."""

    kind: ClassVar[str] = "membership"

    org: str
    account: str
    role: Role
    since_ms: int = 0
    pending: PendingRole | None = None
    is_shown: bool = False  # To everybody; nobody decides that for somebody else.
    invited_by: str = ""  # The account whose invitation was accepted.
    made_with: str = ""  # The token that invited them, until a person gives them another role.

    @property
    def place(self) -> Place:
        """Return the place of the account among the members."""
        return member_place(self.org, self.account)

    @property
    def subject(self) -> str:
        """Return the account, whose organizations are listed by it."""
        return self.account

    def role_at(self, now_ms: int) -> Role | None:
        """Return the role that counts at that time."""
        if self.pending is not None and now_ms >= self.pending.at_ms:
            return self.pending.role
        return self.role

    def sponsor_at(self, now_ms: int) -> str:
        """Return who let the account in, while its role is new; then it stands for itself."""
        is_new = now_ms - self.since_ms < NEW_MEMBER_PERIOD // timedelta(milliseconds=1)
        return self.invited_by if is_new else ""

    def at(self, now_ms: int) -> Self | None:
        """Return the membership as it counts at that time; None when it is over by then."""
        if self.pending is None or now_ms < self.pending.at_ms:
            return self
        if self.pending.role is None:
            return None
        since_ms = self.pending.at_ms
        return self.model_copy(
            update={"role": self.pending.role, "since_ms": since_ms, "pending": None}
        )


def member_place(org: str, account_id: str) -> Place:
    """Return the place of an account among the members of an organization."""
    return Place(org.lower(), account_id)


_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class MemberList:
    """The members of an organization at one moment.

    `stored` are their records, of which some may be over; every question is answered for `now_ms`.
    """

    organization: Organization
    records: tuple[Membership, ...]
    now_ms: int

    @classmethod
    def of(cls, organization: Organization, stored: Iterable[Membership], now_ms: int) -> Self:
        """Return the roster of these records."""
        return cls(organization, tuple(stored), now_ms)

    @property
    def org(self) -> str:
        """Return the name of the organization, as it is spelled."""
        return self.organization.name

    @property
    def members(self) -> tuple[Membership, ...]:
        """Return the memberships as they count now, without those that are over."""
        found = (each.at(self.now_ms) for each in self.records)
        return tuple(each for each in found if each is not None)

    @property
    def owners(self) -> tuple[Membership, ...]:
        return tuple(each for each in self.members if each.role is Role.OWNER)

    @property
    def public_members(self) -> tuple[Membership, ...]:
        """Return the members who let everybody see that they are."""
        return tuple(each for each in self.members if each.is_shown)

    @property
    def newest_owner_ms(self) -> int:
        """Return when somebody last became owner."""
        founded_ms = self.organization.created_ms
        return max((each.since_ms for each in self.owners), default=founded_ms)

    @property
    def with_pending_change(self) -> tuple[Membership, ...]:
        """Return the members of whom a change waits for its time."""
        return tuple(each for each in self.members if each.pending is not None)

    def owners_replaced_by(self, heir_id: str) -> tuple[tuple[Membership, Role | None], ...]:
        """Return the owners who are about to hand the organization over to this member, with what
        they are to be then."""
        found = ((each, each.pending) for each in self.members)
        return tuple((each, wait.role) for each, wait in found if wait and wait.heir == heir_id)

    def record(self, account_id: str) -> Membership | None:
        """Return the record of an account, even if it is over."""
        return next((each for each in self.records if each.account == account_id), None)

    def member(self, account_id: str) -> Membership | None:
        """Return what the account is now, or None."""
        return next((each for each in self.members if each.account == account_id), None)

    def require_other_owner(self, account_id: str, name: str) -> None:
        """Raise `LastOwner` unless somebody else owns the organization, and goes on to."""
        if not any(each.account != account_id and _stays(each) for each in self.owners):
            raise LastOwner(name, self.org)

    def require_no_pending_change(self, account_id: str, name: str) -> None:
        """Raise `ChangePending` when a change of this member waits already."""
        if any(each.account == account_id for each in self.with_pending_change):
            raise ChangePending(name, self.org)

    def require_seniority(self, actor_id: str, other_id: str) -> None:
        """Raise `OwnerTooNew` when the actor became owner lately, and after the other one did.

        Without it, whoever is let in by a trick drives out those who let them in.
        """
        actor, other = self._owner(actor_id), self._owner(other_id)
        if actor is None or other is None or actor.since_ms <= other.since_ms:
            return
        until_ms = actor.since_ms + NEW_OWNER_PERIOD // _MS
        if self.now_ms < until_ms:
            raise OwnerTooNew(self.org, time_text(until_ms))

    def _owner(self, account_id: str) -> Membership | None:
        return next((each for each in self.owners if each.account == account_id), None)


def _stays(owner: Membership) -> bool:
    return owner.pending is None or owner.pending.role is Role.OWNER


INVITATION_LIFETIME = timedelta(days=7)  # Over a holiday, and not longer than anybody remembers.
INVITATION_LIFETIME_MS = INVITATION_LIFETIME // timedelta(milliseconds=1)
MAX_INVITATIONS = 100  # Open ones of an organization, so that nobody mails a whole town.
INVITATION_CODE_LENGTH = 32  # Base62: 190 bits, which nobody guesses.
INVITATION_ID_LENGTH = 20  # Hexadecimal digits.


class Invitation(Entity):
    """What somebody was offered, by whom, and until when; the code itself is stored nowhere.

    `label` is what the organization's owners know it by: a masked address, or words of their own.
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
        """Return its place among the organization's invitations."""
        return invitation_place(self.org, self.id)

    @property
    def subject(self) -> str:
        """Return the hash of the code, by which whoever holds the code finds it."""
        return self.code_hash

    @property
    def ends_ms(self) -> int:
        """Return when it expires."""
        return self.expires_ms

    def is_open_at(self, now_ms: int) -> bool:
        """Say whether it can be accepted at that time."""
        return now_ms < self.expires_ms


class OpenedInvitation(Entity):
    """An invitation whose link somebody has opened, so that they can answer it later.

    Nobody is found for an invitation by their mail address, which changes hands: whoever holds the
    code is meant.
    """

    kind: ClassVar[str] = "kept-invitation"

    account: str
    org: str
    id: str
    code_hash: str
    expires_ms: int

    @classmethod
    def of(cls, invitation: Invitation, account_id: str) -> Self:
        """Keep an invitation for an account."""
        return cls(
            account=account_id,
            org=invitation.org,
            id=invitation.id,
            code_hash=invitation.code_hash,
            expires_ms=invitation.expires_ms,
        )

    @property
    def place(self) -> Place:
        """Return its place among what the account has kept."""
        return opened_invitation_place(self.account, self.org, self.id)

    @property
    def ends_ms(self) -> int:
        """Return when it expires."""
        return self.expires_ms


def opened_invitation_place(account_id: str, org: str, invitation_id: str) -> Place:
    """Return the place of an invitation that an account has kept."""
    return Place(account_id, f"{org.lower()}:{invitation_id}")


def invitation_place(org: str, invitation_id: str) -> Place:
    return Place(org.lower(), invitation_id)


def invitation_id(org: str, address: EmailAddress) -> str:
    """Return the id of an address's invitation: inviting somebody again renews it."""
    named = f"{org.lower()}\n{address.lower()}"
    return hashlib.sha256(named.encode()).hexdigest()[:INVITATION_ID_LENGTH]

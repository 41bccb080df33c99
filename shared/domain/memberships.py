"""Memberships: the roles of accounts in an organization, and their pending changes. An organization
keeps an owner, and changes of owners wait.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar, Self

from msgspec import Struct

from shared.domain.entities import Entity, Place
from shared.domain.errors.base import Conflict
from shared.domain.errors.identity import last_owner
from shared.domain.organizations import Organization
from shared.domain.records import Record
from shared.domain.scopes import Role
from shared.domain.times import MS, NO_END_MS

# How long new members count as their sponsor in burst detection.
NEW_MEMBER_PERIOD = timedelta(days=7)


class PendingRole(Record):
    """A role that takes effect at `at_ms`; None removes the account. Nothing takes effect while it
    is on hold, since the account that decided it is locked."""

    role: Role | None
    at_ms: int
    by: str
    on_hold: bool = False
    new_owner: str = ""  # The account that becomes owner, if an owner hands over the organization.

    def is_due(self, now_ms: int) -> bool:
        return not self.on_hold and now_ms >= self.at_ms


class GroupRole(Record):
    """The role that groups give, beside the one by hand. It ends at `until_ms`, when nobody knows
    whether the account is still in them."""

    role: Role
    until_ms: int
    groups: tuple[str, ...]
    by_hand: Role | None = None

    @property
    def has_no_end(self) -> bool:
        """Whether it ends only when the directory that pushes the groups says so."""
        return self.until_ms >= NO_END_MS


def strongest(*roles: Role | None) -> Role | None:
    """Return the role with the most rights; None without any."""
    return next((each for each in Role if each in roles), None)


class Membership(Entity):
    """An account's role in an organization: the stronger one of that by hand and that by groups.

    Changes by people are of the role by hand; `pending` is one of these.
    """

    kind: ClassVar[str] = "membership"

    org: str
    account: str
    role: Role
    since_ms: int = 0
    pending: PendingRole | None = None
    invited_by: str = ""  # The account whose invitation was accepted.
    group: GroupRole | None = None  # None if the role was given by hand.

    @property
    def place(self) -> Place:
        return member_place(self.org, self.account)

    @property
    def subject(self) -> str:
        """The account, so that its organizations can be listed."""
        return self.account

    @property
    def hand_role(self) -> Role | None:
        """The role by hand; None where only groups give one."""
        return self.group.by_hand if self.group else self.role

    @property
    def group_role(self) -> Role | None:
        """The role by groups, whether they are still known or not."""
        return self.group.role if self.group else None

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that give a role, with their providers."""
        return self.group.groups if self.group else ()

    def role_at(self, now_ms: int) -> Role | None:
        current = self.at(now_ms)
        return current.role if current else None

    def with_roles(
        self, by_hand: Role | None, group: GroupRole | None, **changes: object
    ) -> Self | None:
        """Return the membership with these roles by hand and by groups; None if none is left."""
        role = strongest(by_hand, group.role if group else None)
        kept = group and group.model_copy(update={"by_hand": by_hand})
        update = {"role": role, "group": kept, **changes}
        return self.model_copy(update=update) if role else None

    def sponsor_at(self, now_ms: int) -> str:
        """Return the account that invited this one, while the role is new; empty later."""
        is_new = now_ms - self.since_ms < NEW_MEMBER_PERIOD // MS
        return self.invited_by if is_new else ""

    def at(self, now_ms: int) -> Self | None:
        """Return the membership in effect at that time; None when it has ended."""
        current = self.after_pending(now_ms)
        if current is None or current.group is None or now_ms < current.group.until_ms:
            return current
        role = current.hand_role
        return current.model_copy(update={"role": role}) if role else None

    def after_pending(self, now_ms: int) -> Self | None:
        """Return the membership after its pending change, if that is due; the role by groups may
        have ended."""
        if self.pending is None or not self.pending.is_due(now_ms):
            return self
        since_ms = self.pending.at_ms
        return self.with_roles(self.pending.role, self.group, since_ms=since_ms, pending=None)

    def ended_group_at(self, now_ms: int) -> GroupRole | None:
        """Return the role by groups if it has ended."""
        return self.group if self.group and now_ms >= self.group.until_ms else None


def member_place(org: str, account_id: str) -> Place:
    return Place(org.lower(), account_id)


OWNER_CHANGE_DELAY = timedelta(hours=48)  # Enough for owners who read their mail once a day.


class MemberList(Struct, frozen=True):
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
    def with_pending_change(self) -> tuple[Membership, ...]:
        return tuple(each for each in self.members if each.pending is not None)

    def changes_by(self, account_id: str) -> list[tuple[Membership, PendingRole]]:
        """Return the members with a pending change that this account decided."""
        pending = [(each, each.pending) for each in self.with_pending_change]
        return [(each, found) for each, found in pending if found and found.by == account_id]

    def handing_over_to(self, account_id: str) -> tuple[Membership, ...]:
        """Return the owners whose lower role depends on this account becoming owner."""
        return tuple(
            each
            for each in self.with_pending_change
            if each.pending is not None and each.pending.new_owner == account_id
        )

    def record(self, account_id: str) -> Membership | None:
        """Return the record of an account, even if the membership has ended."""
        return next((each for each in self.records if each.account == account_id), None)

    def member(self, account_id: str) -> Membership | None:
        """Return the membership of an account in effect now, or None."""
        return next((each for each in self.members if each.account == account_id), None)

    def require_other_owner(self, account_id: str, name: str) -> None:
        """Raise `last-owner` unless another account is and stays owner, by hand: what a group gives
        can end with any sign-in."""
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
    by_hand = owner.pending.role if owner.pending is not None else owner.hand_role
    return by_hand is Role.OWNER

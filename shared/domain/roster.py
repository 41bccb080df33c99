"""Rosters: who is what in an organization at one moment, and which changes of that may be made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from shared.domain.errors import LastOwner
from shared.domain.mails import moment_text
from shared.domain.organization_errors import ChangePending, OwnerTooNew
from shared.domain.organizations import NEW_OWNER_FOR, Membership, Organization
from shared.domain.rights import Role

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Roster:
    """The members of an organization at one moment.

    `stored` are their records, of which some may be over; every question is answered for `now_ms`.
    """

    organization: Organization
    stored: tuple[Membership, ...]
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
        found = (each.at(self.now_ms) for each in self.stored)
        return tuple(each for each in found if each is not None)

    @property
    def owners(self) -> tuple[Membership, ...]:
        """Return the owners."""
        return tuple(each for each in self.members if each.role is Role.OWNER)

    @property
    def shown(self) -> tuple[Membership, ...]:
        """Return the members who let everybody see that they are."""
        return tuple(each for each in self.members if each.is_shown)

    @property
    def newest_owner_ms(self) -> int:
        """Return when somebody last became owner."""
        founded_ms = self.organization.created_ms
        return max((each.since_ms for each in self.owners), default=founded_ms)

    @property
    def waiting(self) -> tuple[Membership, ...]:
        """Return the members of whom a change waits for its time."""
        return tuple(each for each in self.members if each.pending is not None)

    def giving_way_to(self, heir_id: str) -> tuple[tuple[Membership, Role | None], ...]:
        """Return the owners who are about to hand the organization over to this member, with what
        they are to be then."""
        found = ((each, each.pending) for each in self.members)
        return tuple((each, wait.role) for each, wait in found if wait and wait.heir == heir_id)

    def record(self, account_id: str) -> Membership | None:
        """Return the record of an account, even if it is over."""
        return next((each for each in self.stored if each.account == account_id), None)

    def member(self, account_id: str) -> Membership | None:
        """Return what the account is now, or None."""
        return next((each for each in self.members if each.account == account_id), None)

    def require_owner_beside(self, account_id: str, name: str) -> None:
        """Raise `LastOwner` unless somebody else owns the organization, and goes on to."""
        if not any(each.account != account_id and _stays(each) for each in self.owners):
            raise LastOwner(name, self.org)

    def require_no_change_of(self, account_id: str, name: str) -> None:
        """Raise `ChangePending` when a change of this member waits already."""
        if any(each.account == account_id for each in self.waiting):
            raise ChangePending(name, self.org)

    def require_seniority(self, actor_id: str, other_id: str) -> None:
        """Raise `OwnerTooNew` when the actor became owner lately, and after the other one did.

        Without it, whoever is let in by a trick drives out those who let them in.
        """
        actor, other = self._owner(actor_id), self._owner(other_id)
        if actor is None or other is None or actor.since_ms <= other.since_ms:
            return
        until_ms = actor.since_ms + NEW_OWNER_FOR // _MS
        if self.now_ms < until_ms:
            raise OwnerTooNew(self.org, moment_text(until_ms))

    def _owner(self, account_id: str) -> Membership | None:
        return next((each for each in self.owners if each.account == account_id), None)


def _stays(owner: Membership) -> bool:
    return owner.pending is None or owner.pending.role is Role.OWNER

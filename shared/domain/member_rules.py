"""Rules for the members of an organization: it keeps an owner, and changes of owners wait."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from shared.domain.errors.base import Conflict
from shared.domain.errors.identity import last_owner
from shared.domain.members import Membership
from shared.domain.organizations import Organization
from shared.domain.rights import Role

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

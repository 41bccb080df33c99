"""Accounts of people: what is stored about them, who locked them, and which rights they get by
groups."""

from enum import Enum
from typing import ClassVar, Self

from shared.domain.entities import Entity, Place
from shared.domain.records import Record

# The subject that all administrators share; no mail address looks like it.
ADMINISTRATORS = "administrators"


class LockSource(Enum):
    """Who locked an account; a lock ends by its own source alone."""

    ADMINISTRATOR = "administrator"
    DIRECTORY = "directory"  # Entra ID, where the person is disabled or gone.


class AccountLock(Record):
    """A lock of an account: who locked it, when and why. Only administrators see the reason."""

    at_ms: int
    by: str
    reason: str
    # The default is for locks that earlier versions stored.
    source: LockSource = LockSource.ADMINISTRATOR


class AccountByGroups(Record):
    """Which rights an account has by its groups, and whether somebody made it an administrator by
    hand as well.

    After `until_ms` its groups no longer make it an administrator, after `auditor_until_ms` no
    longer an auditor, and after `staff_until_ms` no longer staff, because no provider has confirmed
    since then that it is still in them.
    """

    administrator: bool = False
    staff: bool = False
    until_ms: int = 0
    # None in records of earlier versions, until the groups are read.
    staff_until_ms: int | None = None
    administrator_by_hand: bool = False
    auditor: bool = False
    auditor_until_ms: int = 0


class Account(Entity):
    """A person. While an account is locked, sign-in and all its credentials are refused."""

    kind: ClassVar[str] = "account"

    id: str
    name: str
    administrator: bool = False
    created_ms: int
    email: str = ""  # Empty when unknown, or not trusted any more.
    distrusted_email: str = ""  # Its domain expired or was registered anew; nothing is sent to it.
    lock: AccountLock | None = None  # Set by administrators.
    directory_lock: AccountLock | None = None
    by_groups: AccountByGroups | None = None  # None if `administrator` was set by hand.
    auditor: bool = False  # Set by hand; groups may make the account an auditor as well.
    # Until when the groups of the account are known; None if no provider reports groups.
    groups_until_ms: int | None = None
    # The providers of its identities, in the order of their first sign-ins.
    providers: tuple[str, ...] = ()
    # The day of its last sign-in, UTC; None if it did not sign in since this is stored.
    signed_in_ms: int | None = None

    @property
    def place(self) -> Place:
        return Place(self.id)

    @property
    def is_administrator_by_hand(self) -> bool:
        return self.by_groups.administrator_by_hand if self.by_groups else self.administrator

    def administers_at(self, now_ms: int) -> bool:
        """Check whether the account is an administrator: by hand, or by groups that are still
        known."""
        is_known = self.by_groups is None or now_ms < self.by_groups.until_ms
        return self.administrator and (is_known or self.is_administrator_by_hand)

    def is_auditor_by_groups_at(self, now_ms: int) -> bool:
        """Check whether a rule about groups makes the account an auditor, and its groups are still
        known."""
        by_groups = self.by_groups
        return by_groups is not None and by_groups.auditor and now_ms < by_groups.auditor_until_ms

    def audits_at(self, now_ms: int) -> bool:
        """Check whether the account is an auditor, who reads what administrators read and changes
        nothing: by hand, or by groups that are still known."""
        return self.auditor or self.is_auditor_by_groups_at(now_ms)

    def reads_management_at(self, now_ms: int) -> bool:
        """Check whether the account reads the pages below /manage."""
        return self.administers_at(now_ms) or self.audits_at(now_ms)

    def is_staff_by_groups_at(self, now_ms: int) -> bool:
        """Check whether a rule about groups makes the account staff, and its groups are still
        known."""
        by_groups = self.by_groups
        if by_groups is None or not by_groups.staff:
            return False
        return by_groups.staff_until_ms is None or now_ms < by_groups.staff_until_ms

    def with_rights(self, by_groups: AccountByGroups | None, *, by_hand: bool) -> Self:
        """Return the account with the rights that its groups give it; `by_hand` says whether
        somebody made it an administrator by hand."""
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
        """Return the account with this lock in place of the one of the source; None removes that
        one."""
        name = "directory_lock" if source is LockSource.DIRECTORY else "lock"
        return self.model_copy(update={name: lock})

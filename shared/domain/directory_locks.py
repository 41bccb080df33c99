"""What directories say of the people of accounts, and what follows for accounts of people who are
disabled or gone there: Entra ID, which is asked, and any that says it by SCIM.
"""

from collections.abc import Iterable
from enum import Enum
from typing import ClassVar

from msgspec import Struct

from shared.domain.entities import Entity, Place
from shared.domain.times import time_text

# Accounts locked in a day without a confirmation, even if they are many of all accounts.
FREELY_LOCKED = 5
# Above that, at most one account in 20 is locked in a day without a confirmation.
FREELY_LOCKED_PART = 20


class DirectoryState(Enum):
    """What the directory says of a person."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    GONE = "gone"


class DirectoryAnswer(Struct, frozen=True):
    """What the directory says of a person; no state, and the problem, where it does not say."""

    state: DirectoryState | None
    problem: str = ""


def state_of_person(answers: Iterable[DirectoryAnswer]) -> DirectoryState | None:
    """Return the state of a person with several identities; None if it is not certain.

    Who is enabled by one of them is enabled. All of them have to be disabled or gone to lock.
    """
    states = [each.state for each in answers]
    if DirectoryState.ENABLED in states:
        return DirectoryState.ENABLED
    if not states or None in states:
        return None
    return DirectoryState.DISABLED if DirectoryState.DISABLED in states else DirectoryState.GONE


class FindingState(Enum):
    """What follows from what the directory said."""

    LOCKED = "locked"
    WAITS_MANY = "waits-many"  # Many at once may be an error of the directory.
    WAITS_LAST_ADMINISTRATOR = "waits-last-administrator"
    KEPT = "kept"  # An administrator decided that the account is not locked for it.

    @property
    def waits(self) -> bool:
        """Whether an administrator decides."""
        return self in (FindingState.WAITS_MANY, FindingState.WAITS_LAST_ADMINISTRATOR)


class DirectoryFinding(Entity):
    """An account whose person is disabled or gone; it ends when the directory says otherwise."""

    kind: ClassVar[str] = "directory-finding"

    account: str
    said: DirectoryState
    state: FindingState
    at_ms: int  # When the directory said it first.
    decided_by: str = ""
    decision_reason: str = ""
    # The directories that deactivated the person by SCIM; what Entra ID answers does not end it.
    deactivated_by: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        return finding_place(self.account)


def finding_place(account_id: str) -> Place:
    return Place(account_id, "directory")


def lock_reason(reported: DirectoryState, at_ms: int) -> str:
    """Return the reason of a lock by the directory."""
    what = "disabled" if reported is DirectoryState.DISABLED else "no longer there"
    return f"Microsoft Entra ID said on {time_text(at_ms)} that this person is {what}."


def deactivation_reason(provider: str, reported: DirectoryState, at_ms: int) -> str:
    """Return the reason of a lock by a directory that provisions the account."""
    what = "deactivated" if reported is DirectoryState.DISABLED else "removed"
    return f"The directory ({provider}) {what} this person by SCIM on {time_text(at_ms)}."


def may_lock(count: int, people: int) -> bool:
    """Check whether `count` accounts may be locked in a day without an administrator."""
    return count <= max(FREELY_LOCKED, people // FREELY_LOCKED_PART)

"""The erasure of an account, from its request until nothing is left of it."""

from datetime import timedelta
from typing import ClassVar

from shared.domain.entities import Entity, Place
from shared.domain.times import MS

ERASURE_NOTICE = timedelta(days=7)  # Until an account is erased, unless that is canceled.
# How long after an erasure was due its last mail is tried, if the mail server refuses it. Until
# then the address is stored.
LAST_MAIL_TRIED_FOR = timedelta(days=1)


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
    # The address of the person: from shortly before the account is removed until the last mail is
    # sent.
    address: str = ""

    @property
    def place(self) -> Place:
        return Place(self.account)

    def is_due_at(self, now_ms: int) -> bool:
        """Check whether its time has come, or a crash interrupted it."""
        return self.has_begun or self.due_ms <= now_ms

    def is_mail_given_up_at(self, now_ms: int) -> bool:
        """Check whether the last mail is tried no more, and its address is to be forgotten."""
        return now_ms >= self.due_ms + LAST_MAIL_TRIED_FOR // MS

"""Mail that could not be sent, and is sent again later."""

from datetime import timedelta
from enum import Enum
from typing import ClassVar

from shared.domain.entities import Entity, Place
from shared.domain.mail import MAX_RETRY_AFTER, MailText, retry_ms
from shared.domain.records import Record
from shared.domain.times import MS

QUEUED_FOR = timedelta(days=7)  # After that, mail that could not be sent is dropped.
RETRY_AFTER = timedelta(minutes=10)  # The first time, then less and less often.
MAIL_QUEUE_OWNER = "mail-queue"


class Audience(Enum):
    """To whom a mail goes, as it is when the mail is sent."""

    ACCOUNTS = "accounts"  # The accounts.
    ADMINISTRATORS = "administrators"  # Administrators, and the accounts.
    OWNERS = "owners"  # The owners of the organization.
    # The owners, or administrators where no owner can sign in; without the accounts.
    OTHER_OWNERS = "other-owners"
    RESPONSIBLE = "responsible"  # Who is responsible for the organization, and the accounts.
    # The same without the owners of the organization.
    INVOLVED = "involved"


class Recipients(Record):
    """Whom a mail is for: an audience of an organization and of accounts, which are ids."""

    audience: Audience
    org: str = ""
    accounts: tuple[str, ...] = ()


class QueuedMail(Entity):
    """A mail that the mail server refused, or that a store stopped."""

    kind: ClassVar[str] = "queued-mail"

    id: str
    recipients: Recipients
    mail_subject: str
    text: str
    queued_ms: int
    due_ms: int

    @property
    def place(self) -> Place:
        return Place(MAIL_QUEUE_OWNER, self.id)

    @property
    def ends_ms(self) -> int:
        return self.queued_ms + QUEUED_FOR // MS

    @property
    def mail(self) -> MailText:
        return MailText(self.mail_subject, self.text)

    def is_due_at(self, now_ms: int) -> bool:
        """Check whether it is sent now. A time that is later than any wait is from before the clock
        was set back, and counts as over."""
        return not now_ms < self.due_ms <= now_ms + MAX_RETRY_AFTER // MS

    def refused(self, recipients: Recipients, now_ms: int) -> "QueuedMail":
        """Return what is sent again later, to those who did not get it now."""
        queued_ms = min(self.queued_ms, now_ms)
        due_ms = retry_ms(queued_ms, now_ms, RETRY_AFTER)
        changes = {"recipients": recipients, "queued_ms": queued_ms, "due_ms": due_ms}
        return self.model_copy(update=changes)

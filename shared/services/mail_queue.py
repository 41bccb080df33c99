"""The mail queue: mail that could not be sent, whom it is for, and when it is sent again."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress

from msgspec import Struct

from shared.auth.secrets import random_text
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.mail import MailText
from shared.domain.queued_mail import (
    MAIL_QUEUE_OWNER,
    RETRY_AFTER,
    Audience,
    QueuedMail,
    Recipients,
)
from shared.domain.times import MS
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.services.stored_records import remove_stored

_ID_LENGTH = 20  # Base62: no two mails share an id.
_READ_AT_ONCE = 100


class MailQueue(Struct, frozen=True):
    """Mail that could not be sent, with whom it is for. `MailDelivery` sends it again."""

    directory: DirectoryStore
    clock: Clock
    randomness: Randomness

    async def add(self, recipients: Recipients, mail: MailText) -> None:
        """Store mail that is sent later."""
        now_ms = self.clock.now_ms()
        queued = QueuedMail(
            id=random_text(self.randomness, _ID_LENGTH),
            recipients=recipients,
            mail_subject=mail.subject,
            text=mail.text,
            queued_ms=now_ms,
            due_ms=now_ms + RETRY_AFTER // MS,
        )
        await self.directory.add(queued)

    async def due(self) -> AsyncIterator[QueuedMail]:
        """Yield the mail that is due, and delete what has waited for a week."""
        after = Place(MAIL_QUEUE_OWNER)
        while batch := await self.directory.page_by_owner(QueuedMail, after, _READ_AT_ONCE):
            for each in batch:
                now_ms = self.clock.now_ms()
                if now_ms >= each.ends_ms:
                    await remove_stored(self.directory, each)
                elif each.is_due_at(now_ms):
                    yield each
            after = batch[-1].place

    async def end(self, queued: QueuedMail, refused: Sequence[Account]) -> None:
        """Delete mail that was sent, or keep it for those for whom it was refused."""
        if not refused:
            await remove_stored(self.directory, queued)
            return
        again = queued.refused(recipients_of(refused), self.clock.now_ms())
        with suppress(Stale):  # Another process sent it, or it is deleted since its week is over.
            await self.directory.replace(again)


def recipients_of(accounts: Iterable[Account]) -> Recipients:
    """Return the recipients of mail to these accounts."""
    ids = tuple(account.id for account in accounts)
    return Recipients(audience=Audience.ACCOUNTS, accounts=ids)

"""Delivery of mail, and its texts, which are templates in `mail_texts.txt`.

Each topic has its mail beside its services.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path

from msgspec import Struct, field

from shared.domain.accounts import Account
from shared.domain.errors.base import Unavailable
from shared.domain.mail import EmailAddress, Mail, MailText
from shared.domain.queued_mail import Recipients
from shared.domain.sentences import printable_line
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.mail import Mailer, Undelivered
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.mail_queue import MailQueue, recipients_of

_MAIL_KIND = "mail"
_SENT = "sent"
MAX_LISTED = 20  # Lines of a list in one mail.
# How long it is remembered that a notice was mailed.
NOTICE_MAIL_KEPT_FOR = timedelta(days=30)
# The claim of a process that ended meanwhile lapses after this time.
SENDING_TIME = timedelta(minutes=10)
# Mails that a process passes on at once, each over a connection of its own: servers limit the
# connections of a sender. An organization may have hundreds of owners.
MAX_SENT_AT_ONCE = 10


def _read_texts() -> Mapping[str, MailText]:
    sections = Path(__file__).with_name("mail_texts.txt").read_text("utf-8").split("\n== ")[1:]
    named = {name: text for name, _, text in (each.partition("\n") for each in sections)}
    parts = {name: text.partition("\n\n") for name, text in named.items()}
    return {name: MailText(head, f"{text.strip()}\n") for name, (head, _, text) in parts.items()}


MAIL_TEXTS = _read_texts()


def mail_text(template: str, **values: str) -> MailText:
    """Return a mail of `mail_texts.txt`; a test compares its fields with each call."""
    mail = MAIL_TEXTS[template]
    return MailText(mail.subject.format(**values), mail.text.format(**values))


def reason_text(reason: str, label: str = "Reason") -> str:
    """Return a reason as a paragraph of a mail; empty if there is no reason."""
    return f"{label}: {printable_line(reason)}\n\n" if reason else ""


class Appeal(Struct, frozen=True):
    """Where people can appeal against a decision of administrators."""

    abuse_contact: str  # From the settings; empty if the operator names none.

    @property
    def sentence(self) -> str:
        contact = self.abuse_contact.removeprefix("mailto:") or "the operator of the registry"
        return f"If this is a mistake, appeal to {contact}."


class _Outcome(Enum):
    """What became of mail to an account."""

    SENT = "sent"
    CLAIMED = "claimed"  # It was sent before, or another process is sending it.
    REFUSED = "refused"
    NO_ADDRESS = "no-address"


class MailDelivery(Struct, frozen=True):
    """Sends mail. That the mail server refuses it never fails the action that the mail is about:
    mail to accounts is queued, and the task `notify-dependents` sends it again for a week. A method
    that queues raises `Unavailable` if it can do neither.

    Calls `on_failure` once for each mail text with the kind of the first error and the number of
    failed recipients, never with their addresses or the text.
    """

    mailer: Mailer
    work: WorkStore
    clock: Clock
    on_failure: Callable[[str, int], None]
    mail_queue: MailQueue
    read_recipients: Callable[[Recipients], Awaitable[list[Account]]]
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_SENT_AT_ONCE))

    async def send_to(self, recipients: Recipients, mail: MailText) -> None:
        """Send mail once to each address of the recipients. Queue what the mail server refuses, and
        all of it if a store does not say who the recipients are."""
        try:
            accounts = await self.read_recipients(recipients)
        except Unavailable as failure:
            self.on_failure(failure.code, 1)
            await self.mail_queue.add(recipients, mail)
        else:
            await self.send_to_accounts(accounts, mail)

    async def send_to_accounts(self, accounts: Iterable[Account], mail: MailText) -> None:
        """Send mail once to each address of the accounts; accounts without one are skipped. Queue
        what the mail server refuses."""
        refused = await self._refused_of(accounts, mail)
        if refused:
            await self.mail_queue.add(recipients_of(refused), mail)

    async def send_queued(self, until_ms: int) -> TaskReport:
        """Send the queued mail that is due, until that time; the next run sends the rest.

        What is refused again is sent less and less often. A process that ends after the mail server
        accepted a mail sends it twice.
        """
        seen = 0
        async for queued in self.mail_queue.due():
            if self.clock.now_ms() >= until_ms:
                return TaskReport(seen, 0, unfinished=True)
            seen += 1
            accounts = await self.read_recipients(queued.recipients)
            await self.mail_queue.end(queued, await self._refused_of(accounts, queued.mail))
        return TaskReport(seen, 0)

    async def send_once(
        self,
        key: str,
        accounts: Iterable[Account],
        mail: MailText,
        *,
        until_ms: int,
    ) -> int:
        """Send mail to each account that has not yet been sent mail with this key; return to how
        many. That is known until `until_ms`.

        It counts as sent when the mail server has accepted it. Meanwhile it is claimed, so that no
        other process sends it; a process that ends in between, or a store that fails afterwards,
        can repeat it after `SENDING_TIME`, and nothing loses it.
        """
        outcomes = [await self._send_once_to(each, key, mail, until_ms) for each in accounts]
        return outcomes.count(_Outcome.SENT)

    async def send_once_to_all(
        self, key: str, accounts: Iterable[Account], mail: MailText, *, until_ms: int
    ) -> bool:
        """Send mail as `send_once` does; return whether everybody with an address was sent it, now
        or before."""
        has_all = True
        for account in accounts:
            outcome = await self._send_once_to(account, key, mail, until_ms)
            is_claimed = outcome is _Outcome.CLAIMED and not await self.was_sent(key, account)
            has_all &= outcome is not _Outcome.REFUSED and not is_claimed
        return has_all

    async def _send_once_to(
        self, account: Account, key: str, mail: MailText, until_ms: int
    ) -> _Outcome:
        if not account.email:
            return _Outcome.NO_ADDRESS
        own = f"{key}:{account.id}"
        now_ms = self.clock.now_ms()
        ends_ms = now_ms + SENDING_TIME // MS
        if not await self.work.claim(_MAIL_KIND, own, "sending", expires_ms=ends_ms, now_ms=now_ms):
            return _Outcome.CLAIMED
        if not await self.send(EmailAddress(account.email), mail):
            await self.work.take(_MAIL_KIND, own, now_ms)
            return _Outcome.REFUSED
        await self.work.put(_MAIL_KIND, own, _SENT, until_ms)
        return _Outcome.SENT

    async def was_sent(self, key: str, account: Account) -> bool:
        """Check whether `send_once` sent mail with this key to the account."""
        return await self.work.peek(_MAIL_KIND, f"{key}:{account.id}", self.clock.now_ms()) == _SENT

    async def send(self, address: EmailAddress, mail: MailText) -> bool:
        """Send mail to an address; say whether the mail server accepted it."""
        return not await self._refused([address], mail)

    async def _refused_of(self, accounts: Iterable[Account], mail: MailText) -> list[Account]:
        """Send mail to each address; return an account of each for which it was refused."""
        by_address = {account.email: account for account in accounts if account.email}
        refused = await self._refused(list(map(EmailAddress, by_address)), mail)
        return [by_address[each] for each in refused]

    async def _refused(self, addresses: list[EmailAddress], mail: MailText) -> list[EmailAddress]:
        """Send mail to addresses; return those for which the mail server refused it."""
        results = await asyncio.gather(*(self._try(each, mail) for each in addresses))
        problems = [each for each in results if each is not None]
        if problems:
            self.on_failure(problems[0], len(problems))
        return [each for each, result in zip(addresses, results, strict=True) if result is not None]

    async def _try(self, address: EmailAddress, mail: MailText) -> str | None:
        try:
            async with self._turns:
                await self.mailer.send(Mail(address, *mail))
        except Undelivered as failure:
            return str(failure)
        return None

"""Mail: its delivery, its texts, which are templates in `mail_texts.txt`, and mail about accounts.

Each other topic has its mail beside its services.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from shared.domain.access_rights import AccessContext
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.mail import EmailAddress, Mail, MailText
from shared.domain.principals import Principal
from shared.domain.reasons import acts_from_outside
from shared.domain.sentences import printable_line
from shared.domain.times import MS, time_text
from shared.ports.directory import DirectoryStore
from shared.ports.mail import Mailer, Undelivered
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.identity.accounts import responsible_accounts

_MAIL_KIND = "mail"
_SENT = "sent"
MAX_LISTED = 20  # Lines of a list in one mail.
# How long it is remembered that a notice was mailed.
NOTICE_MAIL_KEPT_FOR = timedelta(days=30)
# The claim of a process that ended meanwhile lapses after this time.
SENDING_TIME = timedelta(minutes=10)


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


class MailDelivery(Struct, frozen=True):
    """Sends mail; a failure never fails the action that the mail is about.

    Calls `on_failure` once for each mail text with the kind of the first error and the number of
    failed recipients, never with their addresses or the text.
    """

    mailer: Mailer
    work: WorkStore
    clock: Clock
    on_failure: Callable[[str, int], None]

    async def send_to_accounts(self, accounts: Iterable[Account], mail: MailText) -> None:
        """Send mail once to each address of the accounts; accounts without one are skipped."""
        addresses = {account.email: None for account in accounts if account.email}
        await self._send(list(map(EmailAddress, addresses)), mail)

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
        sent = 0
        now_ms = self.clock.now_ms()
        for account in accounts:
            own = f"{key}:{account.id}"
            ends_ms = now_ms + SENDING_TIME // MS
            if not account.email or not await self.work.claim(
                _MAIL_KIND, own, "sending", expires_ms=ends_ms, now_ms=now_ms
            ):
                continue
            if await self.send(EmailAddress(account.email), mail):
                await self.work.put(_MAIL_KIND, own, _SENT, until_ms)
                sent += 1
            else:
                await self.work.take(_MAIL_KIND, own, now_ms)
        return sent

    async def was_sent(self, key: str, account: Account) -> bool:
        """Check whether `send_once` sent mail with this key to the account."""
        return await self.work.peek(_MAIL_KIND, f"{key}:{account.id}", self.clock.now_ms()) == _SENT

    async def send(self, address: EmailAddress, mail: MailText) -> bool:
        """Send mail to an address; say whether the mail server accepted it."""
        return await self._send([address], mail)

    async def _send(self, addresses: list[EmailAddress], mail: MailText) -> bool:
        results = await asyncio.gather(*(self._try(each, mail) for each in addresses))
        problems = [each for each in results if each is not None]
        if problems:
            self.on_failure(problems[0], len(problems))
        return not problems

    async def _try(self, address: EmailAddress, mail: MailText) -> str | None:
        try:
            await self.mailer.send(Mail(address, *mail))
        except Undelivered as failure:
            return str(failure)
        return None


class DecisionMail(Struct, frozen=True):
    """Tells people by mail what an administrator or the operator took away from them, and why."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    appeal: Appeal
    clock: Clock
    base_url: str

    async def send_to_organization(self, org: str, what: str, reason: str) -> None:
        """Tell who is responsible for an organization; `what` is a clause."""
        accounts = await responsible_accounts(self.directory, org, self.clock.now_ms())
        page = f"{self.base_url}/account/organizations/{org}"
        await self.mail_delivery.send_to_accounts(accounts, self._mail(what, reason, page))

    async def send_if_from_outside(
        self, by: Principal, access: AccessContext, what: str, reason: str
    ) -> None:
        """Tell who is responsible for an organization, unless an owner of it acted."""
        if access.organization is not None and acts_from_outside(by, access):
            await self.send_to_organization(access.organization.name, what, reason)

    async def send_to_account(self, account: Account, what: str, reason: str) -> None:
        """Tell somebody what was decided about their account; `what` is a clause."""
        page = f"{self.base_url}/account/security"
        await self.mail_delivery.send_to_accounts([account], self._mail(what, reason, page))

    def _mail(self, what: str, reason: str, page: str) -> MailText:
        return mail_text(
            "decision",
            what=what,
            at=time_text(self.clock.now_ms()),
            reason=reason_text(reason),
            page=page,
            appeal=self.appeal.sentence,
        )


class AccountMail(Struct, frozen=True):
    """Sends mail to the owner of an account in the background."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    base_url: str
    background_tasks: BackgroundTasks

    def send(self, account_id: str, template: str, **values: str) -> None:
        """Start to send a mail of `mail_texts.txt`, which also gets `name` and `url`."""
        self.background_tasks.start(self._send(account_id, template, values))

    async def close(self) -> None:
        """Wait for the mail that is being sent."""
        await self.background_tasks.close()

    async def _send(self, account_id: str, template: str, values: Mapping[str, str]) -> None:
        account = await self.directory.get(Account, Place(account_id))
        if account is not None:
            mail = mail_text(template, name=account.name, url=self.base_url, **values)
            await self.mail_delivery.send_to_accounts([account], mail)

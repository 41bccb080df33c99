"""Mail: delivery, and the mail to owners of accounts, tokens and releases.

The texts are in `shared/domain/mail.py`.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.accounts import Account
from shared.domain.errors.base import Unavailable
from shared.domain.mail import (
    EmailAddress,
    Mail,
    MailText,
    held_release_mail,
    leaked_token_mail,
    moderation_mail,
    token_expiry_mail,
)
from shared.domain.packages import Release
from shared.domain.records import Place
from shared.domain.times import MS
from shared.domain.tokens import Token
from shared.ports import Clock, DirectoryStore, Mailer, Undelivered, WorkStore
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.identity.accounts import accounts_by_ids, organization_owners
from shared.services.limits.rate_limits import BURST_WINDOW

MailTextBuilder = Callable[[str, str], MailText]  # Takes the account's name and the registry's URL.

_HELD_MAIL_KIND = "held-news"
_MAIL_KIND = "mail"
SENDING_TIME = timedelta(minutes=10)  # A claim of a process that ended meanwhile ends with it.


@dataclass(frozen=True, slots=True)
class MailDelivery:
    """Sends mail; a failure never fails the action that the mail is about.

    Calls `failed` once for each mail text with the kind of the first error and the number of failed
    recipients, never with their addresses or the text.
    """

    mailer: Mailer
    failed: Callable[[str, int], None]

    async def send_to_accounts(self, accounts: Iterable[Account], subject: str, text: str) -> None:
        """Send mail once to each address of the accounts; accounts without one are skipped."""
        addresses = {account.email: None for account in accounts if account.email}
        await self._send(list(map(EmailAddress, addresses)), MailText(subject, text))

    async def send_once(
        self,
        key: str,
        accounts: Iterable[Account],
        mail_text: MailText,
        *,
        work: WorkStore,
        until_ms: int,
        now_ms: int,
    ) -> int:
        """Send mail to each account that was sent none with this key; return to how many.

        It counts as sent when the mail server has accepted it. Meanwhile it is claimed, so that no
        other process sends it; a process that ends in between, or a store that fails afterwards,
        can repeat it after `SENDING_TIME`, and nothing loses it.
        """
        sent = 0
        for account in accounts:
            own, ends_ms = f"{key}:{account.id}", now_ms + SENDING_TIME // MS
            if not account.email or not await work.claim(
                _MAIL_KIND, own, "sending", expires_ms=ends_ms, now_ms=now_ms
            ):
                continue
            if await self.send(EmailAddress(account.email), mail_text):
                await work.put(_MAIL_KIND, own, "sent", until_ms)
                sent += 1
            else:
                await work.take(_MAIL_KIND, own, now_ms)
        return sent

    async def send(self, address: EmailAddress, mail_text: MailText) -> bool:
        """Send mail to an address; say whether the mail server accepted it."""
        return await self._send([address], mail_text)

    async def _send(self, addresses: list[EmailAddress], mail_text: MailText) -> bool:
        results = await asyncio.gather(*(self._try(each, mail_text) for each in addresses))
        problems = [each for each in results if each is not None]
        if problems:
            self.failed(problems[0], len(problems))
        return not problems

    async def _try(self, address: EmailAddress, mail_text: MailText) -> str | None:
        try:
            await self.mailer.send(Mail(address, *mail_text))
        except Undelivered as failure:
            return str(failure)
        return None


@dataclass(frozen=True, slots=True)
class AccountMail:
    """Sends mail to the owner of an account in the background."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    base_url: str
    background_tasks: BackgroundTasks

    def send(self, account_id: str, build: MailTextBuilder) -> None:
        self.background_tasks.start(self._send(account_id, build))

    async def close(self) -> None:
        """Wait for the mail that is being sent."""
        await self.background_tasks.close()

    async def _send(self, account_id: str, build: MailTextBuilder) -> None:
        account = await self.directory.get(Account, Place(account_id))
        if account is not None:
            mail_text = build(account.name, self.base_url)
            await self.mail_delivery.send_to_accounts([account], *mail_text)


@dataclass(frozen=True, slots=True)
class TokenMail:
    """Sends mail about a token to its account, or to the owners of its organization."""

    directory: DirectoryStore
    work: WorkStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def send_leaked(self, token: Token, found_at: str, *, until_ms: int) -> None:
        """Send mail about a token that was found in public and is revoked, once until then."""
        mail_text = leaked_token_mail(token, found_at, self._tokens_page(token))
        await self._send(token, f"leaked:{token.hash}", mail_text, until_ms)

    async def send_expiry_reminder(self, token: Token, lead: timedelta, *, until_ms: int) -> int:
        """Send mail about a token that expires soon, once for each lead; return how many were
        sent."""
        mail_text = token_expiry_mail(token, self._tokens_page(token))
        return await self._send(token, f"expiry:{token.hash}:{lead.days}", mail_text, until_ms)

    def _tokens_page(self, token: Token) -> str:
        owner = f"/organizations/{token.org}" if token.org else ""
        return f"{self.base_url}/account{owner}/tokens"

    async def _send(self, token: Token, key: str, mail_text: MailText, until_ms: int) -> int:
        now_ms = self.clock.now_ms()
        owners = (
            await organization_owners(self.directory, token.org, now_ms)
            if token.org
            else await accounts_by_ids(self.directory, [token.owner])
        )
        return await self.mail_delivery.send_once(
            key, owners, mail_text, work=self.work, until_ms=until_ms, now_ms=now_ms
        )


@dataclass(frozen=True, slots=True)
class ReleaseMail:
    """Sends mail about a release to the owners of its organization.

    The state of the release is stored before, and stays when the stores or the mail fail.
    """

    directory: DirectoryStore
    work: WorkStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def send_decision(self, release: Release) -> None:
        """Send mail about a decision of the moderators, with its reason."""
        with suppress(Unavailable):
            await self._send(release, moderation_mail(release, self._organization_page(release)))

    async def send_held(self, release: Release) -> None:
        """Send mail about a release that was held: one for each burst, so that a worm cannot flood
        a mailbox.
        """
        now_ms, page = self.clock.now_ms(), f"{self._organization_page(release)}/held"
        with suppress(Unavailable):
            await self.mail_delivery.send_once(
                f"{_HELD_MAIL_KIND}:{release.org.lower()}",
                await organization_owners(self.directory, release.org, now_ms),
                held_release_mail(release, page),
                work=self.work,
                until_ms=now_ms + BURST_WINDOW // MS,
                now_ms=now_ms,
            )

    def _organization_page(self, release: Release) -> str:
        return f"{self.base_url}/account/organizations/{release.org}"

    async def _send(self, release: Release, mail_text: MailText) -> None:
        owners = await organization_owners(self.directory, release.org, self.clock.now_ms())
        await self.mail_delivery.send_to_accounts(owners, *mail_text)

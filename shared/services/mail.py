"""Mail to people: what happened to their account, tokens and releases."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.background_tasks import BackgroundTasks
from shared.domain.accounts import Account
from shared.domain.errors.base import Unavailable
from shared.domain.mail import (
    EmailAddress,
    Mail,
    MailText,
    leaked_token_mail,
    moderation_mail,
    token_expiry_mail,
)
from shared.domain.packages import Release
from shared.domain.records import Place
from shared.domain.tokens import Token
from shared.ports import Clock, DirectoryStore, Mailer, Undelivered, WorkStore
from shared.services.accounts import accounts_by_ids, organization_owners
from shared.services.burst_detection import BURST_WINDOW
from shared.services.upkeep import UPKEEP_BATCH, TaskReport

# From the name of the account and the address of the registry.
LetterBuilder = Callable[[str, str], MailText]


@dataclass(frozen=True, slots=True)
class MailDelivery:
    """Sends letters as well as it can: what they tell of is done, whether they arrive or not.

    `failed` hears once of a letter that did not reach everybody: the kind of error and how many did
    not get it, never who, and nothing of what it said.
    """

    mailer: Mailer
    failed: Callable[[str, int], None]

    async def send_to_accounts(self, accounts: Iterable[Account], subject: str, text: str) -> None:
        """Send a letter to everybody who has an address, once to each address."""
        addresses = {account.email: None for account in accounts if account.email}
        await self._send(list(map(EmailAddress, addresses)), MailText(subject, text))

    async def send(self, address: EmailAddress, letter: MailText) -> bool:
        """Send a letter to somebody who may have no account; say whether it was taken."""
        return await self._send([address], letter)

    async def _send(self, addresses: list[EmailAddress], letter: MailText) -> bool:
        results = await asyncio.gather(*(self._try(each, letter) for each in addresses))
        problems = [each for each in results if each is not None]
        if problems:
            self.failed(problems[0], len(problems))
        return not problems

    async def _try(self, address: EmailAddress, letter: MailText) -> str | None:
        try:
            await self.mailer.send(Mail(address, *letter))
        except Undelivered as failure:
            return str(failure)
        return None


@dataclass(frozen=True, slots=True)
class AccountMail:
    """Writes to the owner of an account; nobody waits for the mail, and no request fails by it."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    base_url: str
    background_tasks: BackgroundTasks

    def send(self, account_id: str, write: LetterBuilder) -> None:
        """Begin to send a letter to whose account it is."""
        self.background_tasks.start(self._send(account_id, write))

    async def close(self) -> None:
        """Wait for the letters that have begun."""
        await self.background_tasks.close()

    async def _send(self, account_id: str, write: LetterBuilder) -> None:
        account = await self.directory.get(Account, Place(account_id))
        if account is not None:
            await self.mail_delivery.send_to_accounts(
                [account], *write(account.name, self.base_url)
            )


@dataclass(frozen=True, slots=True)
class TokenMail:
    """Writes to whose token it is: a person, or the owners of an organization."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def send_leaked(self, token: Token, found_at: str) -> None:
        """Tell that the token was found in the open, and is revoked."""
        letter = leaked_token_mail(token, found_at, self._page(token))
        await self.mail_delivery.send_to_accounts(await self._owners(token), *letter)

    async def send_expiry_reminder(self, token: Token) -> None:
        """Tell that the token ends soon."""
        letter = token_expiry_mail(token, self._page(token))
        await self.mail_delivery.send_to_accounts(await self._owners(token), *letter)

    def _page(self, token: Token) -> str:
        """Return the page where whoever is told makes another one."""
        whose = f"/organizations/{token.org}" if token.org else ""
        return f"{self.base_url}/account{whose}/tokens"

    async def _owners(self, token: Token) -> list[Account]:
        if token.org:
            return await organization_owners(self.directory, token.org, self.clock.now_ms())
        return await accounts_by_ids(self.directory, [token.owner])


# How long before its end a token is spoken of, each time once: to plan for it, and at last.
REMINDER_LEADS = (timedelta(days=1), timedelta(days=7))

_REMINDER_KIND = "token-reminder"
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class TokenExpiryReminders:
    """Writes to the owners of tokens seven days and one day before they end."""

    directory: DirectoryStore
    work: WorkStore
    clock: Clock
    token_mail: TokenMail

    async def run(self) -> TaskReport:
        """Tell of each token whose time has come and that was not told of yet."""
        seen = told = 0
        now_ms = self.clock.now_ms()
        async for token in self._ending(now_ms, now_ms + max(REMINDER_LEADS) // _MS + 1):
            seen += 1
            told += await self._tell(token, now_ms)
        return TaskReport("remind", seen, told)

    async def _ending(self, after_ms: int, before_ms: int) -> AsyncIterator[Token]:
        while batch := await self.directory.ending(Token, after_ms, before_ms, UPKEEP_BATCH):
            for token in batch:
                yield token
            if len(batch) < UPKEEP_BATCH:
                return
            # Others that end with the last one may be cut off; nobody is told twice of one.
            after_ms = max((batch[-1].expires_ms or 0) - 1, after_ms + 1)

    async def _tell(self, token: Token, now_ms: int) -> bool:
        lead = _lead(token, now_ms)
        if lead is None or token.canary or token.expires_ms is None:
            return False
        key = f"{token.hash}:{lead.days}"
        claimed = await self.work.claim(
            _REMINDER_KIND, key, token.id, expires_ms=token.expires_ms, now_ms=now_ms
        )
        if claimed:
            await self.token_mail.send_expiry_reminder(token)
        return claimed


def _lead(token: Token, now_ms: int) -> timedelta | None:
    """Return which reminder is due; none for a token that was made for less time than that."""
    left_ms = (token.expires_ms or 0) - now_ms
    due = next((lead for lead in REMINDER_LEADS if left_ms <= lead // _MS), None)
    if due is None or (token.expires_ms or 0) - token.created_ms <= due // _MS:
        return None
    return due


@dataclass(frozen=True, slots=True)
class ModerationMail:
    """Writes a letter for each decision, with its reason."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def send_decision(self, release: Release) -> None:
        """Tell owners of a decision, which holds whether they hear of it or not."""
        page = f"{self.base_url}/account/organizations/{release.org}"
        with suppress(Unavailable):
            owners = await organization_owners(self.directory, release.org, self.clock.now_ms())
            await self.mail_delivery.send_to_accounts(owners, *moderation_mail(release, page))


_HELD_MAIL_KIND = "held-news"


@dataclass(frozen=True, slots=True)
class HeldReleaseMail:
    """Writes one letter a burst, not one a release: a worm shall fill no mailbox."""

    directory: DirectoryStore
    work: WorkStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def send_held(self, release: Release) -> None:
        """Tell owners of a release that was just held; it is, whether they hear of it or not."""
        with suppress(Unavailable):
            if await self._is_first(release):
                owners = await organization_owners(self.directory, release.org, self.clock.now_ms())
                await self.mail_delivery.send_to_accounts(owners, *_letter(release, self.base_url))

    async def _is_first(self, release: Release) -> bool:
        now_ms = self.clock.now_ms()
        ends_ms = now_ms + BURST_WINDOW // timedelta(milliseconds=1)
        key, value = release.org.lower(), release.name
        return await self.work.claim(_HELD_MAIL_KIND, key, value, expires_ms=ends_ms, now_ms=now_ms)


def _letter(release: Release, base_url: str) -> MailText:
    text = (
        f"{release.coordinate} was pushed together with many other packages within minutes, so it "
        "is held, and so is what follows it for now: nobody sees or pulls it.\n\n"
        f"It was published by {release.origin.principal} with the credential "
        f"{release.origin.credential}.\n\n"
        "If that was meant, sign in and confirm each release that waits. If it was not, revoke "
        "that credential at once, and tell the operator of the registry.\n\n"
        f"What waits: {base_url}/account/organizations/{release.org}/held\n"
    )
    return MailText(f"Releases of {release.org} wait for you", text)

"""Notifying: telling people by mail what happened, after it has happened."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shared.domain.accounts import Account
from shared.domain.mails import EmailAddress, Letter, Mail
from shared.ports import Mailer, Undelivered


@dataclass(frozen=True, slots=True)
class Notifying:
    """Sends letters as well as it can: what they tell of is done, whether they arrive or not.

    `failed` hears once of a letter that did not reach everybody: the kind of error and how many did
    not get it, never who, and nothing of what it said.
    """

    mailer: Mailer
    failed: Callable[[str, int], None]

    async def tell(self, accounts: Iterable[Account], subject: str, text: str) -> None:
        """Send a letter to everybody who has an address, once to each address."""
        addresses = {account.email: None for account in accounts if account.email}
        await self._send(list(map(EmailAddress, addresses)), Letter(subject, text))

    async def write(self, address: EmailAddress, letter: Letter) -> bool:
        """Send a letter to somebody who may have no account; say whether it was taken."""
        return await self._send([address], letter)

    async def _send(self, addresses: list[EmailAddress], letter: Letter) -> bool:
        results = await asyncio.gather(*(self._try(each, letter) for each in addresses))
        problems = [each for each in results if each is not None]
        if problems:
            self.failed(problems[0], len(problems))
        return not problems

    async def _try(self, address: EmailAddress, letter: Letter) -> str | None:
        try:
            await self.mailer.send(Mail(address, *letter))
        except Undelivered as failure:
            return str(failure)
        return None

"""Noticing: telling people by mail what happened to their account, beside the request."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.auth.beside import Beside
from shared.domain.accounts import Account
from shared.domain.entity import Place
from shared.domain.mails import Letter
from shared.ports import DirectoryStore
from shared.services.notifying import Notifying

# From the name of the account and the address of the registry.
Writing = Callable[[str, str], Letter]


@dataclass(frozen=True, slots=True)
class Noticing:
    """Writes to the owner of an account; nobody waits for the mail, and no request fails by it."""

    directory: DirectoryStore
    notifying: Notifying
    base_url: str
    beside: Beside

    def tell(self, account_id: str, write: Writing) -> None:
        """Begin to send a letter to whose account it is."""
        self.beside.begin(self._send(account_id, write))

    async def close(self) -> None:
        """Wait for the letters that have begun."""
        await self.beside.close()

    async def _send(self, account_id: str, write: Writing) -> None:
        account = await self.directory.get(Account, Place(account_id))
        if account is not None:
            await self.notifying.tell([account], *write(account.name, self.base_url))

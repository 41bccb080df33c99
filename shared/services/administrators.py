"""Administrators: who runs the registry, changed one at a time, so that somebody always does."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.auth.administration import Administration
from shared.domain.accounts import ADMINISTRATORS, Account
from shared.domain.administration_errors import LastAdministrator
from shared.domain.entity import Place
from shared.domain.errors import AccountNotFound
from shared.domain.identity import Principal
from shared.ports import DirectoryStore
from shared.services.finding import accounts_of
from shared.services.leasing import Leasing


@dataclass(frozen=True, slots=True)
class Administrators:
    """Reads who administers the registry, and keeps the last of them."""

    directory: DirectoryStore
    administration: Administration
    leasing: Leasing

    async def all(self) -> list[Account]:
        """Return the administrators, by name."""
        listed = await self.directory.about(Account, ADMINISTRATORS)
        # The list may lag behind; the records themselves are the truth.
        found = await accounts_of(self.directory, [each.id for each in listed])
        there = [each for each in found if each.administrator]
        return sorted(there, key=lambda account: account.name.lower())

    @asynccontextmanager
    async def held(self, account: Account, verb: str, *, by: Principal) -> AsyncGenerator[Account]:
        """Lend the account as it is now, while nobody else changes one.

        Of two administrators who lower each other at once, both would see that the other one stays.
        Raises as `Administration.require_fresh` does, `AccountNotFound`, and `Busy`.
        """
        what = f"the account {account.name}"
        await self.administration.require_fresh(by, verb, what)
        async with self.leasing.held(ADMINISTRATORS):
            # Once more: whoever asks may have been lowered just before.
            await self.administration.require_fresh(by, verb, what)
            there = await self.directory.get(Account, Place(account.id))
            if there is None:
                raise AccountNotFound(account.name)
            yield there

    async def require_another_beside(self, account: Account) -> None:
        """Raise `LastAdministrator` unless another administrator can sign in."""
        if not any(each.id != account.id and not each.is_locked for each in await self.all()):
            raise LastAdministrator(account.name)

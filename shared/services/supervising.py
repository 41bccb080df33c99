"""Supervising: who is on the registry, for those who run it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.auth.administration import Administration
from shared.domain.accounts import Account, AccountName, Identity, is_id, place_of_name
from shared.domain.entity import Place
from shared.domain.errors import AccountNotFound
from shared.domain.identity import Principal
from shared.domain.logs import LogQuery
from shared.domain.organizations import Membership
from shared.domain.sessions import Session
from shared.ports import DirectoryStore
from shared.services.administrators import Administrators
from shared.services.finding import account_named, account_with_id, accounts_of
from shared.services.listing import Listed, beginning, slice_of
from shared.services.logbook import Logbook, LogPage
from shared.services.organizations import Organizations
from shared.services.signing_out import live
from shared.services.token_records import TokenRecords, UsedToken

MOST_FOUND = 25  # Accounts of one search; whoever means another one types more of its name.

_WHAT = "the accounts of others"


@dataclass(frozen=True, slots=True)
class Named:
    """A name, and the account that it is of; None where that was deleted, and the name is kept."""

    name: str
    account: Account | None


@dataclass(frozen=True, slots=True)
class Person:
    """All that the registry knows of somebody, but secrets, and canaries in their tokens."""

    account: Account
    identities: tuple[Identity, ...]
    memberships: tuple[Membership, ...]
    tokens: tuple[UsedToken, ...]
    sessions: tuple[Session, ...]
    log: LogPage
    locked_by: str  # The name of who did, or an id; empty where nobody did.


@dataclass(frozen=True, slots=True)
class Supervising:
    """Lists and shows accounts to administrators."""

    directory: DirectoryStore
    administration: Administration
    administrators: Administrators
    organizations: Organizations
    tokens: TokenRecords
    logbook: Logbook

    async def page(self, after: str, count: int, *, by: Principal) -> Listed[Named]:
        """Return up to `count` names above one, in order, with their accounts."""
        await self.administration.require(by, "list", _WHAT)
        place = place_of_name(after) if after else Place("")
        found = await slice_of(self.directory, AccountName, place, count)
        names = await self._named(found.entities)
        return Listed(names, found.entities[-1].name if found.is_more else "")

    async def find(self, sought: str, *, by: Principal) -> Listed[Named]:
        """Return whose name, id or mail address this is, else whose names begin so."""
        await self.administration.require(by, "list", _WHAT)
        find = account_with_id if is_id(sought) else account_named
        exactly = await find(self.directory, sought)
        known = [exactly] if exactly else await self._written_to(sought)
        if known:
            return Listed(tuple(Named(each.name, each) for each in known[:MOST_FOUND]))
        # A name that is the letters and no more is that of nobody.
        place = place_of_name(sought)
        names = await beginning(self.directory, AccountName, place, MOST_FOUND)
        return Listed(await self._named(names))

    async def show(self, account_id: str, query: LogQuery, *, by: Principal) -> Person:
        """Return everything about an account, with a page of its log; or `AccountNotFound`."""
        await self.administration.require(by, "see", _WHAT)
        account = await account_with_id(self.directory, account_id)
        if account is None:
            raise AccountNotFound(account_id)
        identities, memberships, tokens, sessions, log = await asyncio.gather(
            self.directory.about(Identity, account.id),
            self.organizations.of(account.id),
            self.tokens.of(account.id),
            self.directory.of(Session, account.id),
            self.logbook.of_somebody(account.id, query, by=by),
        )
        return Person(
            account=account,
            identities=tuple(sorted(identities, key=lambda identity: identity.linked_ms)),
            memberships=tuple(memberships),
            tokens=tuple(each for each in tokens if not each.token.canary),
            sessions=tuple(live(sessions, self.organizations.clock.now_ms())),
            log=log,
            locked_by=await self._locker(account),
        )

    async def running(self, *, by: Principal) -> list[Account]:
        """Return the administrators, by name."""
        await self.administration.require(by, "list", _WHAT)
        return await self.administrators.all()

    async def is_signed_in(self, *, by: Principal) -> bool:
        """Say whether an administrator has a session that counts."""
        now_ms = self.organizations.clock.now_ms()
        for account in await self.running(by=by):
            if live(await self.directory.of(Session, account.id), now_ms):
                return True
        return False

    async def _locker(self, account: Account) -> str:
        if account.lock is None:
            return ""
        found = await accounts_of(self.directory, [account.lock.by])
        return found[0].name if found else account.lock.by

    async def _written_to(self, address: str) -> list[Account]:
        """Return the accounts of this mail address; administrators are not listed by theirs."""
        if "@" not in address:
            return []
        wanted = address.lower()
        running = await self.administrators.all()
        others = await self.directory.about(Account, wanted)
        return [*(each for each in running if each.email.lower() == wanted), *others]

    async def _named(self, names: Sequence[AccountName]) -> tuple[Named, ...]:
        accounts = await asyncio.gather(
            *(self.directory.get(Account, Place(each.account)) for each in names)
        )
        pairs = zip(names, accounts, strict=True)
        return tuple(Named(each.name, account) for each, account in pairs)

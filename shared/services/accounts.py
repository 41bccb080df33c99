"""Accounts: the people of a registry."""

import re
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.base62 import random_text
from shared.auth.token import OWNER_LENGTH
from shared.domain.accounts import Account, AccountName
from shared.domain.entity import Place
from shared.domain.errors import (
    AccountExists,
    AccountNotFound,
    CredentialsMissing,
    InvalidRequest,
    NotPermitted,
    TokenUnknown,
)
from shared.domain.identity import Principal
from shared.domain.organizations import Membership
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness, Stale
from shared.services.finding import account_called
from shared.services.recording import Change, Recording

CLAIM_LIFETIME = timedelta(minutes=1)  # Making an account takes milliseconds.

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Profile:
    """Somebody as they see themselves: their account, their credential, their organizations."""

    account: Account
    principal: Principal
    memberships: tuple[Membership, ...]


@dataclass(frozen=True, slots=True)
class Accounts:
    """Creates and finds accounts; the operator creates them, or a first sign-in does."""

    directory: DirectoryStore
    recording: Recording
    clock: Clock
    randomness: Randomness

    async def create(self, name: str, *, by: Principal) -> Account:
        """Create an account, or raise `AccountExists` when the name is taken."""
        return await self._add(self._new(name), by)

    async def create_administrator(self, name: str, *, by: Principal) -> Account:
        """Create an account that holds every role in every organization."""
        return await self._add(self._new(name).model_copy(update={"administrator": True}), by)

    async def named(self, name_or_id: str) -> Account:
        """Return the account of that name or id, or raise `AccountNotFound`."""
        account = await account_called(self.directory, name_or_id)
        if account is None:
            raise AccountNotFound(name_or_id)
        return account

    async def profile(self, by: Principal) -> Profile:
        """Return who makes the request; raise when nobody does, or the account is gone."""
        if by.is_anonymous:
            raise CredentialsMissing
        account = await self.directory.get(Account, Place(by.id))
        if account is None:
            raise TokenUnknown
        return Profile(account, by, await self._memberships(by.id))

    async def _memberships(self, account_id: str) -> tuple[Membership, ...]:
        """Return the memberships of an account as they count now."""
        stored = await self.directory.about(Membership, account_id)
        now_ms = self.clock.now_ms()
        return tuple(now for each in stored if (now := each.at(now_ms)) is not None)

    def _new(self, name: str) -> Account:
        if not _NAME.fullmatch(name):
            message = (
                f"{name[:80]!r} is no account name. Use 1 to 40 letters and digits, with . _ - "
                "between them."
            )
            raise InvalidRequest(message)
        account_id = random_text(self.randomness, OWNER_LENGTH)
        return Account(id=account_id, name=name, created_ms=self.clock.now_ms())

    async def enrol(self, account_id: str, name: str, *, email: str, by: Principal) -> Account:
        """Create the account of somebody who signs in for the first time, under an id of theirs.

        Raises `AccountExists` when the name is taken.
        """
        account = self._new(name).model_copy(update={"id": account_id, "email": email})
        return await self._create(account, by)

    async def _add(self, account: Account, by: Principal) -> Account:
        if not by.is_operator:
            raise NotPermitted("create", "accounts", "it takes being operator of the registry")
        return await self._create(account, by)

    async def _create(self, account: Account, by: Principal) -> Account:
        await self._claim(account)
        details = {
            "name": account.name,
            "administrator": str(account.administrator).lower(),
        }
        change = Change("account.created", account.id, account=account.id, details=details)
        return await self.recording.add(account, change=change, by=by)

    async def _claim(self, account: Account) -> None:
        """Claim the name for the account, or raise `AccountExists`."""
        claim = AccountName(name=account.name, account=account.id, created_ms=account.created_ms)
        try:
            await self.directory.add(claim)
        except AlreadyThere:
            await self._take_over(claim)

    async def _take_over(self, claim: AccountName) -> None:
        """Take a name whose account was never made: its maker died in between."""
        taken = await self.directory.get(AccountName, claim.place)
        abandoned = taken is not None and await self._is_abandoned(taken, claim.created_ms)
        if taken is None or not abandoned:
            raise AccountExists(claim.name)
        try:
            await self.directory.replace(claim.model_copy(update={"revision": taken.revision}))
        except Stale:
            raise AccountExists(claim.name) from None

    async def _is_abandoned(self, taken: AccountName, now_ms: int) -> bool:
        lifetime_ms = CLAIM_LIFETIME // timedelta(milliseconds=1)
        if taken.is_retired or now_ms - taken.created_ms < lifetime_ms:
            return False
        return await self.directory.get(Account, Place(taken.account)) is None

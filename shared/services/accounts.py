"""Accounts: the people of a registry."""

import re
from dataclasses import dataclass

from shared.auth.base62 import random_text
from shared.auth.token import OWNER_LENGTH
from shared.domain.errors import (
    AccountExists,
    AccountNotFound,
    CredentialsMissing,
    InvalidRequest,
    NotPermitted,
    TokenUnknown,
)
from shared.domain.identity import Account, Membership, Principal
from shared.domain.package import Event
from shared.ports import AccountStore, AlreadyThere, Clock, EventStore, Randomness

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Profile:
    """Somebody as they see themselves: their account, their credential, their organizations."""

    account: Account
    principal: Principal
    memberships: tuple[Membership, ...]


@dataclass(frozen=True, slots=True)
class Accounts:
    """Creates and finds accounts; only the operator creates them."""

    store: AccountStore
    events: EventStore
    clock: Clock
    randomness: Randomness

    async def create(self, name: str, *, by: Principal) -> Account:
        """Create an account, or raise `AccountExists` when the name is taken."""
        return await self._add(self._new(name), by)

    async def create_administrator(self, name: str, *, by: Principal) -> Account:
        """Create an account that holds every role in every organization."""
        return await self._add(self._new(name).model_copy(update={"administrator": True}), by)

    async def named(self, name_or_id: str) -> Account:
        """Return the account of that name or id, or raise `AccountNotFound`. For operators."""
        for account in await self.store.accounts():
            if name_or_id == account.id or name_or_id.lower() == account.name.lower():
                return account
        raise AccountNotFound(name_or_id)

    async def profile(self, by: Principal) -> Profile:
        """Return who makes the request; raise when nobody does, or the account is gone."""
        if by.is_anonymous:
            raise CredentialsMissing
        account = await self.store.account(by.id)
        if account is None:
            raise TokenUnknown
        return Profile(account, by, tuple(await self.store.organizations_of(by.id)))

    async def list(self, *, by: Principal) -> list[Account]:
        """Return every account, by name."""
        _check_operator("list", by)
        return await self.store.accounts()

    def _new(self, name: str) -> Account:
        if not _NAME.fullmatch(name):
            message = (
                f"{name[:80]!r} is no account name. Use 1 to 40 letters and digits, with . _ - "
                "between them."
            )
            raise InvalidRequest(message)
        account_id = random_text(self.randomness, OWNER_LENGTH)
        return Account(id=account_id, name=name, created_ms=self.clock.now_ms())

    async def _add(self, account: Account, by: Principal) -> Account:
        _check_operator("create", by)
        event = Event(
            id=f"account:{account.id}@1",
            kind="account.created",
            at_ms=account.created_ms,
            actor=by.id,
            subject=account.id,
            details={"name": account.name, "administrator": str(account.administrator).lower()},
        )
        account = account.model_copy(update={"outbox": (event,)})
        if await self._is_taken(account.name):
            raise AccountExists(account.name)
        # Event before record: a crash between the two leaves an event too many, never one too few.
        await self.events.append([event])
        try:
            await self.store.add_account(account)
        except AlreadyThere:
            raise AccountExists(account.name) from None
        return account

    async def _is_taken(self, name: str) -> bool:
        return any(name.lower() == each.name.lower() for each in await self.store.accounts())


def _check_operator(verb: str, by: Principal) -> None:
    if not by.is_operator:
        raise NotPermitted(verb, "accounts", "it takes being operator of the registry")

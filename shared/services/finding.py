"""Finding accounts: by name, by id, and those that own an organization."""

import asyncio
from collections.abc import Iterable, Mapping

from shared.domain.accounts import Account, AccountName, place_of_name
from shared.domain.entity import Place
from shared.domain.organizations import Membership
from shared.domain.rights import Role
from shared.ports import DirectoryStore


async def account_called(directory: DirectoryStore, name_or_id: str) -> Account | None:
    """Return the account of that name, in any spelling, or of that id; None where there is none."""
    claim = await directory.get(AccountName, place_of_name(name_or_id))
    return await directory.get(Account, Place(claim.account if claim else name_or_id))


async def accounts_of(directory: DirectoryStore, ids: Iterable[str]) -> list[Account]:
    """Return the accounts that are there, in the order of their ids; they are read side by side."""
    found = await asyncio.gather(*(directory.get(Account, Place(each)) for each in ids))
    return [account for account in found if account is not None]


async def names_of(directory: DirectoryStore, ids: Iterable[str]) -> Mapping[str, str]:
    """Return the names of the accounts that are there, by id; each is read once."""
    accounts = await accounts_of(directory, sorted({*ids} - {""}))
    return {account.id: account.name for account in accounts}


async def owners_of(directory: DirectoryStore, org: str, now_ms: int) -> list[Account]:
    """Return who owns the organization at that time, whose name is in any spelling."""
    members = await directory.of(Membership, org.lower())
    owners = [each.account for each in members if each.role_at(now_ms) is Role.OWNER]
    return await accounts_of(directory, owners)

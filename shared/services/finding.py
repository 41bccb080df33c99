"""Finding accounts: by id, by name, and those that own an organization."""

import asyncio
from collections.abc import Iterable, Mapping

from shared.domain.accounts import Account, AccountName, is_id, is_name, place_of_name
from shared.domain.entity import Place
from shared.domain.organizations import Membership
from shared.domain.rights import Role
from shared.ports import DirectoryStore

ID_PREFIX = "id:"  # Before an id where a person may type a name; no name holds a colon.


async def account_with_id(directory: DirectoryStore, account_id: str) -> Account | None:
    """Return the account of that id, whatever the names of others; None where there is none.

    What does not have the form of an id reads no store: pages and programs send ids alone.
    """
    return await directory.get(Account, Place(account_id)) if is_id(account_id) else None


async def account_named(directory: DirectoryStore, name: str) -> Account | None:
    """Return the account of that name, in any spelling; None where there is none.

    A text of the form of an id is no name, even where an old account is called so: whoever pastes
    an id means whose id it is.
    """
    claim = await directory.get(AccountName, place_of_name(name)) if is_name(name) else None
    if claim is None or claim.is_retired:
        return None
    return await directory.get(Account, Place(claim.account))


async def account_typed(directory: DirectoryStore, text: str) -> Account | None:
    """Return the account that a person means: by its name, or by `id:` and its id."""
    account_id = text.removeprefix(ID_PREFIX)
    find = account_named if account_id == text else account_with_id
    return await find(directory, account_id)


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

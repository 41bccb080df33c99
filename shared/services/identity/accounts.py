"""Accounts: creating, renaming and finding them."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from enum import Enum

from msgspec import Struct

from shared.auth.access_tokens import OWNER_LENGTH
from shared.auth.secrets import random_text
from shared.domain.access_rights import PUBLISHING_ROLES
from shared.domain.account_names import (
    NAME_SALT_PLACE,
    AccountName,
    NameSalt,
    RetiredName,
    account_name_place,
    is_account_name,
    is_administrator_name,
    parse_account_name,
    retired_name_place,
)
from shared.domain.accounts import ADMINISTRATORS, Account
from shared.domain.entities import Place
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    AccountExists,
    NotPermitted,
    TokenUnknown,
    account_not_found,
    credentials_missing,
)
from shared.domain.ids import is_id
from shared.domain.memberships import Membership
from shared.domain.ownership import OwnerlessOrganization, ownerless_place
from shared.domain.principals import ACTOR_NAMES, Principal
from shared.domain.scopes import Role
from shared.domain.times import MS
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.revocation_list import RetiredNameList

_ADMINISTRATOR_NAME = (
    "{name!r} is, or looks like, the name of somebody who runs this registry. Choose another, or "
    "make the account an administrator."
)

# How long a claim without an account is kept; creating an account takes milliseconds.
NAME_CLAIM_LIFETIME = timedelta(minutes=1)


class AccountProfile(Struct, frozen=True):
    """An account with the credential of the request and its memberships."""

    account: Account
    principal: Principal
    memberships: tuple[Membership, ...]


NAME_SALT_BYTES = 32


class KeptName(Enum):
    """The outcome for the hash of a former name from the list of revocations."""

    NEW = "new"
    KNOWN = "known"
    UNKNOWN_SALT = "unknown-salt"  # Names are compared by the one salt of the registry.


class RetiredNames(Struct, frozen=True):
    """Keeps the former names of accounts as salted hashes, so that nobody gets them again."""

    directory: DirectoryStore
    listed: RetiredNameList
    randomness: Randomness

    async def includes(self, name: str) -> bool:
        """Check whether an account had the name earlier, in any spelling."""
        salt = await self.directory.get(NameSalt, NAME_SALT_PLACE)
        if salt is None:
            return False
        place = retired_name_place(salt.hash_of(name))
        return await self.directory.get(RetiredName, place) is not None

    @retried_when_stale
    async def retire(self, name: str, account_id: str) -> bool:
        """Replace the claim of an account to a name by the hash of the name; return whether there
        was one. A repeat continues after a crash."""
        claim = await self.directory.get(AccountName, account_name_place(name))
        if claim is None or claim.account != account_id:
            return False
        salt = await self._salt()
        await self.listed.add(salt.salt, salt.hash_of(name))
        # The hash is stored first, so that nobody else can claim the name in between.
        with suppress(AlreadyThere):
            await self.directory.add(RetiredName(hash=salt.hash_of(name)))
        await self.directory.remove(claim)
        return True

    @retried_when_stale
    async def keep(self, salt: str, name_hash: str) -> KeptName:
        """Store a former name of which only the hash is known; a registry without a salt adopts the
        given one."""
        stored = await self.directory.get(NameSalt, NAME_SALT_PLACE)
        if stored is None:
            stored = await self._add_salt(NameSalt(salt=salt))
        if stored.salt != salt:
            return KeptName.UNKNOWN_SALT
        try:
            await self.directory.add(RetiredName(hash=name_hash))
        except AlreadyThere:
            return KeptName.KNOWN
        return KeptName.NEW

    async def _salt(self) -> NameSalt:
        salt = await self.directory.get(NameSalt, NAME_SALT_PLACE)
        if salt is not None:
            return salt
        new = NameSalt(salt=self.randomness.token_bytes(NAME_SALT_BYTES).hex())
        return await self._add_salt(new)

    async def _add_salt(self, salt: NameSalt) -> NameSalt:
        try:
            return await self.directory.add(salt)
        except AlreadyThere:
            raise Stale from None  # Another process created the salt, and the repeat reads it.


class Accounts(Struct, frozen=True):
    """Creates, renames and finds accounts; the operator or a first sign-in creates them."""

    directory: DirectoryStore
    retired_names: RetiredNames
    audited_writer: AuditedWriter
    clock: Clock
    randomness: Randomness

    async def create(self, name: str, *, by: Principal) -> Account:
        """Create an account, or raise `AccountExists` when the name is taken."""
        return await self._create_by_operator(self._new(name, administrator=False), by)

    async def create_administrator(self, name: str, *, by: Principal) -> Account:
        """Create an administrator, or raise `AccountExists` when the name is taken."""
        return await self._create_by_operator(self._new(name, administrator=True), by)

    async def create_for_person(self, name: str, *, by: Principal) -> Account:
        """Create an account, or raise `AccountExists`; callers check rights."""
        return await self._create(self._new(name, administrator=False), by)

    async def by_id(self, account_id: str) -> Account:
        """Return the account with this id, or raise `account-not-found`."""
        account = await account_by_id(self.directory, account_id)
        if account is None:
            raise account_not_found(account_id)
        return account

    async def by_name_or_id(self, text: str) -> Account:
        """Return the account with a name or, after `id:`, with an id; raise `account-not-found`."""
        account = await account_by_name_or_id(self.directory, text)
        if account is None:
            way_out = (
                f"An id has {ACCOUNT_ID_PREFIX} before it: {ACCOUNT_ID_PREFIX}{text}."
                if is_id(text)
                else ""
            )
            raise account_not_found(text, way_out)
        return account

    async def rename(self, account: Account, name: str, *, by: Principal) -> Account:
        """Rename an account and retire its previous name. A repeat continues after a crash.

        Raises `AccountExists`, and as `create` does.
        """
        _require_operator("rename", by)
        self._check_name(name, administrator=account.administrator)
        await self._claim_if_missing(name, account)
        if name.lower() != account.name.lower():
            await self.retired_names.retire(account.name, account.id)
        return await self._write_name(account.id, name, by)

    async def profile(self, by: Principal) -> AccountProfile:
        """Return the account of a request; raise as `account_of_caller` does."""
        account = await account_of_caller(self.directory, by)
        return AccountProfile(account, by, await self._memberships(by.id))

    async def _memberships(self, account_id: str) -> tuple[Membership, ...]:
        stored = await self.directory.list_by_subject(Membership, account_id)
        now_ms = self.clock.now_ms()
        return tuple(current for each in stored if (current := each.at(now_ms)) is not None)

    def _new(self, name: str, *, administrator: bool) -> Account:
        self._check_name(name, administrator=administrator)
        account_id = random_text(self.randomness, OWNER_LENGTH)
        now_ms = self.clock.now_ms()
        return Account(id=account_id, name=name, administrator=administrator, created_ms=now_ms)

    async def register(
        self, account_id: str, name: str, *, email: str, provider: str, by: Principal
    ) -> Account:
        """Create the account of a first sign-in with a given id, or raise `AccountExists`."""
        new = self._new(name, administrator=False)
        update = {"id": account_id, "email": email, "providers": (provider,)}
        account = new.model_copy(update=update)
        return await self._create(account, by)

    def _check_name(self, name: str, *, administrator: bool) -> None:
        parse_account_name(name)
        if is_administrator_name(name) and not administrator:
            raise InvalidRequest(_ADMINISTRATOR_NAME.format(name=name))

    async def _claim_if_missing(self, name: str, account: Account) -> None:
        """Claim a name for an existing account, unless it has the name already."""
        claim = await self.directory.get(AccountName, account_name_place(name))
        if claim is None or claim.is_retired or claim.account != account.id:
            now_ms = self.clock.now_ms()
            await self._claim(account.model_copy(update={"name": name, "created_ms": now_ms}))

    @retried_when_stale
    async def _write_name(self, account_id: str, name: str, by: Principal) -> Account:
        account = await self.by_id(account_id)
        if account.name == name:
            return account
        details = {"before": account.name, "after": name}
        change = EntityChange("account.renamed", account.id, account=account.id, details=details)
        renamed = account.model_copy(update={"name": name})
        return await self.audited_writer.replace(renamed, change=change, by=by)

    async def _create_by_operator(self, account: Account, by: Principal) -> Account:
        _require_operator("create", by)
        return await self._create(account, by)

    async def _create(self, account: Account, by: Principal) -> Account:
        await self._claim(account)
        details = {"name": account.name, "administrator": str(account.administrator).lower()}
        change = EntityChange("account.created", account.id, account=account.id, details=details)
        return await self.audited_writer.add(account, change=change, by=by)

    async def _claim(self, account: Account) -> None:
        """Claim the name for the account, or raise `AccountExists`."""
        claim = AccountName(name=account.name, account=account.id, created_ms=account.created_ms)
        try:
            claimed = await self.directory.add(claim)
        except AlreadyThere:
            claimed = await self._take_over(claim)
        # This is checked after the claim: a name that is retired meanwhile was hashed before
        # anybody could claim it.
        if await self.retired_names.includes(claim.name):
            with suppress(Stale):
                await self.directory.remove(claimed)
            raise AccountExists(claim.name)

    async def _take_over(self, claim: AccountName) -> AccountName:
        """Take over a name that was claimed for an account which a crash kept from being
        created."""
        taken = await self.directory.get(AccountName, claim.place)
        abandoned = taken is not None and await self._is_abandoned(taken, claim.created_ms)
        if taken is None or not abandoned:
            raise AccountExists(claim.name)
        try:
            return await self.directory.replace(
                claim.model_copy(update={"revision": taken.revision})
            )
        except Stale:
            raise AccountExists(claim.name) from None

    async def _is_abandoned(self, taken: AccountName, now_ms: int) -> bool:
        lifetime_ms = NAME_CLAIM_LIFETIME // MS
        if taken.is_retired or now_ms - taken.created_ms < lifetime_ms:
            return False
        return await self.directory.get(Account, Place(taken.account)) is None


def _require_operator(verb: str, by: Principal) -> None:
    if not by.is_operator:
        raise NotPermitted(verb, "accounts", "only the operator of the registry can do this")


ACCOUNT_ID_PREFIX = "id:"  # Before an id where a name is expected; no name contains a colon.


async def account_of_caller(directory: DirectoryStore, by: Principal) -> Account:
    """Return the account of a request; raise `credentials-missing`, or `TokenUnknown` if it was
    deleted."""
    if by.is_anonymous:
        raise credentials_missing()
    account = await directory.get(Account, Place(by.id))
    if account is None:
        raise TokenUnknown
    return account


async def account_by_id(directory: DirectoryStore, account_id: str) -> Account | None:
    """Return the account with this id, or None; a text without the form of an id is not read."""
    return await directory.get(Account, Place(account_id)) if is_id(account_id) else None


async def account_by_name(directory: DirectoryStore, name: str) -> Account | None:
    """Return the account with this name, in any spelling, or None.

    A text with the form of an id finds nothing, even where an old account has such a name.
    """
    claim = (
        await directory.get(AccountName, account_name_place(name))
        if is_account_name(name)
        else None
    )
    if claim is None or claim.is_retired:
        return None
    return await directory.get(Account, Place(claim.account))


async def account_by_name_or_id(directory: DirectoryStore, text: str) -> Account | None:
    """Return the account with a name or, after `id:`, with an id; or None."""
    account_id = text.removeprefix(ACCOUNT_ID_PREFIX)
    find = account_by_name if account_id == text else account_by_id
    return await find(directory, account_id)


async def accounts_by_ids(directory: DirectoryStore, ids: Iterable[str]) -> list[Account]:
    """Return the existing accounts in the order of `ids`; they are read concurrently."""
    found = await asyncio.gather(*(directory.get(Account, Place(each)) for each in ids))
    return [account for account in found if account is not None]


async def account_names(directory: DirectoryStore, ids: Iterable[str]) -> Mapping[str, str]:
    """Return the names of the existing accounts by id; each is read once."""
    accounts = await accounts_by_ids(directory, sorted({*ids} - {""}))
    return {account.id: account.name for account in accounts}


async def actor_name(directory: DirectoryStore, by: Principal) -> str:
    """Return the name of who makes a change, at the beginning of a sentence: that of an account, or
    of an actor that is none; of a deleted account, what says so."""
    if by.id in ACTOR_NAMES:
        return ACTOR_NAMES[by.id]
    return (await account_names(directory, [by.id])).get(by.id, "A deleted account")


async def organization_owners(directory: DirectoryStore, org: str, now_ms: int) -> list[Account]:
    """Return the owners of an organization at that time."""
    return await _accounts_with_role(directory, org, Role.OWNER, now_ms)


async def unlocked_owners(directory: DirectoryStore, org: str, now_ms: int) -> list[Account]:
    """Return the owners of an organization at that time who are not locked, which may be none."""
    owners = await organization_owners(directory, org, now_ms)
    return [each for each in owners if not each.is_locked]


async def reachable_owners(
    directory: DirectoryStore, org: str, owners: Iterable[Account]
) -> list[Account]:
    """Return the owners who are not locked. If no owner can sign in, `OwnerlessOrganizations` has
    stored that, and the result is empty after one read, however many owners there are."""
    found = await directory.get(OwnerlessOrganization, ownerless_place(org))
    return [] if found else [each for each in owners if not each.is_locked]


async def responsible_accounts(directory: DirectoryStore, org: str, now_ms: int) -> list[Account]:
    """Return the owners of an organization at that time who are not locked; if none of the owners
    can sign in, its maintainers, so that somebody reads its mail."""
    owners = await organization_owners(directory, org, now_ms)
    if reachable := await reachable_owners(directory, org, owners):
        return reachable
    maintainers = await _accounts_with_role(directory, org, Role.MAINTAINER, now_ms)
    return [each for each in (*owners, *maintainers) if not each.is_locked]


async def publishing_accounts(directory: DirectoryStore, org: str, now_ms: int) -> list[Account]:
    """Return the owners and maintainers of an organization at that time who are not locked: they
    approve releases."""
    members = await directory.list_by_owner(Membership, org.lower())
    ids = [each.account for each in members if each.role_at(now_ms) in PUBLISHING_ROLES]
    found = await accounts_by_ids(directory, ids)
    return [each for each in found if not each.is_locked]


async def _accounts_with_role(
    directory: DirectoryStore, org: str, role: Role, now_ms: int
) -> list[Account]:
    members = await directory.list_by_owner(Membership, org.lower())
    found = [each.account for each in members if each.role_at(now_ms) is role]
    return await accounts_by_ids(directory, found)


async def administrator_accounts(directory: DirectoryStore, now_ms: int) -> list[Account]:
    """Return the administrators at that time."""
    listed = await directory.list_by_subject(Account, ADMINISTRATORS)
    # A list may be older than the records, so the records are read.
    found = await accounts_by_ids(directory, [each.id for each in listed])
    return [each for each in found if each.administers_at(now_ms)]

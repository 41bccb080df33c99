"""Administration: who administers the registry, and what administrators see and change of accounts
and organizations.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.auth.authorization import Administration
from shared.domain.accounts import (
    ADMINISTRATORS,
    Account,
    AccountLock,
    AccountName,
    Identity,
    account_name_place,
    is_id,
)
from shared.domain.errors.identity import AccountLocked
from shared.domain.errors.organizations import (
    AccountNotFound,
    LastAdministrator,
    OrganizationNotFound,
)
from shared.domain.events import EventQuery
from shared.domain.identity import Principal
from shared.domain.mail import (
    MailText,
    account_locked_mail,
    account_unlocked_mail,
    administrators_changed_mail,
)
from shared.domain.members import Membership
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place, parse_required_reason
from shared.domain.records import Place
from shared.domain.sign_in import Session
from shared.domain.tokens import LineageRecord
from shared.ports import DirectoryStore
from shared.services.accounts import account_by_id, account_by_name, accounts_by_ids
from shared.services.audit_log import AuditLog, AuditLogPage
from shared.services.mail import MailDelivery
from shared.services.members import OPERATOR_NAME
from shared.services.organizations import Organizations
from shared.services.records import (
    EntityChange,
    Leases,
    ListPage,
    RecordWriter,
    entities_with_prefix,
    entity_page,
)
from shared.services.sessions import AccountSessions, live_sessions
from shared.services.token_records import TokenRecords, UsedToken, token_change


@dataclass(frozen=True, slots=True)
class Administrators:
    """Reads who administers the registry, and keeps the last of them."""

    directory: DirectoryStore
    administration: Administration
    leases: Leases

    async def all(self) -> list[Account]:
        listed = await self.directory.about(Account, ADMINISTRATORS)
        # The list may lag behind; the records themselves are the truth.
        found = await accounts_by_ids(self.directory, [each.id for each in listed])
        there = [each for each in found if each.administrator]
        return sorted(there, key=lambda account: account.name.lower())

    @asynccontextmanager
    async def locked(
        self, account: Account, verb: str, *, by: Principal
    ) -> AsyncGenerator[Account]:
        """Lend the account as it is now, while nobody else changes one.

        Of two administrators who lower each other at once, both would see that the other one stays.
        Raises as `Administration.require_fresh` does, `AccountNotFound`, and `Busy`.
        """
        what = f"the account {account.name}"
        await self.administration.require_fresh(by, verb, what)
        async with self.leases.lease(ADMINISTRATORS):
            # Once more: whoever asks may have been lowered just before.
            await self.administration.require_fresh(by, verb, what)
            there = await self.directory.get(Account, Place(account.id))
            if there is None:
                raise AccountNotFound(account.name)
            yield there

    async def require_another(self, account: Account) -> None:
        """Raise `LastAdministrator` unless another administrator can sign in."""
        if not any(each.id != account.id and not each.is_locked for each in await self.all()):
            raise LastAdministrator(account.name)


@dataclass(frozen=True, slots=True)
class AdministratorAppointments:
    """Changes who administers the registry; all who do are told, and those who did."""

    administrators: Administrators
    record_writer: RecordWriter
    mail_delivery: MailDelivery
    base_url: str

    async def appoint(self, account: Account, *, by: Principal) -> Account:
        """Make somebody administrator; a repeat changes nothing. Raises `AccountLocked`."""
        async with self.administrators.locked(account, "appoint", by=by) as there:
            if there.is_locked:
                raise AccountLocked(there.name)
            if there.administrator:
                return there
            return await self._write(there.model_copy(update={"administrator": True}), by)

    async def dismiss(self, account: Account, *, by: Principal) -> Account:
        """Let somebody be no administrator any more; raise `LastAdministrator`."""
        async with self.administrators.locked(account, "dismiss", by=by) as there:
            if not there.administrator:
                return there
            await self.administrators.require_another(there)
            return await self._write(there.model_copy(update={"administrator": False}), by)

    async def _write(self, account: Account, by: Principal) -> Account:
        kind = "account.appointed" if account.administrator else "account.dismissed"
        change = EntityChange(kind, account.id, account=account.id, details={"name": account.name})
        stored = await self.record_writer.replace(account, change=change, by=by)
        await self._tell(stored, by)
        return stored

    async def _tell(self, account: Account, by: Principal) -> None:
        deciding = await accounts_by_ids(self.record_writer.directory, [by.id])
        letter = administrators_changed_mail(
            account.name,
            self.base_url,
            by=deciding[0].name if deciding else OPERATOR_NAME,
            is_one=account.administrator,
        )
        told = {each.id: each for each in [*await self.administrators.all(), *deciding, account]}
        await self.mail_delivery.send_to_accounts(told.values(), *letter)


MAX_ACCOUNTS_FOUND = 25  # Accounts of one search; whoever means another one types more of its name.

_ACCOUNTS_OF_OTHERS = "the accounts of others"


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """A name, and the account that it is of; None where that was deleted, and the name is kept."""

    name: str
    account: Account | None


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """All that the registry knows of somebody, but secrets, and canaries in their tokens."""

    account: Account
    identities: tuple[Identity, ...]
    memberships: tuple[Membership, ...]
    tokens: tuple[UsedToken, ...]
    sessions: tuple[Session, ...]
    log: AuditLogPage
    locked_by: str  # The name of who did, or an id; empty where nobody did.


@dataclass(frozen=True, slots=True)
class AccountAdministration:
    """Lists and shows accounts to administrators."""

    directory: DirectoryStore
    administration: Administration
    administrators: Administrators
    organizations: Organizations
    tokens: TokenRecords
    audit_log: AuditLog

    async def page(self, after: str, count: int, *, by: Principal) -> ListPage[NamedAccount]:
        """Return up to `count` names above one, in order, with their accounts."""
        await self.administration.require(by, "list", _ACCOUNTS_OF_OTHERS)
        place = account_name_place(after) if after else Place("")
        found = await entity_page(self.directory, AccountName, place, count)
        names = await self._named(found.entities)
        return ListPage(names, found.entities[-1].name if found.is_more else "")

    async def search(self, sought: str, *, by: Principal) -> ListPage[NamedAccount]:
        """Return whose name, id or mail address this is, else whose names begin so."""
        await self.administration.require(by, "list", _ACCOUNTS_OF_OTHERS)
        find = account_by_id if is_id(sought) else account_by_name
        exactly = await find(self.directory, sought)
        known = [exactly] if exactly else await self._written_to(sought)
        if known:
            return ListPage(
                tuple(NamedAccount(each.name, each) for each in known[:MAX_ACCOUNTS_FOUND])
            )
        # A name that is the letters and no more is that of nobody.
        place = account_name_place(sought)
        names = await entities_with_prefix(self.directory, AccountName, place, MAX_ACCOUNTS_FOUND)
        return ListPage(await self._named(names))

    async def show(self, account_id: str, query: EventQuery, *, by: Principal) -> AccountDetails:
        """Return everything about an account, with a page of its log; or `AccountNotFound`."""
        await self.administration.require(by, "see", _ACCOUNTS_OF_OTHERS)
        account = await account_by_id(self.directory, account_id)
        if account is None:
            raise AccountNotFound(account_id)
        identities, memberships, tokens, sessions, log = await asyncio.gather(
            self.directory.about(Identity, account.id),
            self.organizations.memberships_of(account.id),
            self.tokens.of(account.id),
            self.directory.of(Session, account.id),
            self.audit_log.of_other_account(account.id, query, by=by),
        )
        return AccountDetails(
            account=account,
            identities=tuple(sorted(identities, key=lambda identity: identity.linked_ms)),
            memberships=tuple(memberships),
            tokens=tuple(each for each in tokens if not each.token.canary),
            sessions=tuple(live_sessions(sessions, self.organizations.clock.now_ms())),
            log=log,
            locked_by=await self._locker(account),
        )

    async def list_administrators(self, *, by: Principal) -> list[Account]:
        await self.administration.require(by, "list", _ACCOUNTS_OF_OTHERS)
        return await self.administrators.all()

    async def is_administrator_signed_in(self, *, by: Principal) -> bool:
        """Say whether an administrator has a session that counts."""
        now_ms = self.organizations.clock.now_ms()
        for account in await self.list_administrators(by=by):
            if live_sessions(await self.directory.of(Session, account.id), now_ms):
                return True
        return False

    async def _locker(self, account: Account) -> str:
        if account.lock is None:
            return ""
        found = await accounts_by_ids(self.directory, [account.lock.by])
        return found[0].name if found else account.lock.by

    async def _written_to(self, address: str) -> list[Account]:
        """Return the accounts of this mail address; administrators are not listed by theirs."""
        if "@" not in address:
            return []
        wanted = address.lower()
        running = await self.administrators.all()
        others = await self.directory.about(Account, wanted)
        return [*(each for each in running if each.email.lower() == wanted), *others]

    async def _named(self, names: Sequence[AccountName]) -> tuple[NamedAccount, ...]:
        accounts = await asyncio.gather(
            *(self.directory.get(Account, Place(each.account)) for each in names)
        )
        pairs = zip(names, accounts, strict=True)
        return tuple(NamedAccount(each.name, account) for each, account in pairs)


@dataclass(frozen=True, slots=True)
class AccountRestrictions:
    """Does to the account of somebody else what its owner would do, if they still could.

    It takes an administrator who signed in a moment ago. What the account published stays.
    """

    administrators: Administrators
    record_writer: RecordWriter
    account_sessions: AccountSessions
    tokens: TokenRecords
    mail_delivery: MailDelivery
    base_url: str

    async def end_sessions(self, account: Account, *, by: Principal) -> list[Session]:
        """End every session of the account, everywhere within five seconds."""
        await self._check(by, "end", f"the sessions of {account.name}")
        return await self.account_sessions.end_all(account.id, by=by)

    async def revoke_token(self, account: Account, token_id: str, *, by: Principal) -> None:
        """End a token of the account, everywhere within five seconds; raise `TokenNotFound`."""
        await self._check(by, "revoke", f"tokens of {account.name}")
        token = (await self.tokens.find(account.id, token_id)).token
        await self.tokens.revoke(token, token_change("revoked", token), by=by)

    async def revoke_stolen_token(
        self, account: Account, token_id: str, *, by: Principal
    ) -> Sequence[LineageRecord]:
        """End a token of the account and everything that was made with it, as its owner would."""
        await self._check(by, "revoke", f"tokens of {account.name}")
        return await self.tokens.lineage.revoke_stolen(account.id, token_id, by=by)

    async def revoke_all_tokens(self, account: Account, *, by: Principal) -> int:
        """End every token of the account but canaries, which open nothing; return how many."""
        await self._check(by, "revoke", f"tokens of {account.name}")
        found = [used.token for used in await self.tokens.of(account.id) if not used.token.canary]
        for token in found:
            await self.tokens.revoke(token, token_change("revoked", token), by=by)
        return len(found)

    async def lock(self, account: Account, reason: str, *, by: Principal) -> list[Session]:
        """Lock the account and return the sessions that ended; a repeat changes the reason.

        Its credentials are refused everywhere within five seconds. Raises `LastAdministrator`.
        """
        why = parse_required_reason(reason, f"the lock of {account.name}")
        async with self.administrators.locked(account, "lock", by=by) as there:
            if there.administrator:
                await self.administrators.require_another(there)
            lock = AccountLock(at_ms=self.record_writer.clock.now_ms(), by=by.id, reason=why)
            await self._write(there, lock, by)
        # After the lock, so that nobody signs in again meanwhile.
        ended = await self.account_sessions.end_all(account.id, by=by)
        await self._tell(account, account_locked_mail(account.name, self.base_url))
        return ended

    async def unlock(self, account: Account, *, by: Principal) -> None:
        """Let the account be used again, with the tokens that were not revoked."""
        async with self.administrators.locked(account, "unlock", by=by) as there:
            if not there.is_locked:
                return
            await self._write(there, None, by)
        await self._tell(account, account_unlocked_mail(account.name, self.base_url))

    async def _write(self, account: Account, lock: AccountLock | None, by: Principal) -> None:
        kind = "account.unlocked" if lock is None else "account.locked"
        details = {"name": account.name, **({"reason": lock.reason} if lock else {})}
        change = EntityChange(kind, account.id, account=account.id, details=details)
        changed = account.model_copy(update={"lock": lock})
        await self.record_writer.replace(changed, change=change, by=by)

    async def _check(self, by: Principal, verb: str, what: str) -> None:
        await self.administrators.administration.require_fresh(by, verb, what)

    async def _tell(self, account: Account, letter: MailText) -> None:
        await self.mail_delivery.send_to_accounts([account], *letter)


MAX_ORGANIZATIONS_FOUND = 25  # Organizations of one search.

_EVERY_ORGANIZATION = "every organization"


@dataclass(frozen=True, slots=True)
class OrganizationWithFounder:
    """An organization, and who founded it; None where their account is gone."""

    organization: Organization
    founder: Account | None


@dataclass(frozen=True, slots=True)
class OrganizationAdministration:
    """Lists and shows organizations to administrators, those that were deleted included."""

    directory: DirectoryStore
    administration: Administration
    organizations: Organizations

    async def page(
        self, after: str, count: int, *, by: Principal
    ) -> ListPage[OrganizationWithFounder]:
        """Return up to `count` organizations whose names are above one."""
        await self.administration.require(by, "list", _EVERY_ORGANIZATION)
        found = await entity_page(self.directory, Organization, organization_place(after), count)
        next_ = found.entities[-1].key if found.is_more else ""
        return ListPage(await self._founded(found.entities), next_)

    async def search(self, letters: str, *, by: Principal) -> ListPage[OrganizationWithFounder]:
        """Return the organizations whose names begin so."""
        await self.administration.require(by, "list", _EVERY_ORGANIZATION)
        found = await entities_with_prefix(
            self.directory, Organization, organization_place(letters), MAX_ORGANIZATIONS_FOUND
        )
        return ListPage(await self._founded(found))

    async def show(self, org: OrgName, *, by: Principal) -> OrganizationWithFounder:
        """Return an organization, deleted or not; raise `OrganizationNotFound`."""
        await self.administration.require(by, "see", f"the organization {org}")
        organization = await self.directory.get(Organization, organization_place(org))
        if organization is None:
            raise OrganizationNotFound(org)
        [founded] = await self._founded((organization,))
        return founded

    async def create(self, org: OrgName, owner: Account, *, by: Principal) -> Organization:
        """Found an organization that somebody else owns, and raise as `Organizations.found`."""
        await self.administration.require_fresh(by, "found", f"the organization {org} for somebody")
        return await self.organizations.create(org, owner, by=by)

    async def _founded(
        self, organizations: tuple[Organization, ...]
    ) -> tuple[OrganizationWithFounder, ...]:
        ids = {each.founder for each in organizations}
        founders = {each.id: each for each in await accounts_by_ids(self.directory, sorted(ids))}
        return tuple(
            OrganizationWithFounder(each, founders.get(each.founder)) for each in organizations
        )

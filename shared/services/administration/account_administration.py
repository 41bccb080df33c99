"""How administrators list, show and change accounts."""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.auth.secrets import Secret
from shared.domain.account_names import AccountName, account_name_place
from shared.domain.accounts import Account, AccountLock, LockSource
from shared.domain.entities import Place
from shared.domain.errors.identity import account_not_found
from shared.domain.event_queries import EventQuery
from shared.domain.identities import Identity
from shared.domain.ids import is_id
from shared.domain.mail import EmailAddress
from shared.domain.memberships import Membership
from shared.domain.principals import Principal
from shared.domain.reasons import parse_required_reason
from shared.domain.sessions import Session
from shared.domain.times import time_text
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_with_back_off
from shared.services.administration.administrators import (
    Administrators,
    reason_of_act,
    require_no_administrator,
)
from shared.services.administration.audit_log import AuditLog, AuditLogPage
from shared.services.administration.maker_locks import MakerLocks
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import (
    Accounts,
    account_by_id,
    account_by_name,
    accounts_by_ids,
)
from shared.services.identity.mail import DecisionMail
from shared.services.identity.sessions import Sessions, live_sessions
from shared.services.list_pages import ListPage, entities_with_prefix, entity_page
from shared.services.mail_delivery import MailDelivery, mail_text, reason_text
from shared.services.organizations.made_by_accounts import MadeByAccounts, MadeItem
from shared.services.organizations.memberships import Memberships
from shared.services.organizations.ownership import OwnerlessOrganizations
from shared.services.tokens.tokens import TokenRecords, UsedToken, token_change

MAX_ACCOUNTS_FOUND = 25  # Accounts of one search; a longer text finds fewer.
_LOCKERS = {
    LockSource.ADMINISTRATOR: "An administrator",
    LockSource.DIRECTORY: "The directory of your organization, where you are disabled or gone,",
}
_ACCOUNTS_OF_OTHERS = "the accounts of others"


class NamedAccount(Struct, frozen=True):
    """An account name and its account; None for a deleted one, whose name stays retired."""

    name: str
    account: Account | None


class AccountDetails(Struct, frozen=True):
    """Everything stored about an account, except secrets."""

    account: Account
    identities: tuple[Identity, ...]
    memberships: tuple[Membership, ...]
    tokens: tuple[UsedToken, ...]
    sessions: tuple[Session, ...]
    log: AuditLogPage
    lockers: Mapping[str, str]  # Names of those who locked it, by id, without deleted accounts.


class AccountAdministration(Struct, frozen=True):
    """Lists, shows and restricts accounts for administrators.

    Restrictions need an administrator who signed in recently, or a token that moderates. Published
    releases stay.
    """

    directory: DirectoryStore
    registry_authorization: RegistryAuthorization
    administrators: Administrators
    accounts: Accounts
    memberships: Memberships
    token_records: TokenRecords
    sessions: Sessions
    audit_log: AuditLog
    made_by_accounts: MadeByAccounts
    maker_locks: MakerLocks
    ownerless_organizations: OwnerlessOrganizations
    audited_writer: AuditedWriter
    mail_delivery: MailDelivery
    decision_mail: DecisionMail
    clock: Clock
    base_url: str

    async def page(self, after: str, count: int, *, by: Principal) -> ListPage[NamedAccount]:
        """Return up to `count` accounts whose names sort after `after`."""
        await self.registry_authorization.require_auditor(by, "list", _ACCOUNTS_OF_OTHERS)
        place = account_name_place(after) if after else Place("")
        found = await entity_page(self.directory, AccountName, place, count)
        names = await self._with_accounts(found.entities)
        return ListPage(names, found.entities[-1].name if found.is_more else "")

    async def search(self, text: str, *, by: Principal) -> ListPage[NamedAccount]:
        """Find accounts by exact name, id or mail address, or else by the beginning of the name."""
        await self.registry_authorization.require_auditor(by, "list", _ACCOUNTS_OF_OTHERS)
        find = account_by_id if is_id(text) else account_by_name
        exact = await find(self.directory, text)
        found = [exact] if exact else await self._with_email(text)
        if found:
            return ListPage(
                tuple(NamedAccount(each.name, each) for each in found[:MAX_ACCOUNTS_FOUND])
            )
        place = account_name_place(text)
        names = await entities_with_prefix(self.directory, AccountName, place, MAX_ACCOUNTS_FOUND)
        return ListPage(await self._with_accounts(names))

    async def show(self, account_id: str, query: EventQuery, *, by: Principal) -> AccountDetails:
        """Return an account with a page of its audit log, or raise `account-not-found`."""
        await self.registry_authorization.require_auditor(by, "see", _ACCOUNTS_OF_OTHERS)
        account = await account_by_id(self.directory, account_id)
        if account is None:
            raise account_not_found(account_id)
        identities, memberships, tokens, sessions, log = await asyncio.gather(
            self.directory.list_by_subject(Identity, account.id),
            self.memberships.of_account(account.id),
            self.token_records.of(account.id),
            self.directory.list_by_owner(Session, account.id),
            self.audit_log.of_other_account(account.id, query, by=by),
        )
        return AccountDetails(
            account=account,
            identities=tuple(sorted(identities, key=lambda identity: identity.linked_ms)),
            memberships=tuple(memberships),
            tokens=tuple(tokens),
            sessions=tuple(live_sessions(sessions, self.clock.now_ms())),
            log=log,
            lockers=await self._lockers(account),
        )

    async def made_by(self, account: Account, *, by: Principal) -> list[MadeItem]:
        """Return what the account made for organizations, which stops when it is locked."""
        await self.registry_authorization.require_auditor(by, "see", _ACCOUNTS_OF_OTHERS)
        return await self.made_by_accounts.of_account(account.id)

    async def tokens_and_made(self, account: Account, *, by: Principal) -> list[MadeItem]:
        """Return the tokens of the account and what it made for organizations, also for tokens that
        moderate."""
        await self.registry_authorization.require_reviewer(by, "see", _ACCOUNTS_OF_OTHERS)
        return await self.made_by_accounts.with_own_tokens(account.id)

    async def create(self, name: str, *, by: Principal) -> Account:
        """Create an account for a person, who signs in to it with a sign-in link.

        Raises `InvalidRequest` and `AccountExists`.
        """
        await self.registry_authorization.require_fresh(by, "create", f"the account {name}")
        return await self.accounts.create_for_person(name, by=by)

    async def send_sign_in_link(
        self, account: Account, address: EmailAddress, link: Secret, *, by: Principal
    ) -> bool:
        """Send the sign-in link of a new account; say whether the mail server accepted it."""
        await self.registry_authorization.require_fresh(by, "invite", account.name)
        name = account.name
        url = self.base_url
        mail = mail_text("account-created", name=name, url=url, link=link.reveal())
        return await self.mail_delivery.send(address, mail)

    async def list_administrators(self, *, by: Principal) -> list[Account]:
        await self.registry_authorization.require_auditor(by, "list", _ACCOUNTS_OF_OTHERS)
        return await self.administrators.all()

    async def is_administrator_signed_in(self, *, by: Principal) -> bool:
        """Check whether any administrator has a live session."""
        now_ms = self.clock.now_ms()
        for account in await self.list_administrators(by=by):
            if live_sessions(await self.directory.list_by_owner(Session, account.id), now_ms):
                return True
        return False

    async def end_sessions(self, account: Account, reason: str, *, by: Principal) -> list[Session]:
        """End all sessions of the account, everywhere within five seconds."""
        what = f"the sessions of {account.name}"
        await self.registry_authorization.require_fresh(by, "end", what)
        reason = reason_of_act(account, reason, f"ending {what}", by)
        ended = await self.sessions.end_all(account.id, by=by, reason=reason)
        await self._send_mail(account, f"all sessions of {account.name} ended", reason, by)
        return ended

    async def token(self, account: Account, token_id: str, *, by: Principal) -> UsedToken:
        """Return a token with its last use; raise `TokenNotFound`."""
        await self.registry_authorization.require_auditor(by, "see", _ACCOUNTS_OF_OTHERS)
        return await self.token_records.find(account.id, token_id)

    async def revoke_token(
        self, account: Account, token_id: str, reason: str, *, by: Principal
    ) -> None:
        """Revoke a token, everywhere within five seconds; raise `TokenNotFound`."""
        reason = await self._require_revoker(account, reason, by)
        token = (await self.token_records.find(account.id, token_id)).token
        await self.token_records.revoke(token, token_change("revoked", token, reason), by=by)
        what = f"the access token {token.name} of {account.name} is revoked"
        await self._send_mail(account, what, reason, by)

    async def revoke_all_tokens(self, account: Account, reason: str, *, by: Principal) -> int:
        """Revoke all tokens of the account; return the number."""
        reason = await self._require_revoker(account, reason, by)
        revoked = await self.token_records.revoke_all(account.id, by=by, reason=reason)
        if revoked:
            await self._send_mail(
                account, f"all access tokens of {account.name} are revoked", reason, by
            )
        return revoked

    @retried_with_back_off
    async def lock(
        self,
        account: Account,
        reason: str,
        *,
        by: Principal,
        source: LockSource = LockSource.ADMINISTRATOR,
    ) -> list[Session]:
        """Lock the account and return its ended sessions; a repeat changes the reason.

        Its credentials are refused everywhere within five seconds, until no source locks it, and
        with them what it made for organizations, whose owners get mail. Raises
        `last-administrator`.
        """
        reason = parse_required_reason(reason, f"the lock of {account.name}")
        async with self.administrators.changing(account, "lock", by=by) as current:
            if current.administrator:
                await self.administrators.require_another(current)
            now_ms = self.clock.now_ms()
            lock = AccountLock(at_ms=now_ms, by=by.id, reason=reason, source=source)
            await self._write_lock(current, source, lock, by)
        # After the lock, so that no new session can start.
        ended = await self.sessions.end_all(account.id, by=by)
        await self.maker_locks.after_lock(account, by=by)
        mail = mail_text(
            "account-locked",
            name=account.name,
            url=self.base_url,
            by=_LOCKERS[source],
            at=time_text(self.clock.now_ms()),
            reason=reason_text(reason),
            appeal=self.decision_mail.appeal.sentence,
        )
        await self.mail_delivery.send_to_accounts([account], mail)
        await self.ownerless_organizations.review_account(account.id)
        return ended

    @retried_with_back_off
    async def unlock(
        self, account: Account, *, by: Principal, source: LockSource = LockSource.ADMINISTRATOR
    ) -> Account:
        """End the lock of a source, and return the account. A lock of another source stays.

        If no lock is left, the tokens of the account are accepted again, except revoked ones, and
        what it made for organizations works again, unless somebody took it over.
        """
        async with self.administrators.changing(account, "unlock", by=by) as current:
            unlocked = current.with_lock(source, None)
            if unlocked != current:
                await self._write_lock(current, source, None, by)
        # A repeat does this as well, in case an earlier attempt crashed before it.
        if not unlocked.is_locked:
            await self.maker_locks.after_unlock(account, by=by)
        if current.is_locked and not unlocked.is_locked:
            mail = mail_text("account-unlocked", name=account.name, url=self.base_url)
            await self.mail_delivery.send_to_accounts([account], mail)
            await self.ownerless_organizations.review_account(account.id)
        return unlocked

    async def _with_email(self, address: str) -> list[Account]:
        if "@" not in address:
            return []
        email = address.lower()
        # Administrators are listed as administrators, not by their address.
        administrators = await self.administrators.all()
        others = await self.directory.list_by_subject(Account, email)
        return [*(each for each in administrators if each.email.lower() == email), *others]

    async def _with_accounts(self, names: Sequence[AccountName]) -> tuple[NamedAccount, ...]:
        accounts = await asyncio.gather(
            *(self.directory.get(Account, Place(each.account)) for each in names)
        )
        pairs = zip(names, accounts, strict=True)
        return tuple(NamedAccount(each.name, account) for each, account in pairs)

    async def _lockers(self, account: Account) -> dict[str, str]:
        ids = [each.by for each in account.locks]
        found = await accounts_by_ids(self.directory, ids) if ids else []
        return {each.id: each.name for each in found}

    async def _write_lock(
        self, account: Account, source: LockSource, lock: AccountLock | None, by: Principal
    ) -> None:
        kind = "account.unlocked" if lock is None else "account.locked"
        details = {"name": account.name, "source": source.value}
        details |= {"reason": lock.reason} if lock else {}
        change = EntityChange(kind, account.id, account=account.id, details=details)
        await self.audited_writer.replace(account.with_lock(source, lock), change=change, by=by)

    async def _require_revoker(self, account: Account, reason: str, by: Principal) -> str:
        """Return the reason for which `by` revokes tokens of the account."""
        await self.registry_authorization.require_moderator(
            by, "revoke", f"tokens of {account.name}"
        )
        require_no_administrator(account, "revoke tokens of", by=by)
        return reason_of_act(account, reason, f"revoking tokens of {account.name}", by)

    async def _send_mail(self, account: Account, what: str, reason: str, by: Principal) -> None:
        if by.id != account.id:
            await self.decision_mail.send_to_account(account.id, what, reason)

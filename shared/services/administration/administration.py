"""Administration: how administrators list, show and change accounts and organizations."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from msgspec import Struct

from shared.auth.authorization import Administration
from shared.auth.tokens import Secret
from shared.domain.account_names import AccountName, account_name_place
from shared.domain.accounts import (
    ADMINISTRATORS,
    Account,
    AccountByGroups,
    AccountLock,
    LockSource,
)
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict
from shared.domain.errors.identity import (
    NotPermitted,
    account_locked,
    account_not_found,
    organization_not_found,
)
from shared.domain.event_queries import EventQuery
from shared.domain.identities import Identity
from shared.domain.ids import is_id
from shared.domain.mail import EmailAddress
from shared.domain.memberships import Membership
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import DIRECTORY, Principal
from shared.domain.reasons import parse_reason, parse_required_reason, with_reason
from shared.domain.sessions import Session
from shared.domain.times import MS, time_text
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.administration.audit_log import AuditLog, AuditLogPage
from shared.services.administration.stopped_makers import StoppedMakers
from shared.services.identity.accounts import (
    Accounts,
    account_by_id,
    account_by_name,
    accounts_by_ids,
    administrator_accounts,
)
from shared.services.identity.mail import DecisionMail, MailDelivery, mail_text, reason_text
from shared.services.identity.sessions import Sessions, live_sessions
from shared.services.leases import Leases
from shared.services.list_pages import ListPage, entities_with_prefix, entity_page
from shared.services.organizations.made import Made, MadeByAccounts
from shared.services.organizations.memberships import OPERATOR_NAME, Memberships, NamedMembership
from shared.services.organizations.organizations import Organizations
from shared.services.organizations.ownership import OwnerlessOrganizations
from shared.services.records import EntityChange, RecordWriter
from shared.services.tokens.tokens import TokenRecords, UsedToken, token_change

# What a token with the scope moderate is enough for.
_DONE_BY_MODERATORS = frozenset({"lock", "unlock"})


def require_no_administrator(account: Account, verb: str, *, by: Principal) -> None:
    """Raise `NotPermitted` if a token changes an administrator, which only people may do."""
    if by.token and account.administrator:
        reason = "it is an administrator, to whom no token does this"
        raise NotPermitted(verb, f"the account {account.name}", reason)


class Administrators(Struct, frozen=True):
    """Lists, appoints and dismisses administrators; there is always one who can sign in.

    Changes are mailed to all administrators and to the account.
    """

    directory: DirectoryStore
    administration: Administration
    leases: Leases
    record_writer: RecordWriter
    mail_delivery: MailDelivery
    base_url: str

    async def all(self) -> list[Account]:
        now_ms = self.record_writer.clock.now_ms()
        current = await administrator_accounts(self.directory, now_ms)
        return sorted(current, key=lambda account: account.name.lower())

    @retried_with_back_off
    async def appoint(self, account: Account, *, by: Principal) -> Account:
        """Make an account an administrator; a repeat changes nothing. Raises `account-locked`."""
        async with self.locked(account, "appoint", by=by) as current:
            if current.is_locked:
                raise account_locked(current.name)
            if current.is_administrator_by_hand:
                return current
            return await self._write(current.with_rights(current.by_groups, by_hand=True), by)

    @retried_with_back_off
    async def dismiss(self, account: Account, reason: str, *, by: Principal) -> Account:
        """End that an account is administrator; a repeat changes nothing. Raises
        `last-administrator`, and `reason-missing` unless it is the own account.
        """
        said = _reason_of(account, reason, f"removing {account.name} as administrator", by)
        async with self.locked(account, "dismiss", by=by) as current:
            if current.administrator and not current.is_administrator_by_hand:
                raise Conflict(
                    "administrator-by-group",
                    f"{current.name} is an administrator by a group. Change the rule on "
                    "/manage/groups.",
                )
            if not current.administrator:
                return current
            await self.require_another(current)
            dismissed = current.with_rights(current.by_groups, by_hand=False)
            return await self._write(dismissed, by, said)

    async def end_role(self, current: Account, *, by: Principal) -> Account:
        """End that an account is administrator, by hand and by groups, while the lease is held.

        Raises `last-administrator`.
        """
        await self.require_another(current)
        return await self._write(current.with_rights(None, by_hand=False), by)

    @retried_when_stale
    async def set_by_groups(
        self,
        account_id: str,
        by_groups: AccountByGroups | None,
        groups_until_ms: int | None,
        *,
        by: Principal,
    ) -> None:
        """Store the roles that an account has by its groups, and until when they are known. No
        lease: an administrator by hand stays one, and there is always such a one."""
        current = await self.directory.get(Account, Place(account_id))
        if current is None:
            return
        rights = current.with_rights(by_groups, by_hand=current.is_administrator_by_hand)
        changed = rights.model_copy(update={"groups_until_ms": groups_until_ms})
        if changed == current:
            return
        if changed.administrator != current.administrator:
            # Each of the two changes has an event, and so a write. A crash in between leaves the
            # second one to the next renewal.
            current = await self._write(_auditing_as(changed, current), by)
            update = {"revision": current.revision, "outbox": current.outbox}
            changed = changed.model_copy(update=update)
        audits = bool(changed.by_groups and changed.by_groups.auditor)
        did_audit = bool(current.by_groups and current.by_groups.auditor)
        if audits != did_audit and not changed.auditor:
            kind = "auditor.appointed" if audits else "auditor.dismissed"
            await self.write_role(kind, changed, by)
        elif changed != current:
            await self.directory.replace(changed)

    @asynccontextmanager
    async def locked(
        self, account: Account, verb: str, *, by: Principal
    ) -> AsyncGenerator[Account]:
        """Yield the stored account while nobody else can change administrators.

        Otherwise two administrators could dismiss each other, and none would be left.
        Raises as `Administration.require_fresh` and `Leases.lease` do, and `account-not-found`. For
        locking and unlocking, a token that moderates is enough, except for administrators.
        """
        what = f"the account {account.name}"
        await self._require(by, verb, what)
        async with self.leases.lease(ADMINISTRATORS):
            # Checked again: `by` may have been dismissed meanwhile.
            await self._require(by, verb, what)
            current = await self.directory.get(Account, Place(account.id))
            if current is None:
                raise account_not_found(account.name)
            require_no_administrator(current, verb, by=by)
            yield current

    async def _require(self, by: Principal, verb: str, what: str) -> None:
        if by == DIRECTORY:
            return
        if verb in _DONE_BY_MODERATORS:
            await self.administration.require_moderator(by, verb, what)
        else:
            await self.administration.require_fresh(by, verb, what)

    async def require_another(self, account: Account) -> None:
        """Raise `last-administrator` unless another administrator, by hand, can sign in."""
        others = [each for each in await self.all() if each.id != account.id and not each.is_locked]
        if not any(each.is_administrator_by_hand for each in others):
            raise Conflict(
                "last-administrator",
                f"{account.name} is the only administrator who can sign in and is not one by a "
                "group. Appoint another one first.",
            )

    async def _write(self, account: Account, by: Principal, reason: str = "") -> Account:
        kind = "account.appointed" if account.administrator else "account.dismissed"
        return await self.write_role(kind, account, by, reason)

    async def write_role(
        self, kind: str, account: Account, by: Principal, reason: str = ""
    ) -> Account:
        """Store what an account is in the registry from now on, and send mail about the event of
        this kind; callers check rights."""
        details = {"name": account.name, **with_reason(reason)}
        change = EntityChange(kind, account.id, account=account.id, details=details)
        stored = await self.record_writer.replace(account, change=change, by=by)
        await self._send_mail(kind, stored, by, reason)
        return stored

    async def _send_mail(self, kind: str, account: Account, by: Principal, reason: str) -> None:
        actors = await accounts_by_ids(self.directory, [by.id])
        mail = mail_text(
            "administrators-changed",
            name=account.name,
            url=self.base_url,
            by=actors[0].name if actors else OPERATOR_NAME,
            what=_BECAME[kind],
            reason=reason_text(reason),
        )
        recipients = {each.id: each for each in [*await self.all(), *actors, account]}
        await self.mail_delivery.send_to_accounts(recipients.values(), mail)


def _auditing_as(account: Account, other: Account) -> Account:
    """Return the account, by its groups an auditor if and only if the other one is."""
    theirs = other.by_groups or AccountByGroups()
    if account.by_groups is None and not theirs.auditor:
        return account
    ours = account.by_groups or AccountByGroups(administrator_by_hand=account.administrator)
    update = {"auditor": theirs.auditor, "auditor_until_ms": theirs.auditor_until_ms}
    return account.model_copy(update={"by_groups": ours.model_copy(update=update)})


# What an account is after each event, as mail says it.
_BECAME = {
    "account.appointed": "an administrator",
    "account.dismissed": "no longer an administrator",
    "auditor.appointed": "an auditor",
    "auditor.dismissed": "no longer an auditor",
}


class Auditors(Struct, frozen=True):
    """Appoints and dismisses auditors, who read what administrators read and change nothing.

    Changes are mailed to all administrators and to the account. A repeat changes nothing.
    """

    administrators: Administrators
    record_writer: RecordWriter

    @retried_with_back_off
    async def appoint(self, account: Account, *, by: Principal) -> Account:
        """Make an account an auditor. Raises `account-locked`."""
        async with self.administrators.locked(account, "appoint", by=by) as current:
            if current.is_locked:
                raise account_locked(current.name)
            if current.auditor:
                return current
            changed = current.model_copy(update={"auditor": True})
            return await self.administrators.write_role("auditor.appointed", changed, by)

    @retried_with_back_off
    async def dismiss(self, account: Account, reason: str, *, by: Principal) -> Account:
        """Revoke the auditor role that an account was given by hand. Raises `auditor-by-group` for
        an auditor only by a group, and `reason-missing` unless it is the own account."""
        said = _reason_of(account, reason, f"removing {account.name} as auditor", by)
        async with self.administrators.locked(account, "dismiss", by=by) as current:
            if current.auditor:
                changed = current.model_copy(update={"auditor": False})
                return await self.administrators.write_role("auditor.dismissed", changed, by, said)
            if current.is_auditor_by_groups_at(self.record_writer.clock.now_ms()):
                raise Conflict(
                    "auditor-by-group",
                    f"{current.name} is an auditor by a group. Change the rule on /manage/groups.",
                )
            return current


MAX_ACCOUNTS_FOUND = 25  # Accounts of one search; a longer text finds fewer.
MAX_ORGANIZATIONS_FOUND = 25  # Organizations of one search.

_LOCKERS = {
    LockSource.ADMINISTRATOR: "An administrator",
    LockSource.DIRECTORY: "The directory of your organization, where you are disabled or gone,",
}
_ACCOUNTS_OF_OTHERS = "the accounts of others"
_EVERY_ORGANIZATION = "every organization"


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
    administration: Administration
    administrators: Administrators
    accounts: Accounts
    memberships: Memberships
    tokens: TokenRecords
    sessions: Sessions
    audit_log: AuditLog
    made_by_accounts: MadeByAccounts
    stopped_makers: StoppedMakers
    ownerless_organizations: OwnerlessOrganizations
    record_writer: RecordWriter
    mail_delivery: MailDelivery
    decision_mail: DecisionMail
    clock: Clock
    base_url: str

    async def page(self, after: str, count: int, *, by: Principal) -> ListPage[NamedAccount]:
        """Return up to `count` accounts whose names sort after `after`."""
        await self.administration.require_auditor(by, "list", _ACCOUNTS_OF_OTHERS)
        place = account_name_place(after) if after else Place("")
        found = await entity_page(self.directory, AccountName, place, count)
        names = await self._with_accounts(found.entities)
        return ListPage(names, found.entities[-1].name if found.is_more else "")

    async def search(self, text: str, *, by: Principal) -> ListPage[NamedAccount]:
        """Find accounts by exact name, id or mail address, or else by the beginning of the name."""
        await self.administration.require_auditor(by, "list", _ACCOUNTS_OF_OTHERS)
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
        await self.administration.require_auditor(by, "see", _ACCOUNTS_OF_OTHERS)
        account = await account_by_id(self.directory, account_id)
        if account is None:
            raise account_not_found(account_id)
        identities, memberships, tokens, sessions, log = await asyncio.gather(
            self.directory.list_by_subject(Identity, account.id),
            self.memberships.of_account(account.id),
            self.tokens.of(account.id),
            self.directory.list_by_owner(Session, account.id),
            self.audit_log.of_other_account(account.id, query, by=by),
        )
        return AccountDetails(
            account=account,
            identities=tuple(sorted(identities, key=lambda identity: identity.linked_ms)),
            memberships=tuple(memberships),
            tokens=tuple(tokens),
            sessions=tuple(live_sessions(sessions, self.record_writer.clock.now_ms())),
            log=log,
            lockers=await self._lockers(account),
        )

    async def made_by(self, account: Account, *, by: Principal) -> list[Made]:
        """Return what the account made for organizations, which stops when it is locked."""
        await self.administration.require_auditor(by, "see", _ACCOUNTS_OF_OTHERS)
        return await self.made_by_accounts.of_account(account.id)

    async def tokens_and_made(self, account: Account, *, by: Principal) -> list[Made]:
        """Return the tokens of the account and what it made for organizations, also for tokens that
        moderate."""
        await self.administration.require_reviewer(by, "see", _ACCOUNTS_OF_OTHERS)
        return await self.made_by_accounts.with_own_tokens(account.id)

    async def create(self, name: str, *, by: Principal) -> Account:
        """Create an account for a person, who signs in to it with a sign-in link.

        Raises `InvalidRequest` and `AccountExists`.
        """
        await self.administration.require_fresh(by, "create", f"the account {name}")
        return await self.accounts.create_for_person(name, by=by)

    async def send_sign_in_link(
        self, account: Account, address: EmailAddress, link: Secret, *, by: Principal
    ) -> bool:
        """Send the sign-in link of a new account; say whether the mail server accepted it."""
        await self.administration.require_fresh(by, "invite", account.name)
        name = account.name
        url = self.base_url
        mail = mail_text("account-created", name=name, url=url, link=link.reveal())
        return await self.mail_delivery.send(address, mail)

    async def list_administrators(self, *, by: Principal) -> list[Account]:
        await self.administration.require_auditor(by, "list", _ACCOUNTS_OF_OTHERS)
        return await self.administrators.all()

    async def is_administrator_signed_in(self, *, by: Principal) -> bool:
        """Check whether any administrator has a live session."""
        now_ms = self.record_writer.clock.now_ms()
        for account in await self.list_administrators(by=by):
            if live_sessions(await self.directory.list_by_owner(Session, account.id), now_ms):
                return True
        return False

    async def end_sessions(self, account: Account, reason: str, *, by: Principal) -> list[Session]:
        """End all sessions of the account, everywhere within five seconds."""
        what = f"the sessions of {account.name}"
        await self.administration.require_fresh(by, "end", what)
        said = _reason_of(account, reason, f"ending {what}", by)
        ended = await self.sessions.end_all(account.id, by=by, reason=said)
        await self._tell(account, f"all sessions of {account.name} ended", said, by)
        return ended

    async def token(self, account: Account, token_id: str, *, by: Principal) -> UsedToken:
        """Return a token with its last use; raise `TokenNotFound`."""
        await self.administration.require_auditor(by, "see", _ACCOUNTS_OF_OTHERS)
        return await self.tokens.find(account.id, token_id)

    async def revoke_token(
        self, account: Account, token_id: str, reason: str, *, by: Principal
    ) -> None:
        """Revoke a token, everywhere within five seconds; raise `TokenNotFound`."""
        said = await self._require_revoker(account, reason, by)
        token = (await self.tokens.find(account.id, token_id)).token
        await self.tokens.revoke(token, token_change("revoked", token, said), by=by)
        what = f"the access token {token.name} of {account.name} is revoked"
        await self._tell(account, what, said, by)

    async def revoke_all_tokens(self, account: Account, reason: str, *, by: Principal) -> int:
        """Revoke all tokens of the account; return the number."""
        said = await self._require_revoker(account, reason, by)
        found = [used.token for used in await self.tokens.of(account.id)]
        for token in found:
            await self.tokens.revoke(token, token_change("revoked", token, said), by=by)
        if found:
            await self._tell(account, f"all access tokens of {account.name} are revoked", said, by)
        return len(found)

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
        parsed_reason = parse_required_reason(reason, f"the lock of {account.name}")
        async with self.administrators.locked(account, "lock", by=by) as current:
            if current.administrator:
                await self.administrators.require_another(current)
            now_ms = self.record_writer.clock.now_ms()
            lock = AccountLock(at_ms=now_ms, by=by.id, reason=parsed_reason, source=source)
            await self._write_lock(current, source, lock, by)
        # After the lock, so that no new session can start.
        ended = await self.sessions.end_all(account.id, by=by)
        await self.stopped_makers.locked(account, by=by)
        mail = mail_text(
            "account-locked",
            name=account.name,
            url=self.base_url,
            by=_LOCKERS[source],
            at=time_text(self.clock.now_ms()),
            reason=reason_text(parsed_reason),
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
        async with self.administrators.locked(account, "unlock", by=by) as current:
            unlocked = current.with_lock(source, None)
            if unlocked != current:
                await self._write_lock(current, source, None, by)
        # A repeat does this as well, in case an earlier attempt crashed before it.
        if not unlocked.is_locked:
            await self.stopped_makers.unlocked(account, by=by)
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
        await self.record_writer.replace(account.with_lock(source, lock), change=change, by=by)

    async def _require_revoker(self, account: Account, reason: str, by: Principal) -> str:
        """Return the reason for which `by` revokes tokens of the account."""
        await self.administration.require_moderator(by, "revoke", f"tokens of {account.name}")
        require_no_administrator(account, "revoke tokens of", by=by)
        return _reason_of(account, reason, f"revoking tokens of {account.name}", by)

    async def _tell(self, account: Account, what: str, reason: str, by: Principal) -> None:
        if by.id != account.id:
            await self.decision_mail.send_to_account(account, what, reason)


def _reason_of(account: Account, reason: str, what: str, by: Principal) -> str:
    """Return the reason for what is done to an account; one's own needs none."""
    return parse_reason(reason) if by.id == account.id else parse_required_reason(reason, what)


class OrganizationWithFounder(Struct, frozen=True):
    """An organization and the account that created it; None where that is gone."""

    organization: Organization
    founder: Account | None


BURSTS_ALLOWED_FOR = timedelta(days=1)  # Long enough to publish the releases of a day.


class OrganizationAdministration(Struct, frozen=True):
    """Actions of administrators on organizations, deleted ones included."""

    directory: DirectoryStore
    administration: Administration
    organizations: Organizations
    memberships: Memberships

    async def page(
        self, after: str, count: int, *, by: Principal
    ) -> ListPage[OrganizationWithFounder]:
        """Return up to `count` organizations whose names sort after `after`."""
        await self.administration.require_auditor(by, "list", _EVERY_ORGANIZATION)
        found = await entity_page(self.directory, Organization, organization_place(after), count)
        next_ = found.entities[-1].key if found.is_more else ""
        return ListPage(await self._with_founders(found.entities), next_)

    async def search(self, prefix: str, *, by: Principal) -> ListPage[OrganizationWithFounder]:
        """Find organizations by the beginning of the name."""
        await self.administration.require_auditor(by, "list", _EVERY_ORGANIZATION)
        found = await entities_with_prefix(
            self.directory, Organization, organization_place(prefix), MAX_ORGANIZATIONS_FOUND
        )
        return ListPage(await self._with_founders(found))

    async def show(self, org: OrgName, *, by: Principal) -> OrganizationWithFounder:
        """Return an organization, or raise `organization-not-found`."""
        await self.administration.require_auditor(by, "see", f"the organization {org}")
        organization = await self.directory.get(Organization, organization_place(org))
        if organization is None:
            raise organization_not_found(org)
        [found] = await self._with_founders((organization,))
        return found

    async def members(self, organization: Organization, *, by: Principal) -> list[NamedMembership]:
        """Return the members of an organization by name."""
        name = organization.name
        await self.administration.require_auditor(by, "see", f"the organization {name}")
        return await self.memberships.named(organization)

    async def create(self, org: OrgName, owner: Account, *, by: Principal) -> Organization:
        """Create an organization for another owner; raise as `Organizations.create` does."""
        await self.administration.require_fresh(by, "found", f"the organization {org} for somebody")
        return await self.organizations.create(org, owner, by=by)

    @retried_when_stale
    async def allow_bursts(self, org: OrgName, *, by: Principal) -> int:
        """Switch burst detection off for the organization; return until when, a day from now."""
        await self.administration.require_fresh(by, "switch off", f"burst detection of {org}")
        records = self.organizations.record_writer
        until_ms = records.clock.now_ms() + BURSTS_ALLOWED_FOR // MS
        organization = await self.directory.get(Organization, organization_place(org))
        if organization is None:
            raise organization_not_found(org)
        name = organization.name
        change = EntityChange(
            "organization.bursts-allowed", name, org=name, details={"after": str(until_ms)}
        )
        changed = organization.model_copy(update={"bursts_until_ms": until_ms})
        await records.replace(changed, change=change, by=by)
        return until_ms

    async def _with_founders(
        self, organizations: tuple[Organization, ...]
    ) -> tuple[OrganizationWithFounder, ...]:
        ids = {each.founder for each in organizations}
        founders = {each.id: each for each in await accounts_by_ids(self.directory, sorted(ids))}
        return tuple(
            OrganizationWithFounder(each, founders.get(each.founder)) for each in organizations
        )

"""Account deletion, and the export of the data of an account."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import Account
from shared.domain.errors.identity import (
    NotPermitted,
    last_owner,
)
from shared.domain.event_queries import MAX_EVENTS_PAGE_SIZE, EventQuery
from shared.domain.events import Event
from shared.domain.following import Follow
from shared.domain.freezes import refusal_while_frozen
from shared.domain.identities import Identity
from shared.domain.memberships import Membership
from shared.domain.name_disputes import NameDispute
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.ownership import OwnershipRequest
from shared.domain.principals import Principal
from shared.domain.pull_records import MAX_PULLS_EXPORTED, RecordedPull
from shared.domain.recent_sign_in import require_recent_sign_in
from shared.domain.reports import Report
from shared.domain.scim import ScimUser
from shared.domain.scopes import Action, Role
from shared.domain.sessions import Session
from shared.ports.directory import DirectoryStore
from shared.ports.pull_records import PullRecordStore
from shared.ports.system import Clock
from shared.services.administration.account_erasure import AccountErasures
from shared.services.administration.audit_log import AuditLog, AuditLogPage
from shared.services.administration.maker_locks import MakerLocks
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.existing_organizations import existing_organization
from shared.services.identity.accounts import account_of_caller
from shared.services.identity.sessions import Identities, Sessions, live_sessions
from shared.services.organizations.made_by_accounts import MadeByAccounts
from shared.services.organizations.memberships import Memberships
from shared.services.tokens.tokens import TokenRecords, UsedToken

MAX_EVENTS = 10_000  # Some years of one person; a download of about 4 MB.


class PersonalData(Struct, frozen=True):
    """Everything that is stored about a person."""

    account: Account
    memberships: tuple[Membership, ...]
    tokens: tuple[UsedToken, ...]
    sessions: tuple[Session, ...]
    identities: tuple[Identity, ...]
    provisioned: tuple[ScimUser, ...]  # What directories say of the person by SCIM.
    disputes: tuple[NameDispute, ...]  # That the person opened, or that was opened for them.
    reports: tuple[Report, ...]
    ownership_requests: tuple[OwnershipRequest, ...]
    follows: tuple[Follow, ...]
    pulls: tuple[RecordedPull, ...]
    events: tuple[tuple[int, Event], ...]
    names: Mapping[str, str]


class AccountDeletion(Struct, frozen=True):
    """Exports the data of accounts and deletes accounts.

    Published releases stay, since others build with them, under the id of the deleted account.
    """

    directory: DirectoryStore
    registry_authorization: RegistryAuthorization
    memberships: Memberships
    token_records: TokenRecords
    sessions: Sessions
    identities: Identities
    audit_log: AuditLog
    erasures: AccountErasures
    made_by_accounts: MadeByAccounts
    maker_locks: MakerLocks
    audited_writer: AuditedWriter
    pull_records: PullRecordStore
    clock: Clock

    async def export(self, *, by: Principal) -> PersonalData:
        """Return everything stored about the account of `by`."""
        account = await account_of_caller(self.directory, by)
        return await self._export(account, partial(self.audit_log.of_account, by=by))

    async def export_of(self, account: Account, *, by: Principal) -> PersonalData:
        """Return everything stored about an account, to an administrator who signed in recently;
        the log of the account says so. Raises `credentials-missing`,
        `NotPermitted` or `SignInAgain` for others."""
        await self.registry_authorization.require_fresh(by, "export", f"the data of {account.name}")
        change = EntityChange("account.exported", account.id, account=account.id)
        await self.audited_writer.append(change, by=by)
        log = partial(self.audit_log.of_other_account, account.id, by=by)
        return await self._export(account, log)

    async def _export(
        self, account: Account, log: Callable[[EventQuery], Awaitable[AuditLogPage]]
    ) -> PersonalData:
        events, names = await self._events(log)
        sessions = await self.directory.list_by_owner(Session, account.id)
        identities = await self.directory.list_by_subject(Identity, account.id)
        return PersonalData(
            account=account,
            memberships=tuple(await self.memberships.of_account(account.id)),
            tokens=tuple(await self.token_records.of(account.id)),
            sessions=tuple(live_sessions(sessions, self.clock.now_ms())),
            identities=tuple(sorted(identities, key=lambda identity: identity.linked_ms)),
            provisioned=tuple(await self.directory.list_by_subject(ScimUser, account.id)),
            disputes=tuple(await self.directory.list_by_subject(NameDispute, account.id)),
            reports=tuple(await self.directory.list_by_subject(Report, account.id)),
            ownership_requests=tuple(
                await self.directory.list_by_subject(OwnershipRequest, account.id)
            ),
            follows=tuple(await self.directory.list_by_subject(Follow, account.id)),
            pulls=tuple(await self.pull_records.of_principal(account.id, MAX_PULLS_EXPORTED)),
            events=events,
            names=names,
        )

    async def delete(self, *, by: Principal) -> list[Session]:
        """Delete the account of `by`, who signed in recently; return the ended sessions.

        Raises `NotPermitted` for administrators and for members of a frozen organization,
        `SignInAgain`, and `last-owner` before anything is changed. After a crash a repeat
        continues, or the task `erase-accounts` does.
        """
        account = await account_of_caller(self.directory, by)
        if account.administrator:
            reason = "it administers this registry, which needs somebody who does"
            raise NotPermitted("delete", f"the account {account.name}", reason)
        require_recent_sign_in(by, self.clock.now_ms(), "delete", f"the account {account.name}")
        memberships = await self.memberships.of_account(by.id)
        for each in memberships:
            await self._check_may_leave(each, account, by)
        for each in memberships:
            await self._leave(each, account, by)
        # Owners of organizations that the account just left get mail about these.
        left = {each.org for each in memberships if each.hand_role is Role.OWNER}
        made = await self.made_by_accounts.of_account(account.id)
        others = [each for each in made if each.org not in left]
        await self.maker_locks.after_deletion(account, others, by=by)
        sessions = await self.sessions.list_own(by=by)
        await self.erasures.erase_own(account, by=by)
        return sessions

    async def _events(
        self, log: Callable[[EventQuery], Awaitable[AuditLogPage]]
    ) -> tuple[tuple[tuple[int, Event], ...], Mapping[str, str]]:
        found: list[tuple[int, Event]] = []
        names: dict[str, str] = {}
        before: int | None = None
        while True:
            query = EventQuery(before=before, count=MAX_EVENTS_PAGE_SIZE)
            page = await log(query)
            found += page.events
            names |= page.names
            before = page.next
            if before is None or len(found) >= MAX_EVENTS:
                return tuple(found), names

    async def _check_may_leave(
        self, membership: Membership, account: Account, by: Principal
    ) -> None:
        """Raise what `_leave` would raise."""
        if membership.hand_role is None:
            return
        organization = await self._existing_organization(membership)
        if organization is None:
            return
        org = OrgName(membership.org)
        if refusal := refusal_while_frozen(organization, Action.LEAVE.verb, org):
            raise refusal
        if membership.hand_role is not Role.OWNER:
            return
        members = await self.memberships.members(org, by=by)
        owners = [each for each in members if each.membership.hand_role is Role.OWNER]
        if len(owners) == 1:
            raise last_owner(account.name, membership.org)

    async def _leave(self, membership: Membership, account: Account, by: Principal) -> None:
        """End the role by hand, with the checks of members who leave."""
        if membership.hand_role is None or await self._existing_organization(membership) is None:
            return
        await self.memberships.remove_member(OrgName(membership.org), account, by=by)

    async def _existing_organization(self, membership: Membership) -> Organization | None:
        """Return the organization; None if it is deleted, and so needs no owner."""
        return await existing_organization(self.directory, membership.org, self.clock.now_ms())

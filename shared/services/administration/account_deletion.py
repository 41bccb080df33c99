"""Account deletion, and the export of the data of an account."""

from collections.abc import Mapping
from contextlib import suppress

from msgspec import Struct

from shared.domain.access import Membership
from shared.domain.accounts import (
    Account,
    AccountName,
    Identity,
    Organization,
    account_name_place,
    organization_place,
)
from shared.domain.directory_locks import DirectoryFinding, finding_place
from shared.domain.errors.identity import (
    NotPermitted,
    TokenUnknown,
    credentials_missing,
    last_owner,
)
from shared.domain.events import MAX_EVENTS_PAGE_SIZE, EventQuery
from shared.domain.names import OrgName
from shared.domain.ownership import OwnershipRequest
from shared.domain.principals import Principal, Role
from shared.domain.records import Event, Place
from shared.domain.sessions import Session
from shared.domain.sign_in import require_recent_sign_in
from shared.ports import Clock, DirectoryStore, Stale
from shared.runtime.retries import retried_when_stale
from shared.services.administration.audit_log import AuditLog
from shared.services.identity.sessions import Identities, Sessions
from shared.services.organizations.memberships import Memberships
from shared.services.records import EntityChange, RecordWriter
from shared.services.tokens.tokens import Tokens, UsedToken

MAX_EVENTS = 10_000  # Some years of one person; a download of about 4 MB.


class PersonalData(Struct, frozen=True):
    """Everything that is stored about a person."""

    account: Account
    memberships: tuple[Membership, ...]
    tokens: tuple[UsedToken, ...]
    sessions: tuple[Session, ...]
    identities: tuple[Identity, ...]
    events: tuple[tuple[int, Event], ...]
    names: Mapping[str, str]


class AccountDeletion(Struct, frozen=True):
    """Exports the data of accounts and deletes accounts.

    Published releases stay, since others build with them, under the id of the deleted account.
    """

    directory: DirectoryStore
    memberships: Memberships
    tokens: Tokens
    sessions: Sessions
    identities: Identities
    audit_log: AuditLog
    record_writer: RecordWriter
    clock: Clock

    async def export(self, *, by: Principal) -> PersonalData:
        """Return everything stored about the account of `by`."""
        account = await self._account(by)
        events, names = await self._events(by)
        return PersonalData(
            account=account,
            memberships=tuple(await self.memberships.of_account(by.id)),
            tokens=tuple(await self.tokens.list(by.id, by=by)),
            sessions=tuple(await self.sessions.list_own(by=by)),
            identities=tuple(await self.identities.of(by=by)),
            events=events,
            names=names,
        )

    async def delete(self, *, by: Principal) -> list[Session]:
        """Delete the account of `by`, who signed in recently; return the ended sessions.

        Raises `NotPermitted` for administrators, `SignInAgain`, and `last-owner` before anything is
        changed. A repeat continues after a crash: identities are deleted before the account, so
        that no sign-in creates it again, and the session of the request last.
        """
        account = await self._account(by)
        if account.administrator:
            reason = "it administers this registry, which needs somebody who does"
            raise NotPermitted("delete", f"the account {account.name}", reason)
        require_recent_sign_in(by, self.clock.now_ms(), "delete", f"the account {account.name}")
        memberships = await self.memberships.of_account(by.id)
        for each in memberships:
            await self._check_not_last_owner(each, account, by)
        for each in memberships:
            await self._leave(each, account, by)
        for each in await self.directory.list_by_subject(Membership, by.id):
            await self._remove_rest(each, by)
        for used in await self.tokens.list(by.id, by=by):
            await self.tokens.revoke(by.id, used.token.id, by=by)
        await self.retire_name(account.name)
        for identity in await self.identities.of(by=by):
            change = EntityChange("identity.removed", identity.id, account=by.id)
            await self.record_writer.remove(identity, change=change, by=by)
        await self._remove_findings(by.id)
        await self._remove_account(by)
        return [
            await self.sessions.end(session.id, by=by)
            for session in await self.sessions.list_own(by=by)
        ]

    @retried_when_stale
    async def retire_name(self, name: str) -> None:
        """Retire a name, so that nobody ever gets it again; a repeat changes nothing."""
        claim = await self.directory.get(AccountName, account_name_place(name))
        if claim is not None and not claim.is_retired:
            await self.directory.replace(claim.model_copy(update={"is_retired": True}))

    async def _account(self, by: Principal) -> Account:
        if by.is_anonymous:
            raise credentials_missing()
        account = await self.directory.get(Account, Place(by.id))
        if account is None:
            raise TokenUnknown
        return account

    async def _events(
        self, by: Principal
    ) -> tuple[tuple[tuple[int, Event], ...], Mapping[str, str]]:
        found: list[tuple[int, Event]] = []
        names: dict[str, str] = {}
        before: int | None = None
        while True:
            query = EventQuery(before=before, count=MAX_EVENTS_PAGE_SIZE)
            page = await self.audit_log.of_account(query, by=by)
            found += page.events
            names |= page.names
            before = page.next
            if before is None or len(found) >= MAX_EVENTS:
                return tuple(found), names

    async def _check_not_last_owner(
        self, membership: Membership, account: Account, by: Principal
    ) -> None:
        if membership.hand_role is not Role.OWNER or await self._is_organization_deleted(
            membership
        ):
            return
        members = await self.memberships.members(OrgName(membership.org), by=by)
        owners = [each for each in members if each.membership.hand_role is Role.OWNER]
        if len(owners) == 1:
            raise last_owner(account.name, membership.org)

    async def _leave(self, membership: Membership, account: Account, by: Principal) -> None:
        """End the role by hand, with the checks of members who leave."""
        if membership.hand_role is None or await self._is_organization_deleted(membership):
            return
        await self.memberships.remove_member(OrgName(membership.org), account, by=by)

    async def _remove_rest(self, listed: Membership, by: Principal) -> None:
        """Remove the record of a role by groups, which nobody can leave, of an ended role, or of a
        role in a deleted organization."""
        membership = await self.directory.get(Membership, listed.place)
        if membership is not None:
            await self._remove_membership(membership, by)

    async def _is_organization_deleted(self, membership: Membership) -> bool:
        """Check whether the organization is deleted, and so needs no owner."""
        organization = await self.directory.get(Organization, organization_place(membership.org))
        return organization is None or organization.is_deleted_at(self.clock.now_ms())

    async def _remove_membership(self, membership: Membership, by: Principal) -> None:
        org = membership.org
        details = {"account": by.id, "before": membership.role.value, "after": ""}
        change = EntityChange("member.removed", org, org=org, account=by.id, details=details)
        with suppress(Stale):  # Upkeep removed it with the organization meanwhile.
            await self.record_writer.remove(membership, change=change, by=by)

    async def _remove_findings(self, account_id: str) -> None:
        """Remove requests for the ownership of organizations, and what the directory said."""
        requests = await self.directory.list_by_subject(OwnershipRequest, account_id)
        finding = await self.directory.get(DirectoryFinding, finding_place(account_id))
        for each in [*requests, *([finding] if finding else [])]:
            with suppress(Stale):  # Removed meanwhile.
                await self.directory.remove(each)

    @retried_when_stale
    async def _remove_account(self, by: Principal) -> None:
        account = await self._account(by)
        change = EntityChange("account.deleted", account.id, account=account.id)
        await self.record_writer.remove(account, change=change, by=by)

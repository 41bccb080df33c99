"""Organizations without an owner who can sign in: who is one, what their members are told, and how
a member becomes owner.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, Forbidden, NotFound
from shared.domain.errors.identity import account_locked
from shared.domain.events import account_stream
from shared.domain.identities import Identity
from shared.domain.memberships import MemberList, Membership, member_place
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.ownership import (
    MEMBER_FOR,
    OWNERSHIP_NOTICE,
    SECOND_MAIL_AFTER,
    UNSEEN_FOR,
    OwnerlessOrganization,
    OwnershipRequest,
    ownerless_place,
    request_place,
)
from shared.domain.principals import MAINTENANCE, Principal
from shared.domain.reasons import parse_required_reason
from shared.domain.scopes import Action, Role
from shared.domain.sentences import named
from shared.domain.sessions import Session
from shared.domain.status import StatusProblem, Urgency
from shared.domain.tasks import TaskReport
from shared.domain.times import MS, time_text
from shared.ports.conflicts import AlreadyThere
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import Accounts, account_names, accounts_by_ids
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.organizations.membership_records import MembershipRecords
from shared.services.organizations.memberships import Memberships
from shared.services.public_packages import is_public
from shared.services.record_batches import (
    RECORDS_AT_ONCE,
    all_entities,
    entity_batches,
)

# Most accounts signed in, and joined, among the last events of their log.
_EVENTS_READ_AT_ONCE = 100
_MAIL_REPEATED_FOR = timedelta(days=30)  # To who gets none, because the mail server is away.
_WHAT = "the ownership of organizations"
NAMED_AT_MOST = 10


class OwnershipDecision(Enum):
    """What an administrator decides about a request."""

    GRANT = "grant"
    REFUSE = "refuse"


class AskedOwnership(Struct, frozen=True):
    """A request with the name of its account."""

    name: str
    request: OwnershipRequest


class OwnerlessOrganizations(Struct, frozen=True):
    """Finds organizations without an owner who can sign in, and tells their members.

    What is found is stored, so that pages read it with one call. A repeat changes nothing and sends
    nothing again.
    """

    directory: DirectoryStore
    events: EventReader
    membership_records: MembershipRecords
    audited_writer: AuditedWriter
    clock: Clock
    mail_delivery: MailDelivery
    base_url: str

    async def review_all(self) -> TaskReport:
        """Review every organization."""
        seen = found = 0
        async for batch in entity_batches(self.directory, Organization, RECORDS_AT_ONCE):
            for each in batch:
                seen += 1
                found += await self.review(each) is not None
        return TaskReport(seen, found)

    async def review_account(self, account_id: str) -> None:
        """Review the organizations of an owner who can or cannot sign in any more."""
        for each in await self.directory.list_by_subject(Membership, account_id):
            organization = await self.directory.get(Organization, organization_place(each.org))
            if organization is not None and Role.OWNER in (each.role, each.hand_role):
                await self.review(organization)

    @retried_when_stale
    async def review(self, organization: Organization) -> OwnerlessOrganization | None:
        """Store whether the organization has no owner who can sign in, and send the mail that is
        due to its members; return what is stored."""
        stored = await self.directory.get(OwnerlessOrganization, ownerless_place(organization.name))
        reasons = await self.reasons(organization)
        if reasons is None:
            if stored is not None:
                await self.directory.remove(stored)
            await self._close_requests(organization)
            return None
        now_ms = self.clock.now_ms()
        if stored is None:
            found = OwnerlessOrganization(org=organization.name, since_ms=now_ms, reasons=reasons)
            # The event stays and names nobody; the record and the mail say why.
            name = organization.name
            change = EntityChange("organization.ownerless", name, org=name)
            stored = await self.audited_writer.add(found, change=change, by=MAINTENANCE)
        elif stored.reasons != reasons:
            changed = stored.model_copy(update={"reasons": reasons})
            stored = await self.directory.replace(changed)
        await self._send_mail(organization, stored)
        return stored

    async def reasons(self, organization: Organization) -> tuple[str, ...] | None:
        """Return why each owner cannot sign in; None for an organization with one who can, and for
        one that is deleted. One without any owner has a reason, too."""
        if organization.deleting_ms is not None:
            return None
        members = await self.membership_records.read(organization)
        found = [reason async for reason in self._reasons_of_owners(members)]
        if None in found:
            return None
        return tuple(each for each in found if each) or ("nobody is an owner",)

    async def _reasons_of_owners(self, members: MemberList) -> AsyncIterator[str | None]:
        """Yield why each owner cannot sign in, None for one who can, and roles that ran out."""
        owners = {each.account for each in members.owners}
        for account_id in sorted(owners):
            yield await self._why_not(account_id)
        for each in members.records:
            ended = each.ended_group_at(members.now_ms)
            if ended is not None and ended.role is Role.OWNER and each.account not in owners:
                [*names] = (await account_names(self.directory, [each.account])).values()
                until = time_text(ended.until_ms)
                yield f"the role of {names[0] if names else each.account} by a group ended {until}"

    async def _why_not(self, account_id: str) -> str | None:
        """Return why the account cannot sign in; None if it can."""
        account = await self.directory.get(Account, Place(account_id))
        if account is None:
            return f"the account {account_id} was deleted"
        if account.is_locked:
            return f"{account.name} is locked"
        if await self._can_sign_in(account):
            return None
        days = UNSEEN_FOR // timedelta(days=1)
        return f"{account.name} has no sign-in method and had no session for {days} days"

    async def _can_sign_in(self, account: Account) -> bool:
        since_ms = self.clock.now_ms() - UNSEEN_FOR // MS
        if account.created_ms > since_ms:
            return True
        identities, sessions = await asyncio.gather(
            self.directory.list_by_subject(Identity, account.id),
            self.directory.list_by_owner(Session, account.id),
        )
        if identities or any(each.seen_ms > since_ms for each in sessions):
            return True
        return await self._had_session(account.id, since_ms)

    async def _had_session(self, account_id: str, since_ms: int) -> bool:
        """Check whether a session began or ended since then; ended ones have no record."""
        before: int | None = None
        while page := await self.events.stream(
            account_stream(account_id), before, _EVENTS_READ_AT_ONCE
        ):
            for number, event in page:
                if event.at_ms <= since_ms:
                    return False
                if event.kind.startswith("session."):
                    return True
                before = number
        return False

    async def stored(self) -> list[OwnerlessOrganization]:
        """Return the organizations that the last review found without an owner who can sign in. No
        right is checked here; callers check that of an administrator."""
        return await all_entities(self.directory, OwnerlessOrganization)

    async def of(self, org: OrgName) -> OwnerlessOrganization | None:
        return await self.directory.get(OwnerlessOrganization, ownerless_place(org))

    async def _send_mail(self, organization: Organization, found: OwnerlessOrganization) -> None:
        now_ms = self.clock.now_ms()
        age_ms = now_ms - found.since_ms
        is_second = age_ms >= SECOND_MAIL_AFTER // MS
        if age_ms >= (SECOND_MAIL_AFTER + _MAIL_REPEATED_FOR) // MS:
            return
        members = await self.membership_records.read(organization)
        mail = mail_text(
            "organization-ownerless",
            org=organization.name,
            reasons="\n".join(f"  {each}" for each in found.reasons),
            days=str(MEMBER_FOR // timedelta(days=1)),
            link=self.membership_records.organization_url(organization.name),
        )
        accounts = await accounts_by_ids(self.directory, [each.account for each in members.members])
        await self.mail_delivery.send_once(
            f"ownerless:{organization.key}:{found.since_ms}:{'second' if is_second else 'first'}",
            [each for each in accounts if not each.is_locked],
            mail,
            until_ms=now_ms + 2 * _MAIL_REPEATED_FOR // MS,
        )

    async def _close_requests(self, organization: Organization) -> None:
        """End the requests for an organization with an owner who can sign in again."""
        for each in await self.directory.list_by_owner(OwnershipRequest, organization.key):
            change = _change("ownership.closed", each, why="an owner can sign in again")
            await self.audited_writer.remove(each, change=change, by=MAINTENANCE)


class OwnershipRequests(Struct, frozen=True):
    """Members ask for the ownership of an organization that nobody can govern, and administrators
    decide, after the owners had notice."""

    directory: DirectoryStore
    metadata: MetadataStore
    events: EventReader
    authorization: Authorization
    registry_authorization: RegistryAuthorization
    accounts: Accounts
    ownerless: OwnerlessOrganizations
    membership_records: MembershipRecords
    memberships: Memberships
    audited_writer: AuditedWriter
    clock: Clock
    mail_delivery: MailDelivery
    base_url: str

    async def request(self, org: OrgName, *, reason: str, by: Principal) -> AskedOwnership:
        """Ask for the ownership, and send mail to the owners; a repeat changes nothing.

        Raises `owner-can-sign-in`, and `not-member-long-enough` before 30 days.
        """
        access = await self.authorization.require_in_organization(by, Action.LEAVE, org)
        reason = parse_required_reason(reason, "asking for the ownership")
        organization = access.require_organization(org)
        account = access.account
        if account is None:
            raise _not_long_enough(org)
        if await self.ownerless.review(organization) is None:
            raise _owner_can_sign_in(organization.name)
        await self._require_long_enough(organization, account.id)
        now_ms = self.clock.now_ms()
        new = OwnershipRequest(
            org=organization.name,
            account=account.id,
            reason=reason,
            requested_ms=now_ms,
            notice_until_ms=now_ms + OWNERSHIP_NOTICE // MS,
        )
        change = _change("ownership.requested", new, reason=reason)
        try:
            await self.audited_writer.add(new, change=change, by=by)
        except AlreadyThere:
            stored = await self.directory.get(OwnershipRequest, new.place)
            return AskedOwnership(account.name, stored or new)
        mail = mail_text(
            "ownership-requested",
            org=organization.name,
            name=account.name,
            reason=reason,
            at=time_text(new.notice_until_ms),
            link=self.membership_records.organization_url(organization.name),
        )
        members = await self.membership_records.read(organization)
        await self.membership_records.send_to_owners(members, mail, account)
        return AskedOwnership(account.name, new)

    async def of_organization(self, org: OrgName, *, by: Principal) -> list[AskedOwnership]:
        """Return the open requests of an organization to its members."""
        access = await self.authorization.require_in_organization(by, Action.READ, org)
        organization = access.require_organization(org)
        listed = await self.directory.list_by_owner(OwnershipRequest, organization.key)
        return await self._named(listed)

    async def found(self, *, by: Principal) -> list[OwnerlessOrganization]:
        """Return the organizations without an owner who can sign in, to administrators and
        auditors."""
        await self.registry_authorization.require_auditor(by, "see", _WHAT)
        return await self.ownerless.stored()

    async def all(self, *, by: Principal) -> list[AskedOwnership]:
        """Return every open request to administrators and auditors, the oldest first."""
        await self.registry_authorization.require_auditor(by, "see", _WHAT)
        return await self.waiting()

    async def waiting(self) -> list[AskedOwnership]:
        """Return every open request, the oldest first; callers check rights."""
        found = await self._named(await all_entities(self.directory, OwnershipRequest))
        return sorted(found, key=lambda each: each.request.requested_ms)

    async def require_grantable(
        self, org: OrgName, name: str, *, by: Principal
    ) -> OwnershipRequest:
        """Return the request of an account that `by` may grant now; raise as `decide` does."""
        await self.registry_authorization.require_fresh(by, "decide", f"the ownership of {org}")
        request = await self._request_of(org, await self.accounts.by_name_or_id(name))
        await self._require_grantable(request)
        return request

    async def _request_of(self, org: OrgName, account: Account) -> OwnershipRequest:
        request = await self.directory.get(OwnershipRequest, request_place(org, account.id))
        if request is None:
            raise NotFound(
                "nothing-requested", f"{account.name} does not ask for the ownership of {org}."
            )
        return request

    async def decide(
        self, org: OrgName, name: str, decision: OwnershipDecision, *, reason: str, by: Principal
    ) -> None:
        """Make an account an owner, after the notice, or refuse its request; `name` is that of the
        account, or `id:` and its id.

        Raises `account-not-found`, `nothing-requested`, `notice-running`, `owner-can-sign-in`, and
        `not-member-long-enough` or `account-locked` for one that left or is locked since. A repeat
        after a crash continues: the role comes first.
        """
        await self.registry_authorization.require_fresh(by, "decide", f"the ownership of {org}")
        reason = parse_required_reason(reason, "this decision")
        account = await self.accounts.by_name_or_id(name)
        request = await self._request_of(org, account)
        if decision is OwnershipDecision.GRANT:
            await self._require_grantable(request)
            # Where two administrators decide, the second one is who calls this.
            await self.memberships.set_member(
                org, account, Role.OWNER, by=by, reason=reason, is_agreed=True
            )
        change = _change(_DECIDED[decision], request, reason=reason)
        if decision is OwnershipDecision.GRANT:
            change = replace(change, public=await is_public(self.metadata, org))
        await self.audited_writer.remove(request, change=change, by=by)
        mail = mail_text(
            "ownership-decided",
            org=request.org,
            name=account.name,
            what="is an owner now" if decision is OwnershipDecision.GRANT else "is not made owner",
            reason=reason,
            link=self.membership_records.organization_url(request.org),
        )
        organization = await self.directory.get(Organization, organization_place(org))
        if organization is not None:
            members = await self.membership_records.read(organization)
            await self.membership_records.send_to_owners(members, mail, account)
            await self.ownerless.review(organization)

    async def _require_grantable(self, request: OwnershipRequest) -> None:
        if self.clock.now_ms() < request.notice_until_ms:
            raise Conflict(
                "notice-running",
                f"The owners of {request.org} have notice until "
                f"{time_text(request.notice_until_ms)}. Decide then, or refuse the request.",
            )
        if await self._is_granted(request):
            return
        organization = await self.directory.get(Organization, organization_place(request.org))
        reasons = await self.ownerless.reasons(organization) if organization else None
        if organization is None or reasons is None:
            raise _owner_can_sign_in(request.org)
        # They may have left since they asked, or somebody else may have their account.
        await self._require_long_enough(organization, request.account)
        account = await self.directory.get(Account, Place(request.account))
        if account is not None and account.is_locked:
            raise account_locked(account.name)

    async def _is_granted(self, request: OwnershipRequest) -> bool:
        """Check whether the account is an owner already, by a decision that was cut off."""
        place = member_place(request.org, request.account)
        membership = await self.directory.get(Membership, place)
        return membership is not None and membership.hand_role is Role.OWNER

    async def _require_long_enough(self, organization: Organization, account_id: str) -> None:
        membership = await self.directory.get(
            Membership, member_place(organization.name, account_id)
        )
        now_ms = self.clock.now_ms()
        since_ms = now_ms - MEMBER_FOR // MS
        if membership is None or membership.role_at(now_ms) is None:
            raise _not_long_enough(organization.name)
        if membership.since_ms > since_ms and (
            await self._joined_ms(organization.key, account_id) > since_ms
        ):
            raise _not_long_enough(organization.name)

    async def _joined_ms(self, org_key: str, account_id: str) -> int:
        """Return when the membership began; `since_ms` of its record is that of its role."""
        before: int | None = None
        joined_ms = self.clock.now_ms()
        while page := await self.events.stream(
            account_stream(account_id), before, _EVENTS_READ_AT_ONCE
        ):
            for number, event in page:
                before = number
                if event.org != org_key:
                    continue
                if event.kind == "member.removed":
                    return joined_ms
                if event.kind == "member.set":
                    joined_ms = event.at_ms
        return joined_ms

    async def _named(self, requests: Sequence[OwnershipRequest]) -> list[AskedOwnership]:
        names = await account_names(self.directory, [each.account for each in requests])
        return [AskedOwnership(names[e.account], e) for e in requests if e.account in names]


_DECIDED = {
    OwnershipDecision.GRANT: "ownership.granted",
    OwnershipDecision.REFUSE: "ownership.refused",
}


def ownerless_problem(found: Sequence[OwnerlessOrganization]) -> StatusProblem:
    """Return the problem that nobody can govern these organizations."""
    organizations = [f"{each.org} ({'; '.join(each.reasons)})" for each in found]
    return StatusProblem(
        Urgency.WARN,
        f"Organizations without an owner who can sign in: {named(organizations, NAMED_AT_MOST)}.",
        "Add an owner, or decide about a member who asks for it, on /manage/ownership or with "
        "`ballroom org decide-ownership`.",
        page="/manage/ownership",
    )


def _change(kind: str, request: OwnershipRequest, **details: str) -> EntityChange:
    org = request.org
    account = request.account
    every = {"account": account, **details}
    return EntityChange(kind, org, org=org, account=account, details=every)


def _owner_can_sign_in(org: str) -> Conflict:
    return Conflict(
        "owner-can-sign-in",
        f"{org} has an owner who can sign in. The page of its members names the owners: ask one of "
        "them for the role.",
    )


def _not_long_enough(org: str) -> Forbidden:
    days = MEMBER_FOR // timedelta(days=1)
    return Forbidden(
        "not-member-long-enough",
        f"Only somebody who has been a member of {org} for {days} days may ask for its ownership.",
    )

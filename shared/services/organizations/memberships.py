"""Memberships: who belongs to an organization, with which role, and who may see and change that.

A change of owners takes effect after two days; all owners are notified and can cancel it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, InvalidRequest, NotFound
from shared.domain.errors.identity import NotPermitted, credentials_missing, member_not_found
from shared.domain.mail import MailText
from shared.domain.memberships import (
    OWNER_CHANGE_DELAY,
    MemberList,
    Membership,
    PendingRole,
    member_place,
    strongest,
)
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import REGISTRY_FILE_ID, Principal
from shared.domain.reasons import acts_from_outside, parse_reason, reason_for_change, with_reason
from shared.domain.role_rights import AccessContext, refusal_of, require_right
from shared.domain.scopes import Action, Role
from shared.domain.times import MS, time_text
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_with_back_off
from shared.services.identity.accounts import account_by_id, accounts_by_ids, responsible_accounts
from shared.services.identity.mail import DecisionMail, MailDelivery, mail_text, reason_text
from shared.services.leases import Leases
from shared.services.organizations.made import MadeByAccounts, MakerMail
from shared.services.records import E, EntityChange, RecordWriter

OPERATOR_NAME = "The operator"
REGISTRY_FILE_NAME = "The registry file"


class Actor(Struct, frozen=True):
    """Who makes a change, with their access to the organization."""

    by: Principal
    access_context: AccessContext

    @property
    def name(self) -> str:
        if self.access_context.account is not None:
            return self.access_context.account.name
        if self.by.id == REGISTRY_FILE_ID:
            return REGISTRY_FILE_NAME
        return OPERATOR_NAME if self.by.is_operator else self.by.id

    @property
    def is_operator_or_administrator(self) -> bool:
        """Whether changes of the actor concern organizations of others, and need a reason."""
        return self.by.is_operator or self.access_context.is_administrator

    @property
    def changes_owners_at_once(self) -> bool:
        """Whether changes of owners by the actor do not wait."""
        return self.is_operator_or_administrator and not self.by.is_sent_file


class RequestedMembership(Struct, frozen=True):
    """The requested role of an account; None ends the membership."""

    account: Account
    role: Role | None
    invited_by: str = ""
    reason: str = ""  # Why an administrator changes an organization of others.
    new_owner: str = ""  # The account that becomes owner, if an owner hands over the organization.
    is_agreed: bool = False  # Two administrators decided on it, where two of them decide.

    def __str__(self) -> str:
        if self.role is None:
            return f"{self.account.name} is no longer a member"
        return f"{self.account.name} becomes {self.role.value}"


class OrganizationMembers(Struct, frozen=True):
    """Reads and changes the members of organizations.

    Callers check rights and hold the lock of the member list, except where a method says otherwise.
    Where two administrators decide, an owner whom only one of them makes waits like an owner whom
    owners make.
    """

    directory: DirectoryStore
    record_writer: RecordWriter
    leases: Leases
    mail_delivery: MailDelivery
    decision_mail: DecisionMail
    base_url: str
    two_administrators: bool

    async def read(self, organization: Organization) -> MemberList:
        """Return the members as of now, without the lock."""
        stored = await self.directory.list_by_owner(Membership, organization.key)
        return MemberList.of(organization, stored, self.record_writer.clock.now_ms())

    @asynccontextmanager
    async def changing(self, organization: Organization) -> AsyncGenerator[MemberList]:
        """Yield the member list while nobody else can change it, as `Leases.lease` says.

        Otherwise two owners could remove each other, and the organization would have no owner.
        """
        async with self.leases.lease(f"members:{organization.key}"):
            yield await self.read(organization)

    async def apply(self, members: MemberList, request: RequestedMembership, actor: Actor) -> None:
        """Apply a request, or schedule it if it changes owners. A change of owners by the operator
        or an administrator is applied at once, except that one administrator cannot make an owner
        at once where two of them decide.

        Requesting the current role cancels a scheduled change. Raises `last-owner`,
        `change-pending`, `reason-missing`, or what `Action.GOVERN` raises.
        """
        current = members.member(request.account.id)
        by_hand = current.hand_role if current else None
        if current is not None and request.role is None and by_hand is None:
            raise Conflict(
                "member-by-group",
                f"{request.account.name} is a member of {members.org} by a group. Ask an "
                "administrator of this registry to change its rule.",
            )
        if request.role is by_hand:
            if current is not None and current.pending is not None:
                await self.cancel(members, request.account, actor, request.reason)
            return
        if _takes_something(members, by_hand, request, actor):
            what = f"the change of {request.account.name} in {members.org}"
            reason = reason_for_change(actor.by, actor.access_context, request.reason, what)
            request = replace(request, reason=reason)
        if Role.OWNER in (by_hand, request.role):
            await self._change_owner(members, request, actor)
            return
        if request.role is not None and not actor.is_operator_or_administrator:
            members.require_no_pending_change(request.account.id, request.account.name)
        await self._write_now(members, request, actor)

    async def schedule(
        self,
        members: MemberList,
        request: RequestedMembership,
        actor: Actor,
        decider: Actor | None = None,
    ) -> None:
        """Schedule the request and notify the owners and the account.

        An account that is not a member becomes one with the role member at once. `decider` made the
        request, where it is not the actor.
        """
        decided = decider or actor
        at_ms = members.now_ms + OWNER_CHANGE_DELAY // MS
        pending = PendingRole(
            role=request.role, at_ms=at_ms, by=decided.by.id, new_owner=request.new_owner
        )
        current = members.member(request.account.id) or _new_member(members, request.account)
        change = _change("owner.pending", members, request, at_ms=str(at_ms))
        invited_by = request.invited_by or current.invited_by
        changed = current.model_copy(update={"pending": pending, "invited_by": invited_by})
        await self._write(members, changed, change, actor)
        link = self.organization_url(members.org)
        mail = mail_text(
            "owner-change-pending",
            org=members.org,
            what=str(request),
            by=decided.name,
            at=time_text(at_ms),
            link=link,
        )
        await self.notify_owners(members, mail, request.account)

    async def cancel(
        self, members: MemberList, account: Account, actor: Actor, reason: str = ""
    ) -> None:
        """Cancel a scheduled change.

        Raises `nothing-pending`, `reason-missing`, or what `Action.GOVERN` raises.
        """
        require_right(actor.by, actor.access_context, Action.GOVERN, OrgName(members.org))
        current = members.member(account.id)
        if current is None or current.pending is None:
            raise NotFound(
                "nothing-pending",
                f"There is no pending change of {account.name} in {members.org}, so there is "
                "nothing to cancel.",
            )
        if actor.is_operator_or_administrator and actor.by.id != account.id:
            what = f"canceling the change of {account.name} in {members.org}"
            reason = reason_for_change(actor.by, actor.access_context, reason, what)
        await self.keep_owners(members, account.id, actor.by)
        cancelled = RequestedMembership(account, current.pending.role, reason=reason)
        change = _change("owner.undone", members, cancelled)
        await self._write(members, current.model_copy(update={"pending": None}), change, actor)
        link = self.organization_url(members.org)
        org = members.org
        what = str(cancelled)
        mail = mail_text(
            "owner-change-cancelled",
            org=org,
            what=what,
            by=actor.name,
            reason=reason_text(reason),
            link=link,
        )
        await self.notify_owners(members, mail, account)

    async def hold_changes_by(self, members: MemberList, account_id: str, by: Principal) -> None:
        """Suspend the scheduled changes of a locked account."""
        await self._set_holds(members, account_id, by, on_hold=True)

    async def resume_changes_by(self, members: MemberList, account_id: str, by: Principal) -> None:
        """Resume the scheduled changes of an unlocked account. Their whole delay starts again, in
        which every owner can cancel them."""
        await self._set_holds(members, account_id, by, on_hold=False)

    async def _set_holds(
        self, members: MemberList, account_id: str, by: Principal, *, on_hold: bool
    ) -> None:
        kind = "owner.held" if on_hold else "owner.resumed"
        for each, pending in members.changes_by(account_id):
            if pending.on_hold == on_hold:
                continue
            at_ms = pending.at_ms if on_hold else members.now_ms + OWNER_CHANGE_DELAY // MS
            update = {"on_hold": on_hold, "at_ms": at_ms}
            await self._write_pending(members, each, pending.model_copy(update=update), kind, by)

    async def end_changes_by(self, members: MemberList, account_id: str, by: Principal) -> None:
        """Cancel the scheduled changes of an account that is no owner any more."""
        for each, _ in members.changes_by(account_id):
            await self._write_pending(members, each, None, "owner.undone", by)

    async def take_over_changes_by(
        self, members: MemberList, account_id: str, by: Principal
    ) -> None:
        """Make the scheduled changes of an account those of `by`."""
        for each, pending in members.changes_by(account_id):
            taken = pending.model_copy(update={"by": by.id, "on_hold": False})
            await self._write_pending(members, each, taken, "owner.confirmed", by)

    async def keep_owners(self, members: MemberList, account_id: str, by: Principal) -> None:
        """Cancel the lower roles of owners who hand over to an account that does not become owner.

        Written before anything else: a crash in between leaves an owner too many, never none.
        """
        for each in members.handing_over_to(account_id):
            await self._write_pending(members, each, None, "owner.undone", by)

    async def _write_pending(
        self,
        members: MemberList,
        membership: Membership,
        pending: PendingRole | None,
        kind: str,
        by: Principal,
    ) -> None:
        before = membership.pending.role if membership.pending else None
        details = {"account": membership.account, "after": before.value if before else ""}
        change = EntityChange(
            kind, members.org, org=members.org, account=membership.account, details=details
        )
        changed = membership.model_copy(update={"pending": pending})
        written = self.with_owner_events(changed, members, change, by)
        await self.record_writer.replace(written, change=change, by=by)

    async def add_invited(
        self, members: MemberList, request: RequestedMembership, actor: Actor, inviter: Actor
    ) -> None:
        """Add an invited account; the role owner is scheduled."""
        if request.role is Role.OWNER:
            await self.schedule(members, request, actor, inviter)
        else:
            await self._write_now(members, request, actor)

    def with_owner_events(
        self, entity: E, members: MemberList, change: EntityChange, by: Principal
    ) -> E:
        """Return the entity with a further event for each owner, which is in their own log."""
        others = [each.account for each in members.owners if each.account != change.account]
        events = [
            self.record_writer.event(replace(change, org="", account=other), by) for other in others
        ]
        return entity.model_copy(update={"outbox": (*entity.outbox, *events)})

    async def notify_owners(self, members: MemberList, mail: MailText, *others: Account) -> None:
        """Send mail to every owner, to maintainers where no owner can sign in, and to further
        accounts; needs no lock."""
        responsible = await responsible_accounts(self.directory, members.org, members.now_ms)
        owners = {each.account for each in members.owners}
        # Owners who lose their role by this change get the mail, too.
        former = await accounts_by_ids(self.directory, sorted(owners - {e.id for e in responsible}))
        recipients = {each.id: each for each in (*others, *former, *responsible)}
        await self.mail_delivery.send_to_accounts(recipients.values(), mail)

    def organization_url(self, org: str) -> str:
        """Return the page on which members see changes and owners cancel them."""
        return f"{self.base_url}/account/organizations/{org}"

    async def _change_owner(
        self, members: MemberList, request: RequestedMembership, actor: Actor
    ) -> None:
        require_right(actor.by, actor.access_context, Action.GOVERN, OrgName(members.org))
        account = request.account
        if request.role is not Role.OWNER:
            members.require_other_owner(account.id, account.name)
        if self._is_at_once(request, actor):
            await self._change_owner_now(members, request, actor)
            return
        members.require_no_pending_change(account.id, account.name)
        await self.schedule(members, request, actor)

    def _is_at_once(self, request: RequestedMembership, actor: Actor) -> bool:
        is_administrator = actor.is_operator_or_administrator and not actor.by.is_operator
        if self.two_administrators and is_administrator and request.role is Role.OWNER:
            return request.is_agreed
        return actor.changes_owners_at_once or actor.by.id == request.account.id

    async def _change_owner_now(
        self, members: MemberList, request: RequestedMembership, actor: Actor
    ) -> None:
        await self._write_now(members, request, actor)
        link = self.organization_url(members.org)
        org = members.org
        what = str(request)
        mail = mail_text(
            "owner-change-done",
            org=org,
            what=what,
            by=actor.name,
            reason=reason_text(request.reason),
            link=link,
            appeal=self.decision_mail.appeal.sentence,
        )
        await self.notify_owners(members, mail, request.account)

    async def _write_now(
        self, members: MemberList, request: RequestedMembership, actor: Actor
    ) -> None:
        if request.role is not Role.OWNER:
            await self.keep_owners(members, request.account.id, actor.by)
        current = members.member(request.account.id) or _new_member(members, request.account)
        changed = current.with_roles(
            request.role,
            current.group,
            since_ms=members.now_ms,
            pending=None,
            invited_by=request.invited_by or current.invited_by,
        )
        if changed is None:
            change = member_removal(current, request.reason)
            removed = self._with_events_if_owner(current, members, change, actor)
            await self.record_writer.remove(removed, change=change, by=actor.by)
        else:
            await self._write(members, changed, _change("member.set", members, request), actor)
        if acts_from_outside(actor.by, actor.access_context) and request.reason:
            await self._tell_member(members, request)

    async def _tell_member(self, members: MemberList, request: RequestedMembership) -> None:
        """Tell a member what was decided; of a change of owners they read with all owners."""
        current = members.member(request.account.id)
        if Role.OWNER not in (current.hand_role if current else None, request.role):
            what = f"{request} of {members.org}"
            await self.decision_mail.send_to_account(request.account, what, request.reason)

    async def _write(
        self, members: MemberList, membership: Membership, change: EntityChange, actor: Actor
    ) -> None:
        written = self._with_events_if_owner(membership, members, change, actor)
        if members.record(membership.account) is None:
            await self.record_writer.add(written, change=change, by=actor.by)
        else:
            await self.record_writer.replace(written, change=change, by=actor.by)

    def _with_events_if_owner(
        self, membership: Membership, members: MemberList, change: EntityChange, actor: Actor
    ) -> Membership:
        if Role.OWNER.value not in (change.details["before"], change.details["after"]):
            return membership
        return self.with_owner_events(membership, members, change, actor.by)


_OWNERS_ALONE = "only its owners can do this; administrators change the roles of members"


def _pending_of(members: MemberList, account_id: str) -> PendingRole | None:
    member = members.member(account_id)
    return member.pending if member else None


def _owner_who_hands_over(members: MemberList, actor: Actor) -> Account:
    account = actor.access_context.account
    current = members.member(actor.by.id)
    if account is None or current is None or current.hand_role is not Role.OWNER:
        raise NotPermitted("transfer", members.org, _OWNERS_ALONE)
    return account


def _check_new_owner(members: MemberList, account: Account, later_role: Role | None) -> None:
    if later_role is Role.OWNER:
        message = "Who hands an organization over owns it no longer. Choose a lower role."
        raise InvalidRequest(message)
    member = members.member(account.id)
    if member is None:
        raise member_not_found(account.name, members.org)
    if member.hand_role is Role.OWNER:
        message = (
            f"{account.name} is an owner of {members.org} already. Choose another member, or leave "
            "the organization to its owners."
        )
        raise InvalidRequest(message)
    if member.hand_role is None:
        message = (
            f"{account.name} is a member of {members.org} by a group alone, which can end. Make "
            "them a member by hand first."
        )
        raise InvalidRequest(message)
    if account.is_locked:
        message = f"The account {account.name} is locked. Choose another member."
        raise InvalidRequest(message)


def _takes_something(
    members: MemberList, by_hand: Role | None, request: RequestedMembership, actor: Actor
) -> bool:
    """Check whether an administrator takes something from somebody: a role from the account, or
    with another owner the say of the owners that there are."""
    if not actor.is_operator_or_administrator or actor.by.id == request.account.id:
        return False
    if request.role is Role.OWNER:
        return bool(members.owners)
    return strongest(by_hand, request.role) is not request.role


def _new_member(members: MemberList, account: Account) -> Membership:
    """Return a new member, which replaces the record of an ended membership if there is one."""
    new = Membership(org=members.org, account=account.id, role=Role.MEMBER, since_ms=members.now_ms)
    ended = members.record(account.id)
    return new.model_copy(
        update={} if ended is None else {"revision": ended.revision, "outbox": ended.outbox}
    )


def _change(
    kind: str, members: MemberList, request: RequestedMembership, **details: str
) -> EntityChange:
    current = members.member(request.account.id)
    all_details = {
        "account": request.account.id,
        "before": current.hand_role.value if current and current.hand_role else "",
        "after": request.role.value if request.role else "",
        **with_reason(request.reason),
        **details,
    }
    org = members.org
    account = request.account.id
    return EntityChange(kind, org, org=org, account=account, details=all_details)


def member_removal(membership: Membership, reason: str = "") -> EntityChange:
    """Return the change of a membership that ends, whoever ends it."""
    org = membership.org
    account = membership.account
    details = {"account": account, "before": membership.role.value, "after": ""}
    details |= with_reason(reason)
    return EntityChange("member.removed", org, org=org, account=account, details=details)


class NamedMembership(Struct, frozen=True):
    """A membership with the name of its account."""

    name: str
    membership: Membership


class OrganizationMembership(Struct, frozen=True):
    """An organization with the role of an account in it."""

    organization: Organization
    role: Role


class Kept(Enum):
    """What happens to the things that a former owner made in an organization."""

    NOTHING = "nothing"  # It stops until an owner confirms it.
    EVERYTHING = "everything"  # Whoever changes the role becomes its maker.

    @classmethod
    def of(cls, *, keep: bool) -> "Kept":
        """Return the choice of a request, whose field `keep` says whether everything goes on."""
        return cls.EVERYTHING if keep else cls.NOTHING


class Memberships(Struct, frozen=True):
    """Reads and changes the members of organizations."""

    directory: DirectoryStore
    authorization: Authorization
    record_writer: RecordWriter
    organization_members: OrganizationMembers
    made_by_accounts: MadeByAccounts
    maker_mail: MakerMail
    clock: Clock

    async def of_account(self, account_id: str) -> list[Membership]:
        now_ms = self.clock.now_ms()
        stored = await self.directory.list_by_subject(Membership, account_id)
        return [current for each in stored if (current := each.at(now_ms)) is not None]

    async def list_own(self, *, by: Principal) -> list[OrganizationMembership]:
        """Return the organizations of `by` that its credential may read, by name."""
        if by.is_anonymous:
            raise credentials_missing()
        names = [OrgName(each.org) for each in await self.of_account(by.id)]
        contexts = await asyncio.gather(
            *(self.directory.access_context(by.id, name, self.clock.now_ms()) for name in names)
        )
        return [
            OrganizationMembership(access.require_organization(name), access.role)
            for name, access in zip(names, contexts, strict=True)
            if access.role and refusal_of(by, access, Action.READ, name) is None
        ]

    async def members(self, org: OrgName, *, by: Principal) -> list[NamedMembership]:
        """Return the members by name, to members only."""
        access = await self.authorization.require_in_organization(by, Action.READ, org)
        return await self.named(access.require_organization(org))

    async def named(self, organization: Organization) -> list[NamedMembership]:
        """Return the members by name; callers check rights."""
        stored = await self.organization_members.read(organization)
        members = await asyncio.gather(*(self._with_name(each) for each in stored.members))
        return sorted(members, key=lambda member: member.name.lower())

    async def count(self, organization: Organization) -> int:
        """Return how many members there are, which the public page of the organization says."""
        return len((await self.organization_members.read(organization)).members)

    async def member_account(self, org: OrgName, account_id: str, *, by: Principal) -> Account:
        """Return the account of a member, or raise `member-not-found`, whether the account exists.

        Actions on the member check their own rights.
        """
        await self.authorization.require_member(by, org)
        account, _ = await self._member(org, account_id)
        return account

    @retried_with_back_off
    async def set_member(
        self,
        org: OrgName,
        account: Account,
        role: Role,
        *,
        by: Principal,
        kept: Kept = Kept.NOTHING,
        reason: str = "",
        is_agreed: bool = False,
    ) -> None:
        """Give a member a role; the operator and administrators also add members.

        They say a `reason` where they take something from somebody, unless they own it themselves.

        A role that publishes or owns takes `Action.GOVERN`, and so does keeping what a former owner
        made. Changes of owners may be delayed, as `OrganizationMembers.apply` says, but not those
        on which two administrators agreed.
        """
        is_weak = role is Role.MEMBER and kept is Kept.NOTHING
        access = await self.authorization.require_in_organization(
            by, Action.MANAGE if is_weak else Action.GOVERN, org
        )
        actor = Actor(by, access)
        async with self.organization_members.changing(access.require_organization(org)) as members:
            if members.member(account.id) is None and not actor.is_operator_or_administrator:
                raise member_not_found(account.name, members.org)
            request = RequestedMembership(
                account, role, reason=parse_reason(reason), is_agreed=is_agreed
            )
            await self._apply(members, request, actor, kept)

    @retried_with_back_off
    async def remove_member(
        self,
        org: OrgName,
        account: Account,
        *,
        by: Principal,
        kept: Kept = Kept.NOTHING,
        reason: str = "",
    ) -> None:
        """Remove a member: owners remove others, everybody removes themselves; the operator and
        administrators with a `reason`, as in `set_member`. What an owner made stops, unless it is
        kept."""
        action = Action.LEAVE if by.id == account.id else Action.MANAGE
        if kept is Kept.EVERYTHING:
            action = Action.GOVERN
        access = await self.authorization.require_in_organization(by, action, org)
        async with self.organization_members.changing(access.require_organization(org)) as members:
            request = RequestedMembership(account, None, reason=parse_reason(reason))
            await self._apply(members, request, Actor(by, access), kept)

    @retried_with_back_off
    async def hand_over(
        self, org: OrgName, new_owner_id: str, later_role: Role | None, *, by: Principal
    ) -> None:
        """Schedule that a member becomes owner and that `by` gets `later_role`, both after the
        delay of changes of owners; None leaves. A repeat changes nothing.

        For owners who signed in recently. Raises `member-not-found`, `change-pending`, and
        `InvalidRequest` for a request that hands nothing over.
        """
        access = await self.authorization.require_in_organization(by, Action.GOVERN, org)
        account = await self.member_account(org, new_owner_id, by=by)
        async with self.organization_members.changing(access.require_organization(org)) as members:
            actor = Actor(by, access)
            owner = _owner_who_hands_over(members, actor)
            _check_new_owner(members, account, later_role)
            request = RequestedMembership(owner, later_role, new_owner=account.id)
            waiting = _pending_of(members, owner.id)
            if waiting and waiting.new_owner == account.id and waiting.role is later_role:
                return
            members.require_no_pending_change(owner.id, owner.name)
            appointed = _pending_of(members, account.id)
            if not (appointed and appointed.role is Role.OWNER and appointed.by == by.id):
                # The other part may be missing after a crash, and is added by the repeat.
                members.require_no_pending_change(account.id, account.name)
                new_owner = RequestedMembership(account, Role.OWNER)
                await self.organization_members.schedule(members, new_owner, actor)
            await self.organization_members.schedule(members, request, actor)
            await self._stop_made(members.organization, request, by)

    async def _apply(
        self, members: MemberList, request: RequestedMembership, actor: Actor, kept: Kept
    ) -> None:
        """Apply a request, and hand over or stop what an account made that stays no owner.

        What is kept is taken over first: a crash in between lets a repeat go on, and stops nothing
        that is to go on.
        """
        account = request.account
        by = actor.by
        current = members.member(account.id)
        was_owner = current is not None and current.hand_role is Role.OWNER
        if not was_owner or request.role is Role.OWNER:
            await self.organization_members.apply(members, request, actor)
            return
        members.require_other_owner(account.id, account.name)
        if kept is Kept.EVERYTHING:
            await self.made_by_accounts.take_over(members.org, account.id, by, by=by)
            await self.organization_members.take_over_changes_by(members, account.id, by)
            members = await self.organization_members.read(members.organization)
        await self.organization_members.apply(members, request, actor)
        await self._stop_made(members.organization, request, by)

    async def _stop_made(
        self, organization: Organization, request: RequestedMembership, by: Principal
    ) -> None:
        """End the scheduled changes of an account that is no owner any more, and tell the owners
        what stops with it, now or when the change takes effect."""
        account = request.account
        org = organization.name
        now = await self.organization_members.read(organization)
        member = now.member(account.id)
        pending = member.pending if member else None
        if pending is None:
            await self.organization_members.end_changes_by(now, account.id, by)
        if account.is_locked:
            return  # The owners were told with the lock.
        made = await self.made_by_accounts.in_organization(org, account.id)
        when = f" It takes effect on {time_text(pending.at_ms)}." if pending else ""
        await self.maker_mail.send(account, f"{request} of {org}.{when}", made)

    @retried_with_back_off
    async def cancel_change(
        self, org: OrgName, account: Account, *, by: Principal, reason: str = ""
    ) -> None:
        """Cancel the scheduled change of a member; any owner may, others with a `reason`."""
        access = await self.authorization.require_in_organization(by, Action.GOVERN, org)
        async with self.organization_members.changing(access.require_organization(org)) as members:
            actor = Actor(by, access)
            await self.organization_members.cancel(members, account, actor, parse_reason(reason))

    async def _with_name(self, membership: Membership) -> NamedMembership:
        account = await self.directory.get(Account, Place(membership.account))
        return NamedMembership(account.name if account else membership.account, membership)

    async def _member(self, org: OrgName, account_id: str) -> tuple[Account, Membership]:
        account = await account_by_id(self.directory, account_id)
        if account is None:
            raise member_not_found(account_id, org)
        stored = await self.directory.get(Membership, member_place(org, account.id))
        current = stored.at(self.clock.now_ms()) if stored else None
        if current is None:
            raise member_not_found(account_id, org)
        return account, current

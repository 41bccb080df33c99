"""Membership records: the members of an organization as they are stored.

A change of owners takes effect after two days; all owners are notified and can cancel it.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.access_rights import AccessContext, require_right
from shared.domain.accounts import Account
from shared.domain.errors.base import Conflict, NotFound
from shared.domain.mail import MailText
from shared.domain.memberships import (
    OWNER_CHANGE_DELAY,
    MemberList,
    Membership,
    PendingRole,
    strongest,
)
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import ACTOR_NAMES, Principal
from shared.domain.queued_mail import Audience, Recipients
from shared.domain.reasons import acts_from_outside, reason_for_change, with_reason
from shared.domain.scopes import Action, Role
from shared.domain.times import MS, time_text
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.services.audited_writes import AuditedWriter, E, EntityChange
from shared.services.identity.mail import DecisionMail
from shared.services.leases import Leases
from shared.services.mail_delivery import MailDelivery, mail_text, reason_text


class Actor(Struct, frozen=True):
    """Who makes a change, with their access to the organization."""

    by: Principal
    access_context: AccessContext

    @property
    def name(self) -> str:
        if self.access_context.account is not None:
            return self.access_context.account.name
        return ACTOR_NAMES.get(self.by.id, self.by.id)

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


class MembershipRecords(Struct, frozen=True):
    """Reads and changes the stored members of organizations.

    Callers check rights and hold the lock of the member list, except where a method says otherwise.
    Roles by groups are written without it (`administration/group_roles.py`): they never change a
    role by hand, and only an owner by hand counts as the other owner. So what is written here may
    be stale even under the lock, and every change may be repeated.
    Where two administrators decide, an owner whom only one of them makes waits like an owner whom
    owners make.
    """

    directory: DirectoryStore
    audited_writer: AuditedWriter
    clock: Clock
    leases: Leases
    mail_delivery: MailDelivery
    decision_mail: DecisionMail
    base_url: str
    two_administrators: bool

    async def read(self, organization: Organization) -> MemberList:
        """Return the members as of now, without the lock."""
        stored = await self.directory.list_by_owner(Membership, organization.key)
        return MemberList.of(organization, stored, self.clock.now_ms())

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
        await self.send_to_owners(members, mail, request.account)

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
        await self.send_to_owners(members, mail, account)

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
        await self.audited_writer.replace(written, change=change, by=by)

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
            self.audited_writer.event(replace(change, org="", account=other), by)
            for other in others
        ]
        return entity.model_copy(update={"outbox": (*entity.outbox, *events)})

    async def send_to_owners(self, members: MemberList, mail: MailText, *others: Account) -> None:
        """Send mail to every owner, to maintainers where no owner can sign in, and to further
        accounts; needs no lock."""
        # Owners who lose their role by this change get the mail, too.
        owners = sorted(each.account for each in members.owners)
        named = tuple(dict.fromkeys([*(each.id for each in others), *owners]))
        recipients = Recipients(audience=Audience.RESPONSIBLE, org=members.org, accounts=named)
        await self.mail_delivery.send_to(recipients, mail)

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
        await self.send_to_owners(members, mail, request.account)

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
            await self.audited_writer.remove(removed, change=change, by=actor.by)
        else:
            await self._write(members, changed, _change("member.set", members, request), actor)
        if acts_from_outside(actor.by, actor.access_context) and request.reason:
            await self._send_to_member(members, request)

    async def _send_to_member(self, members: MemberList, request: RequestedMembership) -> None:
        """Tell a member what was decided; of a change of owners they read with all owners."""
        current = members.member(request.account.id)
        if Role.OWNER not in (current.hand_role if current else None, request.role):
            what = f"{request} of {members.org}"
            await self.decision_mail.send_to_account(request.account.id, what, request.reason)

    async def _write(
        self, members: MemberList, membership: Membership, change: EntityChange, actor: Actor
    ) -> None:
        written = self._with_events_if_owner(membership, members, change, actor)
        if members.record(membership.account) is None:
            await self.audited_writer.add(written, change=change, by=actor.by)
        else:
            await self.audited_writer.replace(written, change=change, by=actor.by)

    def _with_events_if_owner(
        self, membership: Membership, members: MemberList, change: EntityChange, actor: Actor
    ) -> Membership:
        if Role.OWNER.value not in (change.details["before"], change.details["after"]):
            return membership
        return self.with_owner_events(membership, members, change, actor.by)


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

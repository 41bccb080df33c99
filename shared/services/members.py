"""Members of organizations: reading and locking the list of members, and changing roles.

Changes of owners take effect after two days; all owners are told of them and can undo them.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.auth.authorization import Authorization
from shared.domain import mail
from shared.domain.accounts import Account
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import NotPermitted
from shared.domain.errors.organizations import MemberNotFound, NothingPending
from shared.domain.identity import AccessContext, Principal, require_right
from shared.domain.mail import MailText
from shared.domain.members import OWNER_CHANGE_DELAY, MemberList, Membership, PendingRole
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.rights import Action, Role
from shared.ports import Clock, DirectoryStore, Randomness, WorkStore
from shared.services.accounts import accounts_by_ids
from shared.services.mail import MailDelivery
from shared.services.records import E, EntityChange, Leases, RecordWriter

OPERATOR_NAME = "The operator"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, and what they are in the organization."""

    by: Principal
    access_context: AccessContext

    @property
    def name(self) -> str:
        """Return what others know them by."""
        if self.access_context.account is not None:
            return self.access_context.account.name
        return OPERATOR_NAME if self.by.is_operator else self.by.id

    @property
    def is_operator_or_administrator(self) -> bool:
        """Say whether it is theirs to put the registry in order, which waits for nothing."""
        return self.by.is_operator or self.access_context.is_administrator


@dataclass(frozen=True, slots=True)
class RequestedMembership:
    """What an account is to be; None is no member."""

    account: Account
    role: Role | None
    invited_by: str = ""
    made_with: str = ""  # The token that asked for it.

    def __str__(self) -> str:
        """Return it as a part of a sentence."""
        if self.role is None:
            return f"{self.account.name} is no member any more"
        return f"{self.account.name} becomes {self.role.value}"


@dataclass(frozen=True, slots=True)
class MemberChanges:
    """Changes what people are in an organization; whoever calls it holds the roster."""

    directory: DirectoryStore
    record_writer: RecordWriter
    mail_delivery: MailDelivery
    base_url: str

    async def apply(self, roster: MemberList, wanted: RequestedMembership, actor: Actor) -> None:
        """Make the change, or begin it where it is one of owners and not the operator's.

        To be what one is, is to undo what waits. Raises `LastOwner`, `ChangePending`,
        `OwnerTooNew`, or what `Action.GOVERN` raises.
        """
        now = roster.member(wanted.account.id)
        if wanted.role is (now.role if now else None):
            if now is not None and now.pending is not None:
                await self.cancel(roster, wanted.account, actor)
            return
        was_owner = now is not None and now.role is Role.OWNER
        if was_owner or wanted.role is Role.OWNER:
            await self._govern(roster, wanted, actor)
            return
        if wanted.role is not None and not actor.is_operator_or_administrator:
            roster.require_no_pending_change(wanted.account.id, wanted.account.name)
        await self._write_now(roster, wanted, actor)

    async def schedule(
        self,
        roster: MemberList,
        wanted: RequestedMembership,
        actor: Actor,
        decider: Actor | None = None,
    ) -> int:
        """Let the change count after the cooling-off, and tell everybody whom it concerns; return
        from when on it counts.

        Somebody who is no member becomes one at once: until then they are a member and no more.
        `decider` is whose wish it is, where the actor only agrees.
        """
        decided = decider or actor
        at_ms = roster.now_ms + OWNER_CHANGE_DELAY // timedelta(milliseconds=1)
        pending = PendingRole(role=wanted.role, at_ms=at_ms, by=decided.by.id)
        await self._begin(roster, wanted, pending, actor, decided.name)
        return at_ms

    async def schedule_step_down(
        self,
        roster: MemberList,
        wanted: RequestedMembership,
        actor: Actor,
        *,
        heir: str,
        at_ms: int,
    ) -> None:
        """Let an owner be less from that moment on, at which somebody else becomes owner."""
        pending = PendingRole(role=wanted.role, at_ms=at_ms, by=actor.by.id, heir=heir)
        await self._begin(roster, wanted, pending, actor, actor.name)

    async def cancel(self, roster: MemberList, account: Account, actor: Actor) -> None:
        """Take back a change that waits.

        Raises `NothingPending`, `OwnerTooNew`, or what `Action.GOVERN` raises.
        """
        require_right(actor.by, actor.access_context, Action.GOVERN, OrgName(roster.org))
        now = roster.member(account.id)
        if now is None or now.pending is None:
            raise NothingPending(account.name, roster.org)
        roster.require_seniority(actor.by.id, now.pending.by)
        await self._keep_owners(roster, account, actor)
        undone = RequestedMembership(account, now.pending.role)
        change = _change("owner.undone", roster, undone)
        await self._write(roster, now.model_copy(update={"pending": None}), change, actor)
        link = self.organization_url(roster.org)
        letter = mail.owner_change_cancelled_mail(roster.org, str(undone), by=actor.name, link=link)
        await self.notify_owners(roster, letter, account)

    async def add_invited(
        self, roster: MemberList, wanted: RequestedMembership, actor: Actor, inviter: Actor
    ) -> None:
        """Let somebody in who was invited; to own the organization takes the cooling-off."""
        if wanted.role is Role.OWNER:
            await self.schedule(roster, wanted, actor, inviter)
        else:
            await self._write_now(roster, wanted, actor)

    def with_owner_events(
        self, entity: E, roster: MemberList, change: EntityChange, by: Principal
    ) -> E:
        """Return the entity with an event more for each owner, which their own log shows."""
        others = [each.account for each in roster.owners if each.account != change.account]
        notices = [
            self.record_writer.event(replace(change, org="", account=other), by) for other in others
        ]
        return entity.model_copy(update={"outbox": (*entity.outbox, *notices)})

    async def notify_owners(self, roster: MemberList, letter: MailText, *besides: Account) -> None:
        """Write to every owner, and to whom else it concerns."""
        ids = {each.account for each in roster.owners} - {each.id for each in besides}
        await self.mail_delivery.send_to_accounts(
            [*besides, *await accounts_by_ids(self.directory, sorted(ids))], *letter
        )

    def organization_url(self, org: str) -> str:
        """Return the page on which members see changes, and owners undo them."""
        return f"{self.base_url}/account/organizations/{org}"

    async def _govern(self, roster: MemberList, wanted: RequestedMembership, actor: Actor) -> None:
        require_right(actor.by, actor.access_context, Action.GOVERN, OrgName(roster.org))
        account = wanted.account
        if wanted.role is not Role.OWNER:
            roster.require_other_owner(account.id, account.name)
        if actor.is_operator_or_administrator or actor.by.id == account.id:
            await self._govern_now(roster, wanted, actor)
            return
        roster.require_no_pending_change(account.id, account.name)
        if wanted.role is not Role.OWNER:
            roster.require_seniority(actor.by.id, account.id)
        await self.schedule(roster, wanted, actor)

    async def _govern_now(
        self, roster: MemberList, wanted: RequestedMembership, actor: Actor
    ) -> None:
        await self._write_now(roster, wanted, actor)
        link = self.organization_url(roster.org)
        letter = mail.owners_changed_mail(roster.org, str(wanted), by=actor.name, link=link)
        await self.notify_owners(roster, letter, wanted.account)

    async def _begin(
        self,
        roster: MemberList,
        wanted: RequestedMembership,
        pending: PendingRole,
        actor: Actor,
        decider: str,
    ) -> None:
        now = roster.member(wanted.account.id) or _member(roster, wanted.account)
        change = _change("owner.pending", roster, wanted, at_ms=str(pending.at_ms))
        invited_by = wanted.invited_by or now.invited_by
        waiting = now.model_copy(update={"pending": pending, "invited_by": invited_by})
        await self._write(roster, waiting, change, actor)
        link = self.organization_url(roster.org)
        letter = mail.owner_change_pending_mail(
            roster.org, str(wanted), by=decider, at_ms=pending.at_ms, link=link
        )
        await self.notify_owners(roster, letter, wanted.account)

    async def _keep_owners(self, roster: MemberList, heir: Account, actor: Actor) -> None:
        """Let those stay owners who hand the organization over to somebody who does not get it.

        Before anything else is written: a crash in between leaves an owner too many, and never
        none.
        """
        for each, role in roster.owners_replaced_by(heir.id):
            for account in await accounts_by_ids(self.directory, [each.account]):
                change = _change("owner.undone", roster, RequestedMembership(account, role))
                await self._write(roster, each.model_copy(update={"pending": None}), change, actor)

    async def _write_now(
        self, roster: MemberList, wanted: RequestedMembership, actor: Actor
    ) -> None:
        if wanted.role is not Role.OWNER:
            await self._keep_owners(roster, wanted.account, actor)
        known = roster.member(wanted.account.id)
        now = known or _member(roster, wanted.account)
        if wanted.role is None:
            change = _change("member.removed", roster, wanted)
            noticed = self._noticed_of_owners(now, roster, change, actor)
            await self.record_writer.remove(noticed, change=change, by=actor.by)
            return
        fields = {
            "role": wanted.role,
            "since_ms": roster.now_ms,
            "pending": None,
            "invited_by": wanted.invited_by or now.invited_by,
            "made_with": _mark(known, wanted, actor),
        }
        change = _change("member.set", roster, wanted)
        await self._write(roster, now.model_copy(update=fields), change, actor)

    async def _write(
        self, roster: MemberList, membership: Membership, change: EntityChange, actor: Actor
    ) -> None:
        noticed = self._noticed_of_owners(membership, roster, change, actor)
        if roster.record(membership.account) is None:
            await self.record_writer.add(noticed, change=change, by=actor.by)
        else:
            await self.record_writer.replace(noticed, change=change, by=actor.by)

    def _noticed_of_owners(
        self, membership: Membership, roster: MemberList, change: EntityChange, actor: Actor
    ) -> Membership:
        """Return the membership with notices, where it is about owning: not of every member."""
        if Role.OWNER.value not in (change.details["before"], change.details["after"]):
            return membership
        return self.with_owner_events(membership, roster, change, actor.by)


def _mark(known: Membership | None, wanted: RequestedMembership, actor: Actor) -> str:
    """Return which token somebody is a member by: a token marks whom it brings in, and nobody who
    was there; a person who decides on a role vouches for whoever has it."""
    if known is None:
        return wanted.made_with
    return known.made_with if actor.by.token else ""


def _member(roster: MemberList, account: Account) -> Membership:
    """Return a new member, over what is left of an earlier membership."""
    new = Membership(org=roster.org, account=account.id, role=Role.MEMBER, since_ms=roster.now_ms)
    left = roster.record(account.id)
    return new.model_copy(
        update={} if left is None else {"revision": left.revision, "outbox": left.outbox}
    )


def _change(
    kind: str, roster: MemberList, wanted: RequestedMembership, **details: str
) -> EntityChange:
    now = roster.member(wanted.account.id)
    told = {
        "account": wanted.account.id,
        "before": now.role.value if now else "",
        "after": wanted.role.value if wanted.role else "",
        **details,
    }
    return EntityChange(kind, roster.org, org=roster.org, account=wanted.account.id, details=told)


@dataclass(frozen=True, slots=True)
class OrganizationMembers:
    """Reads rosters."""

    directory: DirectoryStore
    work: WorkStore
    clock: Clock
    randomness: Randomness

    async def read(self, organization: Organization) -> MemberList:
        stored = await self.directory.of(Membership, organization.key)
        return MemberList.of(organization, stored, self.clock.now_ms())

    @asynccontextmanager
    async def locked(self, organization: Organization) -> AsyncGenerator[MemberList]:
        """Lend the roster while nobody else changes it, or raise `Busy`.

        Of two owners who remove each other at once, both would see that the other one stays.
        """
        leasing = Leases(self.work, self.clock, self.randomness)
        async with leasing.lease(f"members:{organization.key}"):
            yield await self.read(organization)


@dataclass(frozen=True, slots=True)
class OrganizationTransfer:
    """Makes somebody owner in one's own place.

    Both changes count at the same moment, and one does not without the other: undoing that somebody
    becomes owner undoes that whoever hands over gives way.
    """

    authorization: Authorization
    organization_members: OrganizationMembers
    changes: MemberChanges

    async def begin(self, org: OrgName, heir: Account, then: Role | None, *, by: Principal) -> None:
        """Let `heir` own the organization after the cooling-off, and `by` be less from then on;
        None is no member.

        Owners may who signed in a moment ago. Raises `MemberNotFound`, `ChangePending` where
        something waits for `by` already, and `InvalidRequest` for what hands nothing over.
        """
        standing = await self.authorization.require_within(by, Action.GOVERN, org)
        async with self.organization_members.locked(standing.require_organization(org)) as roster:
            actor = Actor(by, standing)
            giver = _giver(roster, actor)
            _check(roster, heir, then)
            at_ms = await self._made_owner(roster, heir, actor)
            wanted = RequestedMembership(giver, then)
            await self.changes.schedule_step_down(roster, wanted, actor, heir=heir.id, at_ms=at_ms)

    async def _made_owner(self, roster: MemberList, heir: Account, actor: Actor) -> int:
        """Have the heir become owner, and return from when on they are."""
        now = _member_of(roster, heir)
        if now.pending is not None and now.pending.role is Role.OWNER:
            return now.pending.at_ms
        return await self.changes.schedule(roster, RequestedMembership(heir, Role.OWNER), actor)


def _giver(roster: MemberList, actor: Actor) -> Account:
    """Return who hands over: an owner of whom nothing else waits."""
    now, account = roster.member(actor.by.id), actor.access_context.account
    if account is None or now is None or now.role is not Role.OWNER:
        reason = f"it takes being owner of {roster.org}"
        raise NotPermitted("transfer", roster.org, reason)
    roster.require_no_pending_change(account.id, account.name)
    return account


def _check(roster: MemberList, heir: Account, then: Role | None) -> None:
    if then is Role.OWNER:
        message = "Who hands an organization over does not own it any more. Choose less for you."
        raise InvalidRequest(message)
    if _member_of(roster, heir).role is Role.OWNER:
        message = (
            f"{heir.name} owns {roster.org} already. Choose somebody who does not, or leave the "
            "organization to those who do."
        )
        raise InvalidRequest(message)


def _member_of(roster: MemberList, heir: Account) -> Membership:
    found = roster.member(heir.id)
    if found is None:
        raise MemberNotFound(heir.name, roster.org)
    return found

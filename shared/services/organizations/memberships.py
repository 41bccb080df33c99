"""Memberships: who belongs to an organization, with which role, and who may see and change that."""

import asyncio
from enum import Enum

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.access_rights import refusal_of
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import NotPermitted, credentials_missing, member_not_found
from shared.domain.memberships import (
    MemberList,
    Membership,
    PendingRole,
    member_place,
)
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import Principal
from shared.domain.reasons import parse_reason
from shared.domain.scopes import Action, Role
from shared.domain.times import time_text
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_with_back_off
from shared.services.identity.accounts import account_by_id
from shared.services.organizations.made_by_accounts import MadeByAccounts, MakerMail
from shared.services.organizations.membership_records import (
    Actor,
    MembershipRecords,
    RequestedMembership,
)


class NamedMembership(Struct, frozen=True):
    """A membership with the name of its account."""

    name: str
    membership: Membership


class OrganizationMembership(Struct, frozen=True):
    """An organization with the role of an account in it."""

    organization: Organization
    role: Role


class MadeItems(Enum):
    """What happens to the items that a former owner made in an organization."""

    STOPPED = "stopped"  # They stop until an owner confirms them.
    TAKEN_OVER = "taken-over"  # Whoever changes the role becomes their maker.

    @classmethod
    def requested(cls, *, keep: bool) -> "MadeItems":
        """Return the choice of a request, whose field `keep` says whether the items go on."""
        return cls.TAKEN_OVER if keep else cls.STOPPED


class Memberships(Struct, frozen=True):
    """Reads and changes the members of organizations for those who may."""

    directory: DirectoryStore
    authorization: Authorization
    membership_records: MembershipRecords
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
        stored = await self.membership_records.read(organization)
        members = await asyncio.gather(*(self._with_name(each) for each in stored.members))
        return sorted(members, key=lambda member: member.name.lower())

    async def count(self, organization: Organization) -> int:
        """Return how many members there are, which the public page of the organization says."""
        return len((await self.membership_records.read(organization)).members)

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
        made: MadeItems = MadeItems.STOPPED,
        reason: str = "",
        is_agreed: bool = False,
    ) -> None:
        """Give a member a role; the operator and administrators also add members.

        They say a `reason` where they take something from somebody, unless they own it themselves.

        A role that publishes or owns takes `Action.GOVERN`, and so does taking over what a former
        owner made. Changes of owners may be delayed, as `MembershipRecords.apply` says, but not
        those on which two administrators agreed.
        """
        is_weak = role is Role.MEMBER and made is MadeItems.STOPPED
        access = await self.authorization.require_in_organization(
            by, Action.MANAGE if is_weak else Action.GOVERN, org
        )
        actor = Actor(by, access)
        async with self.membership_records.changing(access.require_organization(org)) as members:
            if members.member(account.id) is None and not actor.is_operator_or_administrator:
                raise member_not_found(account.name, members.org)
            request = RequestedMembership(
                account, role, reason=parse_reason(reason), is_agreed=is_agreed
            )
            await self._apply(members, request, actor, made)

    @retried_with_back_off
    async def remove_member(
        self,
        org: OrgName,
        account: Account,
        *,
        by: Principal,
        made: MadeItems = MadeItems.STOPPED,
        reason: str = "",
    ) -> None:
        """Remove a member: owners remove others, everybody removes themselves; the operator and
        administrators with a `reason`, as in `set_member`. What an owner made stops, unless it is
        taken over."""
        action = Action.LEAVE if by.id == account.id else Action.MANAGE
        if made is MadeItems.TAKEN_OVER:
            action = Action.GOVERN
        access = await self.authorization.require_in_organization(by, action, org)
        async with self.membership_records.changing(access.require_organization(org)) as members:
            request = RequestedMembership(account, None, reason=parse_reason(reason))
            await self._apply(members, request, Actor(by, access), made)

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
        async with self.membership_records.changing(access.require_organization(org)) as members:
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
                await self.membership_records.schedule(members, new_owner, actor)
            await self.membership_records.schedule(members, request, actor)
            await self._stop_made(members.organization, request, by)

    async def _apply(
        self, members: MemberList, request: RequestedMembership, actor: Actor, made: MadeItems
    ) -> None:
        """Apply a request; hand over or stop what an account made that is no owner afterwards.

        Items are taken over first: a crash in between lets a repeat go on, and stops nothing that
        is to go on.
        """
        account = request.account
        by = actor.by
        current = members.member(account.id)
        was_owner = current is not None and current.hand_role is Role.OWNER
        if not was_owner or request.role is Role.OWNER:
            await self.membership_records.apply(members, request, actor)
            return
        members.require_other_owner(account.id, account.name)
        if made is MadeItems.TAKEN_OVER:
            await self.made_by_accounts.take_over(members.org, account.id, by, by=by)
            await self.membership_records.take_over_changes_by(members, account.id, by)
            members = await self.membership_records.read(members.organization)
        await self.membership_records.apply(members, request, actor)
        await self._stop_made(members.organization, request, by)

    async def _stop_made(
        self, organization: Organization, request: RequestedMembership, by: Principal
    ) -> None:
        """End the scheduled changes of an account that is no owner any more, and tell the owners
        what stops with it, now or when the change takes effect."""
        account = request.account
        org = organization.name
        now = await self.membership_records.read(organization)
        member = now.member(account.id)
        pending = member.pending if member else None
        if pending is None:
            await self.membership_records.end_changes_by(now, account.id, by)
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
        async with self.membership_records.changing(access.require_organization(org)) as members:
            actor = Actor(by, access)
            await self.membership_records.cancel(members, account, actor, parse_reason(reason))

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

"""Memberships: who belongs to an organization, with which role, and who may see and change that.

`role_changes.py` applies changes of roles, of which some wait.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.access import refusal_of
from shared.domain.accounts import Account
from shared.domain.errors.identity import credentials_missing, member_not_found
from shared.domain.identity import Principal
from shared.domain.members import Membership, member_place
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.records import Place
from shared.domain.rights import Action, Role
from shared.ports import Clock, DirectoryStore
from shared.services.identity.accounts import account_by_id, accounts_by_ids
from shared.services.leases import retried_when_leased
from shared.services.organizations.role_changes import (
    Actor,
    OrganizationMembers,
    RequestedMembership,
)
from shared.services.records import EntityChange, RecordWriter


@dataclass(frozen=True, slots=True)
class Member:
    """A membership with the name of its account."""

    name: str
    membership: Membership


@dataclass(frozen=True, slots=True)
class OrganizationMembership:
    """An organization with the role of an account in it."""

    organization: Organization
    role: Role
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class Memberships:
    """Reads and changes the members of organizations."""

    directory: DirectoryStore
    authorization: Authorization
    record_writer: RecordWriter
    organization_members: OrganizationMembers
    clock: Clock

    async def of_account(self, account_id: str) -> list[Membership]:
        now_ms = self.clock.now_ms()
        stored = await self.directory.list_by_subject(Membership, account_id)
        return [current for each in stored if (current := each.at(now_ms)) is not None]

    async def list_own(self, *, by: Principal) -> list[OrganizationMembership]:
        """Return the organizations of `by` that its credential may read, by name."""
        if by.is_anonymous:
            raise credentials_missing()
        memberships = await self.of_account(by.id)
        names = [OrgName(each.org) for each in memberships]
        contexts = await asyncio.gather(
            *(self.directory.access_context(by.id, name, self.clock.now_ms()) for name in names)
        )
        return [
            OrganizationMembership(
                access.require_organization(name), access.role, membership.is_shown
            )
            for name, access, membership in zip(names, contexts, memberships, strict=True)
            if access.role and refusal_of(by, access, Action.READ, name) is None
        ]

    async def members(self, org: OrgName, *, by: Principal) -> list[Member]:
        """Return the members by name, to members only."""
        access = await self.authorization.require_within(by, Action.READ, org)
        stored = await self.organization_members.read(access.require_organization(org))
        members = await asyncio.gather(*(self._with_name(each) for each in stored.members))
        return sorted(members, key=lambda member: member.name.lower())

    async def show_member(self, org: OrgName, account_id: str, *, by: Principal) -> Member:
        """Return a member, to members only; raise `member-not-found`."""
        await self.authorization.require_within(by, Action.READ, org)
        account, membership = await self._member(org, account_id)
        return Member(account.name, membership)

    async def member_account(self, org: OrgName, account_id: str, *, by: Principal) -> Account:
        """Return the account of a member, or raise `member-not-found`, whether the account exists.

        Actions on the member check their own rights.
        """
        await self.authorization.require_member(by, org)
        account, _ = await self._member(org, account_id)
        return account

    async def public_members(self, organization: Organization) -> tuple[Membership, ...]:
        """Return the members who chose to be shown to everybody."""
        return (await self.organization_members.read(organization)).public_members

    async def with_names(self, memberships: Iterable[Membership]) -> list[Member]:
        """Return the members by name, without deleted accounts."""
        by_id = {each.account: each for each in memberships}
        accounts = await accounts_by_ids(self.directory, by_id)
        members = [Member(account.name, by_id[account.id]) for account in accounts]
        return sorted(members, key=lambda member: member.name.lower())

    async def show_membership(self, org: OrgName, *, by: Principal) -> None:
        """Make the membership of `by` public; a repeat changes nothing."""
        await self._set_shown(org, "member.shown", by, is_shown=True)

    async def hide_membership(self, org: OrgName, *, by: Principal) -> None:
        """Show the membership of `by` to members only; a repeat changes nothing."""
        await self._set_shown(org, "member.hidden", by, is_shown=False)

    @retried_when_leased
    async def set_member(
        self, org: OrgName, account: Account, role: Role, *, by: Principal
    ) -> None:
        """Give a member a role; the operator and administrators also add members.

        A role that publishes or owns takes `Action.GOVERN`. Changes of owners may be delayed, as
        `OrganizationMembers.apply` says.
        """
        action = Action.MANAGE if role is Role.MEMBER else Action.GOVERN
        access = await self.authorization.require_within(by, action, org)
        actor = Actor(by, access)
        async with self.organization_members.locked(access.require_organization(org)) as members:
            if members.member(account.id) is None and not actor.is_operator_or_administrator:
                raise member_not_found(account.name, members.org)
            request = RequestedMembership(account, role)
            await self.organization_members.apply(members, request, actor)

    @retried_when_leased
    async def remove_member(self, org: OrgName, account: Account, *, by: Principal) -> None:
        """Remove a member: owners remove others, everybody removes themselves."""
        action = Action.LEAVE if by.id == account.id else Action.MANAGE
        access = await self.authorization.require_within(by, action, org)
        async with self.organization_members.locked(access.require_organization(org)) as members:
            request = RequestedMembership(account, None)
            await self.organization_members.apply(members, request, Actor(by, access))

    async def pending_changes(self, org: OrgName, *, by: Principal) -> list[Member]:
        """Return the members with a scheduled change, to members only."""
        return [each for each in await self.members(org, by=by) if each.membership.pending]

    @retried_when_leased
    async def cancel_change(self, org: OrgName, account: Account, *, by: Principal) -> None:
        """Cancel the scheduled change of a member; any owner may."""
        access = await self.authorization.require_within(by, Action.GOVERN, org)
        async with self.organization_members.locked(access.require_organization(org)) as members:
            await self.organization_members.cancel(members, account, Actor(by, access))

    async def change_role(
        self, org: OrgName, account_id: str, role: Role, *, by: Principal
    ) -> None:
        """Give a member another role, as `set_member` does; raise `member-not-found`."""
        account = await self.member_account(org, account_id, by=by)
        await self.set_member(org, account, role, by=by)

    async def end_membership(self, org: OrgName, account_id: str, *, by: Principal) -> None:
        """Remove a member, as `remove_member` does; raise `member-not-found`."""
        account = await self.member_account(org, account_id, by=by)
        await self.remove_member(org, account, by=by)

    async def cancel_role_change(self, org: OrgName, account_id: str, *, by: Principal) -> None:
        """Cancel the scheduled change of a member; raise `member-not-found`."""
        account = await self.member_account(org, account_id, by=by)
        await self.cancel_change(org, account, by=by)

    @retried_when_leased
    async def _set_shown(self, org: OrgName, kind: str, by: Principal, *, is_shown: bool) -> None:
        access = await self.authorization.require_within(by, Action.LEAVE, org)
        async with self.organization_members.locked(access.require_organization(org)) as members:
            current = members.member(by.id)
            if current is None:
                raise member_not_found(by.id, org)
            if current.is_shown is is_shown:
                return
            changed = current.model_copy(update={"is_shown": is_shown})
            change = EntityChange(kind, members.org, org=members.org, account=by.id)
            await self.record_writer.replace(changed, change=change, by=by)

    async def _with_name(self, membership: Membership) -> Member:
        account = await self.directory.get(Account, Place(membership.account))
        return Member(account.name if account else membership.account, membership)

    async def _member(self, org: OrgName, account_id: str) -> tuple[Account, Membership]:
        account = await account_by_id(self.directory, account_id)
        if account is None:
            raise member_not_found(account_id, org)
        stored = await self.directory.get(Membership, member_place(org, account.id))
        current = stored.at(self.clock.now_ms()) if stored else None
        if current is None:
            raise member_not_found(account_id, org)
        return account, current

"""The owners and members of organizations in a registry file."""

from collections.abc import Mapping, Sequence
from functools import partial

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.errors.identity import account_not_found
from shared.domain.memberships import MemberList, Membership, PendingRole
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.registry_files.sections import OrganizationSection
from shared.domain.registry_files.toml_lines import KeyPath
from shared.domain.scopes import Role
from shared.domain.times import time_text
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.services.identity.accounts import account_by_name, account_names, administrator_accounts
from shared.services.organizations.membership_records import MembershipRecords
from shared.services.organizations.memberships import Memberships
from shared.services.registry_files.plans import REASON, Draft, added, changed, removed


class _WantedRole(Struct, frozen=True):
    """An account of the file, with the role and the path at which it stands."""

    account: Account
    role: Role
    path: KeyPath


class MemberSections(Struct, frozen=True):
    """Plans changes of roles by hand; roles by groups are never touched."""

    directory: DirectoryStore
    memberships: Memberships
    membership_records: MembershipRecords
    clock: Clock

    async def founders(
        self, draft: Draft, name: str, section: OrganizationSection
    ) -> Sequence[Account]:
        """Return the owners of a new organization: those of the file, or the first
        administrator."""
        if section.owners is not None:
            return [each.account for each in await self._owners(draft, name, section)]
        now_ms = self.clock.now_ms()
        administrators = await administrator_accounts(self.directory, now_ms)
        if not administrators:
            message = (
                f"{name} needs an owner, and this registry has no administrator. Name owners of it."
            )
            draft.problems.append(draft.parsed.problem(("organizations", name), message))
        return sorted(administrators, key=lambda each: (each.created_ms, each.id))[:1]

    async def plan_new(self, draft: Draft, name: str, section: OrganizationSection) -> None:
        """Plan the members of an organization that is created with its owners."""
        for each in await self._members(draft, name, section):
            draft.step(
                [added(each.path, each.role)], partial(self._set, draft, OrgName(name), each)
            )

    async def plan(
        self, draft: Draft, organization: Organization, name: str, section: OrganizationSection
    ) -> None:
        """Plan the roles of the file, the new owners first."""
        wanted = [
            *await self._owners(draft, name, section),
            *await self._members(draft, name, section),
        ]
        members = await self.membership_records.read(organization)
        for each in wanted:
            self._plan_role(draft, members, each)
        if draft.prunes:
            named = {each.account.id for each in wanted}
            await self._plan_removals(draft, members, name, section, named)

    async def roles(self, organization: Organization) -> Mapping[str, Role]:
        """Return the roles by hand, by the names of accounts, in order."""
        members = await self.membership_records.read(organization)
        by_hand = {each.account: each.hand_role for each in members.members if each.hand_role}
        names = await account_names(self.directory, by_hand)
        found = {names[each]: role for each, role in by_hand.items() if each in names}
        return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))

    async def _owners(
        self, draft: Draft, name: str, section: OrganizationSection
    ) -> list[_WantedRole]:
        path = ("organizations", name, "owners")
        found = [
            (account, (*path, each))
            for number, each in enumerate(section.owners or ())
            if (account := await self._account(draft, (*path, number), each))
        ]
        return [_WantedRole(account, Role.OWNER, where) for account, where in found]

    async def _members(
        self, draft: Draft, name: str, section: OrganizationSection
    ) -> list[_WantedRole]:
        path = ("organizations", name, "members")
        return [
            _WantedRole(account, Role(role), (*path, each))
            for each, role in (section.members or {}).items()
            if (account := await self._account(draft, (*path, each), each))
        ]

    async def _account(self, draft: Draft, path: KeyPath, name: str) -> Account | None:
        account = None
        with draft.about(path):
            account = await account_by_name(self.directory, name)
            if account is None:
                way_out = "People sign in once before a file names them, or a directory adds them."
                raise account_not_found(name, way_out)
        return account

    def _plan_role(self, draft: Draft, members: MemberList, wanted: _WantedRole) -> None:
        member = members.member(wanted.account.id)
        role = member.hand_role if member else None
        if member is not None and member.pending is not None:
            draft.wait(wanted.path, _described(member.pending))
        elif role is not wanted.role:
            line = (
                changed(wanted.path, role, wanted.role) if role else added(wanted.path, wanted.role)
            )
            draft.step([line], partial(self._set, draft, OrgName(members.org), wanted))

    async def _plan_removals(
        self,
        draft: Draft,
        members: MemberList,
        name: str,
        section: OrganizationSection,
        named: set[str],
    ) -> None:
        """Plan to remove who is in no list of the file, of the roles whose list the file has."""
        left_out = [
            each
            for each in members.members
            if each.account not in named and each.hand_role and _lists(section, each.hand_role)
        ]
        names = await account_names(self.directory, [each.account for each in left_out])
        for each in left_out:
            key = "owners" if each.hand_role is Role.OWNER else "members"
            path = ("organizations", name, key, names.get(each.account, each.account))
            if each.pending is not None:
                draft.wait(path, _described(each.pending))
            else:
                remove = partial(self._remove, draft, OrgName(members.org), each)
                draft.step([removed(path, each.hand_role)], remove)

    async def _set(self, draft: Draft, org: OrgName, wanted: _WantedRole) -> None:
        await self.memberships.set_member(
            org, wanted.account, wanted.role, by=draft.by, reason=REASON
        )

    async def _remove(self, draft: Draft, org: OrgName, member: Membership) -> None:
        account = await self.memberships.member_account(org, member.account, by=draft.by)
        await self.memberships.remove_member(org, account, by=draft.by, reason=REASON)


def _lists(section: OrganizationSection, role: Role) -> bool:
    return (section.owners if role is Role.OWNER else section.members) is not None


def _described(pending: PendingRole) -> str:
    what = f"becomes {pending.role.value}" if pending.role else "is removed"
    if pending.on_hold:
        return f"{what}, on hold while who decided it is locked"
    return f"{what} on {time_text(pending.at_ms)}"

"""Accounts and organizations in dictionaries."""

from dataclasses import dataclass, field

from shared.domain.identity import Account, Membership, Organization, Role, Standing
from shared.domain.names import OrgName
from shared.ports import AlreadyThere


@dataclass
class FakeAccounts:
    """An `AccountStore` that counts its calls."""

    by_id: dict[str, Account] = field(default_factory=dict[str, Account])
    by_key: dict[str, Organization] = field(default_factory=dict[str, Organization])
    roles: dict[tuple[str, str], Membership] = field(
        default_factory=dict[tuple[str, str], Membership]
    )
    calls: list[str] = field(default_factory=list[str])

    async def standing(self, account_id: str, org: OrgName) -> Standing:
        """Return what the account is in the organization."""
        self.calls.append("standing")
        member = self.roles.get((org.lower(), account_id))
        return Standing(
            account=self.by_id.get(account_id),
            organization=self.by_key.get(org.lower()),
            role=member.role if member else None,
        )

    async def account(self, account_id: str) -> Account | None:
        """Return the account, or None."""
        self.calls.append("account")
        return self.by_id.get(account_id)

    async def accounts(self) -> list[Account]:
        """Return every account, by name."""
        self.calls.append("accounts")
        return sorted(self.by_id.values(), key=lambda account: account.name)

    async def add_account(self, account: Account) -> None:
        """Create the account unless its id or name is taken."""
        self.calls.append("add_account")
        names = {each.name.lower() for each in self.by_id.values()}
        if account.id in self.by_id or account.name.lower() in names:
            raise AlreadyThere
        self.by_id[account.id] = account

    async def organization(self, org: OrgName) -> Organization | None:
        """Return the organization, or None."""
        self.calls.append("organization")
        return self.by_key.get(org.lower())

    async def organizations(self) -> list[Organization]:
        """Return every organization, by name."""
        self.calls.append("organizations")
        return sorted(self.by_key.values(), key=lambda organization: organization.key)

    async def add_organization(self, organization: Organization) -> None:
        """Create the organization with its founder as owner, unless its name is taken."""
        self.calls.append("add_organization")
        if organization.key in self.by_key:
            raise AlreadyThere
        self.by_key[organization.key] = organization
        await self.put_membership(
            Membership(org=organization.name, account=organization.founder, role=Role.OWNER)
        )

    async def put_membership(self, membership: Membership) -> None:
        """Set a role."""
        self.calls.append("put_membership")
        self.roles[membership.org.lower(), membership.account] = membership

    async def remove_membership(self, org: OrgName, account_id: str) -> None:
        """Take the account out."""
        self.calls.append("remove_membership")
        self.roles.pop((org.lower(), account_id), None)

    async def memberships(self, org: OrgName) -> list[Membership]:
        """Return the members."""
        self.calls.append("memberships")
        return [member for (key, _), member in self.roles.items() if key == org.lower()]

    async def organizations_of(self, account_id: str) -> list[Membership]:
        """Return where the account is a member."""
        self.calls.append("organizations_of")
        return [member for (_, owner), member in self.roles.items() if owner == account_id]

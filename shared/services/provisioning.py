"""Provisioning: every organization, for those who run the registry, and founding one for others."""

from dataclasses import dataclass

from shared.auth.administration import Administration
from shared.domain.accounts import Account
from shared.domain.errors import OrganizationNotFound
from shared.domain.identity import Principal
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, place_of
from shared.ports import DirectoryStore
from shared.services.finding import accounts_of
from shared.services.listing import Listed, beginning, slice_of
from shared.services.organizations import Organizations

MOST_FOUND = 25  # Organizations of one search.

_WHAT = "every organization"


@dataclass(frozen=True, slots=True)
class Founded:
    """An organization, and who founded it; None where their account is gone."""

    organization: Organization
    founder: Account | None


@dataclass(frozen=True, slots=True)
class Provisioning:
    """Lists and shows organizations to administrators, those that were deleted included."""

    directory: DirectoryStore
    administration: Administration
    organizations: Organizations

    async def page(self, after: str, count: int, *, by: Principal) -> Listed[Founded]:
        """Return up to `count` organizations whose names are above one."""
        await self.administration.require(by, "list", _WHAT)
        found = await slice_of(self.directory, Organization, place_of(after), count)
        next_ = found.entities[-1].key if found.is_more else ""
        return Listed(await self._founded(found.entities), next_)

    async def find(self, letters: str, *, by: Principal) -> Listed[Founded]:
        """Return the organizations whose names begin so."""
        await self.administration.require(by, "list", _WHAT)
        found = await beginning(self.directory, Organization, place_of(letters), MOST_FOUND)
        return Listed(await self._founded(found))

    async def show(self, org: OrgName, *, by: Principal) -> Founded:
        """Return an organization, deleted or not; raise `OrganizationNotFound`."""
        await self.administration.require(by, "see", f"the organization {org}")
        organization = await self.directory.get(Organization, place_of(org))
        if organization is None:
            raise OrganizationNotFound(org)
        [founded] = await self._founded((organization,))
        return founded

    async def found(self, org: OrgName, owner: Account, *, by: Principal) -> Organization:
        """Found an organization that somebody else owns, and raise as `Organizations.found`."""
        await self.administration.require_fresh(by, "found", f"the organization {org} for somebody")
        return await self.organizations.found(org, owner, by=by)

    async def _founded(self, organizations: tuple[Organization, ...]) -> tuple[Founded, ...]:
        ids = {each.founder for each in organizations}
        founders = {each.id: each for each in await accounts_of(self.directory, sorted(ids))}
        return tuple(Founded(each, founders.get(each.founder)) for each in organizations)

"""What administrators see and do of organizations."""

from datetime import timedelta

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import Account
from shared.domain.errors.identity import organization_not_found
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import Principal
from shared.domain.times import MS
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import accounts_by_ids
from shared.services.list_pages import ListPage, entities_with_prefix, entity_page
from shared.services.organizations.memberships import Memberships, NamedMembership
from shared.services.organizations.organizations import Organizations

MAX_ORGANIZATIONS_FOUND = 25  # Organizations of one search.
_EVERY_ORGANIZATION = "every organization"


class OrganizationWithFounder(Struct, frozen=True):
    """An organization and the account that created it; None where that is gone."""

    organization: Organization
    founder: Account | None


BURSTS_ALLOWED_FOR = timedelta(days=1)  # Long enough to publish the releases of a day.


class OrganizationAdministration(Struct, frozen=True):
    """Actions of administrators on organizations, deleted ones included."""

    directory: DirectoryStore
    registry_authorization: RegistryAuthorization
    organizations: Organizations
    memberships: Memberships
    audited_writer: AuditedWriter
    clock: Clock

    async def page(
        self, after: str, count: int, *, by: Principal
    ) -> ListPage[OrganizationWithFounder]:
        """Return up to `count` organizations whose names sort after `after`."""
        await self.registry_authorization.require_auditor(by, "list", _EVERY_ORGANIZATION)
        found = await entity_page(self.directory, Organization, organization_place(after), count)
        next_ = found.entities[-1].key if found.is_more else ""
        return ListPage(await self._with_founders(found.entities), next_)

    async def search(self, prefix: str, *, by: Principal) -> ListPage[OrganizationWithFounder]:
        """Find organizations by the beginning of the name."""
        await self.registry_authorization.require_auditor(by, "list", _EVERY_ORGANIZATION)
        found = await entities_with_prefix(
            self.directory, Organization, organization_place(prefix), MAX_ORGANIZATIONS_FOUND
        )
        return ListPage(await self._with_founders(found))

    async def show(self, org: OrgName, *, by: Principal) -> OrganizationWithFounder:
        """Return an organization, or raise `organization-not-found`."""
        await self.registry_authorization.require_auditor(by, "see", f"the organization {org}")
        organization = await self.directory.get(Organization, organization_place(org))
        if organization is None:
            raise organization_not_found(org)
        [found] = await self._with_founders((organization,))
        return found

    async def members(self, organization: Organization, *, by: Principal) -> list[NamedMembership]:
        """Return the members of an organization by name."""
        name = organization.name
        await self.registry_authorization.require_auditor(by, "see", f"the organization {name}")
        return await self.memberships.named(organization)

    async def create(self, org: OrgName, owner: Account, *, by: Principal) -> Organization:
        """Create an organization for another owner; raise as `Organizations.create` does."""
        await self.registry_authorization.require_fresh(
            by, "found", f"the organization {org} for somebody"
        )
        return await self.organizations.create(org, owner, by=by)

    @retried_when_stale
    async def allow_bursts(self, org: OrgName, *, by: Principal) -> int:
        """Switch burst detection off for the organization; return until when, a day from now."""
        await self.registry_authorization.require_fresh(
            by, "switch off", f"burst detection of {org}"
        )
        until_ms = self.clock.now_ms() + BURSTS_ALLOWED_FOR // MS
        organization = await self.directory.get(Organization, organization_place(org))
        if organization is None:
            raise organization_not_found(org)
        name = organization.name
        change = EntityChange(
            "organization.bursts-allowed", name, org=name, details={"after": str(until_ms)}
        )
        changed = organization.model_copy(update={"bursts_until_ms": until_ms})
        await self.audited_writer.replace(changed, change=change, by=by)
        return until_ms

    async def _with_founders(
        self, organizations: tuple[Organization, ...]
    ) -> tuple[OrganizationWithFounder, ...]:
        ids = {each.founder for each in organizations}
        founders = {each.id: each for each in await accounts_by_ids(self.directory, sorted(ids))}
        return tuple(
            OrganizationWithFounder(each, founders.get(each.founder)) for each in organizations
        )

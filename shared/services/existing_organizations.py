"""Organizations that exist. One that was deleted keeps its record for a day, so that its name stays
taken: it does not exist any more."""

from shared.domain.errors.identity import organization_not_found
from shared.domain.organizations import Organization, organization_place
from shared.ports.directory import DirectoryStore


async def existing_organization(
    directory: DirectoryStore, org: str, now_ms: int
) -> Organization | None:
    """Return the organization, or None if there is none or it is deleted at that time."""
    organization = await directory.get(Organization, organization_place(org))
    if organization is None or organization.is_deleted_at(now_ms):
        return None
    return organization


async def require_organization(directory: DirectoryStore, org: str, now_ms: int) -> Organization:
    """Return the organization, or raise `organization-not-found`."""
    organization = await existing_organization(directory, org, now_ms)
    if organization is None:
        raise organization_not_found(org)
    return organization

"""/api/v1/orgs: organizations, their profile and deletion, and their verified domains."""

from typing import Self

from pydantic import AliasPath, Field

from functions.api.operations import (
    ApiCall,
    ApiFace,
    ChosenVisibility,
    RequestModel,
    ResponseModel,
    UtcTime,
    utc_datetime,
)
from shared.domain.names import parse_org
from shared.domain.organizations import (
    MAX_DESCRIPTION,
    MAX_DISPLAY_NAME,
    MAX_DOMAIN_LENGTH,
    DomainName,
    Organization,
    OrganizationDomain,
    domain_record_name,
    domain_record_text,
    parse_domain,
)
from shared.domain.packages import Visibility
from shared.domain.rights import Role
from shared.services.organizations.domain_verification import DomainVerification
from shared.services.organizations.organizations import OrganizationProfile

_DEFAULT_VISIBILITY_MEANING = "Who sees new packages whose archive does not say."


class NewOrganization(RequestModel):
    """The permanent name and the profile of a new organization."""

    name: str = Field(description="Never changes.")
    display_name: str = Field(default="", max_length=MAX_DISPLAY_NAME)
    description: str = Field(default="", max_length=MAX_DESCRIPTION)
    default_visibility: ChosenVisibility = Field(
        default=Visibility.PUBLIC, description=_DEFAULT_VISIBILITY_MEANING
    )


class OrganizationChange(RequestModel):
    """The fields to change."""

    display_name: str | None = Field(default=None, max_length=MAX_DISPLAY_NAME)
    description: str | None = Field(default=None, max_length=MAX_DESCRIPTION)
    default_visibility: ChosenVisibility | None = Field(
        default=None, description=_DEFAULT_VISIBILITY_MEANING
    )


class OrganizationView(ResponseModel):
    """An organization."""

    name: str
    display_name: str
    description: str
    default_visibility: Visibility = Field(description=_DEFAULT_VISIBILITY_MEANING)
    domains: list[str] = Field(description="Domains that are verified to be its own.")
    created_at: UtcTime
    newest_owner_at: UtcTime = Field(
        description="When somebody last became owner; of late is a reason to look twice."
    )
    deleting_at: UtcTime = Field(description="When it is gone, if nobody undoes that.")

    @classmethod
    def of(cls, organization: Organization, domains: list[str], newest_owner_ms: int) -> Self:
        own = {"domains": domains, "newest_owner_ms": newest_owner_ms}
        return cls.model_validate(organization.model_dump() | own)


class CreatedOrganizationView(OrganizationView):
    """A new organization."""

    warning: str = Field(
        default="",
        description="Says so if an upstream registry has an organization of that name, whose "
        "packages cannot be pulled here now.",
    )


class BelongingView(ResponseModel):
    """An organization that the caller belongs to."""

    name: str = Field(validation_alias=AliasPath("organization", "name"))
    display_name: str = Field(validation_alias=AliasPath("organization", "display_name"))
    role: Role


class BelongingList(ResponseModel):
    """The organizations of the caller, by name."""

    organizations: list[BelongingView]


organizations_api = ApiFace()


def _domains(call: ApiCall) -> DomainVerification:
    return call.registry.organizations.domain_verification


@organizations_api.operation("GET", "api/v1/orgs", "List the organizations that you belong to.")
async def api_orgs_list(call: ApiCall) -> BelongingList:
    mine = await call.registry.organizations.memberships.list_own(by=call.caller)
    return BelongingList.model_validate({"organizations": mine})


@organizations_api.operation(
    "POST", "api/v1/orgs", "Create an organization; you become its owner.", status=201, also=(409,)
)
async def api_orgs_found(call: ApiCall, new: NewOrganization) -> CreatedOrganizationView:
    profile = OrganizationProfile.parse(new.display_name, new.description, new.default_visibility)
    founder = (await call.registry.identity.accounts.profile(call.caller)).account
    name = parse_org(new.name)
    organizations = call.registry.organizations.organizations
    founded = await organizations.create(name, founder, by=call.caller, profile=profile)
    view = await _organization_view(call, founded)
    warning = await organizations.name_warning(name)
    return CreatedOrganizationView(**view.model_dump(), warning=warning)


@organizations_api.operation(
    "GET",
    "api/v1/orgs/{org}",
    "Show an organization; one whose packages are private by default, to its members.",
    refusals=(400, 401, 404),
)
async def api_orgs_show(call: ApiCall) -> OrganizationView:
    return await _organization_view(
        call, await call.registry.organizations.organizations.show(call.org, by=call.caller)
    )


@organizations_api.operation(
    "PATCH",
    "api/v1/orgs/{org}",
    "Change the profile of an organization; its name cannot be changed.",
    also=(409,),
)
async def api_orgs_change(call: ApiCall, wanted: OrganizationChange) -> OrganizationView:
    profile = OrganizationProfile.parse(
        wanted.display_name, wanted.description, wanted.default_visibility
    )
    return await _organization_view(
        call,
        await call.registry.organizations.organizations.change(call.org, profile, by=call.caller),
    )


@organizations_api.operation(
    "DELETE",
    "api/v1/orgs/{org}",
    "Delete an organization that never published anything, in 48 hours.",
    also=(409,),
)
async def api_orgs_delete(call: ApiCall) -> OrganizationView:
    return await _organization_view(
        call, await call.registry.organizations.deletion.delete(call.org, by=call.caller)
    )


@organizations_api.operation(
    "DELETE", "api/v1/orgs/{org}/deletion", "Cancel the deletion of an organization.", also=(409,)
)
async def api_orgs_keep(call: ApiCall) -> OrganizationView:
    return await _organization_view(
        call, await call.registry.organizations.deletion.cancel(call.org, by=call.caller)
    )


@organizations_api.operation(
    "POST",
    "api/v1/orgs/{org}/burst-detection/off",
    "Switch burst detection off for a day; for administrators who signed in recently.",
)
async def api_orgs_allow_bursts(call: ApiCall) -> None:
    await call.registry.administration.organizations.allow_bursts(call.org, by=call.caller)


async def _organization_view(call: ApiCall, organization: Organization) -> OrganizationView:
    domains = await _domains(call).verified(organization)
    outside = await call.registry.organizations.memberships.public_members(organization)
    return OrganizationView.of(organization, domains, outside.newest_owner_ms)


class NewDomain(RequestModel):
    """A domain that the organization claims."""

    domain: str = Field(max_length=MAX_DOMAIN_LENGTH)


class DomainView(ResponseModel):
    """A claimed domain, and the TXT record that proves it."""

    domain: str
    record: str = Field(description="The name of the TXT record.")
    text: str = Field(description="What the record says.")
    created_at: UtcTime
    verified_at: UtcTime = Field(description="Null while it is not proven.")

    @classmethod
    def of(cls, domain: OrganizationDomain) -> Self:
        return cls(
            domain=domain.domain,
            record=domain_record_name(DomainName(domain.domain)),
            text=domain_record_text(domain.challenge),
            created_at=utc_datetime(domain.created_ms),
            verified_at=utc_datetime(domain.verified_ms),
        )


class DomainList(ResponseModel):
    """Domains, by name."""

    domains: list[DomainView]


domains_api = ApiFace()


@domains_api.operation(
    "GET", "api/v1/orgs/{org}/domains", "List the domains of an organization; for its members."
)
async def api_domains_list(call: ApiCall) -> DomainList:
    found = await _domains(call).of(call.org, by=call.caller)
    return DomainList(domains=[DomainView.of(each) for each in found])


@domains_api.operation(
    "POST",
    "api/v1/orgs/{org}/domains",
    "Add a domain; the answer has the TXT record that verifies it.",
    status=201,
    also=(409,),
)
async def api_domains_claim(call: ApiCall, sent: NewDomain) -> DomainView:
    domain = parse_domain(sent.domain)
    return DomainView.of(await _domains(call).claim(call.org, domain, by=call.caller))


@domains_api.operation(
    "POST",
    "api/v1/orgs/{org}/domains/{domain}/verify",
    "Verify a domain by its TXT record.",
    also=(409,),
)
async def api_domains_verify(call: ApiCall) -> DomainView:
    return DomainView.of(await _domains(call).verify(call.org, _domain(call), by=call.caller))


@domains_api.operation("DELETE", "api/v1/orgs/{org}/domains/{domain}", "Remove a domain.")
async def api_domains_remove(call: ApiCall) -> None:
    await _domains(call).remove(call.org, _domain(call), by=call.caller)


def _domain(call: ApiCall) -> DomainName:
    return parse_domain(call.route_params["domain"])

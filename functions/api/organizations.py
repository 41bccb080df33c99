"""/api/v1/orgs: organizations, their profile and deletion, and their verified domains."""

from datetime import datetime
from typing import Self

import azure.functions as func
from pydantic import Field

from functions.api.operations import (
    Operation,
    RequestModel,
    ResponseModel,
    answer,
    api_caller,
    no_content_response,
    parse_body,
    utc_datetime,
)
from functions.http.handlers import api_errors
from shared.composition import Registry
from shared.domain.names import OrgName, parse_org
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
from shared.services.organizations import OrganizationMembership, OrganizationProfile

_DEFAULT_VISIBILITY_MEANING = "Who sees new packages whose archive does not say."


class NewOrganization(RequestModel):
    """What a new organization is called, for ever, and what it says of itself."""

    name: str = Field(description="Never changes.")
    display_name: str = Field(default="", max_length=MAX_DISPLAY_NAME)
    description: str = Field(default="", max_length=MAX_DESCRIPTION)
    default_visibility: Visibility = Field(
        default=Visibility.PUBLIC, description=_DEFAULT_VISIBILITY_MEANING
    )


class OrganizationChange(RequestModel):
    """What is to be different from now on."""

    display_name: str | None = Field(default=None, max_length=MAX_DISPLAY_NAME)
    description: str | None = Field(default=None, max_length=MAX_DESCRIPTION)
    default_visibility: Visibility | None = Field(
        default=None, description=_DEFAULT_VISIBILITY_MEANING
    )


class OrganizationView(ResponseModel):
    """An organization."""

    name: str
    display_name: str
    description: str
    default_visibility: Visibility = Field(description=_DEFAULT_VISIBILITY_MEANING)
    domains: list[str] = Field(description="Domains that are verified to be its own.")
    created_at: datetime | None
    newest_owner_at: datetime | None = Field(
        description="When somebody last became owner; of late is a reason to look twice."
    )
    deleting_at: datetime | None = Field(description="When it is gone, if nobody undoes that.")

    @classmethod
    def of(cls, organization: Organization, domains: list[str], newest_owner_ms: int) -> Self:
        """Show an organization."""
        return cls(
            name=organization.name,
            display_name=organization.display_name,
            description=organization.description,
            default_visibility=organization.default_visibility,
            domains=domains,
            created_at=utc_datetime(organization.created_ms),
            newest_owner_at=utc_datetime(newest_owner_ms),
            deleting_at=utc_datetime(organization.deleting_ms),
        )


class BelongingView(ResponseModel):
    """An organization that the caller belongs to."""

    name: str
    display_name: str
    role: Role

    @classmethod
    def of(cls, belonging: OrganizationMembership) -> Self:
        """Show where somebody belongs to."""
        organization = belonging.organization
        return cls(
            name=organization.name,
            display_name=organization.display_name,
            role=belonging.role,
        )


class BelongingList(ResponseModel):
    """The organizations of the caller, by name."""

    organizations: list[BelongingView]


ORGANIZATION_OPERATIONS = (
    Operation(
        "api_orgs_list",
        "GET",
        "api/v1/orgs",
        "List the organizations that you belong to.",
        200,
        answer=BelongingList,
    ),
    Operation(
        "api_orgs_found",
        "POST",
        "api/v1/orgs",
        "Found an organization, which you own from then on.",
        201,
        request=NewOrganization,
        answer=OrganizationView,
        refusals=(400, 401, 403, 409),
    ),
    Operation(
        "api_orgs_show",
        "GET",
        "api/v1/orgs/{org}",
        "Show an organization; one whose packages are private by default, to its members.",
        200,
        answer=OrganizationView,
        refusals=(400, 401, 404),
    ),
    Operation(
        "api_orgs_change",
        "PATCH",
        "api/v1/orgs/{org}",
        "Change what an organization says of itself; its name stays.",
        200,
        request=OrganizationChange,
        answer=OrganizationView,
        refusals=(400, 401, 403, 404, 409),
    ),
    Operation(
        "api_orgs_delete",
        "DELETE",
        "api/v1/orgs/{org}",
        "Delete an organization that never published anything, in 48 hours.",
        200,
        answer=OrganizationView,
        refusals=(400, 401, 403, 404, 409),
    ),
    Operation(
        "api_orgs_keep",
        "DELETE",
        "api/v1/orgs/{org}/deletion",
        "Keep an organization that is being deleted.",
        200,
        answer=OrganizationView,
        refusals=(400, 401, 403, 404, 409),
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of organizations."""
    bp = func.Blueprint()
    organizations = registry.organizations

    async def view(organization: Organization, status: int = 200) -> func.HttpResponse:
        return answer(await _organization_view(registry, organization), status)

    @bp.route("api/v1/orgs", methods=["GET", "HEAD"])
    @api_errors
    async def api_orgs_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        mine = await organizations.list_own(by=caller)
        return answer(BelongingList(organizations=[BelongingView.of(each) for each in mine]))

    @bp.route("api/v1/orgs", methods=["POST"])
    @api_errors
    async def api_orgs_found(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        new = parse_body(NewOrganization, req)
        profile = OrganizationProfile.parse(
            new.display_name, new.description, new.default_visibility
        )
        founder = (await registry.accounts.profile(caller)).account
        name = parse_org(new.name)
        founded = await organizations.create(name, founder, by=caller, profile=profile)
        return await view(founded, 201)

    @bp.route("api/v1/orgs/{org}", methods=["GET", "HEAD"])
    @api_errors
    async def api_orgs_show(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return await view(await organizations.show(org_of(req), by=caller))

    @bp.route("api/v1/orgs/{org}", methods=["PATCH"])
    @api_errors
    async def api_orgs_change(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        wanted = parse_body(OrganizationChange, req)
        profile = OrganizationProfile.parse(
            wanted.display_name, wanted.description, wanted.default_visibility
        )
        return await view(await organizations.change(org_of(req), profile, by=caller))

    @bp.route("api/v1/orgs/{org}", methods=["DELETE"])
    @api_errors
    async def api_orgs_delete(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return await view(await registry.organization_deletion.delete(org_of(req), by=caller))

    @bp.route("api/v1/orgs/{org}/deletion", methods=["DELETE"])
    @api_errors
    async def api_orgs_keep(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return await view(await registry.organization_deletion.cancel(org_of(req), by=caller))

    return bp


async def _organization_view(registry: Registry, organization: Organization) -> OrganizationView:
    domains = await registry.domain_verification.verified(organization)
    outside = await registry.organizations.public_members(organization)
    return OrganizationView.of(organization, domains, outside.newest_owner_ms)


def org_of(req: func.HttpRequest) -> OrgName:
    """Return the organization that the path names, or raise `InvalidName`."""
    return parse_org(req.route_params["org"])


class NewDomain(RequestModel):
    """A domain that the organization claims."""

    domain: str = Field(max_length=MAX_DOMAIN_LENGTH)


class DomainView(ResponseModel):
    """A claimed domain, and the TXT record that proves it."""

    domain: str
    record: str = Field(description="The name of the TXT record.")
    text: str = Field(description="What the record says.")
    created_at: datetime | None
    verified_at: datetime | None = Field(description="Null while it is not proven.")

    @classmethod
    def of(cls, domain: OrganizationDomain) -> Self:
        """Show a domain."""
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


_REFUSALS = (400, 401, 403, 404)

DOMAIN_OPERATIONS = (
    Operation(
        "api_domains_list",
        "GET",
        "api/v1/orgs/{org}/domains",
        "List the domains that an organization claims; its members may.",
        200,
        answer=DomainList,
        refusals=_REFUSALS,
    ),
    Operation(
        "api_domains_claim",
        "POST",
        "api/v1/orgs/{org}/domains",
        "Claim a domain, and learn the TXT record that proves it.",
        201,
        request=NewDomain,
        answer=DomainView,
        refusals=(*_REFUSALS, 409),
    ),
    Operation(
        "api_domains_verify",
        "POST",
        "api/v1/orgs/{org}/domains/{domain}/verify",
        "Look for the record, and show the domain as the organization's.",
        200,
        answer=DomainView,
        refusals=(*_REFUSALS, 409),
    ),
    Operation(
        "api_domains_remove",
        "DELETE",
        "api/v1/orgs/{org}/domains/{domain}",
        "Claim a domain no longer.",
        204,
        refusals=_REFUSALS,
    ),
)


def domains_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of domains."""
    bp = func.Blueprint()
    proving = registry.domain_verification

    @bp.route("api/v1/orgs/{org}/domains", methods=["GET", "HEAD"])
    @api_errors
    async def api_domains_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        found = await proving.of(org_of(req), by=caller)
        return answer(DomainList(domains=[DomainView.of(each) for each in found]))

    @bp.route("api/v1/orgs/{org}/domains", methods=["POST"])
    @api_errors
    async def api_domains_claim(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        domain = parse_domain(parse_body(NewDomain, req).domain)
        return answer(DomainView.of(await proving.claim(org_of(req), domain, by=caller)), 201)

    @bp.route("api/v1/orgs/{org}/domains/{domain}/verify", methods=["POST"])
    @api_errors
    async def api_domains_verify(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return answer(DomainView.of(await proving.verify(org_of(req), _domain(req), by=caller)))

    @bp.route("api/v1/orgs/{org}/domains/{domain}", methods=["DELETE"])
    @api_errors
    async def api_domains_remove(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        await proving.remove(org_of(req), _domain(req), by=caller)
        return no_content_response()

    return bp


def _domain(req: func.HttpRequest) -> DomainName:
    return parse_domain(req.route_params["domain"])

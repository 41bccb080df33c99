"""/api/v1/orgs: organizations, what they say of themselves, and how they end."""

from datetime import datetime
from typing import Self

import azure.functions as func
from pydantic import Field

from functions._api import (
    Answer,
    Operation,
    Request,
    answer,
    api_caller,
    api_errors,
    body_as,
    moment,
)
from shared.domain.names import OrgName, parse_org
from shared.domain.organizations import MAX_DESCRIPTION, MAX_DISPLAY_NAME, Organization
from shared.domain.package import Visibility
from shared.domain.rights import Role
from shared.registry import Registry
from shared.services.organizations import Belonging, Profile

_DEFAULT = "Who sees new packages whose archive does not say."


class NewOrganization(Request):
    """What a new organization is called, for ever, and what it says of itself."""

    name: str = Field(description="Never changes.")
    display_name: str = Field(default="", max_length=MAX_DISPLAY_NAME)
    description: str = Field(default="", max_length=MAX_DESCRIPTION)
    default_visibility: Visibility = Field(default=Visibility.PUBLIC, description=_DEFAULT)


class OrganizationChange(Request):
    """What is to be different from now on."""

    display_name: str | None = Field(default=None, max_length=MAX_DISPLAY_NAME)
    description: str | None = Field(default=None, max_length=MAX_DESCRIPTION)
    default_visibility: Visibility | None = Field(default=None, description=_DEFAULT)


class OrganizationView(Answer):
    """An organization."""

    name: str
    display_name: str
    description: str
    default_visibility: Visibility = Field(description=_DEFAULT)
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
            created_at=moment(organization.created_ms),
            newest_owner_at=moment(newest_owner_ms),
            deleting_at=moment(organization.deleting_ms),
        )


class BelongingView(Answer):
    """An organization that the caller belongs to."""

    name: str
    display_name: str
    role: Role

    @classmethod
    def of(cls, belonging: Belonging) -> Self:
        """Show where somebody belongs to."""
        organization = belonging.organization
        return cls(
            name=organization.name,
            display_name=organization.display_name,
            role=belonging.role,
        )


class BelongingList(Answer):
    """The organizations of the caller, by name."""

    organizations: list[BelongingView]


OPERATIONS = (
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
        return answer(await _view(registry, organization), status)

    @bp.route("api/v1/orgs", methods=["GET", "HEAD"])
    @api_errors
    async def api_orgs_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        mine = await organizations.mine(by=caller)
        return answer(BelongingList(organizations=[BelongingView.of(each) for each in mine]))

    @bp.route("api/v1/orgs", methods=["POST"])
    @api_errors
    async def api_orgs_found(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        new = body_as(NewOrganization, req)
        profile = Profile.parse(new.display_name, new.description, new.default_visibility)
        founder = (await registry.accounts.profile(caller)).account
        name = parse_org(new.name)
        founded = await organizations.found(name, founder, by=caller, profile=profile)
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
        wanted = body_as(OrganizationChange, req)
        profile = Profile.parse(wanted.display_name, wanted.description, wanted.default_visibility)
        return await view(await organizations.change(org_of(req), profile, by=caller))

    @bp.route("api/v1/orgs/{org}", methods=["DELETE"])
    @api_errors
    async def api_orgs_delete(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return await view(await registry.closing.delete(org_of(req), by=caller))

    @bp.route("api/v1/orgs/{org}/deletion", methods=["DELETE"])
    @api_errors
    async def api_orgs_keep(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return await view(await registry.closing.undo(org_of(req), by=caller))

    return bp


async def _view(registry: Registry, organization: Organization) -> OrganizationView:
    domains = await registry.proving.proven(organization)
    outside = await registry.organizations.outside(organization)
    return OrganizationView.of(organization, domains, outside.newest_owner_ms)


def org_of(req: func.HttpRequest) -> OrgName:
    """Return the organization that the path names, or raise `InvalidName`."""
    return parse_org(req.route_params["org"])

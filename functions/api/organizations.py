"""/api/v1/orgs: organizations, their profile and deletion."""

from pydantic import AliasPath, Field

from functions.api.operations import ApiCall, ApiFace, RequestModel, ResponseModel, UtcTime
from shared.domain.errors.base import about_field
from shared.domain.names import parse_org
from shared.domain.organizations import MAX_LINKS, Organization
from shared.domain.packages import Visibility
from shared.domain.principals import Role
from shared.domain.text_lines import MAX_DESCRIPTION, MAX_DISPLAY_NAME
from shared.services.organizations.organizations import OrganizationProfile
from shared.use_cases.inputs import Reason

_LINKS_MEANING = "Web pages about it, which its public page lists: https:// addresses."
_DEFAULT_VISIBILITY_MEANING = "Who sees new packages whose archive does not say."


class NewOrganization(RequestModel):
    """The permanent name and the profile of a new organization."""

    name: str = Field(description="Never changes.")
    display_name: str = Field(default="", max_length=MAX_DISPLAY_NAME)
    description: str = Field(default="", max_length=MAX_DESCRIPTION)
    links: list[str] = Field(default=[], max_length=MAX_LINKS, description=_LINKS_MEANING)
    default_visibility: Visibility = Field(
        default=Visibility.PUBLIC, description=_DEFAULT_VISIBILITY_MEANING
    )


class OrganizationChange(RequestModel):
    """The fields to change."""

    display_name: str | None = Field(default=None, max_length=MAX_DISPLAY_NAME)
    description: str | None = Field(default=None, max_length=MAX_DESCRIPTION)
    links: list[str] | None = Field(default=None, max_length=MAX_LINKS, description=_LINKS_MEANING)
    default_visibility: Visibility | None = Field(
        default=None, description=_DEFAULT_VISIBILITY_MEANING
    )


class OrganizationView(ResponseModel):
    """An organization."""

    name: str
    display_name: str
    description: str
    links: list[str] = Field(description=_LINKS_MEANING)
    default_visibility: Visibility = Field(description=_DEFAULT_VISIBILITY_MEANING)
    created_at: UtcTime
    deleting_at: UtcTime = Field(description="When it is gone, if nobody undoes that.")
    continued_as: str = Field(
        description="The organization that continues it, if you may see that; else empty."
    )


class NewContinuation(RequestModel):
    """The organization that is to continue another one."""

    continued_as: str | None = Field(description="Its name; null for none.")
    reason: str = Field(
        default="",
        max_length=MAX_DESCRIPTION,
        description="Required for organizations of others; their owners read it.",
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


@organizations_api.operation("GET", "api/v1/orgs", "List the organizations that you belong to.")
async def api_orgs_list(call: ApiCall) -> BelongingList:
    mine = await call.registry.organizations.memberships.list_own(by=call.caller)
    return BelongingList.model_validate({"organizations": mine})


@organizations_api.operation(
    "POST", "api/v1/orgs", "Create an organization; you become its owner.", status=201, also=(409,)
)
async def api_orgs_found(call: ApiCall, new: NewOrganization) -> OrganizationView:
    profile = OrganizationProfile.parse(
        new.display_name, new.description, new.default_visibility, new.links
    )
    founder = (await call.registry.identity.accounts.profile(call.caller)).account
    name = parse_org(new.name)
    organizations = call.registry.organizations.organizations
    founded = await organizations.create(name, founder, by=call.caller, profile=profile)
    return await _view(call, founded)


@organizations_api.operation(
    "GET",
    "api/v1/orgs/{org}",
    "Show an organization; one whose packages are private by default, to its members.",
    refusals=(400, 401, 404),
)
async def api_orgs_show(call: ApiCall) -> OrganizationView:
    return await _view(
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
        wanted.display_name, wanted.description, wanted.default_visibility, wanted.links
    )
    return await _view(
        call,
        await call.registry.organizations.organizations.change(call.org, profile, by=call.caller),
    )


@organizations_api.operation(
    "DELETE",
    "api/v1/orgs/{org}",
    "Delete an organization that never published anything, in 48 hours.",
    also=(409,),
)
async def api_orgs_delete(call: ApiCall, sent: Reason) -> OrganizationView:
    deletion = call.registry.organizations.deletion
    return await _view(call, await deletion.delete(call.org, by=call.caller, reason=sent.reason))


@organizations_api.operation(
    "DELETE", "api/v1/orgs/{org}/deletion", "Cancel the deletion of an organization.", also=(409,)
)
async def api_orgs_keep(call: ApiCall) -> OrganizationView:
    return await _view(
        call, await call.registry.organizations.deletion.cancel(call.org, by=call.caller)
    )


@organizations_api.operation(
    "POST",
    "api/v1/orgs/{org}/burst-detection/off",
    "Switch burst detection off for a day; for administrators who signed in recently.",
)
async def api_orgs_allow_bursts(call: ApiCall) -> None:
    await call.registry.administration.organizations.allow_bursts(call.org, by=call.caller)


@organizations_api.operation(
    "PUT",
    "api/v1/orgs/{org}/continuation",
    "Say which organization continues this one, which takes no new packages then; for owners who "
    "signed in within the last ten minutes.",
    also=(409,),
)
async def api_orgs_continue(call: ApiCall, sent: NewContinuation) -> OrganizationView:
    with about_field("continued_as"):
        wanted = parse_org(sent.continued_as) if sent.continued_as else None
    continuation = call.registry.organizations.continuation
    return await _view(
        call, await continuation.change(call.org, wanted, sent.reason, by=call.caller)
    )


async def _view(call: ApiCall, organization: Organization) -> OrganizationView:
    shown = await call.registry.organizations.continuation.as_seen(organization, by=call.caller)
    return OrganizationView.model_validate(shown)


class NewFreeze(RequestModel):
    """Why an organization or a package is frozen."""

    reason: str = Field(
        max_length=MAX_DESCRIPTION, description="Why; members of the organization read it."
    )


class FreezeView(ResponseModel):
    """When something was frozen, and why."""

    frozen_at: UtcTime = Field(validation_alias="at_ms")
    reason: str


class FrozenPackageView(ResponseModel):
    """A frozen package."""

    name: str
    frozen_at: UtcTime = Field(validation_alias=AliasPath("freeze", "at_ms"))
    reason: str = Field(validation_alias=AliasPath("freeze", "reason"))


class FreezesView(ResponseModel):
    """What is frozen of an organization."""

    organization: FreezeView | None = Field(
        validation_alias="freeze", description="Null where it is not frozen as a whole."
    )
    packages: list[FrozenPackageView] = Field(validation_alias="frozen_packages")


@organizations_api.operation(
    "GET", "api/v1/orgs/{org}/freeze", "Show what is frozen of an organization; for its members."
)
async def api_orgs_frozen(call: ApiCall) -> FreezesView:
    return FreezesView.model_validate(
        await call.registry.organizations.freezes.of(call.org, by=call.caller)
    )


@organizations_api.operation(
    "POST",
    "api/v1/orgs/{org}/freeze",
    "Freeze an organization: nobody publishes to it or changes anything in it; for administrators "
    "who signed in recently.",
)
async def api_orgs_freeze(call: ApiCall, new: NewFreeze) -> FreezesView:
    freezes = call.registry.organizations.freezes
    return FreezesView.model_validate(
        await freezes.freeze_organization(call.org, new.reason, by=call.caller)
    )


@organizations_api.operation(
    "DELETE",
    "api/v1/orgs/{org}/freeze",
    "Unfreeze an organization; for administrators who signed in recently.",
)
async def api_orgs_unfreeze(call: ApiCall) -> None:
    await call.registry.organizations.freezes.unfreeze_organization(call.org, by=call.caller)


@organizations_api.operation(
    "POST",
    "api/v1/packages/{org}/{name}/freeze",
    "Freeze a package: nobody publishes versions of it or changes it; for administrators who "
    "signed in recently.",
    also=(409,),
)
async def api_packages_freeze(call: ApiCall, new: NewFreeze) -> FrozenPackageView:
    freezes = call.registry.organizations.freezes
    return FrozenPackageView.model_validate(
        await freezes.freeze_package(call.package, new.reason, by=call.caller)
    )


@organizations_api.operation(
    "DELETE",
    "api/v1/packages/{org}/{name}/freeze",
    "Unfreeze a package; for administrators who signed in recently.",
)
async def api_packages_unfreeze(call: ApiCall) -> None:
    await call.registry.organizations.freezes.unfreeze_package(call.package, by=call.caller)

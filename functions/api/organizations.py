"""/api/v1/orgs: organizations, their profile and deletion."""

from pydantic import AliasPath, Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime
from shared.domain.accounts import Account
from shared.domain.organizations import FrozenPackage, Organization
from shared.domain.packages import RequiredProvenance
from shared.domain.scopes import Role
from shared.domain.visibility import Visibility
from shared.use_cases import freezes, organizations
from shared.use_cases.organizations import (
    DEFAULT_VISIBILITY_MEANING,
    LINKS_MEANING,
    REQUIRES_PROVENANCE_MEANING,
)


class OrganizationView(ResponseModel):
    """An organization."""

    name: str
    display_name: str
    description: str
    links: list[str] = Field(description=LINKS_MEANING)
    default_visibility: Visibility = Field(description=DEFAULT_VISIBILITY_MEANING)
    requires_provenance: RequiredProvenance = Field(description=REQUIRES_PROVENANCE_MEANING)
    created_at: UtcTime
    deleting_at: UtcTime = Field(description="When it is gone, if nobody undoes that.")
    continued_as: str = Field(
        description="The organization that continues it, if you may see that; else empty."
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


async def _founder(call: ApiCall) -> Account:
    return (await call.registry.identity.accounts.profile(call.caller)).account


@organizations_api.use_case(
    organizations.create, "POST", "api/v1/orgs", _founder, status=201, also=(409,)
)
async def api_orgs_found(call: ApiCall, founded: Organization) -> OrganizationView:
    return await _view(call, founded)


@organizations_api.operation(
    "GET",
    "api/v1/orgs/{org}",
    "Show an organization; one whose packages are private by default, to its members.",
    refusals=(400, 401, 404),
    needs_token=False,
)
async def api_orgs_show(call: ApiCall) -> OrganizationView:
    return await _view(
        call, await call.registry.organizations.organizations.show(call.org, by=call.caller)
    )


@organizations_api.use_case(
    organizations.change, "PATCH", "api/v1/orgs/{org}", lambda call: call.org, also=(409,)
)
async def api_orgs_change(call: ApiCall, changed: Organization) -> OrganizationView:
    return await _view(call, changed)


@organizations_api.use_case(
    organizations.require_provenance,
    "PUT",
    "api/v1/orgs/{org}/required-provenance",
    lambda call: call.org,
)
async def api_orgs_require_provenance(call: ApiCall, changed: Organization) -> OrganizationView:
    return await _view(call, changed)


@organizations_api.use_case(
    organizations.delete, "DELETE", "api/v1/orgs/{org}", lambda call: call.org, also=(409,)
)
async def api_orgs_delete(call: ApiCall, deleted: Organization) -> OrganizationView:
    return await _view(call, deleted)


@organizations_api.use_case(
    organizations.cancel_deletion,
    "DELETE",
    "api/v1/orgs/{org}/deletion",
    lambda call: call.org,
    also=(409,),
)
async def api_orgs_keep(call: ApiCall, organization: Organization) -> OrganizationView:
    return await _view(call, organization)


@organizations_api.use_case(
    organizations.allow_bursts,
    "POST",
    "api/v1/orgs/{org}/burst-detection/off",
    lambda call: call.org,
)
async def api_orgs_allow_bursts(_: ApiCall, _done: None) -> None:
    """Answer with a 204."""


@organizations_api.use_case(
    organizations.continue_as,
    "PUT",
    "api/v1/orgs/{org}/continuation",
    lambda call: call.org,
    also=(409,),
)
async def api_orgs_continue(call: ApiCall, continued: Organization) -> OrganizationView:
    return await _view(call, continued)


async def _view(call: ApiCall, organization: Organization) -> OrganizationView:
    shown = await call.registry.organizations.continuation.as_seen(organization, by=call.caller)
    return OrganizationView.model_validate(shown)


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
    """What is frozen in an organization."""

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


@organizations_api.use_case(
    freezes.freeze_organization, "POST", "api/v1/orgs/{org}/freeze", lambda call: call.org
)
async def api_orgs_freeze(_: ApiCall, frozen: Organization) -> FreezesView:
    return FreezesView.model_validate(frozen)


@organizations_api.use_case(
    freezes.unfreeze_organization, "DELETE", "api/v1/orgs/{org}/freeze", lambda call: call.org
)
async def api_orgs_unfreeze(_: ApiCall, _unfrozen: Organization) -> None:
    """Answer with a 204."""


@organizations_api.use_case(
    freezes.freeze_package,
    "POST",
    "api/v1/packages/{org}/{name}/freeze",
    lambda call: call.package,
    also=(409,),
)
async def api_packages_freeze(_: ApiCall, frozen: FrozenPackage) -> FrozenPackageView:
    return FrozenPackageView.model_validate(frozen)


@organizations_api.use_case(
    freezes.unfreeze_package,
    "DELETE",
    "api/v1/packages/{org}/{name}/freeze",
    lambda call: call.package,
)
async def api_packages_unfreeze(_: ApiCall, _done: None) -> None:
    """Answer with a 204."""

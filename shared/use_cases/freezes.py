"""Freezes of organizations and packages, while administrators look into a case."""

from typing import Annotated

from pydantic import Field

from shared.domain.coordinates import Package
from shared.domain.errors.base import about_field
from shared.domain.names import OrgName
from shared.domain.organizations import FrozenPackage, Organization
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.registry import Registry
from shared.use_cases.inputs import FormField, Inputs, Nothing
from shared.use_cases.use_case import use_case

_FROZEN = "Frozen. The owners were notified by email."
_UNFROZEN = "No longer frozen. The owners were notified by email."


class NewFreeze(Inputs):
    """Why an organization or a package is frozen."""

    # Its label is the one of all reasons, in functions/templates/_parts.html.
    reason: Annotated[str, FormField()] = Field(
        max_length=MAX_DESCRIPTION, description="Why; members of the organization read it."
    )


@use_case(
    "Freeze an organization: nobody publishes to it or changes anything in it; for administrators "
    "who signed in recently.",
    inputs=NewFreeze,
    right=Action.OPERATE,
    done=_FROZEN,
    printed="The organization {org} is frozen.",
)
async def freeze_organization(
    registry: Registry, org: OrgName, new: NewFreeze, by: Principal
) -> Organization:
    with about_field("reason"):
        return await registry.organizations.freezes.freeze_organization(org, new.reason, by=by)


@use_case(
    "Unfreeze an organization; for administrators who signed in recently.",
    inputs=Nothing,
    right=Action.OPERATE,
    done=_UNFROZEN,
    printed="The organization {org} is not frozen.",
)
async def unfreeze_organization(
    registry: Registry, org: OrgName, _: Nothing, by: Principal
) -> Organization:
    return await registry.organizations.freezes.unfreeze_organization(org, by=by)


@use_case(
    "Freeze a package: nobody publishes versions of it or changes it; for administrators who "
    "signed in recently.",
    inputs=NewFreeze,
    right=Action.OPERATE,
    done=_FROZEN,
    printed="{package} is frozen.",
)
async def freeze_package(
    registry: Registry, package: Package, new: NewFreeze, by: Principal
) -> FrozenPackage:
    with about_field("reason"):
        return await registry.organizations.freezes.freeze_package(package, new.reason, by=by)


@use_case(
    "Unfreeze a package; for administrators who signed in recently.",
    inputs=Nothing,
    right=Action.OPERATE,
    done=_UNFROZEN,
    printed="{package} is not frozen.",
)
async def unfreeze_package(registry: Registry, package: Package, _: Nothing, by: Principal) -> None:
    await registry.organizations.freezes.unfreeze_package(package, by=by)

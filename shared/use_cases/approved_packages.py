"""What is approved of other registries: approving versions, taking approvals back, and refusing."""

from typing import Annotated

from pydantic import Field

from shared.domain.approved_packages import MAX_APPROVED_PACKAGES, Approvals
from shared.domain.coordinates import Package
from shared.domain.errors.base import about_field
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.registry import Registry
from shared.use_cases.inputs import FormField, Inputs, lines
from shared.use_cases.use_case import use_case

_PACKAGES = "Packages and versions, such as acme/greet:1.2.3, acme/greet:1.* or acme/*:*."


class ApprovedPackages(Inputs):
    """Packages and versions, and why they are approved, or no longer."""

    packages: Annotated[
        list[str],
        FormField(
            "Packages and versions",
            hint="One a line: acme/greet:1.2.3, acme/greet:1.* or acme/*:*",
            read=lines,
        ),
    ] = Field(max_length=MAX_APPROVED_PACKAGES, description=_PACKAGES)
    # Its label is the one of all reasons, in functions/templates/_parts.html.
    reason: Annotated[str, FormField()] = Field(
        max_length=MAX_DESCRIPTION, description="For the audit log, and for those who asked."
    )


class RefusedRequest(Inputs):
    """Why a package is not approved."""

    reason: Annotated[str, FormField()] = Field(
        max_length=MAX_DESCRIPTION, description="Why; those who asked read it."
    )


@use_case(
    "Approve versions of packages of other registries; for administrators who signed in recently.",
    inputs=ApprovedPackages,
    right=Action.OPERATE,
    done="Approved. All processes follow within five seconds, and those who asked were notified by "
    "email.",
    printed="Approved.",
)
async def approve(
    registry: Registry, _subject: None, sent: ApprovedPackages, by: Principal
) -> Approvals:
    curation = registry.approvals.curation
    return await curation.approve(sent.packages, sent.reason, by=by)


@use_case(
    "Take back what was approved; for administrators who signed in recently.",
    inputs=ApprovedPackages,
    right=Action.OPERATE,
    done="No longer approved. All processes follow within five seconds.",
    printed="No longer approved.",
)
async def withdraw(
    registry: Registry, _subject: None, sent: ApprovedPackages, by: Principal
) -> Approvals:
    curation = registry.approvals.curation
    return await curation.withdraw(sent.packages, sent.reason, by=by)


@use_case(
    "Refuse a package that somebody asked for; for administrators who signed in recently.",
    inputs=RefusedRequest,
    right=Action.OPERATE,
    done="Refused. Those who asked were notified by email.",
    printed="{package} is not approved.",
)
async def refuse(registry: Registry, package: Package, sent: RefusedRequest, by: Principal) -> None:
    curation = registry.approvals.curation
    with about_field("reason"):
        await curation.refuse(package, sent.reason, by=by)

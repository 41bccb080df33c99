"""/account/organizations/{org}/settings: profile, domains, default visibility, transfer and
deletion.
"""

import azure.functions as func

from functions.account.organization.pages import (
    ORGANIZATION_ROUTE,
    FormAction,
    OrganizationForms,
    org_of,
    organization_frame,
    show,
)
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.errors.base import InvalidRequest
from shared.domain.identity import require_right
from shared.domain.names import OrgName
from shared.domain.organizations import (
    DomainName,
    domain_record_name,
    domain_record_text,
    parse_domain,
)
from shared.domain.packages import Visibility
from shared.domain.rights import Action, Role
from shared.services.organizations import OrganizationProfile

# What people read of each choice.
VISIBILITY_CHOICES = (
    (Visibility.PUBLIC.value, "Everybody"),
    (Visibility.PRIVATE.value, "Members alone"),
)
LEAVE_AFTER_TRANSFER = "leave"
AFTER_TRANSFER_CHOICES = (
    (Role.MAINTAINER.value, "Maintainer: I go on publishing"),
    (Role.MEMBER.value, "Member: I go on reading what is private"),
    (LEAVE_AFTER_TRANSFER, "Nothing: I leave"),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the settings of an organization."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    @bp.route(f"{ORGANIZATION_ROUTE}/settings", methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_settings(visit: SignedInRequest) -> func.HttpResponse:
        return await _show(registry, visit)

    OrganizationForms(registry, _show, "/settings").add(bp, SETTINGS_ACTIONS)
    return bp


async def _show(
    registry: Registry, visit: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    frame, org, by = (
        await organization_frame(registry, visit, "settings"),
        org_of(visit),
        visit.principal,
    )
    require_right(by, frame.standing, Action.MANAGE, org)
    domains = await registry.domain_verification.of(org, by=by)
    members = await registry.organizations.members(org, by=by)
    return show(
        visit,
        frame,
        problem,
        domains=[
            (each, domain_record_name(DomainName(each.domain)), domain_record_text(each.challenge))
            for each in domains
        ],
        heirs=[
            (each.membership.account, each.name)
            for each in members
            if each.membership.role is not Role.OWNER
        ],
        is_owner=frame.standing.role is Role.OWNER,
        afterwards=AFTER_TRANSFER_CHOICES,
        visibilities=VISIBILITY_CHOICES,
        typed=visit.form if problem else Form(),
    )


async def _claim(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    domain = parse_domain(visit.form.text("domain"))
    await registry.domain_verification.claim(org, domain, by=visit.principal)


async def _verify(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    domain = parse_domain(visit.form.text("domain"))
    await registry.domain_verification.verify(org, domain, by=visit.principal)


async def _unclaim(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    domain = parse_domain(visit.form.text("domain"))
    await registry.domain_verification.remove(org, domain, by=visit.principal)


async def _describe(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    form = visit.form
    profile = OrganizationProfile.parse(form.text("display_name"), form.text("description"), None)
    await registry.organizations.change(org, profile, by=visit.principal)


async def _set_visibility(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    profile = OrganizationProfile(default_visibility=_visibility(visit.form))
    await registry.organizations.change(org, profile, by=visit.principal)


async def _transfer(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    form, by = visit.form, visit.principal
    heir = await registry.organizations.member_account(org, form.text("heir"), by=by)
    if form.text("confirm").lower() != org.lower():
        message = f"To hand {org} over, type its name into the last field."
        raise InvalidRequest(message)
    await registry.organization_transfer.begin(org, heir, _after_transfer(form), by=by)


async def _delete(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    await registry.organization_deletion.delete(org, by=visit.principal)


async def _keep(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    await registry.organization_deletion.cancel(org, by=visit.principal)


def _visibility(form: Form) -> Visibility:
    otherwise = "Packages are public or private by default. Choose one of the two."
    return form.choice("visibility", Visibility, otherwise)


def _after_transfer(form: Form) -> Role | None:
    chosen = form.text("afterwards")
    if chosen not in {value for value, _ in AFTER_TRANSFER_CHOICES}:
        message = "Choose what you are afterwards: maintainer, member or nothing."
        raise InvalidRequest(message)
    return None if chosen == LEAVE_AFTER_TRANSFER else Role(chosen)


# What a form does, by the end of its path.
SETTINGS_ACTIONS: dict[str, FormAction] = {
    "claim": _claim,
    "verify": _verify,
    "unclaim": _unclaim,
    "describe": _describe,
    "visibility": _set_visibility,
    "transfer": _transfer,
    "delete": _delete,
    "keep": _keep,
}

"""/account/organizations/{org}/settings: profile, domains, default visibility, transfer and
deletion.
"""

import azure.functions as func

from functions.account.organization.pages import (
    FormAction,
    OrganizationPages,
    org_of,
    organization_frame,
)
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInRequest
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

# The choices of the forms with their labels.
VISIBILITY_CHOICES = (
    (Visibility.PUBLIC.value, "Public"),
    (Visibility.PRIVATE.value, "Private: visible only to members"),
)
LEAVE_AFTER_TRANSFER = "leave"
AFTER_TRANSFER_CHOICES = (
    (Role.MAINTAINER.value, "Maintainer"),
    (Role.MEMBER.value, "Member"),
    (LEAVE_AFTER_TRANSFER, "Leave the organization"),
)


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()
    pages = OrganizationPages(registry, account_organization_settings, "/settings")
    pages.add(bp, SETTINGS_ACTIONS)
    return bp


async def account_organization_settings(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    frame, org, by = (
        await organization_frame(request, "settings"),
        org_of(request),
        request.principal,
    )
    require_right(by, frame.access, Action.MANAGE, org)
    domains = await request.registry.domain_verification.of(org, by=by)
    members = await request.registry.organizations.members(org, by=by)
    return frame.show(
        problem,
        domains=[
            (each, domain_record_name(DomainName(each.domain)), domain_record_text(each.challenge))
            for each in domains
        ],
        successors=[
            (each.membership.account, each.name)
            for each in members
            if each.membership.role is not Role.OWNER
        ],
        is_owner=frame.access.role is Role.OWNER,
        afterwards=AFTER_TRANSFER_CHOICES,
        visibilities=VISIBILITY_CHOICES,
    )


async def _claim(request: SignedInRequest, org: OrgName) -> None:
    domain = parse_domain(request.form.text("domain"))
    await request.registry.domain_verification.claim(org, domain, by=request.principal)


async def _verify(request: SignedInRequest, org: OrgName) -> None:
    domain = parse_domain(request.form.text("domain"))
    await request.registry.domain_verification.verify(org, domain, by=request.principal)


async def _unclaim(request: SignedInRequest, org: OrgName) -> None:
    domain = parse_domain(request.form.text("domain"))
    await request.registry.domain_verification.remove(org, domain, by=request.principal)


async def _describe(request: SignedInRequest, org: OrgName) -> None:
    form = request.form
    profile = OrganizationProfile.parse(form.text("display_name"), form.text("description"), None)
    await request.registry.organizations.change(org, profile, by=request.principal)


async def _set_visibility(request: SignedInRequest, org: OrgName) -> None:
    profile = OrganizationProfile(default_visibility=_visibility(request.form))
    await request.registry.organizations.change(org, profile, by=request.principal)


async def _transfer(request: SignedInRequest, org: OrgName) -> None:
    form, by = request.form, request.principal
    successor = await request.registry.organizations.member_account(org, form.text("heir"), by=by)
    if form.text("confirm").lower() != org.lower():
        message = f"To transfer {org}, type its name, {org}, into the last field."
        raise InvalidRequest(message)
    await request.registry.organization_transfer.begin(org, successor, _after_transfer(form), by=by)


async def _delete(request: SignedInRequest, org: OrgName) -> None:
    await request.registry.organization_deletion.delete(org, by=request.principal)


async def _keep(request: SignedInRequest, org: OrgName) -> None:
    await request.registry.organization_deletion.cancel(org, by=request.principal)


def _visibility(form: Form) -> Visibility:
    otherwise = "Choose a default visibility: public or private."
    return form.choice("visibility", Visibility, otherwise)


def _after_transfer(form: Form) -> Role | None:
    chosen = form.text("afterwards")
    if chosen not in {value for value, _ in AFTER_TRANSFER_CHOICES}:
        message = "Choose your role after the transfer: maintainer, member, or leave."
        raise InvalidRequest(message)
    return None if chosen == LEAVE_AFTER_TRANSFER else Role(chosen)


# The actions of forms, by the last segment of their paths.
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

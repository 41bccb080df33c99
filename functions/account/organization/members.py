"""/account/organizations/{org}: members, pending role changes and invitations."""

import azure.functions as func

from functions.account.organization.pages import (
    FIRST_TAB,
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
from shared.domain.names import OrgName
from shared.domain.rights import Role
from shared.services.invitations import InvitationRequest, IssuedInvitation

# What people read of each role.
ROLE_CHOICES = (
    (Role.MEMBER.value, "Member: reads what is private"),
    (Role.MAINTAINER.value, "Maintainer: publishes and deprecates"),
    (Role.OWNER.value, "Owner: decides; counts after 48 hours"),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the members of an organization."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    async def again(visit: SignedInRequest, problem: FormProblem) -> func.HttpResponse:
        return await _show_members(registry, visit, problem)

    @bp.route(ORGANIZATION_ROUTE, methods=["GET", "HEAD"])
    @visits.page
    async def account_organization(visit: SignedInRequest) -> func.HttpResponse:
        return await _show_members(registry, visit)

    @bp.route(f"{ORGANIZATION_ROUTE}/invite", methods=["POST"])
    @visits.form(again=again)
    async def account_organization_invite(visit: SignedInRequest) -> func.HttpResponse:
        offer = _offer(visit.form)
        invited = await registry.invitations.invite(org_of(visit), offer, by=visit.principal)
        # Shown here and now, and not by a page of its own: the link is a secret, shown once.
        return await _show_members(registry, visit, invited=invited)

    OrganizationForms(registry, _show_members).add(bp, MEMBER_ACTIONS)
    return bp


async def _show_members(
    registry: Registry,
    visit: SignedInRequest,
    problem: FormProblem | None = None,
    invited: IssuedInvitation | None = None,
) -> func.HttpResponse:
    frame, org, by = (
        await organization_frame(registry, visit, FIRST_TAB),
        org_of(visit),
        visit.principal,
    )
    members = await registry.organizations.members(org, by=by)
    return show(
        visit,
        frame,
        problem,
        members=members,
        names={each.membership.account: each.name for each in members},
        invitations=await registry.invitations.pending(org, by=by) if frame.decides else [],
        invited=invited,
        roles=ROLE_CHOICES,
        is_unsent=bool(invited and invited.link and visit.form.text("email")),
        typed=visit.form if problem else Form(),
    )


async def _set_role(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    organizations, by = registry.organizations, visit.principal
    role = _role(visit.form)
    member = await organizations.member_account(org, visit.form.text("account"), by=by)
    await organizations.set_member(org, member, role, by=by)


async def _remove(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    organizations, by = registry.organizations, visit.principal
    member = await organizations.member_account(org, visit.form.text("account"), by=by)
    await organizations.remove_member(org, member, by=by)


async def _undo(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    organizations, by = registry.organizations, visit.principal
    member = await organizations.member_account(org, visit.form.text("account"), by=by)
    await organizations.cancel_change(org, member, by=by)


async def _withdraw(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    await registry.invitations.withdraw(org, visit.form.text("invitation"), by=visit.principal)


def _role(form: Form) -> Role:
    otherwise = "There is no such role. Choose owner, maintainer or member."
    return form.choice("role", Role, otherwise)


# What a form does, by the end of its path.
MEMBER_ACTIONS: dict[str, FormAction] = {
    "role": _set_role,
    "remove": _remove,
    "undo": _undo,
    "withdraw": _withdraw,
}


def _offer(form: Form) -> InvitationRequest:
    return InvitationRequest.parse(_role(form), form.text("email") or None, form.text("label"))

"""/account/organizations/{org}: members, pending role changes and invitations."""

import azure.functions as func

from functions.account.organization.pages import (
    FIRST_TAB,
    ORGANIZATION_ROUTE,
    FormAction,
    OrganizationPages,
    org_of,
    organization_frame,
)
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.names import OrgName
from shared.domain.rights import Role
from shared.services.invitations import InvitationRequest, IssuedInvitation

# The roles of the form with their labels.
ROLE_CHOICES = (
    (Role.MEMBER.value, "Member: can read private packages"),
    (Role.MAINTAINER.value, "Maintainer: can publish and deprecate packages"),
    (Role.OWNER.value, "Owner: can manage everything; takes effect in 48 hours"),
)


def blueprint(registry: Registry) -> func.Blueprint:
    bp, forms = func.Blueprint(), SignedInPages(registry)
    OrganizationPages(registry, account_organization).add(bp, MEMBER_ACTIONS)

    @bp.route(f"{ORGANIZATION_ROUTE}/invite", methods=["POST"])
    @forms.form(account_organization)
    async def account_organization_invite(request: SignedInRequest) -> func.HttpResponse:
        role, form = _role(request.form), request.form
        invitation = InvitationRequest.parse(role, form.text("email") or None, form.text("label"))
        invited = await registry.invitations.invite(
            org_of(request), invitation, by=request.principal
        )
        # Shown by this response alone, since the link is a secret.
        return await account_organization(request, invited=invited)

    return bp


async def account_organization(
    request: SignedInRequest,
    problem: FormProblem | None = None,
    invited: IssuedInvitation | None = None,
) -> func.HttpResponse:
    registry, org, by = request.registry, org_of(request), request.principal
    frame = await organization_frame(request, FIRST_TAB)
    members = await registry.organizations.members(org, by=by)
    return frame.show(
        problem,
        members=members,
        names={each.membership.account: each.name for each in members},
        invitations=await registry.invitations.pending(org, by=by) if frame.decides else [],
        invited=invited,
        roles=ROLE_CHOICES,
        is_unsent=bool(invited and invited.link and request.form.text("email")),
    )


async def _set_role(request: SignedInRequest, org: OrgName) -> None:
    account_id, role = request.form.text("account"), _role(request.form)
    await request.registry.organizations.change_role(org, account_id, role, by=request.principal)


async def _remove(request: SignedInRequest, org: OrgName) -> None:
    await request.registry.organizations.end_membership(
        org, request.form.text("account"), by=request.principal
    )


async def _undo(request: SignedInRequest, org: OrgName) -> None:
    await request.registry.organizations.cancel_role_change(
        org, request.form.text("account"), by=request.principal
    )


async def _withdraw(request: SignedInRequest, org: OrgName) -> None:
    await request.registry.invitations.withdraw(
        org, request.form.text("invitation"), by=request.principal
    )


def _role(form: Form) -> Role:
    otherwise = "There is no such role. Choose owner, maintainer or member."
    return form.choice("role", Role, otherwise)


# The actions of forms, by the last segment of their paths.
MEMBER_ACTIONS: dict[str, FormAction] = {
    "role": _set_role,
    "remove": _remove,
    "undo": _undo,
    "withdraw": _withdraw,
}

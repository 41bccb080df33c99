"""/account/organizations/{org}: members, pending role changes and invitations."""

from functions.account.organization.pages import (
    FIRST_TAB,
    ORGANIZATION_ROUTE,
    FormAction,
    add_forms,
    organization_frame,
)
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.names import OrgName
from shared.domain.rights import Role
from shared.runtime.answers import Answer
from shared.services.organizations.invitations import InvitationRequest, IssuedInvitation

# The roles of the form with their labels.
ROLE_CHOICES = (
    (Role.MEMBER.value, "Member: can read private packages"),
    (Role.MAINTAINER.value, "Maintainer: can publish and deprecate packages"),
    (Role.OWNER.value, "Owner: can manage everything; takes effect in 48 hours"),
)


pages = SignedInPages()


@pages.read(ORGANIZATION_ROUTE)
async def account_organization(
    call: SignedInCall,
    problem: FormProblem | None = None,
    invited: IssuedInvitation | None = None,
) -> Answer:
    registry, org, by = call.registry, call.org, call.caller
    frame = await organization_frame(call, FIRST_TAB)
    members = await registry.organizations.memberships.members(org, by=by)
    return frame.show(
        problem,
        members=members,
        names={each.membership.account: each.name for each in members},
        invitations=await registry.organizations.invitations.pending(org, by=by)
        if frame.decides
        else [],
        invited=invited,
        roles=ROLE_CHOICES,
        signs_up=registry.settings.sign_up == "anyone"
        and bool(registry.identity.sign_in_flow.providers),
        is_unsent=bool(invited and invited.link and call.form.text("email")),
    )


async def _set_role(call: SignedInCall, org: OrgName) -> None:
    account_id, role = call.form.text("account"), _role(call.form)
    await call.registry.organizations.memberships.change_role(org, account_id, role, by=call.caller)


async def _remove(call: SignedInCall, org: OrgName) -> None:
    await call.registry.organizations.memberships.end_membership(
        org, call.form.text("account"), by=call.caller
    )


async def _undo(call: SignedInCall, org: OrgName) -> None:
    await call.registry.organizations.memberships.cancel_role_change(
        org, call.form.text("account"), by=call.caller
    )


async def _withdraw(call: SignedInCall, org: OrgName) -> None:
    await call.registry.organizations.invitations.withdraw(
        org, call.form.text("invitation"), by=call.caller
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


add_forms(pages, account_organization, MEMBER_ACTIONS)


@pages.form(f"{ORGANIZATION_ROUTE}/invite", account_organization)
async def account_organization_invite(call: SignedInCall) -> Answer:
    role, form = _role(call.form), call.form
    invitation = InvitationRequest.parse(role, form.text("email") or None, form.text("label"))
    invited = await call.registry.organizations.invitations.invite(
        call.org, invitation, by=call.caller
    )
    # Shown by this answer alone, since the link is a secret.
    return await account_organization(call, invited=invited)


FACES = (pages,)

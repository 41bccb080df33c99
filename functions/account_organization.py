"""/account/organizations/{org}: who belongs to an organization, and who is invited to."""

import azure.functions as func

from functions._forms import Form
from functions._organization_pages import FIRST, ROUTE, Decide, Forms, framed, org_of, show
from functions._visits import Problem, Visit, Visits
from shared.domain.names import OrgName
from shared.domain.rights import Role
from shared.registry import Registry
from shared.services.inviting import Invited, Offer

# What people read of each role.
ROLES = (
    (Role.MEMBER.value, "Member: reads what is private"),
    (Role.MAINTAINER.value, "Maintainer: publishes and deprecates"),
    (Role.OWNER.value, "Owner: decides; counts after 48 hours"),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the members of an organization."""
    bp, visits = func.Blueprint(), Visits(registry)

    async def again(visit: Visit, problem: Problem) -> func.HttpResponse:
        return await _show(registry, visit, problem)

    @bp.route(ROUTE, methods=["GET", "HEAD"])
    @visits.page
    async def account_organization(visit: Visit) -> func.HttpResponse:
        return await _show(registry, visit)

    @bp.route(f"{ROUTE}/invite", methods=["POST"])
    @visits.form(again=again)
    async def account_organization_invite(visit: Visit) -> func.HttpResponse:
        offer = _offer(visit.form)
        invited = await registry.inviting.invite(org_of(visit), offer, by=visit.principal)
        # Shown here and now, and not by a page of its own: the link is a secret, shown once.
        return await _show(registry, visit, invited=invited)

    Forms(registry, _show).add(bp, DECISIONS)
    return bp


async def _show(
    registry: Registry,
    visit: Visit,
    problem: Problem | None = None,
    invited: Invited | None = None,
) -> func.HttpResponse:
    frame, org, by = await framed(registry, visit, FIRST), org_of(visit), visit.principal
    members = await registry.organizations.members(org, by=by)
    return show(
        visit,
        frame,
        problem,
        members=members,
        names={each.membership.account: each.name for each in members},
        invitations=await registry.inviting.pending(org, by=by) if frame.decides else [],
        invited=invited,
        roles=ROLES,
        is_unsent=bool(invited and invited.link and visit.form.text("email")),
        typed=visit.form if problem else Form(),
    )


async def _set_role(registry: Registry, visit: Visit, org: OrgName) -> None:
    organizations, by = registry.organizations, visit.principal
    role = _role(visit.form)
    member = await organizations.member(org, visit.form.text("account"), by=by)
    await organizations.set_member(org, member, role, by=by)


async def _remove(registry: Registry, visit: Visit, org: OrgName) -> None:
    organizations, by = registry.organizations, visit.principal
    member = await organizations.member(org, visit.form.text("account"), by=by)
    await organizations.remove_member(org, member, by=by)


async def _undo(registry: Registry, visit: Visit, org: OrgName) -> None:
    organizations, by = registry.organizations, visit.principal
    member = await organizations.member(org, visit.form.text("account"), by=by)
    await organizations.undo(org, member, by=by)


async def _withdraw(registry: Registry, visit: Visit, org: OrgName) -> None:
    await registry.inviting.withdraw(org, visit.form.text("invitation"), by=visit.principal)


# What a form does, by the end of its path.
DECISIONS: dict[str, Decide] = {
    "role": _set_role,
    "remove": _remove,
    "undo": _undo,
    "withdraw": _withdraw,
}


def _offer(form: Form) -> Offer:
    return Offer.parse(_role(form), form.text("email") or None, form.text("label"))


def _role(form: Form) -> Role:
    otherwise = "There is no such role. Choose owner, maintainer or member."
    return form.choice("role", Role, otherwise)

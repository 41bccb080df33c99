"""/account/organizations/{org}: an organization to those who belong to it, and what they decide."""

from collections.abc import Awaitable, Callable, Sequence

import azure.functions as func

from functions._forms import Form
from functions._pages import see_other
from functions._visits import Problem, Visit, Visits
from functions.account import ORGANIZATIONS
from shared.domain.domains import DomainName, parse_domain, record_name, record_text
from shared.domain.errors import InvalidRequest
from shared.domain.names import OrgName, parse_org
from shared.domain.package import Visibility
from shared.domain.rights import Role
from shared.registry import Registry
from shared.services.inviting import Invited, Offer
from shared.services.organizations import Member, Profile

ROUTE = "account/organizations/{org}"

# What people read of each choice.
ROLES = (
    (Role.MEMBER.value, "Member: reads what is private"),
    (Role.MAINTAINER.value, "Maintainer: publishes and deprecates"),
    (Role.OWNER.value, "Owner: decides; counts after 48 hours"),
)
VISIBILITIES = (
    (Visibility.PUBLIC.value, "Everybody"),
    (Visibility.PRIVATE.value, "Members alone"),
)

Decision = Callable[[Registry, Visit, OrgName], Awaitable[object]]


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of one organization."""
    bp, visits = func.Blueprint(), Visits(registry)

    async def again(visit: Visit, problem: Problem) -> func.HttpResponse:
        return await _show(registry, visit, problem)

    @bp.route(ROUTE, methods=["GET"])
    @visits.page
    async def account_organization(visit: Visit) -> func.HttpResponse:
        return await _show(registry, visit)

    @bp.route(f"{ROUTE}/invite", methods=["POST"])
    @visits.form(again=again)
    async def account_organization_invite(visit: Visit) -> func.HttpResponse:
        offer = _offer(visit.form)
        invited = await registry.inviting.invite(_org(visit), offer, by=visit.principal)
        # Shown here and now, and not by a page of its own: the link is a secret, shown once.
        return await _show(registry, visit, invited=invited)

    for name, decide in DECISIONS.items():
        _add_decision(bp, registry, name, decide)
    return bp


def _add_decision(bp: func.Blueprint, registry: Registry, name: str, decide: Decision) -> None:
    """Add the Function of a form that changes something and shows the page again."""

    async def again(visit: Visit, problem: Problem) -> func.HttpResponse:
        return await _show(registry, visit, problem)

    async def decided(visit: Visit) -> func.HttpResponse:
        org = _org(visit)
        await decide(registry, visit, org)
        return see_other(f"{ORGANIZATIONS}/{org}")

    decided.__name__ = f"account_organization_{name}"
    bp.route(f"{ROUTE}/{name}", methods=["POST"])(Visits(registry).form(again=again)(decided))


async def _show(
    registry: Registry,
    visit: Visit,
    problem: Problem | None = None,
    invited: Invited | None = None,
) -> func.HttpResponse:
    org, by = _org(visit), visit.principal
    members = await registry.organizations.members(org, by=by)
    organization = await registry.organizations.show(org, by=by)
    is_owner = visit.account.administrator or _is_owner(members, by.id)
    domains = await registry.proving.of(org, by=by)
    return visit.show(
        "account/organization.html",
        problem,
        organization=organization,
        path=f"{ORGANIZATIONS}/{organization.name}",
        is_owner=is_owner,
        members=members,
        names={each.membership.account: each.name for each in members},
        invitations=await registry.inviting.pending(org, by=by) if is_owner else [],
        invited=invited,
        domains=[
            (each, record_name(DomainName(each.domain)), record_text(each.challenge))
            for each in domains
        ],
        roles=ROLES,
        visibilities=VISIBILITIES,
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


async def _claim(registry: Registry, visit: Visit, org: OrgName) -> None:
    domain = parse_domain(visit.form.text("domain"))
    await registry.proving.claim(org, domain, by=visit.principal)


async def _verify(registry: Registry, visit: Visit, org: OrgName) -> None:
    domain = parse_domain(visit.form.text("domain"))
    await registry.proving.verify(org, domain, by=visit.principal)


async def _unclaim(registry: Registry, visit: Visit, org: OrgName) -> None:
    domain = parse_domain(visit.form.text("domain"))
    await registry.proving.remove(org, domain, by=visit.principal)


async def _describe(registry: Registry, visit: Visit, org: OrgName) -> None:
    form = visit.form
    profile = Profile.parse(form.text("display_name"), form.text("description"), None)
    await registry.organizations.change(org, profile, by=visit.principal)


async def _set_visibility(registry: Registry, visit: Visit, org: OrgName) -> None:
    profile = Profile(default_visibility=_visibility(visit.form))
    await registry.organizations.change(org, profile, by=visit.principal)


async def _delete(registry: Registry, visit: Visit, org: OrgName) -> None:
    await registry.closing.delete(org, by=visit.principal)


async def _keep(registry: Registry, visit: Visit, org: OrgName) -> None:
    await registry.closing.undo(org, by=visit.principal)


# What a form does, by the end of its path.
DECISIONS: dict[str, Decision] = {
    "role": _set_role,
    "remove": _remove,
    "undo": _undo,
    "withdraw": _withdraw,
    "claim": _claim,
    "verify": _verify,
    "unclaim": _unclaim,
    "describe": _describe,
    "visibility": _set_visibility,
    "delete": _delete,
    "keep": _keep,
}


def _org(visit: Visit) -> OrgName:
    return parse_org(visit.route["org"])


def _is_owner(members: Sequence[Member], account_id: str) -> bool:
    found = [each.membership for each in members if each.membership.account == account_id]
    return any(each.role is Role.OWNER for each in found)


def _offer(form: Form) -> Offer:
    return Offer.parse(_role(form), form.text("email") or None, form.text("label"))


def _role(form: Form) -> Role:
    try:
        return Role(form.text("role"))
    except ValueError:
        message = "There is no such role. Choose owner, maintainer or member."
        raise InvalidRequest(message) from None


def _visibility(form: Form) -> Visibility:
    try:
        return Visibility(form.text("visibility"))
    except ValueError:
        message = "Packages are public or private by default. Choose one of the two."
        raise InvalidRequest(message) from None

"""/account/organizations/{org}/settings: what an organization says of itself, and its end."""

import azure.functions as func

from functions._forms import Form
from functions._organization_pages import ROUTE, Decide, Forms, framed, org_of, show
from functions._visits import Problem, Visit, Visits
from shared.domain.domains import DomainName, parse_domain, record_name, record_text
from shared.domain.errors import InvalidRequest
from shared.domain.identity import require
from shared.domain.names import OrgName
from shared.domain.package import Visibility
from shared.domain.rights import Action, Role
from shared.registry import Registry
from shared.services.organizations import Profile

# What people read of each choice.
VISIBILITIES = (
    (Visibility.PUBLIC.value, "Everybody"),
    (Visibility.PRIVATE.value, "Members alone"),
)
LEAVE = "leave"
AFTERWARDS = (
    (Role.MAINTAINER.value, "Maintainer: I go on publishing"),
    (Role.MEMBER.value, "Member: I go on reading what is private"),
    (LEAVE, "Nothing: I leave"),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the settings of an organization."""
    bp, visits = func.Blueprint(), Visits(registry)

    @bp.route(f"{ROUTE}/settings", methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_settings(visit: Visit) -> func.HttpResponse:
        return await _show(registry, visit)

    Forms(registry, _show, "/settings").add(bp, DECISIONS)
    return bp


async def _show(
    registry: Registry, visit: Visit, problem: Problem | None = None
) -> func.HttpResponse:
    frame, org, by = await framed(registry, visit, "settings"), org_of(visit), visit.principal
    require(by, frame.standing, Action.MANAGE, org)
    domains = await registry.proving.of(org, by=by)
    members = await registry.organizations.members(org, by=by)
    return show(
        visit,
        frame,
        problem,
        domains=[
            (each, record_name(DomainName(each.domain)), record_text(each.challenge))
            for each in domains
        ],
        heirs=[
            (each.membership.account, each.name)
            for each in members
            if each.membership.role is not Role.OWNER
        ],
        is_owner=frame.standing.role is Role.OWNER,
        afterwards=AFTERWARDS,
        visibilities=VISIBILITIES,
        typed=visit.form if problem else Form(),
    )


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


async def _transfer(registry: Registry, visit: Visit, org: OrgName) -> None:
    form, by = visit.form, visit.principal
    heir = await registry.organizations.member(org, form.text("heir"), by=by)
    if form.text("confirm").lower() != org.lower():
        message = f"To hand {org} over, type its name into the last field."
        raise InvalidRequest(message)
    await registry.handing_over.begin(org, heir, _afterwards(form), by=by)


async def _delete(registry: Registry, visit: Visit, org: OrgName) -> None:
    await registry.closing.delete(org, by=visit.principal)


async def _keep(registry: Registry, visit: Visit, org: OrgName) -> None:
    await registry.closing.undo(org, by=visit.principal)


# What a form does, by the end of its path.
DECISIONS: dict[str, Decide] = {
    "claim": _claim,
    "verify": _verify,
    "unclaim": _unclaim,
    "describe": _describe,
    "visibility": _set_visibility,
    "transfer": _transfer,
    "delete": _delete,
    "keep": _keep,
}


def _visibility(form: Form) -> Visibility:
    otherwise = "Packages are public or private by default. Choose one of the two."
    return form.choice("visibility", Visibility, otherwise)


def _afterwards(form: Form) -> Role | None:
    chosen = form.text("afterwards")
    if chosen not in {value for value, _ in AFTERWARDS}:
        message = "Choose what you are afterwards: maintainer, member or nothing."
        raise InvalidRequest(message)
    return None if chosen == LEAVE else Role(chosen)

"""/manage/organizations: every organization there is or was, and founding one for somebody."""

import azure.functions as func

from functions._managing import LONGEST, Managing, require_meant
from functions._pages import see_other
from functions._visits import Problem, Visit
from shared.domain.names import parse_org
from shared.domain.rights import Role
from shared.registry import Registry

PAGE = "/manage/organizations"
ROUTE = "manage/organizations/{org}"
SIZE = 25  # Organizations on a page: a screen or two.

DONE = {
    "found": "It is founded.",
    "delete": "It is deleted. Its name is free again a day later.",
    "keep": "It stays. Its owners are told by mail.",
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the pages of organizations."""
    bp, managing = func.Blueprint(), Managing(registry)

    async def overview(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        return await _list(registry, visit, problem)

    async def one(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        return await _show(registry, visit, problem)

    @bp.route("manage/organizations", methods=["GET", "HEAD"])
    @managing.page
    async def manage_organizations(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("manage/organizations", methods=["POST"])
    @managing.form(again=overview)
    async def manage_organization_found(visit: Visit) -> func.HttpResponse:
        org = parse_org(visit.form.text("name"))
        owner = await registry.accounts.typed(visit.form.text("owner"))
        await registry.provisioning.found(org, owner, by=visit.principal)
        return see_other(f"{PAGE}/{org}?done=found")

    @bp.route(ROUTE, methods=["GET", "HEAD"])
    @managing.page
    async def manage_organization(visit: Visit) -> func.HttpResponse:
        return await one(visit)

    @bp.route(f"{ROUTE}/delete", methods=["POST"])
    @managing.form(again=one)
    async def manage_organization_delete(visit: Visit) -> func.HttpResponse:
        org, by = parse_org(visit.route["org"]), visit.principal
        founded = await registry.provisioning.show(org, by=by)
        require_meant(visit, founded.organization.name)
        await registry.closing.delete(org, by=by)
        return see_other(f"{PAGE}/{org}?done=delete")

    @bp.route(f"{ROUTE}/keep", methods=["POST"])
    @managing.form(again=one)
    async def manage_organization_keep(visit: Visit) -> func.HttpResponse:
        org = parse_org(visit.route["org"])
        await registry.closing.undo(org, by=visit.principal)
        return see_other(f"{PAGE}/{org}?done=keep")

    return bp


async def _list(
    registry: Registry, visit: Visit, problem: Problem | None = None
) -> func.HttpResponse:
    sought, after = visit.query.get("q", "").strip()[:LONGEST], visit.query.get("after", "")
    provisioning, by = registry.provisioning, visit.principal
    if sought:
        foundings = await provisioning.find(sought, by=by)
    else:
        foundings = await provisioning.page(after, SIZE, by=by)
    return visit.show(
        "manage/organizations.html",
        problem,
        foundings=foundings,
        sought=sought,
        is_first=not after,
        typed=visit.form,
        now_ms=registry.clock.now_ms(),
    )


async def _show(
    registry: Registry, visit: Visit, problem: Problem | None = None
) -> func.HttpResponse:
    org, by = parse_org(visit.route["org"]), visit.principal
    founded = await registry.provisioning.show(org, by=by)
    organization, now_ms = founded.organization, registry.clock.now_ms()
    is_deleted = organization.is_deleted_at(now_ms)
    members = [] if is_deleted else await registry.organizations.members(org, by=by)
    return visit.show(
        "manage/organization.html",
        problem,
        founded=founded,
        organization=organization,
        path=f"{PAGE}/{organization.name}",
        is_deleted=is_deleted,
        owners=[each for each in members if each.membership.role is Role.OWNER],
        members=len(members),
        done=DONE.get(visit.query.get("done", ""), ""),
        now_ms=now_ms,
    )

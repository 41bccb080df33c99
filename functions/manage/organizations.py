"""/manage/organizations and /manage/names: organizations and reserved names."""

import azure.functions as func

from functions.http.pages import see_other
from functions.http.signed_in_pages import FormProblem, SignedInRequest
from functions.manage.pages import MAX_SEARCH_LENGTH, AdministratorPages, require_confirmation
from shared.composition import Registry
from shared.domain.errors.organizations import PatternUnreadable
from shared.domain.names import parse_org
from shared.domain.rights import Role

ORGANIZATIONS_PATH = "/manage/organizations"
ORGANIZATION_ROUTE = "manage/organizations/{org}"
ORGANIZATIONS_PER_PAGE = 25  # Organizations on a page: a screen or two.

ORGANIZATION_DONE_MESSAGES = {
    "found": "It is founded.",
    "delete": "It is deleted. Its name is free again a day later.",
    "keep": "It stays. Its owners are told by mail.",
}


def organizations_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the pages of organizations."""
    bp, managing = func.Blueprint(), AdministratorPages(registry)

    async def overview(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        return await _list(registry, visit, problem)

    async def one(visit: SignedInRequest, problem: FormProblem | None = None) -> func.HttpResponse:
        return await _show(registry, visit, problem)

    @bp.route("manage/organizations", methods=["GET", "HEAD"])
    @managing.page
    async def manage_organizations(visit: SignedInRequest) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("manage/organizations", methods=["POST"])
    @managing.form(again=overview)
    async def manage_organization_found(visit: SignedInRequest) -> func.HttpResponse:
        org = parse_org(visit.form.text("name"))
        owner = await registry.accounts.by_name_or_id(visit.form.text("owner"))
        await registry.organization_administration.create(org, owner, by=visit.principal)
        return see_other(f"{ORGANIZATIONS_PATH}/{org}?done=found")

    @bp.route(ORGANIZATION_ROUTE, methods=["GET", "HEAD"])
    @managing.page
    async def manage_organization(visit: SignedInRequest) -> func.HttpResponse:
        return await one(visit)

    @bp.route(f"{ORGANIZATION_ROUTE}/delete", methods=["POST"])
    @managing.form(again=one)
    async def manage_organization_delete(visit: SignedInRequest) -> func.HttpResponse:
        org, by = parse_org(visit.route["org"]), visit.principal
        founded = await registry.organization_administration.show(org, by=by)
        require_confirmation(visit, founded.organization.name)
        await registry.organization_deletion.delete(org, by=by)
        return see_other(f"{ORGANIZATIONS_PATH}/{org}?done=delete")

    @bp.route(f"{ORGANIZATION_ROUTE}/keep", methods=["POST"])
    @managing.form(again=one)
    async def manage_organization_keep(visit: SignedInRequest) -> func.HttpResponse:
        org = parse_org(visit.route["org"])
        await registry.organization_deletion.cancel(org, by=visit.principal)
        return see_other(f"{ORGANIZATIONS_PATH}/{org}?done=keep")

    return bp


async def _list(
    registry: Registry, visit: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    sought, after = (
        visit.query.get("q", "").strip()[:MAX_SEARCH_LENGTH],
        visit.query.get("after", ""),
    )
    provisioning, by = registry.organization_administration, visit.principal
    if sought:
        foundings = await provisioning.search(sought, by=by)
    else:
        foundings = await provisioning.page(after, ORGANIZATIONS_PER_PAGE, by=by)
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
    registry: Registry, visit: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    org, by = parse_org(visit.route["org"]), visit.principal
    founded = await registry.organization_administration.show(org, by=by)
    organization, now_ms = founded.organization, registry.clock.now_ms()
    is_deleted = organization.is_deleted_at(now_ms)
    members = [] if is_deleted else await registry.organizations.members(org, by=by)
    return visit.show(
        "manage/organization.html",
        problem,
        founded=founded,
        organization=organization,
        path=f"{ORGANIZATIONS_PATH}/{organization.name}",
        is_deleted=is_deleted,
        owners=[each for each in members if each.membership.role is Role.OWNER],
        members=len(members),
        done=ORGANIZATION_DONE_MESSAGES.get(visit.query.get("done", ""), ""),
        now_ms=now_ms,
    )


RESERVED_NAMES_PATH = "/manage/names"

NAME_DONE_MESSAGES = {
    "add": "It is kept back from now on, by every instance.",
    "remove": "It is free again.",
}


def reserved_names_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the pages of names."""
    bp, managing = func.Blueprint(), AdministratorPages(registry)

    async def overview(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        return await _list_reserved_names(registry, visit, problem)

    async def confirm(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        return await _preview_name(registry, visit, problem)

    @bp.route("manage/names", methods=["GET", "HEAD"])
    @managing.page
    async def manage_names(visit: SignedInRequest) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("manage/names/new", methods=["GET", "HEAD"])
    @managing.page
    async def manage_name_preview(visit: SignedInRequest) -> func.HttpResponse:
        return await confirm(visit)

    @bp.route("manage/names/new", methods=["POST"])
    @managing.form(again=confirm)
    async def manage_name_add(visit: SignedInRequest) -> func.HttpResponse:
        pattern, reason = visit.form.text("pattern"), visit.form.text("reason")
        await registry.reserved_names.add(pattern, reason, by=visit.principal)
        return see_other(f"{RESERVED_NAMES_PATH}?done=add")

    @bp.route("manage/names/remove", methods=["POST"])
    @managing.form(again=overview)
    async def manage_name_remove(visit: SignedInRequest) -> func.HttpResponse:
        await registry.reserved_names.remove(visit.form.text("pattern"), by=visit.principal)
        return see_other(f"{RESERVED_NAMES_PATH}?done=remove")

    return bp


async def _list_reserved_names(
    registry: Registry, visit: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    name, by = visit.query.get("name", "").strip()[:MAX_SEARCH_LENGTH], visit.principal
    return visit.show(
        "manage/names.html",
        problem,
        kept=await registry.reserved_names.all(by=by),
        freedom=await registry.reserved_names.look_up(name, by=by) if name else None,
        done=NAME_DONE_MESSAGES.get(visit.query.get("done", ""), ""),
        now_ms=registry.clock.now_ms(),
    )


async def _preview_name(
    registry: Registry, visit: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    """Show what a pattern would match, or why it is none, before anything is kept back."""
    pattern = visit.form.text("pattern") or visit.query.get("pattern", "")
    reason = visit.form.text("reason") or visit.query.get("reason", "")
    matches = None
    if pattern:
        try:
            matches = await registry.reserved_names.matching(pattern, by=visit.principal)
        except PatternUnreadable as refusal:
            problem = problem or FormProblem.of(refusal)
    return visit.show(
        "manage/name_new.html", problem, pattern=pattern, reason=reason, matches=matches
    )

"""/manage/organizations and /manage/names: organizations and reserved names."""

import azure.functions as func

from functions.http.pages import MAX_SEARCH_LENGTH, see_other
from functions.http.requests import READ_METHODS
from functions.http.signed_in_pages import (
    AdministratorPages,
    FormProblem,
    SignedInRequest,
    require_confirmation,
)
from shared.composition import Registry
from shared.domain.errors.organizations import PatternUnreadable
from shared.domain.names import parse_org
from shared.domain.rights import Role

ORGANIZATIONS_PATH = "/manage/organizations"
ORGANIZATION_ROUTE = "manage/organizations/{org}"
ORGANIZATIONS_PER_PAGE = 25  # Organizations on a page: a screen or two.

ORGANIZATION_DONE_MESSAGES = {
    "found": "Organization created.",
    "delete": "Organization deleted. Its name becomes available again a day later.",
    "keep": "Deletion canceled. The owners were notified by email.",
}


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()
    _add_organizations(bp, registry)
    _add_reserved_names(bp, registry)
    return bp


def _add_organizations(bp: func.Blueprint, registry: Registry) -> None:
    pages = AdministratorPages(registry)
    bp.route("manage/organizations", methods=READ_METHODS)(pages.page(manage_organizations))
    bp.route(ORGANIZATION_ROUTE, methods=READ_METHODS)(pages.page(manage_organization))

    @bp.route("manage/organizations", methods=["POST"])
    @pages.form(manage_organizations)
    async def manage_organization_found(request: SignedInRequest) -> func.HttpResponse:
        org = parse_org(request.form.text("name"))
        owner = await registry.accounts.by_name_or_id(request.form.text("owner"))
        await registry.organization_administration.create(org, owner, by=request.principal)
        return see_other(f"{ORGANIZATIONS_PATH}/{org}?done=found")

    @bp.route(f"{ORGANIZATION_ROUTE}/delete", methods=["POST"])
    @pages.form(manage_organization)
    async def manage_organization_delete(request: SignedInRequest) -> func.HttpResponse:
        org, by = parse_org(request.route["org"]), request.principal
        founded = await registry.organization_administration.show(org, by=by)
        require_confirmation(request, founded.organization.name)
        await registry.organization_deletion.delete(org, by=by)
        return see_other(f"{ORGANIZATIONS_PATH}/{org}?done=delete")

    @bp.route(f"{ORGANIZATION_ROUTE}/keep", methods=["POST"])
    @pages.form(manage_organization)
    async def manage_organization_keep(request: SignedInRequest) -> func.HttpResponse:
        org = parse_org(request.route["org"])
        await registry.organization_deletion.cancel(org, by=request.principal)
        return see_other(f"{ORGANIZATIONS_PATH}/{org}?done=keep")


async def manage_organizations(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    text = request.query.get("q", "").strip()[:MAX_SEARCH_LENGTH]
    after, by = request.query.get("after", ""), request.principal
    administration = request.registry.organization_administration
    if text:
        found = await administration.search(text, by=by)
    else:
        found = await administration.page(after, ORGANIZATIONS_PER_PAGE, by=by)
    return request.show(
        "manage/organizations.html",
        problem,
        found=found,
        sought=text,
        is_first=not after,
        typed=request.form,
    )


async def manage_organization(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    registry, org, by = request.registry, parse_org(request.route["org"]), request.principal
    founded = await registry.organization_administration.show(org, by=by)
    organization = founded.organization
    is_deleted = organization.is_deleted_at(request.now_ms)
    members = [] if is_deleted else await registry.organizations.members(org, by=by)
    return request.show(
        "manage/organization.html",
        problem,
        founded=founded,
        organization=organization,
        path=f"{ORGANIZATIONS_PATH}/{organization.name}",
        is_deleted=is_deleted,
        owners=[each for each in members if each.membership.role is Role.OWNER],
        members=len(members),
        done=request.done(ORGANIZATION_DONE_MESSAGES),
    )


RESERVED_NAMES_PATH = "/manage/names"

NAME_DONE_MESSAGES = {
    "add": "Names reserved.",
    "remove": "Reserved name removed.",
}


def _add_reserved_names(bp: func.Blueprint, registry: Registry) -> None:
    pages = AdministratorPages(registry)
    bp.route("manage/names", methods=READ_METHODS)(pages.page(manage_names))
    bp.route("manage/names/new", methods=READ_METHODS)(pages.page(manage_name_preview))

    @bp.route("manage/names/new", methods=["POST"])
    @pages.form(manage_name_preview)
    async def manage_name_add(request: SignedInRequest) -> func.HttpResponse:
        pattern, reason = request.form.text("pattern"), request.form.text("reason")
        await registry.reserved_names.add(pattern, reason, by=request.principal)
        return see_other(f"{RESERVED_NAMES_PATH}?done=add")

    @bp.route("manage/names/remove", methods=["POST"])
    @pages.form(manage_names)
    async def manage_name_remove(request: SignedInRequest) -> func.HttpResponse:
        await registry.reserved_names.remove(request.form.text("pattern"), by=request.principal)
        return see_other(f"{RESERVED_NAMES_PATH}?done=remove")


async def manage_names(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    name, by = request.query.get("name", "").strip()[:MAX_SEARCH_LENGTH], request.principal
    reserved_names = request.registry.reserved_names
    return request.show(
        "manage/names.html",
        problem,
        reserved=await reserved_names.all(by=by),
        availability=await reserved_names.look_up(name, by=by) if name else None,
        done=request.done(NAME_DONE_MESSAGES),
    )


async def manage_name_preview(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    """Show which organizations a pattern matches, or why it is invalid, before it is reserved."""
    pattern = request.form.text("pattern") or request.query.get("pattern", "")
    reason = request.form.text("reason") or request.query.get("reason", "")
    matches = None
    if pattern:
        try:
            matches = await request.registry.reserved_names.matching(pattern, by=request.principal)
        except PatternUnreadable as refusal:
            problem = problem or FormProblem.of(refusal)
    return request.show(
        "manage/name_new.html", problem, pattern=pattern, reason=reason, matches=matches
    )

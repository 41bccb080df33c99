"""/manage/organizations and /manage/names: organizations and reserved names."""

from functions.html.pages import MAX_SEARCH_LENGTH, see_other
from functions.html.signed_in_pages import (
    AdministratorPages,
    FormProblem,
    SignedInCall,
    require_confirmation,
)
from shared.domain.coordinates import Package
from shared.domain.errors.base import Conflict, NotFound, about_field
from shared.domain.names import OrgName, parse_org
from shared.domain.scopes import Role
from shared.runtime.answers import Answer
from shared.use_cases import freezes, organizations, rules
from shared.use_cases.inputs import shown_fields
from shared.use_cases.rules import OrganizationQuota

ORGANIZATION_ROUTE = "manage/organizations/{org}"
ORGANIZATIONS_PER_PAGE = 25  # Organizations on a page: a screen or two.


pages = AdministratorPages()
FACES = (pages,)


@pages.read("manage/organizations")
async def manage_organizations(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    text = call.params.get("q", "").strip()[:MAX_SEARCH_LENGTH]
    after = call.params.get("after", "")
    by = call.caller
    administration = call.registry.administration.organizations
    if text:
        found = await administration.search(text, by=by)
    else:
        found = await administration.page(after, ORGANIZATIONS_PER_PAGE, by=by)
    return call.show(
        "manage/organizations.html", problem, found=found, sought=text, is_first=not after
    )


@pages.read(ORGANIZATION_ROUTE)
async def manage_organization(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    registry = call.registry
    org = call.org
    by = call.caller
    founded = await registry.administration.organizations.show(org, by=by)
    organization = founded.organization
    is_deleted = organization.is_deleted_at(call.now_ms)
    administration = registry.administration.organizations
    members = [] if is_deleted else await administration.members(organization, by=by)
    return call.show(
        "manage/organization.html",
        problem,
        founded=founded,
        organization=organization,
        path=f"/manage/organizations/{organization.name}",
        is_deleted=is_deleted,
        owners=[each for each in members if each.membership.role is Role.OWNER],
        members=len(members),
        quota=shown_fields(OrganizationQuota),
    )


pages.use_case(
    rules.change_quota,
    f"{ORGANIZATION_ROUTE}/quota",
    manage_organization,
    lambda call: call.org,
    name="manage_organization_quota",
)


@pages.form("manage/organizations", manage_organizations, done={"found": "Organization created."})
async def manage_organization_found(call: SignedInCall) -> Answer:
    with about_field("owner", NotFound):
        owner = await call.registry.identity.accounts.by_name_or_id(call.form.text("owner"))
    with about_field("name", Conflict):
        org = parse_org(call.form.text("name"))
        await call.registry.administration.organizations.create(org, owner, by=call.caller)
    return see_other(f"/manage/organizations/{org}?done=found")


async def _confirmed_organization(call: SignedInCall) -> OrgName:
    """Return the organization, whose name the form repeats."""
    founded = await call.registry.administration.organizations.show(call.org, by=call.caller)
    require_confirmation(call, founded.organization.name)
    return call.org


pages.use_case(
    organizations.delete_as_administrator,
    f"{ORGANIZATION_ROUTE}/delete",
    manage_organization,
    _confirmed_organization,
    name="manage_organization_delete",
)


@pages.form(
    f"{ORGANIZATION_ROUTE}/freeze", manage_organization, done=freezes.freeze_organization.done
)
async def manage_organization_freeze(call: SignedInCall) -> None:
    """Freeze the organization, or the package of it that the form names."""
    if package := _package(call):
        await call.submit(freezes.freeze_package, package)
    else:
        await call.submit(freezes.freeze_organization, call.org)


@pages.form(
    f"{ORGANIZATION_ROUTE}/unfreeze", manage_organization, done=freezes.unfreeze_organization.done
)
async def manage_organization_unfreeze(call: SignedInCall) -> None:
    if package := _package(call):
        await call.submit(freezes.unfreeze_package, package)
    else:
        await call.submit(freezes.unfreeze_organization, call.org)


def _package(call: SignedInCall) -> Package | None:
    name = call.form.text("package")
    with about_field("package"):
        return Package.parse(call.org, name) if name else None


pages.use_case(
    organizations.cancel_deletion,
    f"{ORGANIZATION_ROUTE}/keep",
    manage_organization,
    lambda call: call.org,
    name="manage_organization_keep",
)

"""/account/organizations/{org}/packages and …/held: its packages, one package, and held
releases.
"""

import azure.functions as func

from functions.account.organization.pages import (
    ORGANIZATION_ROUTE,
    FormAction,
    OrganizationForms,
    org_of,
    organization_frame,
    show,
)
from functions.http.pagination import Pager
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.errors.base import InvalidRequest
from shared.domain.names import Coordinate, OrgName, Package, PackageName, parse_package_name
from shared.domain.packages import Pushers, Visibility
from shared.domain.secrets import redact_tokens
from shared.services.packages import MAX_MESSAGE_LENGTH


def packages_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the list."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    @bp.route(f"{ORGANIZATION_ROUTE}/packages", methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_packages(visit: SignedInRequest) -> func.HttpResponse:
        frame, after = await organization_frame(registry, visit, "packages"), cursor_of(visit)
        stock = await registry.organization_packages.page(org_of(visit), after, by=visit.principal)
        return show(visit, frame, None, stock=stock, is_first=not after)

    return bp


def cursor_of(visit: SignedInRequest) -> PackageName | str:
    """Return after which name a list goes on; empty at its beginning."""
    after = redact_tokens(visit.query.get("after", ""))
    return parse_package_name(after) if after else ""


PACKAGE_ROUTE = f"{ORGANIZATION_ROUTE}/packages/{{name}}"
VERSIONS_PER_PAGE = 25  # Of one page: each has a form.


def package_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of one package."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    @bp.route(PACKAGE_ROUTE, methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_package(visit: SignedInRequest) -> func.HttpResponse:
        return await _show_package(registry, visit)

    OrganizationForms(registry, _show_package, "/packages/{name}").add(bp, PACKAGE_ACTIONS)
    return bp


async def _show_package(
    registry: Registry, visit: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    frame, package = await organization_frame(registry, visit, "packages"), _package(visit)
    stocked = await registry.organization_packages.package(package, by=visit.principal)
    entries = stocked.survey.entries
    path = f"{frame.path}/packages/{stocked.head.name}"
    pager = Pager.of(len(entries), VERSIONS_PER_PAGE, path, visit.query)
    return show(
        visit,
        frame,
        problem,
        "package",
        stocked=stocked,
        head=stocked.head,
        pager=pager,
        entries=entries[pager.offset : pager.offset + VERSIONS_PER_PAGE],
        page=path,
        longest=MAX_MESSAGE_LENGTH,
        typed=visit.form if problem else Form(),
    )


async def _deprecate(registry: Registry, visit: SignedInRequest, _org: OrgName) -> None:
    message, by = visit.form.text("message"), visit.principal
    await registry.deprecation.deprecate_package(_package(visit), message, by=by)


async def _undeprecate(registry: Registry, visit: SignedInRequest, _org: OrgName) -> None:
    await registry.deprecation.undeprecate_package(_package(visit), by=visit.principal)


async def _deprecate_version(registry: Registry, visit: SignedInRequest, _org: OrgName) -> None:
    message, by = visit.form.text("message"), visit.principal
    await registry.deprecation.deprecate(_coordinate(visit), message, by=by)


async def _undeprecate_version(registry: Registry, visit: SignedInRequest, _org: OrgName) -> None:
    await registry.deprecation.undeprecate(_coordinate(visit), by=visit.principal)


async def _set_visibility(registry: Registry, visit: SignedInRequest, _org: OrgName) -> None:
    package, wanted = _package(visit), _visibility(visit.form)
    # Whoever builds with it fails from then on: nobody does that by a slip.
    if wanted is Visibility.PRIVATE and visit.form.text("confirm").lower() != package.name.lower():
        message = f"To make {package} private, type its name, {package.name}, beside the button."
        raise InvalidRequest(message)
    await registry.package_visibility.change(package, wanted, by=visit.principal)


async def _set_pushers(registry: Registry, visit: SignedInRequest, _org: OrgName) -> None:
    wanted = _pushers(visit.form)
    await registry.trusted_publishers.restrict_pushers(_package(visit), wanted, by=visit.principal)


def _package(visit: SignedInRequest) -> Package:
    return Package.parse(visit.route["org"], visit.route["name"])


def _coordinate(visit: SignedInRequest) -> Coordinate:
    return Coordinate.parse(visit.route["org"], visit.route["name"], visit.form.text("version"))


def _visibility(form: Form) -> Visibility:
    otherwise = "A package is public or private. Choose one of the two."
    return form.choice("visibility", Visibility, otherwise)


def _pushers(form: Form) -> Pushers:
    otherwise = "Members push to a package, or trusted publishers alone. Choose one of the two."
    return form.choice("pushers", Pushers, otherwise)


# What a form does, by its path.
PACKAGE_ACTIONS: dict[str, FormAction] = {
    "packages/{name}/deprecate": _deprecate,
    "packages/{name}/undeprecate": _undeprecate,
    "packages/{name}/visibility": _set_visibility,
    "packages/{name}/pushers": _set_pushers,
    "packages/{name}/versions/deprecate": _deprecate_version,
    "packages/{name}/versions/undeprecate": _undeprecate_version,
}


def held_releases_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of releases that wait."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    @bp.route(f"{ORGANIZATION_ROUTE}/held", methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_held(visit: SignedInRequest) -> func.HttpResponse:
        return await _show_held_releases(registry, visit)

    OrganizationForms(registry, _show_held_releases, "/held").add(bp, HELD_RELEASE_ACTIONS)
    return bp


async def _show_held_releases(
    registry: Registry, visit: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    frame, after = await organization_frame(registry, visit, "held"), cursor_of(visit)
    review = await registry.held_releases.page(org_of(visit), after, by=visit.principal)
    return show(
        visit,
        frame,
        problem,
        review=review,
        is_first=not after,
        me=visit.account.id,
    )


async def _confirm(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    form = visit.form
    coordinate = Coordinate.parse(org, form.text("name"), form.text("version"))
    await registry.moderation.confirm(coordinate, by=visit.principal)


async def _revoke(registry: Registry, visit: SignedInRequest, org: OrgName) -> None:
    """End the organization's token, or one's own: whichever of them has the id."""
    token_id, by = visit.form.text("token"), visit.principal
    if visit.form.text("whose") == "mine":
        await registry.tokens.revoke(by.id, token_id, by=by)
    else:
        await registry.organization_tokens.revoke(org, token_id, by=by)


# What a form does, by its path.
HELD_RELEASE_ACTIONS: dict[str, FormAction] = {"held/confirm": _confirm, "held/revoke": _revoke}

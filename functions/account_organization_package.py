"""/account/organizations/{org}/packages/{name}: what those decide who look after a package."""

import azure.functions as func

from functions._forms import Form
from functions._organization_pages import ROUTE, Decide, Forms, framed, show
from functions._paging import Pager
from functions._visits import Problem, Visit, Visits
from shared.domain.errors import InvalidRequest
from shared.domain.names import Coordinate, OrgName, Package
from shared.domain.package import Pushers, Visibility
from shared.registry import Registry
from shared.services.deprecating import MAX_MESSAGE_LENGTH

PAGE = f"{ROUTE}/packages/{{name}}"
VERSIONS = 25  # Of one page: each has a form.


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of one package."""
    bp, visits = func.Blueprint(), Visits(registry)

    @bp.route(PAGE, methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_package(visit: Visit) -> func.HttpResponse:
        return await _show(registry, visit)

    Forms(registry, _show, "/packages/{name}").add(bp, DECISIONS)
    return bp


async def _show(
    registry: Registry, visit: Visit, problem: Problem | None = None
) -> func.HttpResponse:
    frame, package = await framed(registry, visit, "packages"), _package(visit)
    stocked = await registry.stocktaking.package(package, by=visit.principal)
    entries = stocked.survey.entries
    path = f"{frame.path}/packages/{stocked.head.name}"
    pager = Pager.of(len(entries), VERSIONS, path, visit.query)
    return show(
        visit,
        frame,
        problem,
        "package",
        stocked=stocked,
        head=stocked.head,
        pager=pager,
        entries=entries[pager.offset : pager.offset + VERSIONS],
        page=path,
        longest=MAX_MESSAGE_LENGTH,
        typed=visit.form if problem else Form(),
    )


async def _deprecate(registry: Registry, visit: Visit, _org: OrgName) -> None:
    message, by = visit.form.text("message"), visit.principal
    await registry.deprecating.deprecate_package(_package(visit), message, by=by)


async def _undeprecate(registry: Registry, visit: Visit, _org: OrgName) -> None:
    await registry.deprecating.undeprecate_package(_package(visit), by=visit.principal)


async def _deprecate_version(registry: Registry, visit: Visit, _org: OrgName) -> None:
    message, by = visit.form.text("message"), visit.principal
    await registry.deprecating.deprecate(_coordinate(visit), message, by=by)


async def _undeprecate_version(registry: Registry, visit: Visit, _org: OrgName) -> None:
    await registry.deprecating.undeprecate(_coordinate(visit), by=visit.principal)


async def _set_visibility(registry: Registry, visit: Visit, _org: OrgName) -> None:
    package, wanted = _package(visit), _visibility(visit.form)
    # Whoever builds with it fails from then on: nobody does that by a slip.
    if wanted is Visibility.PRIVATE and visit.form.text("confirm").lower() != package.name.lower():
        message = f"To make {package} private, type its name, {package.name}, beside the button."
        raise InvalidRequest(message)
    await registry.visibility.change(package, wanted, by=visit.principal)


async def _set_pushers(registry: Registry, visit: Visit, _org: OrgName) -> None:
    wanted = _pushers(visit.form)
    await registry.trusted_publishers.restrict(_package(visit), wanted, by=visit.principal)


# What a form does, by its path.
DECISIONS: dict[str, Decide] = {
    "packages/{name}/deprecate": _deprecate,
    "packages/{name}/undeprecate": _undeprecate,
    "packages/{name}/visibility": _set_visibility,
    "packages/{name}/pushers": _set_pushers,
    "packages/{name}/versions/deprecate": _deprecate_version,
    "packages/{name}/versions/undeprecate": _undeprecate_version,
}


def _package(visit: Visit) -> Package:
    return Package.parse(visit.route["org"], visit.route["name"])


def _coordinate(visit: Visit) -> Coordinate:
    return Coordinate.parse(visit.route["org"], visit.route["name"], visit.form.text("version"))


def _visibility(form: Form) -> Visibility:
    otherwise = "A package is public or private. Choose one of the two."
    return form.choice("visibility", Visibility, otherwise)


def _pushers(form: Form) -> Pushers:
    otherwise = "Members push to a package, or trusted publishers alone. Choose one of the two."
    return form.choice("pushers", Pushers, otherwise)

"""/account/organizations/{org}/packages and …/held: its packages, one package, and held
releases.
"""

import azure.functions as func

from functions.account.organization.pages import (
    ORGANIZATION_ROUTE,
    FormAction,
    OrganizationPages,
    org_of,
    organization_frame,
)
from functions.account.organization.publishers import provider_form
from functions.http.pagination import Pager
from functions.http.requests import READ_METHODS, Form
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.api_docs.verdicts import ApiVerdict
from shared.domain.errors.base import InvalidRequest
from shared.domain.names import Coordinate, OrgName, Package, PackageName, parse_package_name
from shared.domain.packages import Pushers, Visibility
from shared.domain.secrets import redact_tokens
from shared.services.packages import MAX_MESSAGE_LENGTH, ManagedPackage

VERSIONS_PER_PAGE = 25  # Of a package's page: each has a form.


def blueprint(registry: Registry) -> func.Blueprint:
    bp, list_page = func.Blueprint(), SignedInPages(registry).page(account_organization_packages)
    bp.route(f"{ORGANIZATION_ROUTE}/packages", methods=READ_METHODS)(list_page)
    package_pages = OrganizationPages(registry, account_organization_package, "/packages/{name}")
    package_pages.add(bp, PACKAGE_ACTIONS)
    held_pages = OrganizationPages(registry, account_organization_held, "/held")
    held_pages.add(bp, HELD_RELEASE_ACTIONS)
    return bp


async def account_organization_packages(request: SignedInRequest) -> func.HttpResponse:
    frame, after = await organization_frame(request, "packages"), _cursor_of(request)
    found = await request.registry.organization_packages.page(
        org_of(request), after, by=request.principal
    )
    return frame.show(found=found, is_first=not after)


def _cursor_of(request: SignedInRequest) -> PackageName | str:
    """Return the name after which a list continues, or an empty text for its first page."""
    after = redact_tokens(request.query.get("after", ""))
    return parse_package_name(after) if after else ""


async def account_organization_package(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    frame, package = await organization_frame(request, "packages"), _package(request)
    found = await request.registry.organization_packages.package(package, by=request.principal)
    entries = found.survey.entries
    path = f"{frame.path}/packages/{found.head.name}"
    pager = Pager.of(len(entries), VERSIONS_PER_PAGE, path, request.query)
    return frame.show(
        problem,
        "package",
        found=found,
        verdict=await _latest_verdict(request, found),
        head=found.head,
        pager=pager,
        entries=pager.slice(entries),
        page=path,
        longest=MAX_MESSAGE_LENGTH,
        choice=provider_form(request, frame),
        empty=Form(),
    )


async def _latest_verdict(request: SignedInRequest, found: ManagedPackage) -> ApiVerdict | None:
    """Return what the latest version changed of the API, from one that is live still."""
    if found.latest is None:
        return None
    coordinate = found.head.package.at(found.latest.parsed)
    verdict = await request.registry.api_history.verdict(coordinate)
    live = (each.version for each in found.survey.live)
    return verdict if verdict and verdict.compared_with in live else None


async def _deprecate(request: SignedInRequest, _org: OrgName) -> None:
    message, by = request.form.text("message"), request.principal
    await request.registry.deprecation.deprecate_package(_package(request), message, by=by)


async def _undeprecate(request: SignedInRequest, _org: OrgName) -> None:
    await request.registry.deprecation.undeprecate_package(_package(request), by=request.principal)


async def _deprecate_version(request: SignedInRequest, _org: OrgName) -> None:
    message, by = request.form.text("message"), request.principal
    await request.registry.deprecation.deprecate(_coordinate(request), message, by=by)


async def _undeprecate_version(request: SignedInRequest, _org: OrgName) -> None:
    await request.registry.deprecation.undeprecate(_coordinate(request), by=request.principal)


async def _set_visibility(request: SignedInRequest, _org: OrgName) -> None:
    package, wanted = _package(request), _visibility(request.form)
    # Builds of others fail from then on, so it has to be confirmed.
    if (
        wanted is Visibility.PRIVATE
        and request.form.text("confirm").lower() != package.name.lower()
    ):
        message = f"To make {package} private, type its name, {package.name}, into the field."
        raise InvalidRequest(message)
    await request.registry.package_visibility.change(package, wanted, by=request.principal)


async def _set_pushers(request: SignedInRequest, _org: OrgName) -> None:
    wanted = _pushers(request.form)
    await request.registry.trusted_publishers.restrict_pushers(
        _package(request), wanted, by=request.principal
    )


def _package(request: SignedInRequest) -> Package:
    return Package.parse(request.route["org"], request.route["name"])


def _coordinate(request: SignedInRequest) -> Coordinate:
    return Coordinate.parse(
        request.route["org"], request.route["name"], request.form.text("version")
    )


def _visibility(form: Form) -> Visibility:
    otherwise = "Choose a visibility: public or private."
    return form.choice("visibility", Visibility, otherwise)


def _pushers(form: Form) -> Pushers:
    otherwise = "Choose who can publish: members, or trusted publishers only."
    return form.choice("pushers", Pushers, otherwise)


# The actions of forms, by their paths below the organization.
PACKAGE_ACTIONS: dict[str, FormAction] = {
    "packages/{name}/deprecate": _deprecate,
    "packages/{name}/undeprecate": _undeprecate,
    "packages/{name}/visibility": _set_visibility,
    "packages/{name}/pushers": _set_pushers,
    "packages/{name}/versions/deprecate": _deprecate_version,
    "packages/{name}/versions/undeprecate": _undeprecate_version,
}


async def account_organization_held(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    frame, after = await organization_frame(request, "held"), _cursor_of(request)
    review = await request.registry.held_releases.page(org_of(request), after, by=request.principal)
    return frame.show(problem, review=review, is_first=not after, me=request.account.id)


async def _confirm(request: SignedInRequest, org: OrgName) -> None:
    form = request.form
    coordinate = Coordinate.parse(org, form.text("name"), form.text("version"))
    await request.registry.held_releases.confirm(coordinate, by=request.principal)


async def _revoke(request: SignedInRequest, org: OrgName) -> None:
    """Revoke a token of the organization, or of the account itself."""
    token_id, by = request.form.text("token"), request.principal
    if request.form.text("whose") == "mine":
        await request.registry.tokens.revoke(by.id, token_id, by=by)
    else:
        await request.registry.organization_tokens.revoke(org, token_id, by=by)


# The actions of forms, by their paths below the organization.
HELD_RELEASE_ACTIONS: dict[str, FormAction] = {"held/confirm": _confirm, "held/revoke": _revoke}
